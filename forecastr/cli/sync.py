"""``forecastr sync``: deliver the runs that waited for their tracking store."""

from pathlib import Path
from typing import Annotated

import typer


def sync(
    moved: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FOLDER", help="Run folders that have been moved since they were written."),
    ] = None,
    *,
    drop: Annotated[bool, typer.Option("--drop", help="Forget runs whose folder is gone.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")] = False,
) -> None:
    """Deliver the runs that wait for their tracking store."""
    from dataclasses import asdict

    from forecastr.files import to_json
    from forecastr.tracking.address import without_password
    from forecastr.tracking.sync import DELIVERED, DROPPED
    from forecastr.tracking.sync import sync as deliver

    outcomes = []
    for outcome in deliver(moved or [], drop=drop):
        outcomes.append(outcome)
        if not json:
            typer.echo(f"{outcome.state:9}  {outcome.entry.folder}  {outcome.text}")
    if json:
        documents = [asdict(outcome.entry) | {"state": outcome.state, "text": outcome.text} for outcome in outcomes]
        for document in documents:
            document["uri"] = without_password(document["uri"])
        typer.echo(to_json(documents, indent=2))
    elif not outcomes:
        typer.echo("Nothing waits.")
    if any(outcome.state not in (DELIVERED, DROPPED) for outcome in outcomes):
        raise typer.Exit(1)
