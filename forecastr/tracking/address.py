"""The address of the store: what the user asked for, and what it says about files on this machine."""

import os
import re
from pathlib import Path

DEFAULT_STORE = "sqlite:///mlflow.db"
SQLITE = "sqlite:///"


def resolve_store(tracking_uri: str | None = None) -> str:
    """Return the address of the store: the option, else MLFLOW_TRACKING_URI, else ``mlflow.db`` here.

    Parameters
    ----------
    tracking_uri : str or None
        What the user asked for, if anything.

    Returns
    -------
    str
        A tracking URI. The default is the one a bare ``mlflow ui`` in the same directory shows.

    Examples
    --------
    >>> resolve_store("http://127.0.0.1:5000")
    'http://127.0.0.1:5000'
    """
    return tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_STORE


def sqlite_path(uri: str) -> Path | None:
    """Return the absolute path of a SQLite store's file, None for any other store.

    Examples
    --------
    >>> sqlite_path("sqlite:////srv/mlflow.db")
    PosixPath('/srv/mlflow.db')
    >>> sqlite_path("http://127.0.0.1:5000") is None
    True
    """
    if not uri.startswith(SQLITE):
        return None
    name = uri.removeprefix(SQLITE).partition("?")[0]
    return Path(name).absolute() if name not in ("", ":memory:") else None


def absolute_store(uri: str) -> str:
    """Return ``uri`` independent of the working directory: MLflow keeps open stores by their address."""
    path = sqlite_path(uri)
    if path is None:
        return uri
    _, mark, options = uri.partition("?")
    return f"{SQLITE}{path}{mark}{options}"


def artifact_root(uri: str) -> Path | None:
    """Return the folder beside a SQLite store for its artifacts; None where a server decides.

    MLflow's own default is a folder in the working directory, wherever the database is.
    """
    path = sqlite_path(uri)
    return path.parent / "mlruns" if path else None


def without_password(text: str) -> str:
    """Return ``text`` with the credentials of every address in it hidden.

    Examples
    --------
    >>> without_password("postgresql://ann:secret@db/runs")
    'postgresql://***@db/runs'
    """
    return re.sub(r"://\S+@", "://***@", text)  # up to the last @: a password may hold one, and a slash
