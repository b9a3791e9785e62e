"""Databases by their addresses: opened, and never shown with their passwords."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from forecastr.errors import ConfigError, ServiceError
from forecastr.pipeline.load import Pipeline
from forecastr.tracking.address import SQLITE, sqlite_path, without_password

if TYPE_CHECKING:
    from sqlalchemy import Engine

VARIABLE = re.compile(r"\$\{(\w+)\}")


def full_address(pipeline: Pipeline, url: str, *loc: str) -> str:
    """Return a database's address: ``${NAME}`` is an environment variable, a SQLite file relative to the pipeline's.

    Raises
    ------
    ConfigError
        If a variable is not set.
    """

    def value(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise ConfigError(f"{pipeline.at(*loc)}: the environment variable {match[1]} is not set.")
        return os.environ[match[1]]

    address = VARIABLE.sub(value, url)
    if address.startswith(SQLITE):
        return f"{SQLITE}{pipeline.file(address.removeprefix(SQLITE))}"
    return address


def open_database(pipeline: Pipeline, url: str, *loc: str) -> "Engine":
    """Return a database's engine; nothing is connected yet.

    Raises
    ------
    ConfigError
        If a variable is not set, or the address or its driver is not known.
    """
    from sqlalchemy import create_engine
    from sqlalchemy.exc import SQLAlchemyError

    address = full_address(pipeline, url, *loc)
    try:
        return create_engine(address)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{pipeline.at(*loc)}: the driver '{error.name}' of this database is not installed. Install it, or name "
            "another one, as in postgresql+psycopg2://."
        ) from error
    except (SQLAlchemyError, ImportError, ValueError) as error:
        raise ConfigError(f"{pipeline.at(*loc)}: this is no address of a database: {_first_line(error)}.") from error


def sqlite_file(pipeline: Pipeline, url: str, *loc: str) -> Path | None:
    """Return the file of a SQLite database, None for any other."""
    return sqlite_path(full_address(pipeline, url, *loc))


def require_answer(pipeline: Pipeline, url: str, *loc: str) -> None:
    """Raise a ServiceError if a database cannot be connected to."""
    engine = open_database(pipeline, url, *loc)
    try:
        with translated(pipeline, *loc), engine.connect():
            pass
    finally:
        engine.dispose()


@contextmanager
def translated(pipeline: Pipeline, *loc: str, advice: str = "") -> Iterator[None]:
    """Raise what a database complains of as a ServiceError with the line that names it."""
    from pandas.errors import DatabaseError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (SQLAlchemyError, DatabaseError) as error:
        told = error.__cause__ if isinstance(error, DatabaseError) else error  # pandas wraps it in the whole query
        raise ServiceError(f"{pipeline.at(*loc)}: {_first_line(told or error)}.{advice}") from error


def _first_line(error: BaseException) -> str:
    return without_password(str(error).splitlines()[0]).rstrip(".")
