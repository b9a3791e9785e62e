"""A rectangular table, whatever it came from, before anything is known about its columns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from forecastr.data.files.unpack import available_memory
from forecastr.errors import DataError

BYTES_PER_CELL = 24  # while a column is read
HEAD = 1000  # rows by which columns are chosen
Load = Callable[[Sequence[str], Sequence[str]], pd.DataFrame]
Repair = dict[str, Any]  # what, count, first_line


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
    repairs : tuple of dict
        What was repaired on the way to a rectangle: ``what``, ``count`` and ``first_line``.
    warnings : tuple of str
        What a person should know about the file, as sentences.
    locate : callable or None
        From a row's place to its name for a person, where the table has several files.
    named_by : str or None
        What the first column's names of series are, where no file has that column.
    """

    path: str
    name: str
    columns: tuple[str, ...]
    head: pd.DataFrame
    load: Load
    dialect: dict[str, str | None] = field(default_factory=dict)
    line: Callable[[int], int] | None = None
    repairs: tuple[Repair, ...] = ()
    warnings: tuple[str, ...] = ()
    locate: Callable[[int], str] | None = None
    named_by: str | None = None

    def where(self, row: int) -> str:
        """Name a row for a person: ``prices.csv, line 5``."""
        if self.locate:
            return self.locate(row)
        return f"{self.path}, line {self.line(row)}" if self.line else f"{self.path}, row {row + 1}"


def require_distinct(columns: Sequence[str], where: str) -> None:
    """Raise a DataError if two columns share a name."""
    seen: set[str] = set()
    for column in columns:
        if column in seen:
            raise DataError(f"{where}: two columns are named '{column}'. Give each its own name.")
        seen.add(column)


def require_room(label: str, n_rows: int, n_columns: int) -> None:
    """Raise a DataError if so many cells are more than the memory that is free."""
    needed, free = n_rows * n_columns * BYTES_PER_CELL, available_memory()
    if needed > free:
        raise DataError(
            f"{label} has {n_rows:,} rows; reading {n_columns:,} of its columns takes about "
            f"{needed / 2**30:.1f} GiB of memory, and {free / 2**30:.1f} GiB are free. "
            "Read fewer rows or columns, or use a machine with more memory."
        )
