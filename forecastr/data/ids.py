"""Which rows belong to which series, and the column that says so where nobody named it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd

from forecastr.data.columns import Choice, Columns, listed
from forecastr.data.files.table import Table
from forecastr.data.time.reading import Stamps
from forecastr.data.traits import Traits
from forecastr.errors import DataError

MOST_CANDIDATES = 6  # columns looked at for one that tells series apart
LEAST_REPEATED = 0.05  # of the rows share their stamp with another one, where there are several series
NEARLY_ALL = 0.9  # of the rows differ in a column that numbers them
LONE_ROWS = 0.1  # of the series may have a single row
LEFT_REPEATED = 0.01  # of the rows may repeat a stamp within a series, to be refused or dropped later


@dataclass(frozen=True)
class Series:
    """The series of each row [B], numbered in order of appearance; their names [N], and which are empty [N]."""

    codes: np.ndarray
    ids: np.ndarray
    unnamed: np.ndarray

    def keep(self, rows: np.ndarray) -> "Series":
        """Return the series of the rows in a mask [B]; those without a row are gone."""
        present = np.bincount(self.codes[rows], minlength=len(self.ids)) > 0
        number = np.cumsum(present, dtype=np.int32) - 1
        return Series(number[self.codes[rows]].astype(np.int32), self.ids[present], self.unnamed[present])


def id_candidates(traits: Traits, used: set[str]) -> list[str]:
    """Return the columns that could tell series apart: text that repeats, then whole numbers that do."""
    head = traits.table.head
    free = [name for name in traits.table.columns if name not in used and head[name].nunique() < len(head)]
    texts = [name for name in free if traits.is_text(name) and not traits.is_empty(name)]
    whole = [name for name in free if traits.is_whole(name)]
    return [*texts, *whole][:MOST_CANDIDATES]


def read_ids(loaded: pd.DataFrame, table: Table, columns: Columns) -> tuple[Columns, Series]:
    """Return the columns and the series of each row.

    A column that only looks like an id, and one that nobody named but tells repeated stamps apart,
    change what the columns are. Without an id there is one series, without a name.

    Raises
    ------
    DataError
        If two series have one name.
    """
    alone = one_series(len(loaded))
    stamps = loaded.get(columns.time.name)
    if columns.id is None:
        found = _discover_id(loaded, columns, stamps) if stamps is not None else None
        if found is None:
            return columns, alone
        columns = replace(columns, id=found, ids=(found.name,))
    series = _name_rows(loaded, columns.ids)
    if not columns.id_asked and len(loaded) > 1 and len(series.ids) > NEARLY_ALL * len(loaded) and not _repeats(stamps):
        # (Almost) every row has its own "id" and its own stamp: that numbers the rows of one series.
        return replace(columns, id=None, ids=()), alone
    if len(set(series.ids)) < len(series.ids):
        raise DataError(f"{table.path}: two series have the same name once {listed(columns.ids)} are joined by '/'.")
    return columns, series


def one_series(n_rows: int) -> Series:
    """Return the series of rows that all belong to one, which has no name."""
    return Series(np.zeros(n_rows, dtype=np.int32), np.array([""], dtype=object), np.array([False]))


def follow_one_another(series: Series, stamps: Stamps) -> bool:
    """Say whether each of several series ends before the next begins: files of a month each, say."""
    dated = pd.Series(stamps.stamps[~stamps.missing])
    spans = dated.groupby(series.codes[~stamps.missing]).agg(["min", "max"]).sort_values("min")
    return len(spans) > 1 and bool((spans["min"].to_numpy()[1:] > spans["max"].to_numpy()[:-1]).all())


def require_names(series: Series, places: np.ndarray, table: Table, columns: Columns) -> None:
    """Raise a DataError naming the first row that does not say which series it belongs to.

    ``places`` are the rows of the file that ``series`` has kept.
    """
    unnamed = series.unnamed[series.codes]
    if columns.id is not None and unnamed.any():
        raise DataError(
            f"{table.where(int(places[unnamed.argmax()]))}: '{columns.id.name}' is empty ({int(unnamed.sum()):,} of "
            f"{len(unnamed):,} rows are), so nothing says which series the row belongs to. Fill it, or remove the line."
        )


def advise_on_repeats(table: Table, columns: Columns) -> str:
    """Return what to do about two values at one stamp."""
    policies = "or choose between them with --duplicates: first, last, mean or sum"
    candidates = id_candidates(columns.traits, columns.used) if columns.id is None else []
    if not candidates or columns.time.name not in table.columns:
        return f"Keep one line for each time, {policies}."
    loaded = table.load([columns.time.name, *candidates], [])
    sets = [*((name,) for name in candidates), *combinations(candidates, 2)]
    times = _codes(loaded[columns.time.name])[0]
    telling = [names for names in sets if _tells_apart(_name_rows(loaded, names).codes, times)]
    shown = [",".join(names) for names in telling[:1]] or candidates
    return f"If the file holds several series, name the column that tells them apart with --id: {listed(shown)}. " + (
        f"If it holds one, keep one line for each time, {policies}."
    )


def _repeats(stamps: pd.Series | None) -> bool:
    """Say whether more rows share their stamp than a slip explains."""
    return stamps is not None and stamps.duplicated().mean() >= LEAST_REPEATED


def _discover_id(loaded: pd.DataFrame, columns: Columns, stamps: pd.Series) -> Choice | None:
    """Return the text column that leaves no stamp twice in a series, if stamps repeat and there is one."""
    candidates = id_candidates(columns.traits, columns.used)
    texts = [name for name in candidates if name in loaded and columns.traits.is_text(name)]
    repeated = int(stamps.duplicated().sum()) if texts else 0
    if repeated < max(1, LEAST_REPEATED * len(loaded)):
        return None
    times, _ = _codes(stamps)
    groups = {name: _name_rows(loaded, (name,)) for name in texts}
    telling = {
        name: _repeats_within(groups[name].codes, times)
        for name in texts
        if not groups[name].unnamed.any() and _tells_apart(groups[name].codes, times)
    }
    if not telling:
        return None
    # The one that leaves no stamp twice; then the coarsest, the first of equals.
    name = min(telling, key=lambda name: (telling[name], len(groups[name].ids)))
    return Choice(name, f"{repeated:,} rows repeat a time, and '{name}' tells them apart")


def _tells_apart(groups: np.ndarray, times: np.ndarray) -> bool:
    """Say whether (almost) no group has a stamp twice, and (almost) every group has several rows."""
    sizes = np.bincount(groups)
    if 2 * len(sizes) > len(groups) or (sizes == 1).mean() > LONE_ROWS:
        return False
    return _repeats_within(groups, times) <= LEFT_REPEATED * len(groups)


def _repeats_within(groups: np.ndarray, times: np.ndarray) -> int:
    """Return how many rows repeat a stamp of their group."""
    pairs = groups.astype(np.int64) * (int(times.max()) + 1) + times
    return len(pairs) - len(pd.unique(pairs))


def _name_rows(loaded: pd.DataFrame, names: Sequence[str]) -> Series:
    """Return the series that one column tells apart, or several whose texts are joined by '/'."""
    codes, ids = _codes(loaded[names[0]])
    unnamed = np.array([not text.strip() for text in ids], dtype=bool)
    for name in names[1:]:
        further, others = _codes(loaded[name])
        pairs, distinct = pd.factorize(codes.astype(np.int64) * len(others) + further)
        left, right = np.divmod(distinct, len(others))
        empty = np.array([not text.strip() for text in others], dtype=bool)
        codes, unnamed = pairs.astype(np.int32), unnamed[left] | empty[right]
        ids = np.array([f"{a}/{b}" for a, b in zip(ids[left], others[right], strict=True)], dtype=object)
    return Series(codes, ids, unnamed)


def _codes(column: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Return which text stands in each row [B], numbered in order of appearance, and the texts; none is ``""``."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes, found = _in_order_of_appearance(column.cat.codes.to_numpy())
        texts = np.append(column.cat.categories.astype("str").to_numpy(dtype=object), "")[found]  # -1 is the last
    else:
        codes, values = pd.factorize(column, use_na_sentinel=False)
        texts = np.array(["" if pd.isna(value) else str(value) for value in values], dtype=object)
    if len(set(texts)) < len(texts):  # such as 1 and "1"
        merged, distinct = pd.factorize(texts)
        codes, texts = merged[codes], np.asarray(distinct, dtype=object)
    return codes.astype(np.int32, copy=False), texts


def _in_order_of_appearance(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return codes renumbered as they appear, and the old number of each; a file sorted by series needs no look-up."""
    steps = np.diff(codes)
    if len(codes) and codes[0] == 0 and steps.min(initial=0) >= 0 and steps.max(initial=0) <= 1:
        return codes, np.arange(int(codes[-1]) + 1)
    renumbered, found = pd.factorize(codes)
    return renumbered, np.asarray(found)
