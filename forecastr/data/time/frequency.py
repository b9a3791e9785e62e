"""Which calendar a panel follows: learned from the steps between its stamps, or named by its user."""

from dataclasses import replace

import numpy as np
import pandas as pd

from forecastr.data.time.aliases import (
    business_days,
    calendar_of_alias,
    fixed_steps,
    in_sessions,
    integer_steps,
    monthly_steps,
    weeks_on,
)
from forecastr.data.time.calendar import (
    DAY,
    HOUR,
    MONTH_END,
    WEEK,
    Calendar,
    first_working_days,
    last_working_days,
    month_lengths,
)
from forecastr.data.time.sessions import find_holidays, find_sessions, weekday_shares, weekdays_present
from forecastr.data.time.zones import to_wall
from forecastr.errors import ConfigError
from forecastr.schema import ID, TIME

SAMPLE, MOST_SERIES = 500_000, 500  # rows that are looked at, and the series they are taken from


def find_calendar(frame: pd.DataFrame, freq: str | None = None, *, zone: str | None = None) -> Calendar:
    """Return the calendar of a panel, learned from the steps between its stamps.

    The most common step decides, so a missing holiday or a gap changes nothing.

    Parameters
    ----------
    frame : DataFrame
        ``unique_id`` and ``ds``, each series in one piece and in time order.
    freq : str or None
        The step as pandas names it, where the user says it.
    zone : str or None
        Time zone whose clock the people behind the data live by; ``ds`` is then in UTC.

    Raises
    ------
    ConfigError
        If ``freq`` names no step.

    Examples
    --------
    >>> days = pd.date_range("2024-01-31", periods=5, freq="ME")
    >>> find_calendar(pd.DataFrame({"unique_id": "a", "ds": days})).name
    'monthly'
    """
    return learn_calendar(pd.factorize(frame[ID])[0], frame[TIME].to_numpy(), freq, zone=zone)


def learn_calendar(
    codes: np.ndarray, stamps: np.ndarray, freq: str | None = None, *, zone: str | None = None
) -> Calendar:
    """Return the calendar of stamps [B] of the series ``codes`` [B], as ``find_calendar`` does.

    Of more than half a million rows, the last ones of 500 series are looked at.
    """
    if stamps.dtype.kind != "M":
        return _integers(codes, stamps, freq)
    stamps = stamps.astype("datetime64[ns]", copy=False)
    some_codes, some = _sampled(codes, stamps)
    inside = some_codes[1:] == some_codes[:-1]
    steps = np.diff(some.view(np.int64))[inside]
    wall = to_wall(some, zone)
    if freq:
        calendar = _asked(freq, wall, inside)
    elif not len(steps):
        calendar = _days(wall, DAY)
    elif np.median(steps) >= 27 * DAY and (monthly := _months(wall, np.diff(wall.view(np.int64))[inside], inside)):
        calendar = monthly
    else:
        step = _usual_step(steps)
        if step >= DAY - 2 * HOUR and zone:
            step = _mode(np.diff(wall.view(np.int64))[inside])
        calendar = _days(wall, step) if step >= DAY else _within_a_day(wall, step)
    if len(calendar.weekdays) < 7 and calendar.step and calendar.step <= DAY:
        calendar = replace(calendar, holidays=find_holidays(_all_walls(stamps, some, wall, zone), calendar.weekdays))
    return replace(calendar, zone=zone) if zone and _goes_by_the_clock(calendar, some, wall) else calendar


def _asked(freq: str, wall: np.ndarray, inside: np.ndarray) -> Calendar:
    """Return the calendar that was asked for, with the weekdays, hours and days of the month that the data keeps."""
    asked = calendar_of_alias(freq)
    if asked.months:
        learned = _months(wall, np.zeros(0), inside, months=asked.months)
        return learned if learned is not None and learned.day not in (1, MONTH_END) else asked
    if asked.step and asked.step % WEEK == 0 and "-" not in freq:  # W alone is Sunday to pandas
        return _days(wall, asked.step)
    if asked.step < DAY and not asked.sessions:
        return _within_a_day(wall, asked.step)
    return asked


def _integers(codes: np.ndarray, stamps: np.ndarray, freq: str | None) -> Calendar:
    if freq and not freq.strip().isdecimal():
        raise ConfigError(
            f"freq is '{freq}', and the time column holds integers that count steps. If they are dates, say how "
            "they are written with --date-format; a step between integers is itself an integer."
        )
    some_codes, some = _sampled(codes, stamps)
    steps = np.diff(some)[some_codes[1:] == some_codes[:-1]]
    step = int(freq) if freq else _mode(steps) if len(steps) else 1
    return integer_steps(max(step, 1))


def _sampled(codes: np.ndarray, stamps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return all rows, or of a large table the last rows of series that are spread over it."""
    if len(stamps) <= SAMPLE:
        return codes, stamps
    ends = np.append(np.flatnonzero(codes[1:] != codes[:-1]) + 1, len(codes))
    starts = np.append(0, ends[:-1])
    chosen = np.unique(np.linspace(0, len(ends) - 1, MOST_SERIES).astype(np.int64))
    most = SAMPLE // len(chosen)
    pieces = [np.arange(max(starts[place], ends[place] - most), ends[place]) for place in chosen]
    rows = np.concatenate(pieces)
    return codes[rows], stamps[rows]


def _all_walls(stamps: np.ndarray, some: np.ndarray, wall: np.ndarray, zone: str | None) -> np.ndarray:
    """Return every row's wall clock, near enough to tell its date."""
    if len(some) == len(stamps):
        return wall
    off = np.median((wall - some).astype(np.int64)).astype("timedelta64[ns]") if zone else np.timedelta64(0, "ns")
    return stamps + off


def _goes_by_the_clock(calendar: Calendar, utc: np.ndarray, wall: np.ndarray) -> bool:
    """Say whether steps are those of a clock on the wall, and not of the time that passes."""
    if calendar.months or calendar.sessions or calendar.step >= DAY:
        return True
    if calendar.step <= HOUR:
        return False
    times = [len(np.unique(stamps.view(np.int64) % DAY)) for stamps in (utc, wall)]
    return times[1] <= times[0]


def _mode(steps: np.ndarray) -> int:
    values, counts = np.unique(steps, return_counts=True)
    return int(values[counts.argmax()])


def _usual_step(steps: np.ndarray) -> int:
    """Return the most common step; two bars a day have two, of which the one that divides the day is meant."""
    values, counts = np.unique(steps, return_counts=True)
    step = int(values[counts.argmax()])
    if step < DAY and DAY % step:
        divides = values[(values > 0) & (counts >= 0.2 * len(steps))]
        return next((int(value) for value in divides if DAY % int(value) == 0), step)
    return step


def _within_a_day(wall: np.ndarray, step: int) -> Calendar:
    calendar = fixed_steps(step)
    sessions = find_sessions(wall, step) if len(wall) > 1 else ()
    return in_sessions(calendar, sessions) if sessions else calendar


def _days(wall: np.ndarray, step: int) -> Calendar:
    calendar = fixed_steps(step)
    if step == DAY:
        present = weekdays_present(wall)
        return business_days(present) if len(present) < 7 else calendar
    if step % WEEK == 0:
        shares = weekday_shares(wall)
        return weeks_on(calendar, (int(shares.argmax()),)) if shares.max() > 0.9 else calendar
    return calendar


def _months(wall: np.ndarray, steps: np.ndarray, inside: np.ndarray, months: int = 0) -> Calendar | None:
    """Return a calendar of whole months, or None where days are what is equal (every four weeks)."""
    starts, dates = wall.astype("datetime64[M]"), wall.astype("datetime64[D]")
    days = (dates - starts.astype("datetime64[D]")).astype(np.int64) + 1
    day, working = _day_of_month(dates, days, starts)
    count = months or _mode(np.diff(starts.astype(np.int64))[inside])
    if count < 1 or (not day and (months or np.mean(steps % _mode(steps) == 0) > 0.9)):
        return None
    return monthly_steps(count, day or 1, working, _mode(starts.astype(np.int64) % 12) + 1)


def _day_of_month(dates: np.ndarray, days: np.ndarray, months: np.ndarray) -> tuple[int, bool]:
    """Return the day that nearly all stamps fall on, and whether it is a working day.

    31 is a month's end, 0 no day in particular.
    """
    lengths = month_lengths(months)
    if np.mean(days == 1) > 0.9:
        return 1, False
    if np.mean(days == lengths) > 0.9:
        return MONTH_END, False
    if np.mean(dates == last_working_days(months)) > 0.9:
        return MONTH_END, True
    if np.mean(dates == first_working_days(months)) > 0.9:
        return 1, True
    usual = _mode(days)
    if np.mean(days == np.minimum(usual, lengths)) > 0.9:
        return usual, False
    if np.mean(lengths - days < 4) > 0.9:
        return MONTH_END, False
    return (1, False) if np.mean(days <= 4) > 0.9 else (0, False)
