"""``forecastr init``: a commented pipeline file for a table."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forecastr.cli.reading import reads_tables

if TYPE_CHECKING:
    from forecastr.data import ReadOptions


@reads_tables
def init(
    table: Annotated[Path, typer.Argument(metavar="TABLE", help="CSV (also compressed) or Parquet file.")],
    *,
    reading: "ReadOptions",
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Pipeline file to write: pipelines/NAME.yaml.")
    ],
) -> None:
    """Write a commented pipeline file for a table."""
    from forecastr.pipeline.template import write_template

    found = write_template(table, output, reading).document
    data, task = found["data"], found["task"]
    typer.echo(
        f"pipeline  {output}  ({data['target']} by {data['time']}, {task['frequency']}, horizon {task['horizon']})"
    )
    typer.echo(f"try it    forecastr run --check {output}")
