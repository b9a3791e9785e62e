"""What may be repaired without a guess: order, exact repetitions, empty ends. Each is counted."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from forecastr.errors import DataError

Repair = dict[str, Any]  # what, count, first_line
Where = Callable[[int], str]
Note = Callable[[str, np.ndarray], None]


@dataclass(frozen=True)
class Rows:
    """The rows of a table as arrays [B], and the names of its series [N].

    Parameters
    ----------
    series : ndarray of int
        Place in ``ids`` of each row's series.
    stamps : ndarray of datetime64[ns] or int64
    y : ndarray of float64
        NaN where missing.
    places : ndarray of int
        Each row's place in the file, the first being 0.
    ids : ndarray of object
        In order of first appearance.
    """

    series: np.ndarray
    stamps: np.ndarray
    y: np.ndarray
    places: np.ndarray
    ids: np.ndarray

    def take(self, index: np.ndarray) -> "Rows":
        """Return the rows at ``index``, a mask or places."""
        return Rows(self.series[index], self.stamps[index], self.y[index], self.places[index], self.ids)


def repair_rows(
    rows: Rows,
    unstamped: np.ndarray,
    *,
    line: Callable[[int], int] | None,
    where: Where,
    advice: str,
) -> tuple[Rows, list[Repair]]:
    """Return the rows of a panel, each series in one piece and in time order, and what that took.

    Parameters
    ----------
    rows : Rows
        As in the file.
    unstamped : ndarray of bool, shape [B]
        Rows without a date.
    line, where : callable
        From a row's place to its line, and to its name in an error.
    advice : str
        What to do about two values at one stamp.

    Raises
    ------
    DataError
        If a value has no date, a stamp has two values, or no value is left.
    """
    repairs: list[Repair] = []

    def note(what: str, places: np.ndarray) -> None:
        if len(places):
            first = int(places.min())
            repairs.append({"what": what, "count": len(places), "first_line": line(first) if line else None})

    if unstamped.any():
        rows = _drop_unstamped(rows, unstamped, where, note)
    order = np.lexsort((rows.stamps, rows.series))
    by_series = rows.take(np.argsort(rows.series, kind="stable"))
    note("rows put in time order", by_series.places[1:][_backwards(by_series)])
    rows = _drop_repeated(rows.take(order), where, advice, note)
    rows = _trim_ends(rows, where, note)
    note("missing values kept as gaps", rows.places[np.isnan(rows.y)])
    return rows, repairs


def _drop_unstamped(rows: Rows, unstamped: np.ndarray, where: Where, note: Note) -> Rows:
    lost = unstamped & ~np.isnan(rows.y)
    if lost.any():
        raise DataError(
            f"{where(int(lost.argmax()))}: a value without a date ({int(lost.sum()):,} of {len(lost):,} rows). "
            "Fill the date in, or remove the line."
        )
    note("rows with neither date nor value dropped", rows.places[unstamped])
    return rows.take(~unstamped)


def _backwards(rows: Rows) -> np.ndarray:
    """Return where a row [B - 1] is earlier than the one before it in its series."""
    same_series: np.ndarray = np.diff(rows.series) == 0
    return same_series & (rows.stamps[1:] < rows.stamps[:-1])


def _drop_repeated(rows: Rows, where: Where, advice: str, note: Note) -> Rows:
    """Drop rows that repeat the one before them; ``rows`` are sorted by series and stamp."""
    same = (np.diff(rows.series) == 0) & (rows.stamps[1:] == rows.stamps[:-1])
    if not same.any():
        return rows
    before, after = rows.y[:-1], rows.y[1:]
    equal = (before == after) | (np.isnan(before) & np.isnan(after))
    conflicts = np.flatnonzero(same & ~equal)
    if len(conflicts):
        first = conflicts[np.argmin(rows.places[conflicts + 1])]
        series = f" in series '{rows.ids[rows.series[first]]}'" if len(rows.ids) > 1 else ""
        raise DataError(
            f"{where(int(rows.places[first + 1]))}: this time has another value already{series} "
            f"({before[first]:g}, now {after[first]:g}; {len(conflicts):,} rows are such). {advice}"
        )
    note("exact repetitions of a row dropped", rows.places[1:][same])
    return rows.take(np.concatenate([[True], ~same]))


def _trim_ends(rows: Rows, where: Where, note: Note) -> Rows:
    """Drop the rows before each series' first value and after its last, and series without any."""
    valued = np.flatnonzero(~np.isnan(rows.y))
    if not len(valued):
        raise DataError(
            f"{where(0)}: from here on, every value of the target is missing. Name another column with --target."
        )
    n_series = len(rows.ids)
    first, last = np.full(n_series, len(rows.y)), np.full(n_series, -1)
    np.minimum.at(first, rows.series[valued], valued)
    np.maximum.at(last, rows.series[valued], valued)
    place = np.arange(len(rows.y))
    empty = last[rows.series] < 0
    early, late = ~empty & (place < first[rows.series]), ~empty & (place > last[rows.series])
    note("rows before the first value dropped", rows.places[early])
    note("rows after the last value dropped", rows.places[late])
    note("rows of series without any value dropped", rows.places[empty])
    return _renumbered(rows.take(~(early | late | empty)), kept=last >= 0)


def _renumbered(rows: Rows, *, kept: np.ndarray) -> Rows:
    if kept.all():
        return rows
    places = np.cumsum(kept) - 1
    return Rows(places[rows.series], rows.stamps, rows.y, rows.places, rows.ids[kept])
