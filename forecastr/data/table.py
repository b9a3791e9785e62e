"""One rectangular table, whatever it came from, before anything is known about its columns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd

from forecastr.data.delimited import Delimited, open_delimited
from forecastr.data.unpack import read_bytes
from forecastr.errors import DataError
from forecastr.schema import TIME

HEAD = 1000  # rows by which columns are chosen
SUFFIXES = {".csv", ".tsv", ".txt", ".gz", ".zip", ".xz", ".bz2", ".parquet", ".pq"}


@dataclass(frozen=True)
class Table:
    """A table's columns, its first rows, and the way to its other ones.

    Parameters
    ----------
    path : str
        As the user gave it; ``the table`` for a DataFrame.
    name : str
        The file's name without its suffixes.
    columns : tuple of str
        In the order of the file.
    head : DataFrame
        The first rows, text where the file is text.
    load : callable
        ``load(texts, numbers)`` gives those columns whole: the first as categories of text, the
        second as numbers where they can be read straight away. Native types are left as they are.
    dialect : dict
        Separator, encoding and compression, None where they mean nothing.
    line : callable or None
        From a row's place to its line in the file; None where there are no lines.
    """

    path: str
    name: str
    columns: tuple[str, ...]
    head: pd.DataFrame
    load: Callable[[Sequence[str], Sequence[str]], pd.DataFrame]
    dialect: dict[str, str | None] = field(default_factory=dict)
    line: Callable[[int], int] | None = None

    def where(self, row: int) -> str:
        """Name a row for a person: ``prices.csv, line 5``."""
        return f"{self.path}, line {self.line(row)}" if self.line else f"{self.path}, row {row + 1}"


def open_table(source: str | Path | pd.DataFrame) -> Table:
    """Return the table in a CSV or Parquet file, or in a DataFrame.

    Raises
    ------
    DataError
        If there is no such file, or no table in it.
    """
    if isinstance(source, pd.DataFrame):
        return _from_frame(source)
    path = Path(source)
    content, compression = read_bytes(path)
    name = path.name
    while Path(name).suffix.lower() in SUFFIXES:
        name = Path(name).stem
    if content[:4] == b"PAR1":
        return _from_parquet(content, path, name)
    return _from_text(open_delimited(content, path), str(path), name, compression)


def _from_text(file: Delimited, path: str, name: str, compression: str | None) -> Table:
    dialect = {"separator": file.separator, "encoding": file.encoding, "compression": compression}
    return Table(path, name, file.columns, file.head(HEAD), file.load, dialect, file.line)


def _from_parquet(content: bytes, path: Path, name: str) -> Table:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(BytesIO(content))
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: this Parquet file cannot be read: {error}") from error
    columns = tuple(file.schema_arrow.names)
    _require_distinct(columns, str(path))

    def frame_of(data: Any) -> pd.DataFrame:
        # Without pandas' own metadata, an index comes back as the column it is.
        return _tidy(data.to_pandas(ignore_metadata=True))

    def load(texts: Sequence[str], numbers: Sequence[str]) -> pd.DataFrame:
        return frame_of(file.read(columns=[*texts, *numbers]))

    first = next(file.iter_batches(batch_size=HEAD), None)
    if first is None or not first.num_rows:
        raise DataError(f"{path} has no rows. It needs one per time step.")
    head = frame_of(pa.Table.from_batches([first]))
    return Table(str(path), name, columns, head, load)


def _from_frame(frame: pd.DataFrame) -> Table:
    if isinstance(frame.columns, pd.MultiIndex):
        raise DataError("the table has several levels of column names; keep one, such as frame[ticker].")
    if isinstance(frame.index, (pd.DatetimeIndex, pd.PeriodIndex)):
        frame = frame.reset_index(names=frame.index.name or TIME)
    elif isinstance(frame.index, pd.MultiIndex):
        frame = frame.reset_index()
    columns = tuple(str(column) for column in frame.columns)
    _require_distinct(columns, "the table")
    if frame.empty:
        raise DataError("the table has no rows. It needs one per time step.")
    renamed = frame.set_axis(list(columns), axis=1)

    def load(texts: Sequence[str], numbers: Sequence[str]) -> pd.DataFrame:
        return _tidy(renamed[[*texts, *numbers]].reset_index(drop=True))

    return Table("the table", "table", columns, _tidy(renamed.head(HEAD).reset_index(drop=True)), load)


def _tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """Turn objects that are dates, and periods, into timestamps."""
    dates: dict[str, pd.Series] = {}
    for name in frame.columns:
        column = frame[name]
        if isinstance(column.dtype, pd.PeriodDtype):
            dates[name] = column.dt.to_timestamp()
        elif isinstance(column.dtype, pd.ArrowDtype) and column.dtype.kind in "MO":
            dates[name] = pd.to_datetime(column.astype(object))
        elif column.dtype == object and pd.api.types.infer_dtype(column) in (
            "date",
            "datetime",
            "datetime64",
        ):
            dates[name] = pd.to_datetime(column)
    return frame.assign(**dates) if dates else frame


def _require_distinct(columns: Sequence[str], path: str) -> None:
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        raise DataError(f"{path}: two columns are named '{twice[0]}'. Give each its own name.")
