"""Stamps put on the steps of their calendar: absent steps, larger steps, and what was not over yet."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecastr.data.time.calendar import DAY, MONTH_END, WEEK, Calendar
from forecastr.data.time.zones import to_utc
from forecastr.errors import ConfigError, DataError

LONG_STEP, FEW_LONG = 4.0, 4  # so many steps in a row, each so many times the usual one, are another frequency
DOUBLE_STEP, MANY_DOUBLE = 2.0, 12
LEAST_STEPS = 8  # fewer say nothing about what is usual
NICE_STEPS = (
    (DAY // 1440, "1min"), (DAY // 288, "5min"), (DAY // 96, "15min"), (DAY // 48, "30min"), (DAY // 24, "h"),
    (DAY, "D"), (WEEK, "W"), (30 * DAY, "MS"), (91 * DAY, "QS"),
)  # fmt: skip
LATEST = pd.Timestamp("2262-01-01")  # nearly the last that nanoseconds count
USUAL_SHARE, HARDLY_USUAL = 0.45, 0.2
MOST_ODD_SERIES = 0.1
BLOCK = 1 << 16  # rows

Where = Callable[[int], str]
Written = Callable[[np.ndarray], list[str]]


@dataclass(frozen=True)
class Grid:
    """The steps of every series from its first to its last.

    Parameters
    ----------
    rows : ndarray of int, shape [B]
        The place of each existing row among the steps.
    codes : ndarray of int, shape [G]
        The series of each step.
    stamps : ndarray of datetime64[ns] or int64, shape [G]
    """

    rows: np.ndarray
    codes: np.ndarray
    stamps: np.ndarray


def place_on_grid(codes: np.ndarray, stamps: np.ndarray, calendar: Calendar) -> Grid | None:
    """Return all steps of each series, those included for which there is no row; None where none is absent.

    On business days and in sessions an absent step is no gap, so such calendars have no grid. A series
    whose steps would more than double, or of which two rows share a step, is left as it is.

    Parameters
    ----------
    codes : ndarray of int, shape [B]
        The series of each row, in one piece each.
    stamps : ndarray of datetime64[ns] or int64, shape [B]
        In time order within a series, no two alike.

    Examples
    --------
    >>> days = Calendar(name="daily", alias="D", default_horizon=14, step=DAY)
    >>> stamps = np.array(["2024-01-01", "2024-01-02", "2024-01-04"], dtype="datetime64[ns]")
    >>> grid = place_on_grid(np.zeros(3, dtype=int), stamps, days)
    >>> grid.rows, grid.stamps.astype("datetime64[D]").astype(str).tolist()
    (array([0, 1, 3]), ['2024-01-01', '2024-01-02', '2024-01-03', '2024-01-04'])
    """
    if not calendar.has_grid or len(codes) < 2:
        return None
    inside = codes[1:] == codes[:-1]
    if _is_even(stamps, inside, calendar):
        return None
    ahead = np.ones(len(codes), dtype=np.int64)
    places, counts = _uncommon(stamps, inside, calendar)
    ahead[places] = np.rint(counts).astype(np.int64)
    ends = np.flatnonzero(np.concatenate([~inside, [True]]))
    starts = np.concatenate([[0], ends[:-1] + 1])
    sizes = ends - starts + 1
    whole = np.add.reduceat(ahead, starts)
    kept = (whole > 2 * sizes) | (np.minimum.reduceat(ahead, starts) < 1)
    ahead[np.repeat(kept, sizes)] = 1
    if (ahead == 1).all():
        return None
    rows = np.cumsum(ahead) - ahead
    total = int(ahead.sum())
    full = np.empty(total, dtype=stamps.dtype)
    full[rows] = stamps
    absent = np.ones(total, dtype=bool)
    absent[rows] = False
    before = np.repeat(np.arange(len(codes)), ahead)
    missing = np.flatnonzero(absent)
    full[missing] = calendar.advance(stamps[before[missing]], missing - rows[before[missing]])
    return Grid(rows, codes[before], full)


def require_one_frequency(
    codes: np.ndarray,
    stamps: np.ndarray,
    calendar: Calendar,
    *,
    where: Where,
    written: Written,
    freq: str | None = None,
) -> np.ndarray:
    """Return the series in which the step changes for good, such as from days to months.

    Parameters
    ----------
    codes, stamps : ndarray, shape [B]
        Each series in one piece and in time order.
    where : callable
        Names the row at a place in ``stamps``, for errors.
    written : callable
        Writes stamps as the user does.
    freq : str or None
        The step, where it was said and not learned.

    Returns
    -------
    ndarray of int
        Codes of a few series of a panel that are unlike the others: a tenth at most.

    Raises
    ------
    DataError
        If a lone series changes its step, many series of a panel do, or no step is usual.
    """
    nothing = np.array([], dtype=np.int64)
    inside = codes[1:] == codes[:-1]
    if len(stamps) - 1 < LEAST_STEPS or _is_even(stamps, inside, calendar):
        return nothing
    places, counts = _uncommon(stamps, inside, calendar)
    n_steps = int(inside.sum())
    usual = 1 - (np.abs(counts - 1) > _slack(calendar)).sum() / max(n_steps, 1)
    odd = _step_changes(codes, places, counts)
    changed = np.unique(codes[odd])
    n_series = int(codes.max()) + 1
    many = len(changed) and (n_series == 1 or len(changed) > MOST_ODD_SERIES * n_series)
    row = int(odd.min()) if many else int(places[np.abs(counts - 1).argmax()]) if len(places) else 0
    start, end = written(stamps[[row, row + 1]])
    if freq and usual < USUAL_SHARE:
        raise DataError(
            f"{where(row + 1)}: --freq {freq} does not fit: {usual:.0%} of the steps between rows are {calendar.name}, "
            f"and one reaches from '{start}' to '{end}'. Leave --freq out; --resample brings rows to a longer step."
        )
    if usual < USUAL_SHARE and n_steps >= LEAST_STEPS and (usual < HARDLY_USUAL or not many):
        raise DataError(
            f"{where(row + 1)}: the rows are not equally spaced: the most common step, {calendar.name}, is "
            f"{usual:.0%} of them, and one reaches from '{start}' to '{end}'. Bring them to equal steps with "
            f"--resample, such as --resample {_wide_enough(stamps, places)}."
        )
    if many:
        raise DataError(
            f"{where(row + 1)}: the step between rows changes here: most are {calendar.name}, and from '{start}' to "
            f"'{end}' and in the rows around it they are not ({len(odd):,} of {n_steps:,} steps). Bring all rows to "
            f"one step with --resample, such as --resample {_wide_enough(stamps, odd)}, or keep one part."
        )
    return changed


def rows_between_steps(codes: np.ndarray, stamps: np.ndarray, calendar: Calendar) -> np.ndarray:
    """Return the places of rows [B] that lie beside the steps from the row before: 10:07 among full hours.

    Weeks may move by a day or two, for holidays, and stamps on business days and in sessions may fall anywhere.

    Examples
    --------
    >>> hours = Calendar(name="hourly", alias="h", default_horizon=48, step=DAY // 24)
    >>> stamps = np.array(["2024-01-01T09", "2024-01-01T10:07", "2024-01-01T11:07"], dtype="datetime64[ns]")
    >>> rows_between_steps(np.zeros(3, dtype=int), stamps, hours)
    array([1])
    """
    inside = codes[1:] == codes[:-1]
    if not calendar.has_grid or calendar.months or calendar.name == "integer" or _is_even(stamps, inside, calendar):
        return np.array([], dtype=np.int64)
    places, counts = _uncommon(stamps, inside, calendar)
    return places[np.abs(counts - np.rint(counts)) > _slack(calendar)] + 1


def is_after(stamps: np.ndarray, as_of: str, calendar: Calendar, *, zone: str | None = None) -> np.ndarray:
    """Return where stamps [B] are later than ``as_of``, or their step was not over by then.

    A date means the end of that day. Stamps at the end of a month, and of a week that is stamped from Tuesday
    to Sunday, end with their day; others are the start of their step.

    Raises
    ------
    ConfigError
        If ``as_of`` is no date, or no integer where the stamps are integers.

    Examples
    --------
    >>> hours = Calendar(name="hourly", alias="h", default_horizon=48, step=DAY // 24)
    >>> stamps = np.array(["2024-01-01T09:00", "2024-01-01T10:00"], dtype="datetime64[ns]")
    >>> is_after(stamps, "2024-01-01 10:30", hours)
    array([False,  True])
    """
    if stamps.dtype.kind != "M":
        if not as_of.strip().removeprefix("-").isdecimal():
            raise ConfigError(f"as_of is '{as_of}', and the time column holds integers: pass one of them.")
        return stamps > int(as_of)
    now = _moment(as_of, zone)
    if calendar.step == DAY or not _stamped_at_start(calendar):
        over = stamps < to_utc(now.astype("datetime64[D]").astype("datetime64[ns]"), zone)[0]
    else:
        over = stamps <= to_utc(_earlier(now, calendar), zone)[0]
    return ~over


def _moment(as_of: str, zone: str | None) -> np.ndarray:
    """Return a moment on the wall clock, shape [1]: of a date, a month or a year its end."""
    try:
        period = pd.Period(as_of)
        if period.year >= LATEST.year:  # later than any stamp
            return np.array([LATEST.to_datetime64()]).astype("datetime64[ns]")
        if ":" not in as_of:
            ends: np.datetime64 = (period + 1).start_time.to_datetime64()
            return np.array([ends]).astype("datetime64[ns]")
        moment = pd.Timestamp(as_of)
    except ValueError as error:
        raise ConfigError(f"as_of is '{as_of}', which is no date. Write it as YYYY-MM-DD, or with a time.") from error
    if moment.tz is not None:
        moment = moment.tz_convert(zone or "UTC").tz_localize(None)
    return np.array([moment.to_datetime64()]).astype("datetime64[ns]")


def _is_even(stamps: np.ndarray, inside: np.ndarray, calendar: Calendar) -> bool:
    """Say whether all steps inside the series are the calendar's own, on the fast path."""
    if not calendar.step or calendar.zone:
        return False
    ticks = stamps.view(np.int64)
    for begin in range(0, len(inside), BLOCK):  # blocks stay in the processor's cache
        end = min(begin + BLOCK, len(inside))
        plain = ticks[begin + 1 : end + 1] - ticks[begin:end] == calendar.step
        if not (plain | ~inside[begin:end]).all():
            return False
    return True


def _uncommon(stamps: np.ndarray, inside: np.ndarray, calendar: Calendar) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of the rows whose next one is not plainly a step ahead, and how many steps it is."""
    plain = np.diff(stamps.view(np.int64)) == calendar.step if calendar.step else np.zeros(len(inside), dtype=bool)
    places = np.flatnonzero(inside & ~plain)
    return places, calendar.count(stamps[places], stamps[places + 1])


def _wide_enough(stamps: np.ndarray, places: np.ndarray) -> str:
    """Return the alias of a usual step that holds most of those from the rows at ``places`` to the next."""
    if stamps.dtype.kind != "M":
        return "D"
    ahead = np.median((stamps[places + 1] - stamps[places]).astype(np.int64))
    return next((alias for step, alias in NICE_STEPS if step >= 0.9 * ahead), "YS")


def _slack(calendar: Calendar) -> float:
    """Return the part of a step by which stamps may move: weeks do so for holidays."""
    return 0.45 if calendar.step and calendar.step % WEEK == 0 else 1e-6


def _step_changes(codes: np.ndarray, places: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the rows from which runs of steps go that are all longer, or all shorter, than the usual one."""
    few = _in_runs(codes, places, np.where(counts >= LONG_STEP, 1, np.where(counts <= 0.5, 2, 0)), FEW_LONG)
    many = _in_runs(codes, places, np.where(counts >= DOUBLE_STEP, np.rint(counts), 0).astype(np.int64), MANY_DOUBLE)
    return places[few | many]


def _in_runs(codes: np.ndarray, places: np.ndarray, kinds: np.ndarray, least: int) -> np.ndarray:
    """Return which steps [S] lie in a run of at least ``least`` of one kind (not 0) in one series."""
    if not len(places):
        return np.zeros(0, dtype=bool)
    series = codes[places]
    apart = (series[1:] != series[:-1]) | (kinds[1:] != kinds[:-1]) | (np.diff(places) != 1)
    run = np.cumsum(np.concatenate([[True], apart])) - 1
    long: np.ndarray = (np.bincount(run) >= least)[run] & (kinds != 0)
    return long


def _stamped_at_start(calendar: Calendar) -> bool:
    if calendar.months:
        return calendar.day != MONTH_END
    return calendar.step % WEEK != 0 or len(calendar.weekdays) != 1 or calendar.weekdays == (0,)


def _earlier(now: np.ndarray, calendar: Calendar) -> np.ndarray:
    """Return the latest stamp whose step is over by now [1]."""
    if not calendar.months:
        return now - np.timedelta64(calendar.step, "ns")
    month, since = now.astype("datetime64[M]"), now - now.astype("datetime64[M]").astype("datetime64[ns]")
    return (month - calendar.months).astype("datetime64[ns]") + since
