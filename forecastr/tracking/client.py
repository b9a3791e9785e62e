"""Calls to MLflow that fail soon, in one sentence, and leave this process as it was."""

import logging
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from forecastr.errors import TrackingError
from forecastr.tracking.address import absolute_store, without_password
from forecastr.tracking.store import prepare_store

if TYPE_CHECKING:
    from mlflow import MlflowClient

# With MLflow's own settings a dead server holds one call for four minutes. Set by the user, these win.
_SETTINGS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
_CHATTY = ("mlflow", "alembic", "urllib3", "sqlalchemy")


@contextmanager
def open_store(uri: str) -> Iterator["MlflowClient"]:
    """Yield a client of the store at ``uri``; MLflow's errors inside the block become TrackingError.

    The address is given to the client alone: MLflow's active store, run and environment of this
    process are the same afterwards. A SQLite store that is not there is made.

    Parameters
    ----------
    uri : str
        As returned by `forecastr.tracking.resolve_store`.

    Raises
    ------
    TrackingError
        If the store cannot be reached, read or written.
    """
    with _settings(), hushed():
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        from mlflow import MlflowClient

        address = absolute_store(uri)
        try:
            prepare_store(uri)  # first: a client opens the store, and several that make a new one at once break it
            yield MlflowClient(tracking_uri=address, registry_uri=address)
        except (MlflowException, SQLAlchemyError, OSError) as error:
            text = f"The tracking store {uri} cannot be used: {_first_line(error)}. "
            raise TrackingError(without_password(f"{text}Check --tracking-uri or MLFLOW_TRACKING_URI.")) from error


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    if "Max retries exceeded" in text:  # then pages about sockets
        failed = re.search(r"too many (\d+) error responses", text)
        return f"the server answers with an error ({failed[1]})" if failed else "no server answers there"
    return text.splitlines()[0].rstrip(".")


@contextmanager
def hushed() -> Iterator[None]:
    """Keep MLflow and the libraries under it from logging and warning inside the block."""
    import mlflow  # noqa: F401  importing it sets the levels that are lowered here

    loggers = [logging.getLogger(name) for name in _CHATTY]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL + 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def _settings() -> Iterator[None]:
    missing = {name: value for name, value in _SETTINGS.items() if name not in os.environ}
    os.environ.update(missing)
    try:
        yield
    finally:
        for name in missing:
            os.environ.pop(name, None)
