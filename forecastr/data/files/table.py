"""One table from whatever a user names: a file of any kind, standard input, a folder, several files, a DataFrame."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from forecastr.data.files.combine import combine
from forecastr.data.files.delimited import open_delimited
from forecastr.data.files.rectangle import HEAD, Table
from forecastr.data.files.stored import from_feather, from_frame, from_parquet
from forecastr.data.files.unpack import Content, read_content
from forecastr.data.files.wide import stack
from forecastr.data.options import ReadOptions
from forecastr.errors import DataError

__all__ = ["Table", "TableSource", "open_table"]

TableSource = str | Path | Sequence[str | Path] | pd.DataFrame
PLAIN = ReadOptions()
PACKED = {".gz", ".zip", ".xz", ".bz2", ".zst"}
TABLES = {".csv", ".tsv", ".parquet", ".pq", ".feather", ".arrow"}
SUFFIXES = PACKED | TABLES | {".txt", ".dat", ".tab"}


def open_table(source: TableSource, options: ReadOptions = PLAIN) -> Table:
    """Return the table in a CSV, Parquet or Feather file, in several of them, or in a DataFrame.

    Parameters
    ----------
    source : str, Path, sequence of them, or DataFrame
        A file, ``-`` for standard input, a folder, or several files. Where the files of a folder, or several
        files, have no column of series' names, each is a series named after its file.
    options : ReadOptions
        What the content does not say.

    Raises
    ------
    DataError
        If there is no such file, or no table in it.
    """
    if isinstance(source, pd.DataFrame):
        return from_frame(source)
    if isinstance(source, (str, Path)):
        folder = Path(source)
        if not folder.is_dir():
            return _open_file(source, options)
        files = _files_in(folder)
        tables = _open_files(files, options)
        return combine(tables, path=f"{source} ({len(files):,} files)", name=folder.resolve().name, id=options.id)
    if not source:
        raise DataError("no file is named. Name a CSV or Parquet file, or several.")
    if len(source) == 1:
        return open_table(source[0], options)
    tables = _open_files(source, options)
    return combine(tables, path=f"{len(source):,} files", name=tables[0].name, id=options.id)


def _open_files(sources: Sequence[str | Path], options: ReadOptions) -> list[Table]:
    n_head = max(HEAD // len(sources), 20)
    return [_open_file(source, options, n_head) for source in sources]


def _open_file(source: str | Path, options: ReadOptions, n_head: int = HEAD) -> Table:
    content = read_content(source)
    name = "stdin" if str(source) == "-" else _stem(Path(source))
    head = content.head(8)
    if head.startswith(b"PAR1"):
        return from_parquet(content, name)
    if head.startswith((b"ARROW1", b"FEA1")):
        return from_feather(content, name)
    return _from_text(content, name, options, n_head)


def _from_text(content: Content, name: str, options: ReadOptions, n_head: int) -> Table:
    file = open_delimited(content, options, n_head=n_head)
    dialect = {
        "separator": file.header.separator,
        "encoding": file.encoding,
        "compression": content.compression,
    }
    table = Table(
        content.label, name, file.columns, file.head, file.load, dialect, file.line, file.repairs, file.warnings
    )
    if not file.header.tickers:
        return table
    return stack(table, time=file.columns[0], series=file.header.tickers, id_name="Ticker")


def _files_in(folder: Path) -> list[Path]:
    """Return the tables in a folder by their names' endings, in order; plain text only where there is nothing else."""
    try:
        visible = sorted(path for path in folder.iterdir() if not path.name.startswith(".") and path.is_file())
    except OSError as error:
        raise DataError(f"{folder} cannot be read: {error.strerror}.") from error
    for endings in (TABLES | PACKED, SUFFIXES):
        if found := [path for path in visible if path.suffix.lower() in endings]:
            return found
    raise DataError(f"{folder} is a folder without CSV or Parquet files in it. Name a file, or a folder of them.")


def _stem(path: Path) -> str:
    name = path.name
    while Path(name).suffix.lower() in SUFFIXES:
        name = Path(name).stem
    return name
