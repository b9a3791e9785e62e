"""From any table a user has to one checked panel."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from forecastr.data.calendar import find_calendar
from forecastr.data.columns import Columns, choose_columns, id_candidates
from forecastr.data.describe import describe_gap, describe_table
from forecastr.data.options import ReadOptions
from forecastr.data.panel import Panel
from forecastr.data.repairs import Rows, repair_rows
from forecastr.data.source import Source
from forecastr.data.stamps import Stamps, read_stamps
from forecastr.data.table import Table, open_table
from forecastr.data.values import Numbers, parse_numbers
from forecastr.errors import DataError
from forecastr.schema import ID, TARGET, TIME


def read_panel(
    source: str | Path | pd.DataFrame,
    options: ReadOptions | None = None,
    *,
    like: Source | None = None,
) -> Panel:
    """Return the panel in a CSV or Parquet file, or in a DataFrame.

    Parameters
    ----------
    source : str, Path or DataFrame
        A file (also compressed), or a table; its DatetimeIndex counts as the time column.
    options : ReadOptions or None
        What the table's content does not say.
    like : Source or None
        How an earlier table was read: this one then has the same columns, dates and calendar.

    Returns
    -------
    Panel
        A file without an id column gives one series, named as its target.

    Raises
    ------
    DataError
        If the table cannot be read in one way only; the sentence says where and what to do.

    Examples
    --------
    >>> days = pd.date_range("2024-01-01", periods=3)
    >>> read_panel(pd.DataFrame({"date": days, "price": [1.0, 2.0, 4.0]})).frame
      unique_id         ds    y
    0     price 2024-01-01  1.0
    1     price 2024-01-02  2.0
    2     price 2024-01-03  4.0
    """
    options = options or ReadOptions()
    target = options.target[0] if options.target else None
    table = open_table(source)
    columns = choose_columns(table, target=target, time=options.time, id=options.id, like=like)
    texts = [columns.time.name, *([columns.id.name] if columns.id else [])]
    loaded = table.load(texts, [columns.target.name])
    columns, codes, ids = _read_ids(loaded, table, columns)
    if columns.id is None:
        ids = np.array([like.target if like and target is None else columns.target.name], dtype=object)
    numbers = parse_numbers(loaded[columns.target.name], separator=table.dialect.get("separator"), where=table.where)
    stamps = read_stamps(
        loaded[columns.time.name],
        codes if columns.id else None,
        where=table.where,
        like=like.date_format if like else None,
    )
    rows = Rows(codes, stamps.stamps, numbers.numbers, np.arange(len(codes)), ids)
    rows, repairs = repair_rows(
        rows, stamps.missing, line=table.line, where=table.where, advice=_id_advice(table, columns)
    )
    frame = _frame(rows)
    described = _source(table, columns, frame, stamps, like)
    assert described.calendar is not None  # _source has just learned it
    report = describe_table(table, columns, numbers, frame, described)
    report["repairs"] = [*_written(table, numbers), *repairs]
    report["warnings"] = [*_notes(table, stamps), *describe_gap(frame, described)]
    return Panel(frame=frame, calendar=described.calendar, source=described, report=report)


def _read_ids(loaded: pd.DataFrame, table: Table, columns: Columns) -> tuple[Columns, np.ndarray, np.ndarray]:
    """Return the columns, the series of each row [B] in order of appearance, and the ids [N]."""
    alone = np.zeros(len(loaded), dtype=np.int64), np.array([], dtype=object)
    if columns.id is None:
        return columns, *alone
    column = loaded[columns.id.name]
    if not isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object).where(column.notna(), "").astype("str").astype("category")
    places, first = pd.factorize(column.cat.codes.to_numpy())
    ids = column.cat.categories.astype("str").to_numpy(dtype=object)[first]
    if not columns.id_asked and len(ids) == len(loaded) > 1 and not loaded[columns.time.name].duplicated().any():
        # Every row has its own "id" and its own stamp: that numbers the rows of one series.
        return replace(columns, id=None), *alone
    blank = np.array([not name.strip() for name in ids], dtype=bool)
    if blank.any():
        row = int((places == blank.argmax()).argmax())
        raise DataError(
            f"{table.where(row)}: '{columns.id.name}' is empty ({int(blank[places].sum()):,} of {len(loaded):,} "
            "rows are), so nothing says which series the row belongs to. Fill it, or remove the line."
        )
    return columns, places.astype(np.int64), ids


def _id_advice(table: Table, columns: Columns) -> str:
    """Return what to do about two values at one stamp."""
    candidates = id_candidates(table, [columns.time.name, columns.target.name])
    if columns.id is not None or not candidates:
        return "Keep one line for each time."
    listed = ", ".join(f"'{name}'" for name in candidates[:5])
    return f"If the file holds several series, name the column that tells them apart with --id: {listed}."


def _frame(rows: Rows) -> pd.DataFrame:
    ids = pd.array(rows.ids, dtype="str").take(rows.series)
    return pd.DataFrame({ID: ids, TIME: rows.stamps, TARGET: rows.y})


def _source(table: Table, columns: Columns, frame: pd.DataFrame, stamps: Stamps, like: Source | None) -> Source:
    """Return how the table was read; a table in our own names keeps the names of the one it continues."""
    source = Source(
        target=like.target if like else columns.target.name,
        time=like.time if like else columns.time.name,
        id=like.id if like else columns.id.name if columns.id else None,
        date_format=stamps.date_format,
        name=table.name,
    )
    return replace(source, calendar=(like.calendar if like else None) or find_calendar(frame))


def _written(table: Table, numbers: Numbers) -> list[dict[str, object]]:
    if numbers.first_grouped is None:
        return []
    line = table.line(numbers.first_grouped) if table.line else None
    return [{"what": "thousands marks taken out of numbers", "count": numbers.n_grouped, "first_line": line}]


def _notes(table: Table, stamps: Stamps) -> list[str]:
    notes = [stamps.note] if stamps.note else []
    if table.dialect.get("encoding") == "cp1252":
        notes.append("the file is not UTF-8; it was read as Windows-1252 (cp1252)")
    return notes
