"""Tables that know their types: Parquet, Feather and DataFrames."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

from forecastr.data.files.bounds import bounded, require_short_texts
from forecastr.data.files.rectangle import HEAD, Table, require_distinct, require_room
from forecastr.data.files.unpack import Content
from forecastr.errors import DataError
from forecastr.schema import TIME

# Whatever a flipped byte may cause in there, in Arrow's words and in Python's.
BROKEN = (pa.ArrowException, OSError, ValueError, LookupError, TypeError, ArithmeticError, RuntimeError, MemoryError)


def from_parquet(content: Content, name: str) -> Table:
    """Return the table in a Parquet file."""
    from pyarrow import parquet

    try:
        with bounded(content.label, content.size):
            file = parquet.ParquetFile(content.path or pa.BufferReader(content.data))
            first = next(file.iter_batches(batch_size=HEAD), None)
            names = file.schema_arrow.names
    except DataError:
        raise
    except BROKEN as error:
        raise DataError(f"{content.label}: this Parquet file cannot be read: {error}. Copy it again.") from error

    def read(columns: list[str]) -> Any:
        require_room(content.label, file.metadata.num_rows, len(columns))
        return file.read(columns=columns)

    head = pa.Table.from_batches([first]) if first is not None else None
    return _from_arrow(content, name, names, head, read)


def from_feather(content: Content, name: str) -> Table:
    """Return the table in a Feather file, also called Arrow IPC."""
    from pyarrow import feather

    def read(columns: list[str] | None) -> Any:
        return feather.read_table(content.path or pa.BufferReader(content.data), columns=columns, memory_map=False)

    try:
        with bounded(content.label, content.size):
            whole = read(None)
        names = whole.schema.names
    except DataError:
        raise
    except BROKEN as error:
        raise DataError(f"{content.label}: this Feather file cannot be read: {error}. Copy it again.") from error
    return _from_arrow(content, name, names, whole.slice(0, HEAD), read)


def from_frame(frame: pd.DataFrame) -> Table:
    """Return a DataFrame as a table; an index of dates becomes its time column."""
    if isinstance(frame.columns, pd.MultiIndex):
        raise DataError("the table has several levels of column names; keep one, such as frame[ticker].")
    if isinstance(frame.index, (pd.DatetimeIndex, pd.PeriodIndex)):
        frame = frame.reset_index(names=frame.index.name or TIME)
    elif isinstance(frame.index, pd.MultiIndex):
        frame = frame.reset_index()
    columns = tuple(str(column) for column in frame.columns)
    require_distinct(columns, "the table")
    if frame.empty:
        raise DataError("the table has no rows. It needs one per time step.")
    renamed = frame.set_axis(list(columns), axis=1)

    def load(texts: Sequence[str], numbers: Sequence[str]) -> pd.DataFrame:
        return _tidy(renamed[[*texts, *numbers]].reset_index(drop=True))

    return Table("the table", "table", columns, _tidy(renamed.head(HEAD).reset_index(drop=True)), load)


def _from_arrow(content: Content, name: str, names: Sequence[str], head: Any, read: Any) -> Table:
    columns = tuple(names)
    require_distinct(columns, content.label)
    if head is None or not head.num_rows:
        raise DataError(f"{content.label} has no rows. It needs one per time step.")

    def load(texts: Sequence[str], numbers: Sequence[str]) -> pd.DataFrame:
        frame = _to_pandas(content, lambda: _with_categories(read(list(dict.fromkeys([*texts, *numbers])))))
        content.require_unchanged()
        return frame

    first = _to_pandas(content, lambda: head)
    return Table(content.label, name, columns, first, load, {"compression": content.compression})


def _with_categories(data: pa.Table) -> pa.Table:
    """Return Arrow's table with each of its texts held once."""
    data.validate(full=True)
    for place, column in enumerate(data.columns):
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            data = data.set_column(place, data.column_names[place], column.dictionary_encode())
    return data


def _to_pandas(content: Content, read: Callable[[], pa.Table]) -> pd.DataFrame:
    try:
        with bounded(content.label, content.size):
            # Without pandas' own metadata, an index comes back as the column it is; damaged, it would be an error.
            data = read().replace_schema_metadata(None)
            data.validate(full=True)  # a damaged file may point outside of itself, which ends the process
            require_short_texts(content.label, content.size, data)
            return _tidy(data.to_pandas(ignore_metadata=True, split_blocks=True))
    except DataError:
        raise
    except BROKEN as error:
        raise DataError(f"{content.label} is damaged and cannot be read: {error}. Copy it again.") from error


def _tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """Turn objects that are dates, and periods, into timestamps."""
    dates: dict[str, pd.Series] = {}
    for name in frame.columns:
        column = frame[name]
        if isinstance(column.dtype, pd.PeriodDtype):
            dates[name] = column.dt.to_timestamp()
        elif isinstance(column.dtype, pd.ArrowDtype) and column.dtype.kind in "MO":
            dates[name] = pd.to_datetime(column.astype(object))
        elif column.dtype == object and pd.api.types.infer_dtype(column) in ("date", "datetime", "datetime64"):
            dates[name] = pd.to_datetime(column)
    return frame.assign(**dates) if dates else frame
