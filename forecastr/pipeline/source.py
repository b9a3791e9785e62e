"""The rows of a night: from files, Yahoo or a database, up to the night's date, and by group."""

import os
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from forecastr.data import Panel, read_panel
from forecastr.data.files.table import TableSource
from forecastr.errors import ConfigError, ServiceError, quoted
from forecastr.pipeline.load import Pipeline, glob_files, require_source
from forecastr.schema import ID, TARGET, TIME

if TYPE_CHECKING:
    from sqlalchemy import Engine

PASSWORD = re.compile(r"://[^@/\s]+@")


def read_rows(pipeline: Pipeline, as_of: str, *, say: Callable[[str], None] = lambda text: None) -> Panel:
    """Return the rows of a pipeline's source up to a date.

    Raises
    ------
    DataError
        If the table cannot be read.
    ConfigError, ServiceError
        If its source is not there, or does not answer.
    """
    return read_panel(_table(pipeline, as_of, say), pipeline.spec.reading.options(as_of))


def _table(pipeline: Pipeline, as_of: str, say: Callable[[str], None]) -> TableSource:
    source = pipeline.spec.source
    require_source(pipeline)
    if source.files is not None:
        return [pipeline.file(name) for name in source.files]
    if source.glob is not None:
        return list[str | Path](glob_files(pipeline))
    if source.folder is not None:
        return pipeline.file(source.folder)
    if source.tickers is not None:
        from forecastr.data.yahoo import Order, cache_folder, fetch_prices

        order = Order(
            tickers=tuple(source.tickers), today=datetime.now(UTC).date(), start=source.start,
            interval=source.interval or "1d",
        )  # fmt: skip
        return fetch_prices(order, cache=cache_folder(), say=say)
    return _query(pipeline, as_of)


def _query(pipeline: Pipeline, as_of: str) -> pd.DataFrame:
    """Return what the database answers, ``:as_of`` in the query being the night's date."""
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    query = str(pipeline.spec.source.sql)
    engine = open_database(pipeline, str(pipeline.spec.source.url), ("source", "url"))
    given = {"as_of": as_of} if ":as_of" in query else {}
    try:
        with engine.connect() as connection:
            return pd.read_sql_query(text(query), connection, params=given)
    except SQLAlchemyError as error:
        raise ServiceError(f"{pipeline.at('source', 'sql')}: {without_password(error)}") from error
    finally:
        engine.dispose()


def open_database(pipeline: Pipeline, url: str, loc: tuple[str, ...]) -> "Engine":
    """Return a database's engine; ``${NAME}`` in its address stands for an environment variable.

    A SQLite file is relative to the pipeline file.

    Raises
    ------
    ConfigError
        If a variable is not set, or the address or its driver is not known.
    """
    from sqlalchemy import create_engine
    from sqlalchemy.exc import SQLAlchemyError

    def value(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise ConfigError(f"{pipeline.at(*loc)}: the environment variable {match[1]} is not set.")
        return os.environ[match[1]]

    address = re.sub(r"\$\{(\w+)\}", value, url)
    if address.startswith("sqlite:///"):
        address = f"sqlite:///{pipeline.file(address.removeprefix('sqlite:///'))}"
    try:
        return create_engine(address)
    except (SQLAlchemyError, ImportError) as error:
        raise ConfigError(f"{pipeline.at(*loc)}: {without_password(error)}. Is its driver installed?") from error


def without_password(error: Exception) -> str:
    """Return the first line of a database's error, credentials hidden."""
    return PASSWORD.sub("://***@", str(error).splitlines()[0])


def split_groups(panel: Panel, pipeline: Pipeline) -> dict[str, Panel]:
    """Return the series of each group: by their ids, by a part of them, or by a column that is static.

    Raises
    ------
    ConfigError
        If ``group_by`` is none of these.
    """
    column = str(pipeline.spec.group_by)
    ids = panel.frame[ID].take(panel.starts[:-1]).tolist()
    parts = (panel.source.id or "").split(",")
    if panel.static is not None and column in panel.static:
        groups = panel.static[column].reindex(ids).astype("object").fillna("(none)").astype(str).tolist()
    elif column == panel.source.id:
        groups = ids
    elif column in parts and all(name.count("/") == len(parts) - 1 for name in ids):
        groups = [name.split("/")[parts.index(column)] for name in ids]
    else:
        known = [name for name in (*parts, *(panel.static.columns if panel.static is not None else ())) if name]
        raise ConfigError(
            f"{pipeline.at('group_by')}: {quoted(column)} tells no groups apart; a column of names, the same in every "
            f"row of a series, does ({', '.join(map(str, known)) or 'there is none'})."
        )
    named = pd.Series(groups, index=ids)
    return {str(group): take_series(panel, set(rows.index)) for group, rows in named.groupby(named)}


def take_series(panel: Panel, ids: set[str]) -> Panel:
    """Return a panel of some series only."""
    left_out = panel.exceptions[panel.exceptions[ID].isin(ids)].reset_index(drop=True)
    return replace(
        panel,
        frame=panel.frame[panel.frame[ID].isin(ids)].reset_index(drop=True),
        future=None if panel.future is None else panel.future[panel.future[ID].isin(ids)].reset_index(drop=True),
        static=None if panel.static is None else panel.static[panel.static.index.isin(ids)],
        exceptions=left_out,
        report={**panel.report, "series": len(ids), "left_out": len(left_out)},
    )


def cut_panel(panel: Panel, last: pd.Timestamp | int) -> Panel:
    """Return a panel without the rows after a stamp; what is known of the future stays known."""
    frame = panel.frame
    before = frame[TIME] <= last
    future, known = panel.future, list(panel.covariates.known)
    if known:
        after = frame.loc[~before, [ID, TIME, *known]]
        future = after if future is None else pd.concat([after, future]).sort_values([ID, TIME])
        future = future.reset_index(drop=True)
    kept = frame[before]
    valued = kept.loc[kept[TARGET].notna(), ID].unique()
    kept = kept[kept[ID].isin(valued)].reset_index(drop=True)
    static = None if panel.static is None else panel.static.reindex(kept[ID].unique())
    if future is not None:
        future = future[future[ID].isin(valued)].reset_index(drop=True)
    return replace(panel, frame=kept, future=future, static=static)
