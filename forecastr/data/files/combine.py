"""Several tables as one: files of a series each, or parts of one panel."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from forecastr.data.files.rectangle import Load, Repair, Table
from forecastr.errors import DataError
from forecastr.schema import ID

DAY = re.compile(r"(?<!\d)(19|20)\d\d([-_.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?!\d)")
ID_NAMES = (ID, "item_id", "series_id", "id", "ticker", "symbol", "segment")


def combine(tables: Sequence[Table], *, path: str, name: str, id: str | None = None) -> Table:
    """Return tables of the same columns one below the other.

    Parameters
    ----------
    tables : sequence of Table
        Each from its own file.
    path, name : str
        What to call the whole.
    id : str or None
        The column of series' names. Where no column is one, each file is a series named after it,
        and a column ``unique_id`` says so; not where the files' names differ by a day alone, for those are
        parts of one table.

    Raises
    ------
    DataError
        If the columns of two files differ, or two files would be series of one name.
    """
    first = tables[0]
    for other in tables[1:]:
        _require_alike(first, other)
    own = id in first.columns if id else any(column.strip().casefold() in ID_NAMES for column in first.columns)
    id_name = None if own or _named_by_day(tables) else ID
    if id_name:
        _require_distinct_names(tables)
    heads = [table.head.head(max(1000 // len(tables), 2))[list(first.columns)] for table in tables[:500]]
    if id_name:
        heads = [head.assign(**{ID: table.name}) for head, table in zip(heads, tables, strict=False)]
    ends: list[int] = []  # rows up to the end of each file, known once they are loaded

    def place(row: int) -> tuple[Table, int]:
        number = int(np.searchsorted(ends, row, side="right"))
        return tables[number], row - (ends[number - 1] if number else 0)

    def line(row: int) -> int:
        table, inside = place(row)
        assert table.line  # asked for only where every file has lines
        return table.line(inside)

    def locate(row: int) -> str:
        table, inside = place(row)
        return table.where(inside)

    return Table(
        path,
        name,
        (*([id_name] if id_name else []), *first.columns),
        pd.concat(heads, ignore_index=True),
        _loader(tables, id_name, ends),
        first.dialect,
        line if all(table.line for table in tables) else None,
        tuple(_gather_repairs(tables)),
        tuple(warning for table in tables for warning in table.warnings),
        locate,
        "the files' names" if id_name else None,
    )


def _loader(tables: Sequence[Table], id_name: str | None, ends: list[int]) -> Load:
    def load(texts: Sequence[str], numbers: Sequence[str]) -> pd.DataFrame:
        own = [name for name in texts if name != id_name]
        parts = [table.load(own, numbers) for table in tables]
        ends[:] = np.cumsum([len(part) for part in parts]).tolist()
        whole: dict[str, pd.Series] = {}
        for name in [*texts, *numbers]:
            if name == id_name:
                codes = np.repeat(np.arange(len(tables), dtype=np.int32), [len(part) for part in parts])
                ids = pd.Index([table.name for table in tables], dtype="str")
                whole[name] = pd.Series(pd.Categorical.from_codes(codes, categories=ids))
            else:
                whole[name] = _concatenate(tables, [part[name] for part in parts])
        return pd.DataFrame(whole)

    return load


def _concatenate(tables: Sequence[Table], columns: list[pd.Series]) -> pd.Series:
    """Return columns one below the other: numbers if all are, else categories or text."""
    name = str(columns[0].name)
    if all(isinstance(column.dtype, pd.CategoricalDtype) for column in columns):
        return pd.Series(pd.api.types.union_categoricals(columns), name=name)
    native = [pd.api.types.is_numeric_dtype(column) for column in columns]
    if any(native) and not all(native):
        # One file has a number that is no plain one: read all of them as text, in the same way.
        columns = [
            table.load([name], [])[name].astype("str") if is_number else column.astype("str")
            for table, column, is_number in zip(tables, columns, native, strict=True)
        ]
    return pd.concat(columns, ignore_index=True)


def _require_alike(first: Table, other: Table) -> None:
    if set(first.columns) == set(other.columns):
        return
    lacking = [column for column in first.columns if column not in other.columns]
    extra = [column for column in other.columns if column not in first.columns]
    differences = [f"lacks {_listed(lacking)}"] * bool(lacking) + [f"has {_listed(extra)} besides"] * bool(extra)
    raise DataError(
        f"{other.path}: its columns are not those of {first.path}: it {' and '.join(differences)}. "
        "Files read together need the same columns."
    )


def _named_by_day(tables: Sequence[Table]) -> bool:
    """Say whether files are called alike but for a day: ``sales-2024-01-31``, ``sales-2024-02-01``."""
    names = {table.name for table in tables}
    return len({DAY.sub("", name, count=1) for name in names}) == 1 < len(names)


def _require_distinct_names(tables: Sequence[Table]) -> None:
    seen: dict[str, str] = {}
    for table in tables:
        if table.name in seen:
            raise DataError(
                f"{table.path} and {seen[table.name]} would both be the series '{table.name}'. Rename one of them."
            )
        seen[table.name] = table.path


def _gather_repairs(tables: Sequence[Table]) -> list[Repair]:
    """Return the repairs of all files, those of one kind added up; the line is in the first file that has it."""
    gathered: dict[str, Repair] = {}
    for table in tables:
        for repair in table.repairs:
            known = gathered.setdefault(repair["what"], {**repair, "count": 0, "file": table.path})
            known["count"] += repair["count"]
    return list(gathered.values())


def _listed(names: Sequence[str], most: int = 5) -> str:
    listed = ", ".join(f"'{name}'" for name in names[:most])
    return listed + (f" and {len(names) - most:,} more" if len(names) > most else "")
