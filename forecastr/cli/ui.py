"""``forecastr ui``: the MLflow UI on the right store."""

from typing import Annotated

import typer

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, metavar="PORT", help="Port on this machine.")] = 5000,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address to listen on; 0.0.0.0 shows the runs to the network.")
    ] = "127.0.0.1",
    tracking_uri: Annotated[
        str | None,
        typer.Option(metavar="URI", help="MLflow store. Default: MLFLOW_TRACKING_URI, or sqlite:///mlflow.db."),
    ] = None,
) -> None:
    """Show the tracked runs in a browser, on this machine only."""
    import os

    from forecastr.tracking import UI_SETTINGS, runs_page, ui_command

    command = ui_command(tracking_uri, port, host=host)
    require_free_port(port, host)
    page = runs_page(tracking_uri)
    if host not in LOOPBACK:
        typer.echo(
            f"warning: whoever reaches {host} can read, change and delete these runs. docs/tracking.md shows a server "
            "that asks for a password.",
            err=True,
        )
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
    typer.echo(f"MLflow UI on http://{shown}:{port}/{page} (Ctrl-C ends it)", err=True)
    os.execve(command[0], command, {**UI_SETTINGS, **os.environ})


def require_free_port(port: int, host: str) -> None:
    """Raise a ConfigError if this machine has no such address, or another program listens on the port already."""
    import socket

    from forecastr.errors import ConfigError

    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror as error:
        raise ConfigError(f"'{host}' is no address of this machine ({error.strerror}). Choose with --host.") from error
    except OSError as error:
        raise ConfigError(
            f"Port {port} of {host} cannot be used ({error.strerror}). Choose others with --port and --host."
        ) from error
