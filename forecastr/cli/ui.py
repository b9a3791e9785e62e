"""``forecastr ui``: the MLflow UI on the right store."""

from typing import Annotated

import typer


def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, metavar="PORT", help="Port on this machine.")] = 5000,
    tracking_uri: Annotated[
        str | None,
        typer.Option(metavar="URI", help="MLflow store. Default: MLFLOW_TRACKING_URI, or sqlite:///mlflow.db."),
    ] = None,
) -> None:
    """Show the tracked runs in a browser, on this machine only."""
    import os

    from forecastr.tracking import UI_SETTINGS, runs_page, ui_command

    command = ui_command(tracking_uri, port)
    require_free_port(port)
    page = runs_page(tracking_uri)
    typer.echo(f"MLflow UI on http://127.0.0.1:{port}/{page} (Ctrl-C ends it)", err=True)
    os.execve(command[0], command, {**UI_SETTINGS, **os.environ})


def require_free_port(port: int) -> None:
    """Raise a ConfigError if another program listens on this port already."""
    import socket

    from forecastr.errors import ConfigError

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ConfigError(f"Port {port} cannot be used ({error.strerror}). Choose another with --port.") from error
