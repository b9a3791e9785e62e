"""``forecastr run``: one night of a pipeline file, or only a look at the file."""

from pathlib import Path
from typing import Annotated

import typer


def run(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Pipeline file; several with --check.")],
    check: Annotated[bool, typer.Option("--check", help="Only say whether the files are sound.")] = False,
) -> None:
    """Run a pipeline file: one night, the same whenever it is run again."""
    from forecastr.pipeline.load import check_pipelines

    for pipeline in check_pipelines(files):
        typer.echo(f"sound  {pipeline.path}")
