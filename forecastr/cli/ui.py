"""``forecastr ui``: the MLflow UI on the right store."""

from typing import Annotated

import typer


def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on this machine.")] = 5000,
    tracking_uri: Annotated[
        str | None, typer.Option(help="MLflow store. Default: MLFLOW_TRACKING_URI, or sqlite:///mlflow.db.")
    ] = None,
) -> None:
    """Show the tracked runs in a browser; only this machine can reach it."""
    import os

    from forecastr.tracking import UI_SETTINGS, ui_command

    command = ui_command(tracking_uri, port)
    typer.echo(f"MLflow UI on http://127.0.0.1:{port} (Ctrl-C ends it)", err=True)
    os.execve(command[0], command, {**UI_SETTINGS, **os.environ})
