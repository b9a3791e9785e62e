"""Time zones: from a wall clock to UTC and back, the hour that does not exist, and the one that comes twice."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecastr.errors import ConfigError, DataError

HOUR, DAY = 3600 * 10**9, 86400 * 10**9
# Zones whose clocks change, the most used first: the first that explains a column's offsets names them.
CHANGING_ZONES = (
    "Europe/Berlin", "Europe/London", "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles",
    "Europe/Helsinki", "Australia/Sydney", "Australia/Adelaide", "Pacific/Auckland", "America/Toronto",
    "America/Halifax", "America/St_Johns", "America/Anchorage", "America/Santiago", "Europe/Istanbul",
    "Europe/Moscow", "America/Sao_Paulo", "America/Mexico_City", "Asia/Jerusalem", "Asia/Tehran", "Africa/Cairo",
)  # fmt: skip
Where = Callable[[int], str]


@dataclass(frozen=True)
class Localized:
    """Stamps in UTC [B], and the rows whose wall clock did not say it all."""

    stamps: np.ndarray
    moved: np.ndarray
    guessed: np.ndarray


def check_zone(name: str) -> str:
    """Return a zone's name, or raise a ConfigError where there is no such zone."""
    try:
        pd.Timestamp(0, tz=name)
    except Exception as error:  # zoneinfo raises KeyError, ValueError, OSError and more for odd names
        raise ConfigError(
            f"tz is '{name}', and there is no such time zone. Names are as in 'Europe/Berlin' and 'UTC'."
        ) from error
    return name


def to_wall(stamps: np.ndarray, zone: str | None) -> np.ndarray:
    """Return what clocks in a zone show at stamps in UTC: datetime64[ns] -> datetime64[ns], [B] -> [B].

    Examples
    --------
    >>> to_wall(np.array(["2024-07-01T10:00"], dtype="datetime64[ns]"), "Europe/Berlin")
    array(['2024-07-01T12:00:00.000000000'], dtype='datetime64[ns]')
    """
    if zone is None:
        return stamps
    index = pd.DatetimeIndex(stamps.astype("datetime64[ns]")).tz_localize("UTC").tz_convert(zone)
    return index.tz_localize(None).to_numpy(dtype="datetime64[ns]")


def to_utc(wall: np.ndarray, zone: str | None) -> np.ndarray:
    """Return UTC for what clocks show [B]; a skipped time is the next one there is, of two the first is meant."""
    return wall if zone is None else _utc(wall, zone, summer=True)


def localize(
    wall: np.ndarray, rows: np.ndarray, groups: np.ndarray | None, zone: str, *, where: Where, name: str
) -> Localized:
    """Return rows [B] of wall clock times in UTC.

    Where clocks go back, an hour comes twice: the order of the rows within a series tells which is meant.

    Parameters
    ----------
    wall : ndarray of datetime64[ns], shape [U]
        Distinct times.
    rows : ndarray of int, shape [B]
        Which of them stands in each row; negative where none does.
    groups : ndarray of int or None, shape [B]
        The series of each row.
    zone : str
        Where the clocks are.
    where : callable
        Names a row, for errors.
    name : str
        Of the column, for errors.

    Raises
    ------
    DataError
        If a time comes twice and the order of the rows does not tell which is meant, or a time that
        does not exist would fall on another row.
    """
    first, second = _utc(wall, zone, summer=True), _utc(wall, zone, summer=False)
    skipped = to_wall(first, zone) != wall
    skipped &= ~np.isnat(wall)
    twice = (first != second) & ~skipped
    nothing = np.array([], dtype=np.int64)
    stamps = _pick(first, rows)
    moved = np.flatnonzero(_pick(skipped, rows)) if skipped.any() else nothing
    if len(moved):
        _refuse_collision(stamps, rows, first, moved, groups, zone, where=where, name=name)
    places = np.flatnonzero(_pick(twice, rows)) if twice.any() else nothing
    if not len(places):
        return Localized(stamps, moved, nothing)
    series = groups[places] if groups is not None else np.zeros(len(places), dtype=np.int64)
    later, unclear, alone = _second_pass(wall, rows, groups, places, series)
    if unclear.any():
        row = int(places[unclear.argmax()])
        raise DataError(
            f"{where(row)}: clocks in {zone} showed {_shown(wall[rows[row]])} twice that day, and the order of the "
            f"rows does not tell which is meant ({int(unclear.sum()):,} rows of '{name}' are such). Write the times "
            "with their offset from UTC, or leave --tz out: hours are then taken as they stand."
        )
    stamps[places[later]] = second[rows[places[later]]]
    return Localized(stamps, moved, places[alone])


def guess_zone(utc: np.ndarray, offsets: np.ndarray) -> str | None:
    """Return a zone that had just these offsets [U] (in nanoseconds) at these times [U], or None."""
    order = np.argsort(utc, kind="stable")
    utc, offsets = utc[order], offsets[order]
    edges = np.flatnonzero(np.diff(offsets))
    # Either side of each change, and some in between, rule out most zones quickly.
    spread = np.linspace(0, len(utc) - 1, min(len(utc), 200)).astype(np.int64)
    some = np.unique(np.concatenate([edges, edges + 1, spread]))
    for zone in CHANGING_ZONES:
        if _explains(utc[some], offsets[some], zone) and _explains(utc, offsets, zone):
            return zone
    return None


def fold_advice(stamps: np.ndarray) -> str | None:
    """Return what to do about stamps that come twice, if all do where clocks go back in autumn; else None.

    Europe's clocks go back on the last Sunday of October, North America's on the first of November,
    those of Australia and New Zealand on the first of April.
    """
    if not len(stamps) or stamps.dtype.kind != "M":
        return None
    index = pd.DatetimeIndex(stamps)
    month, day, hour = (part.to_numpy() for part in (index.month, index.day, index.hour))
    sunday = index.day_of_week.to_numpy() == 6
    europe = (month == 10) & (day > 24) & (hour <= 3)
    others = ((month == 11) | (month == 4)) & (day <= 7) & (hour >= 1) & (hour <= 2)
    if not (sunday & (europe | others)).all():
        return None
    return (
        "Clocks go back in that hour, so it comes twice each autumn. Name the time zone with --tz, such as "
        "--tz Europe/Berlin: the order of the rows then tells the two apart."
    )


def _utc(wall: np.ndarray, zone: str, *, summer: bool) -> np.ndarray:
    index = pd.DatetimeIndex(wall.astype("datetime64[ns]"))
    aware = index.tz_localize(zone, ambiguous=np.full(len(index), summer), nonexistent="shift_forward")
    return aware.tz_convert("UTC").tz_localize(None).to_numpy(dtype="datetime64[ns]")


def _pick(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return a value for each row; of those without one, what is False or any."""
    picked: np.ndarray = values[np.maximum(rows, 0)]
    return picked & (rows >= 0) if picked.dtype == bool else picked


def _second_pass(
    wall: np.ndarray, rows: np.ndarray, groups: np.ndarray | None, places: np.ndarray, series: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return which of the doubtful rows [A] are the second pass, which are unclear, and which stand alone."""
    times = wall[rows[places]].view(np.int64)
    backwards = _runs_backwards(wall, rows, groups)[series]
    at = np.where(backwards, -places, places)
    order = np.lexsort((at, times // DAY, series))
    times, series = times[order], series[order]
    fresh = np.concatenate([[True], (np.diff(series) != 0) | (np.diff(times // DAY) != 0)])
    run = np.cumsum(fresh) - 1
    turned = ~fresh & (np.diff(times, prepend=times[0]) <= 0)
    turns = np.cumsum(turned)
    passes = turns - turns[np.flatnonzero(fresh)][run]
    per_run = np.bincount(run, weights=turned)
    lone = (np.bincount(run) == 1) & (per_run == 0)
    alone = lone[run] & _is_sparse(wall, rows, groups)
    unclear = (per_run != 1)[run] & ~alone
    back = np.empty(len(order), dtype=np.int64)
    back[order] = np.arange(len(order))
    return ((passes == 1) & ~unclear)[back], unclear[back], alone[back]


def _runs_backwards(wall: np.ndarray, rows: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    """Return whether each series [N] is written newest first: its last row is earlier than its first."""
    known = np.flatnonzero(rows >= 0)
    series = groups[known] if groups is not None else np.zeros(len(known), dtype=np.int64)
    n_series = int(series.max()) + 1
    first, last = np.zeros(n_series, dtype=np.int64), np.zeros(n_series, dtype=np.int64)
    last[series] = known  # of repeated places numpy keeps the last
    first[series[::-1]] = known[::-1]
    backwards: np.ndarray = wall[rows[last]] < wall[rows[first]]
    return backwards


def _is_sparse(wall: np.ndarray, rows: np.ndarray, groups: np.ndarray | None) -> bool:
    """Say whether steps are mostly of two hours and more: an hour more or less then changes no order."""
    known = rows >= 0
    times = wall[rows[known]].view(np.int64)
    steps = np.abs(np.diff(times))
    if groups is not None:
        steps = steps[np.diff(groups[known]) == 0]
    return bool(len(steps) and np.median(steps) >= 2 * HOUR)


def _refuse_collision(
    stamps: np.ndarray, rows: np.ndarray, first: np.ndarray, moved: np.ndarray, groups: np.ndarray | None,
    zone: str, *, where: Where, name: str,
) -> None:  # fmt: skip
    """Raise where a time that does not exist would be moved onto another row of its series."""
    near = np.flatnonzero(_pick(np.isin(first, stamps[moved]), rows))
    series = groups[near] if groups is not None else np.zeros(len(near), dtype=np.int64)
    pairs = pd.MultiIndex.from_arrays([series, stamps[near]])
    taken = pairs.duplicated(keep=False) & np.isin(near, moved)
    if taken.any():
        row = int(near[taken.argmax()])
        raise DataError(
            f"{where(row)}: clocks in {zone} skipped this hour of '{name}', and the hour after it has a row of its "
            "own. The times are likely not of that zone: pass --tz UTC if they are in UTC, or leave --tz out."
        )


def _explains(utc: np.ndarray, offsets: np.ndarray, zone: str) -> bool:
    return bool(np.array_equal((to_wall(utc, zone) - utc).astype(np.int64), offsets))


def _shown(time: np.datetime64) -> str:
    return str(pd.Timestamp(time))[:16]
