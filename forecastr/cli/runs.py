"""``forecastr runs``: the tracked fits as a table."""

from typing import Annotated

import typer


def runs(
    experiment: Annotated[str | None, typer.Option(metavar="NAME", help="Only the runs of this experiment.")] = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="Rows at most.")] = 20,
    tracking_uri: Annotated[
        str | None,
        typer.Option(metavar="URI", help="MLflow store. Default: MLFLOW_TRACKING_URI, or sqlite:///mlflow.db."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")] = False,
) -> None:
    """List the latest fits, newest first."""
    from forecastr.files import to_json
    from forecastr.report.terminal import runs_text
    from forecastr.tracking import list_runs

    table = list_runs(tracking_uri, experiment, limit=limit)
    typer.echo(to_json(table.to_dict("records"), indent=2) if json else runs_text(table))
