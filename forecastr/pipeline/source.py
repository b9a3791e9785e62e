"""The rows of a night: from files, Yahoo or a database, up to the night's date, and by group."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from forecastr.data import Panel, read_panel
from forecastr.data.files.table import TableSource
from forecastr.errors import ConfigError, DataError, ServiceError, quoted
from forecastr.pipeline.check import glob_files
from forecastr.pipeline.database import open_database, translated
from forecastr.pipeline.load import Pipeline
from forecastr.pipeline.spec import ReadingSpec
from forecastr.schema import ID, TARGET, TIME

OPTION = re.compile(r"--([a-z][a-z-]*)")  # of the command line, where a pipeline file has a key


def read_rows(pipeline: Pipeline, as_of: str, *, say: Callable[[str], None] = lambda text: None) -> Panel:
    """Return the rows of a pipeline's source up to a date.

    Raises
    ------
    DataError
        If the table cannot be read; options are named as in the file.
    ConfigError, ServiceError
        If its source is not there, or does not answer.
    """
    try:
        table, options = _table(pipeline, as_of, say), pipeline.spec.reading.options(as_of)
        return read_panel(table, options, group_by=pipeline.spec.group_by)
    except DataError as error:
        raise DataError(OPTION.sub(_key_of, str(error))) from error


def blame(pipeline: Pipeline, error: DataError) -> str:
    """Return an error of reading with the line that it speaks of: a key under 'reading', or the source."""
    key = next((key for key in pipeline.spec.reading.model_fields_set if f"reading.{key}" in str(error)), None)
    return f"{pipeline.at('reading', key) if key else pipeline.at('source')}: {error}"


def _key_of(option: re.Match[str]) -> str:
    name = option[1].replace("-", "_")
    return f"reading.{name}" if name in ReadingSpec.model_fields else option[0]


def _table(pipeline: Pipeline, as_of: str, say: Callable[[str], None]) -> TableSource:
    source = pipeline.spec.source
    if source.files is not None:
        return [pipeline.file(name) for name in source.files]
    if source.glob is not None:
        return list[str | Path](glob_files(pipeline))
    if source.folder is not None:
        return pipeline.file(source.folder)
    return _prices(pipeline, say) if source.tickers is not None else _query(pipeline, as_of)


def _prices(pipeline: Pipeline, say: Callable[[str], None]) -> pd.DataFrame:
    """Return what Yahoo has; an error names the line of the first ticker that has nothing."""
    from forecastr.data.yahoo import Order, cache_folder, fetch_prices

    source = pipeline.spec.source
    tickers = source.tickers or []
    order = Order(
        tickers=tuple(tickers), today=datetime.now(UTC).date(), start=source.start, interval=source.interval or "1d"
    )
    try:
        return fetch_prices(order, cache=cache_folder(), say=say)
    except ServiceError as error:
        number = next((n for n, ticker in enumerate(tickers) if f"{ticker.upper()}:" in str(error)), 0)
        raise ServiceError(f"{pipeline.at('source', 'tickers', number)}: {error}") from error


def _query(pipeline: Pipeline, as_of: str) -> pd.DataFrame:
    """Return what the database answers, ``:as_of`` in the query being the night's date."""
    from sqlalchemy import text

    query = str(pipeline.spec.source.sql)
    given = {"as_of": as_of} if ":as_of" in query else {}
    engine = open_database(pipeline, str(pipeline.spec.source.url), "source", "url")
    try:
        with translated(pipeline, "source", "sql"), engine.connect() as connection:
            return pd.read_sql_query(text(query), connection, params=given)
    finally:
        engine.dispose()


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
