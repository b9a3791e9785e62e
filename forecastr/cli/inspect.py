"""``forecastr inspect``: what would be read, repaired and planned; nothing is trained or written."""

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forecastr.cli.reading import TABLES, reads_tables, tables
from forecastr.schema import PRESETS

if TYPE_CHECKING:
    from forecastr.data import ReadOptions
    from forecastr.fitting.inspection import Inspection


@reads_tables
def inspect(
    data: Annotated[list[Path], typer.Argument(metavar="DATA", help=TABLES)],
    *,
    reading: "ReadOptions",
    horizon: Annotated[int | None, typer.Option(min=1, metavar="N", help="Steps to forecast, as of fit.")] = None,
    context: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Past steps a network reads, as of fit.")
    ] = None,
    season: Annotated[int | None, typer.Option(min=1, metavar="N", help="Steps in one season, as of fit.")] = None,
    preset: Annotated[str, typer.Option(metavar="|".join(PRESETS), help="As of fit.")] = "auto",
    time_limit: Annotated[str, typer.Option(metavar="TIME", help="Of a fit: 90, 90s, 2m, 1h.")] = "2m",
    max_trials: Annotated[int | None, typer.Option(min=1, metavar="N", help="Of a fit, at most.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, metavar="N", help="Worker processes of a fit.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")] = False,
) -> None:
    """Show how a table is read, and what a fit of it would do."""
    from forecastr.fitting.inspection import inspect_table
    from forecastr.schema import Budget, parse_seconds

    budget = Budget(time_limit=parse_seconds(time_limit), max_trials=max_trials, jobs=jobs)
    found = inspect_table(
        tables(data), reading, budget=budget, horizon=horizon, context=context, season=season, preset=preset
    )
    show(found, json=json, picture=True)


def show(found: "Inspection", *, json: bool, picture: bool) -> None:
    """Print an inspection; then raise what stands against a plan, if anything does."""
    from forecastr.files import to_json
    from forecastr.report.inspection import inspection_text
    from forecastr.report.sketch import sketch_series

    if json:
        typer.echo(to_json(found.document, indent=2))
    else:
        width = min(shutil.get_terminal_size().columns, 120)
        text = inspection_text(found.document, width=width)
        if picture and (shown := found.shown):
            lines = sketch_series(
                shown["values"], title=shown["name"], parts=shown["parts"], edges=shown["edges"], width=width,
                ascii_only=not knows_braille(),
            )  # fmt: skip
            text = "\n".join([text, "", *lines])
        encoding = sys.stdout.encoding or "ascii"
        typer.echo(text.encode(encoding, "replace").decode(encoding))
    sys.stdout.flush()
    if found.error:
        raise found.error


def knows_braille() -> bool:
    """Say whether standard output can take the dots that a picture is made of."""
    try:
        "⣿│└".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return os.environ.get("TERM") not in ("linux", "dumb")  # whose fonts have none
