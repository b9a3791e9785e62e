"""What may be repaired without a guess: order, exact repetitions, empty ends. Each is counted."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from forecastr.data.left_out import LeftOut

Repair = dict[str, Any]  # what, count, first_line


@dataclass(frozen=True)
class Rows:
    """The rows of a table as arrays [B].

    Parameters
    ----------
    series : ndarray of int
        The number of each row's series.
    stamps : ndarray of datetime64[ns] or int64
    y : ndarray of float64
        NaN where missing.
    places : ndarray of int
        Each row's place in the file, the first being 0; -1 for a step that the file has no row for.
    """

    series: np.ndarray
    stamps: np.ndarray
    y: np.ndarray
    places: np.ndarray

    def __len__(self) -> int:
        return len(self.y)

    def take(self, index: np.ndarray) -> "Rows":
        """Return the rows at ``index``, a mask or places."""
        return Rows(self.series[index], self.stamps[index], self.y[index], self.places[index])

    @cached_property
    def starts(self) -> np.ndarray:
        """Where each series begins [N], and the end; rows are in order."""
        change = np.flatnonzero(self.series[1:] != self.series[:-1]) + 1
        return np.concatenate([[0], change, [len(self)]]) if len(self) else np.zeros(1, dtype=np.int64)


@dataclass
class Log:
    """What has been done to the rows so far, each with its count and the first line it was done to."""

    line: Callable[[int], int] | None
    repairs: list[Repair] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def note(self, what: str, places: np.ndarray) -> None:
        """Add a repair of the rows at ``places``; of none it is not worth a word."""
        if len(places):
            first = int(places.min())
            line = self.line(first) if self.line and first >= 0 else None
            self.repairs.append({"what": what, "count": len(places), "first_line": line})


def drop_unstamped(rows: Rows, unstamped: np.ndarray, left_out: "LeftOut", log: Log) -> Rows:
    """Return the rows that have a date; a value without one cannot be used."""
    if not unstamped.any():
        return rows
    log.note("rows with neither date nor value dropped", rows.places[unstamped & np.isnan(rows.y)])
    kept = rows.take(~unstamped | ~np.isnan(rows.y))
    lost = unstamped[~unstamped | ~np.isnan(rows.y)]
    return left_out.refuse(kept, lost, lambda row: "a value without a date", "Fill the date in, or remove the line.")


def put_in_order(rows: Rows, log: Log) -> Rows:
    """Return the rows series by series in time order; rows that already are cost one look."""
    if _grouped(rows) and not _backwards(rows).any():
        return rows
    if not _grouped(rows):
        rows = rows.take(np.argsort(rows.series, kind="stable"))
    backwards = _backwards(rows)
    if not backwards.any():
        return rows
    log.note("rows put in time order", rows.places[1:][backwards])
    return rows.take(np.lexsort((rows.stamps, rows.series)))


def settle_repeats(
    rows: Rows,
    policy: str,
    left_out: "LeftOut",
    log: Log,
    *,
    explain: Callable[[Rows, np.ndarray], str | None],
    advise: Callable[[], str],
) -> Rows:
    """Return the rows in order with one at each stamp.

    Parameters
    ----------
    rows : Rows
        In order.
    policy : {"error", "first", "last", "mean", "sum"}
        What to do with different values at one stamp. Rows that repeat one another are dropped anyway, but for
        ``mean`` and ``sum``.
    left_out : LeftOut
        Hears of series with two values at a stamp.
    log : Log
        Hears what was dropped.
    explain : callable
        What else repeated stamps may be, such as the hour that a clock shows twice in autumn; or None.
    advise : callable
        What to do about two values at one stamp.
    """
    same = _repeats(rows)
    if not same.any():
        return rows
    if policy == "error":
        base = _chosen(rows, same, "first").y[np.cumsum(np.r_[False, ~same])]
        differ = ~np.isnan(rows.y) & (rows.y != base)
        if differ.any():
            several = len(left_out.ids) > 1

            def reason(row: int) -> str:
                series = f" in series '{left_out.ids[rows.series[row]]}'" if several else ""
                return f"this time has another value already{series} ({base[row]:g}, now {rows.y[row]:g})"

            rows = left_out.refuse(rows, differ, reason, explain(rows, differ) or advise())
            same = _repeats(rows)
    what = "exact repetitions of a row dropped" if policy == "error" else f"rows at one time made one ({policy})"
    log.note(what, rows.places[1:][same])
    return _chosen(rows, same, policy)


def trim_ends(rows: Rows, left_out: "LeftOut", log: Log, *, keep_early: bool, keep_late: bool) -> tuple[Rows, Rows]:
    """Return each series from its first value to its last, and the rows after that.

    Parameters
    ----------
    rows : Rows
        In order.
    left_out : LeftOut
        Hears of series without any value.
    log : Log
        Hears what was dropped.
    keep_early : bool
        Rows before the first value may belong to an earlier table's last rows.
    keep_late : bool
        Rows after the last value tell what is known of the future.
    """
    starts = rows.starts
    if not np.isnan(rows.y[starts[:-1]]).any() and not np.isnan(rows.y[starts[1:] - 1]).any():
        return rows, rows.take(np.zeros(0, dtype=np.int64))
    n_rows, sizes = len(rows), np.diff(starts)
    present, place = ~np.isnan(rows.y), np.arange(len(rows))
    first = np.minimum.reduceat(np.where(present, place, n_rows), starts[:-1]) if n_rows else starts[:-1]
    last = np.maximum.reduceat(np.where(present, place, -1), starts[:-1]) if n_rows else starts[:-1]
    empty = np.repeat(last < 0, sizes)
    early, late = ~empty & (place < np.repeat(first, sizes)), ~empty & (place > np.repeat(last, sizes))
    if keep_late:
        late, empty = late | empty, np.zeros(n_rows, dtype=bool)
    if keep_early:
        early = np.zeros(n_rows, dtype=bool)
    log.note("rows before the first value dropped", rows.places[early])
    if not keep_late:
        log.note("rows after the last value dropped", rows.places[late])
    log.note("rows of series without any value dropped", rows.places[empty])
    for number in np.unique(rows.series[empty]).tolist():
        left_out.empty[number] = "no value in any of its rows"
    return rows.take(~(early | late | empty)), rows.take(late)


def fill_missing(rows: Rows, policy: str, log: Log, left_out: "LeftOut") -> Rows:
    """Return the rows with what stands where a value is missing; ``rows`` run from value to value.

    Parameters
    ----------
    policy : {"mask", "forward", "zero", "error"}
        A gap stays, takes the value before it, is zero, or is an error.
    """
    missing = np.isnan(rows.y)
    if not missing.any():
        return rows
    given = rows.places[missing & (rows.places >= 0)]
    if policy == "error":

        def reason(row: int) -> str:
            absent = rows.places[row] < 0
            return f"there is no row for the step {rows.stamps[row]}" if absent else "the value is missing"

        advice = "Fill it in, or say with --missing what stands there: mask, forward or zero."
        return left_out.refuse(rows, missing, reason, advice)
    words = {"mask": "kept as gaps", "forward": "filled with the value before them", "zero": "taken as zero"}
    log.note(f"missing values {words[policy]}", given)
    if policy == "mask":
        return rows
    if policy == "zero":
        return replace(rows, y=np.where(missing, 0.0, rows.y))
    latest = np.maximum.accumulate(np.where(missing, -1, np.arange(len(rows))))
    begin = np.repeat(rows.starts[:-1], np.diff(rows.starts))
    return replace(rows, y=np.where(latest >= begin, rows.y[latest], np.nan))


def _grouped(rows: Rows) -> bool:
    return bool((np.diff(rows.series) >= 0).all())


def _backwards(rows: Rows) -> np.ndarray:
    """Return where a row [B - 1] is earlier than the one before it in its series."""
    earlier: np.ndarray = rows.stamps[1:] < rows.stamps[:-1]
    return earlier & (rows.series[1:] == rows.series[:-1]) if earlier.any() else earlier


def _repeats(rows: Rows) -> np.ndarray:
    """Return where a row [B - 1] has the stamp of the one before it in its series."""
    same: np.ndarray = rows.stamps[1:] == rows.stamps[:-1]
    return same & (rows.series[1:] == rows.series[:-1]) if same.any() else same


def _chosen(rows: Rows, same: np.ndarray, policy: str) -> Rows:
    """Return one row for each stamp: the first or last that has a value, or the first with their mean or sum."""
    starts = np.flatnonzero(np.r_[True, ~same])
    present, place = ~np.isnan(rows.y), np.arange(len(rows))
    if policy == "last":
        chosen = np.maximum.reduceat(np.where(present, place, -1), starts)
        return rows.take(np.where(chosen < 0, starts, chosen))
    chosen = np.minimum.reduceat(np.where(present, place, len(rows)), starts)
    kept = rows.take(np.where(chosen == len(rows), starts, chosen))
    if policy not in ("mean", "sum"):
        return kept
    sums = np.add.reduceat(np.where(present, rows.y, 0.0), starts)
    counts = np.add.reduceat(present, starts, dtype=np.int64)
    known = np.where(counts > 0, sums, np.nan)
    return replace(kept, y=known / np.maximum(counts, 1) if policy == "mean" else known)
