"""Calendars by their names: every step that can be asked for, with its usual horizon and seasons."""

import re
from dataclasses import replace
from typing import Any

from pandas.tseries import offsets as steps_of_pandas
from pandas.tseries.frequencies import to_offset

from forecastr.data.time.calendar import DAY, HOUR, MINUTE, MONTH_END, SECOND, WEEK, Calendar
from forecastr.errors import ConfigError

WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
MONTH_NAMES = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS_ONLY = (0, 1, 2, 3, 4)
UNITS = (
    (WEEK, "week", "W"),
    (DAY, "day", "D"),
    (HOUR, "hour", "h"),
    (MINUTE, "minute", "min"),
    (SECOND, "second", "s"),
)
USUAL_HORIZON = 10
EXAMPLES = "D, B, h, 15min, W-FRI, MS, ME, QE or YE"
# Names that pandas no longer takes, and people still write.
OLD_NAMES = {
    "H": "h", "T": "min", "S": "s", "M": "ME", "Q": "QE", "Y": "YE", "A": "YE", "BM": "BME", "BQ": "BQE", "BY": "BYE",
    "m": "ME", "d": "D", "w": "W", "b": "B", "q": "QE", "y": "YE",
}  # fmt: skip


def calendar_of_alias(alias: str, option: str = "freq") -> Calendar:
    """Return the calendar that a pandas alias names, as ``option`` does.

    Raises
    ------
    ConfigError
        If there is no such step.

    Examples
    --------
    >>> calendar_of_alias("15min").name, calendar_of_alias("W-FRI").weekdays, calendar_of_alias("BME").working
    ('every 15 minutes', (4,), True)
    """
    offset = _offset(alias, option)
    if type(offset) is steps_of_pandas.BusinessHour:
        opening = (9 * HOUR, 16 * HOUR)
        return in_sessions(fixed_steps(HOUR), tuple((day, *opening) for day in WEEKDAYS_ONLY))
    if type(offset) is steps_of_pandas.BDay and offset.n == 1:
        return business_days(WEEKDAYS_ONLY)
    if isinstance(offset, steps_of_pandas.Week):
        weekday: int | None = getattr(offset, "weekday", None)
        weeks = fixed_steps(offset.n * WEEK)
        return weeks if weekday is None else weeks_on(weeks, (weekday,))
    if isinstance(offset, steps_of_pandas.Day):
        return fixed_steps(offset.n * DAY)
    if isinstance(offset, steps_of_pandas.Tick):
        return fixed_steps(offset.nanos)
    name = type(offset).__name__.removeprefix("Business").removeprefix("B")
    per = {"MonthEnd": 1, "MonthBegin": 1, "QuarterEnd": 3, "QuarterBegin": 3, "YearEnd": 12, "YearBegin": 12}
    if name not in per:
        raise ConfigError(f"{option} is '{alias}', and such steps are not supported. Name another, as in {EXAMPLES}.")
    day = MONTH_END if name.endswith("End") else 1
    working = name != type(offset).__name__
    return monthly_steps(per[name] * offset.n, day, working, anchor_month(alias))


def anchor_month(alias: str) -> int | None:
    """Return the month in which an alias has quarters or years begin or end, if it is one of those."""
    offset = _offset(alias)
    month: int | None = getattr(offset, "startingMonth", None) or getattr(offset, "month", None)
    return month


def _offset(alias: str, option: str = "freq") -> Any:
    found = re.fullmatch(r"(\d*) ?([A-Za-z]+)(-[A-Za-z]{3})?", alias.strip())
    count, name, anchor = found.groups() if found else ("", alias.strip(), "")
    for text in (f"{count}{OLD_NAMES.get(name, name)}{(anchor or '').upper()}", f"{count}{name}{anchor or ''}"):
        try:
            offset = to_offset(text)
        except ValueError:
            continue
        if offset is not None and offset.n > 0:
            return offset
    raise ConfigError(f"{option} is '{alias}', and there is no such step. Name it as pandas does: {EXAMPLES}.")


def integer_steps(step: int) -> Calendar:
    """Return the calendar of integers that are so far apart."""
    return Calendar(name="integer", alias=str(step), default_horizon=USUAL_HORIZON, step=step)


def in_sessions(calendar: Calendar, sessions: tuple[tuple[int, int, int], ...]) -> Calendar:
    """Return a calendar whose steps occur in sessions only; a day's season is the usual number of its stamps."""
    weekdays = tuple(sorted({day for day, _, _ in sessions}))
    counts = [sum((last - first) // calendar.step + 1 for at, first, last in sessions if at == day) for day in weekdays]
    per_day = max(sorted(set(counts)), key=counts.count)
    horizon = min(2 * per_day if per_day <= 24 else per_day, 96)
    return replace(
        calendar, name=f"{calendar.name} in sessions", sessions=sessions, weekdays=weekdays,
        season_candidates=tuple(sorted({per_day, sum(counts)} - {1})), default_horizon=max(horizon, 2),
    )  # fmt: skip


def business_days(weekdays: tuple[int, ...]) -> Calendar:
    """Return a calendar of days that leaves some weekdays out."""
    return Calendar(
        name="business-daily", alias="B" if weekdays == WEEKDAYS_ONLY else "C", default_horizon=20, step=DAY,
        season_candidates=(len(weekdays),), weekdays=weekdays,
    )  # fmt: skip


def weeks_on(calendar: Calendar, weekdays: tuple[int, ...]) -> Calendar:
    """Return a calendar of weeks that fall on one weekday."""
    alias = f"W-{WEEKDAYS[weekdays[0]]}" if calendar.step == WEEK else calendar.alias
    return replace(calendar, alias=alias, weekdays=weekdays)


def fixed_steps(step: int) -> Calendar:
    """Return a calendar of equal steps, round the clock and on all weekdays."""
    known = {
        HOUR: ("hourly", "h", 48, (24, 168)),
        DAY: ("daily", "D", 14, (7,)),
        WEEK: ("weekly", "7D", 13, (52,)),
        2 * WEEK: ("every 2 weeks", "14D", USUAL_HORIZON, (26,)),
        4 * WEEK: ("every 4 weeks", "28D", USUAL_HORIZON, (13,)),
    }
    if step in known:
        name, alias, horizon, seasons = known[step]
        return Calendar(name=name, alias=alias, default_horizon=horizon, season_candidates=seasons, step=step)
    per_day = DAY // step if step < DAY and DAY % step == 0 else 0
    seasons = () if not per_day else (per_day, 7 * per_day) if step >= MINUTE else _of_seconds(step)
    horizon = USUAL_HORIZON if step > DAY else 2 * DAY // step if step > HOUR else min(DAY // step, 96)
    name, alias = _named(step)
    return Calendar(name=name, alias=alias, default_horizon=horizon, season_candidates=seasons, step=step)


def _named(step: int) -> tuple[str, str]:
    """Return the name and the alias of an odd step: in the largest unit that holds it whole."""
    for size, word, letter in UNITS:
        if step % size == 0:
            count = step // size
            alias = f"{7 * count}D" if size == WEEK else f"{count}{letter}"
            return (f"every {count} {word}s" if count > 1 else f"every {word}"), alias
    return f"every {step / SECOND:g} seconds", f"{step}ns"


def _of_seconds(step: int) -> tuple[int, ...]:
    per_hour = (HOUR // step,) if HOUR % step == 0 else ()
    return (*per_hour, DAY // step)


def monthly_steps(count: int, day: int, working: bool, month: int | None) -> Calendar:
    """Return a calendar of months; quarters and years that begin or end in ``month`` are named by it."""
    known = {1: ("monthly", "M", 18, (12,)), 3: ("quarterly", "Q", 8, (4,)), 12: ("yearly", "Y", 6, (1,))}
    seasons = (12 // count,) if 12 % count == 0 else ()
    name, letter, horizon, seasons = known.get(count, (f"every {count} months", f"{count}M", USUAL_HORIZON, seasons))
    at_end = day == MONTH_END
    alias = ("B" if working else "") + letter + ("E" if at_end else "S")
    if month is not None and count == 3 and month % 3 != (0 if at_end else 1):
        alias += f"-{MONTH_NAMES[month - 1]}"
    if month is not None and count == 12 and month != (12 if at_end else 1):
        alias += f"-{MONTH_NAMES[month - 1]}"
    return Calendar(
        name=name, alias=alias, default_horizon=horizon, season_candidates=seasons, months=count, day=day,
        working=working,
    )  # fmt: skip
