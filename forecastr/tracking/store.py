"""The store itself: its creation on this machine, and the command that shows it."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from forecastr.errors import ConfigError, ForecastrError, TrackingError
from forecastr.files import cache_folder, whole_file
from forecastr.tracking.address import (
    SQLITE,
    absolute_store,
    artifact_root,
    resolve_store,
    sqlite_path,
    without_password,
)

# MLflow's job runner, for language models, costs eight processes and over a gigabyte.
UI_SETTINGS = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
LOOPBACK = "127.0.0.1"
_CREATE = """
import sys
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
SqlAlchemyStore(*sys.argv[1:])
"""


def prepare_store(uri: str) -> None:
    """Create the SQLite store at ``uri`` if it is not there yet; other stores are left to their server.

    Safe to call early, from a background thread and from several processes at once: one of them
    creates the store, the others wait for it. The store appears whole or not at all, so a process
    killed half-way leaves nothing that a later one would stumble over.

    Parameters
    ----------
    uri : str
        As returned by `resolve_store`.

    Raises
    ------
    TrackingError
        If the store cannot be created there.
    """
    path = sqlite_path(uri)
    if path is None or _is_written(path):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path):
        if not _is_written(path):
            _create_store(path)


def load_mlflow() -> None:
    """Load the parts of MLflow that tracking needs: two seconds that may pass while a search trains."""
    import_module("mlflow")
    import_module("mlflow.store.tracking.sqlalchemy_store")


def ui_command(tracking_uri: str | None, port: int, *, host: str = LOOPBACK) -> list[str]:
    """Return the command that shows a store's runs on ``port``: to this machine alone, unless ``host`` says more.

    Start it with ``UI_SETTINGS`` in the environment, unless the user has set them.

    Raises
    ------
    ConfigError
        If the store is a server already: its address opens in a browser as it is.

    Examples
    --------
    >>> ui_command("sqlite:////srv/mlflow.db", 5000)[1:]  # doctest: +NORMALIZE_WHITESPACE
    ['-m', 'mlflow', 'ui', '--backend-store-uri', 'sqlite:////srv/mlflow.db',
     '--host', '127.0.0.1', '--port', '5000', '--workers', '1']
    """
    uri = resolve_store(tracking_uri)
    if uri.startswith(("http://", "https://")):
        raise ConfigError(f"The runs are on a server already. Open {without_password(uri)} in a browser.")
    store = ["--backend-store-uri", absolute_store(uri)]
    # One worker answers one person, and starts in a quarter of the memory of MLflow's four.
    return [
        *(sys.executable, "-m", "mlflow", "ui"),
        *store,
        *("--host", host, "--port", str(port), "--workers", "1"),
    ]


def _is_written(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def _create_store(path: Path) -> None:
    """Put a copy of an empty store there: MLflow takes seconds to make one, so this machine makes it once."""
    template = cache_folder() / f"mlflow-{version('mlflow')}.db"
    try:
        if not _is_written(template):
            template.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(template) as temporary:  # a migration that was killed cannot be resumed
                _migrate(temporary)
        with whole_file(path) as temporary:
            shutil.copyfile(template, temporary)
            with closing(sqlite3.connect(temporary)) as database, database:
                root = artifact_root(f"{SQLITE}{path}")
                database.execute("UPDATE experiments SET artifact_location = ? || '/' || experiment_id", [str(root)])
    except (OSError, sqlite3.Error, ForecastrError) as error:
        raise TrackingError(f"The tracking store {path} could not be created: {error}") from error


def _migrate(path: Path) -> None:
    """Make an empty file a store, in a process of its own: MLflow's log levels stay out of ours."""
    command = [sys.executable, "-P", "-W", "ignore", "-c", _CREATE, f"{SQLITE}{path}", str(path.parent)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError((done.stderr.strip() or f"exit status {done.returncode}").splitlines()[-1])


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock file beside ``path``; it stays behind, for removing it would let two in."""
    import fcntl

    with path.with_name(f"{path.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
