"""The steps of a time axis, and the stamps that follow one of them."""

from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from forecastr.data.time.zones import to_utc, to_wall

SECOND = 10**9
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86400 * SECOND
WEEK = 7 * DAY
MONDAY = np.datetime64("1969-12-29", "ns").astype(np.int64)  # weeks are counted from here
EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)
MONTH_END = 31


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """How one stamp follows another.

    Parameters
    ----------
    name : str
        ``hourly``, ``daily``, ``business-daily``, ``weekly``, ``monthly``, ``quarterly``, ``yearly``,
        ``integer``, or a phrase such as ``every 15 minutes`` and ``every 5 minutes in sessions``.
    alias : str
        pandas' name of it, such as ``MS``; the step itself for an integer axis.
    default_horizon : int
        Steps to forecast when nothing else is asked for.
    season_candidates : tuple of int
        Season lengths worth looking for, in steps.
    step : int
        Nanoseconds (or integer units) from one stamp to the next; 0 where ``months`` says it.
    months : int
        Calendar months from one stamp to the next; 0 where ``step`` says it.
    day : int
        Day of the month that stamps fall on, 31 for its last; 0 without ``months``.
    working : bool
        The first or last day of the month is its first or last working day.
    weekdays : tuple of int
        Weekdays that occur (Monday is 0); for weekly data the one it falls on.
    sessions : tuple of (int, int, int)
        Weekday, first and last stamp of each session in nanoseconds of the day, where stamps occur in
        sessions only: those of an exchange, or business hours.
    holidays : tuple of (int, int)
        Month and day of the dates that are passed over every year.
    zone : str or None
        The time zone on whose clock the steps are counted; None counts the time that passes.
    """

    name: str
    alias: str
    default_horizon: int
    season_candidates: tuple[int, ...] = ()
    step: int = 0
    months: int = 0
    day: int = 0
    working: bool = False
    weekdays: tuple[int, ...] = EVERY_DAY
    sessions: tuple[tuple[int, int, int], ...] = ()
    holidays: tuple[tuple[int, int], ...] = ()
    zone: str | None = None

    @property
    def length(self) -> int:
        """How long a step is, in nanoseconds; months count 30 days."""
        return self.step or self.months * 30 * DAY

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values, ready for JSON."""
        plain = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}
        return {**plain, "sessions": [list(row) for row in self.sessions], "holidays": [list(d) for d in self.holidays]}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Calendar":
        """Return what ``to_dict`` was called on."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: _frozen(value) for name, value in values.items() if name in known})

    @property
    def has_grid(self) -> bool:
        """Whether a step that is absent is a gap: not so on business days and in sessions."""
        return not self.sessions and (len(self.weekdays) == 7 or self.step >= WEEK)

    def future(self, last: Any, horizon: int) -> np.ndarray:
        """Return the ``horizon`` stamps after ``last``: datetime64[ns] or int64, shape [H].

        Examples
        --------
        >>> hours = Calendar(name="hourly", alias="h", default_horizon=48, step=HOUR)
        >>> hours.future("2024-03-01 22:00", 2)
        array(['2024-03-01T23:00:00.000000000', '2024-03-02T00:00:00.000000000'],
              dtype='datetime64[ns]')
        """
        if self.name == "integer":
            return int(last) + self.step * np.arange(1, horizon + 1)
        start = pd.Timestamp(last).to_datetime64().astype("datetime64[ns]")
        spare = self._most_on_holidays(horizon)
        steps = np.arange(1, horizon + spare + 1)
        stamps = self.advance(np.full(len(steps), start), steps)
        return stamps[~self._on_holiday(stamps)][:horizon] if spare else stamps

    def advance(self, stamps: np.ndarray, steps: np.ndarray) -> np.ndarray:
        """Return the stamps that many steps after each, holidays counted: [B], [B] -> [B]."""
        if self.name == "integer":
            return stamps + self.step * steps
        wall = to_wall(stamps.astype("datetime64[ns]"), self.zone)
        return to_utc(self._advance(wall, steps), self.zone)

    def count(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """Return the steps from one stamp to another, weekends and closing hours left out: [B], [B] -> [B].

        Examples
        --------
        >>> days = Calendar(name="business-daily", alias="B", default_horizon=20, step=DAY, weekdays=(0, 1, 2, 3, 4))
        >>> friday, monday = np.array(["2024-03-01", "2024-03-04"], dtype="datetime64[ns]")
        >>> days.count(np.array([friday]), np.array([monday]))
        array([1.])
        """
        if self.name != "integer" and self.zone:
            before, after = to_wall(before, self.zone), to_wall(after, self.zone)
        if self.months:
            months = after.astype("datetime64[M]").astype(np.int64) - before.astype("datetime64[M]").astype(np.int64)
            return months / self.months
        if self.sessions:
            return (self._place(after) - self._place(before)).astype(np.float64)
        if self.has_grid:
            return (after.view(np.int64) - before.view(np.int64)) / self.step
        first, last = before.astype("datetime64[D]"), after.astype("datetime64[D]")
        return np.busday_count(first, last, weekmask=self._weekmask).astype(np.float64)

    def of_months(self, months: np.ndarray) -> np.ndarray:
        """Return the stamp that falls in each datetime64[M] month: [B] -> [B]."""
        if self.working:
            dates = last_working_days(months) if self.day == MONTH_END else first_working_days(months)
        elif self.day == 1:
            dates = months.astype("datetime64[D]")
        else:
            dates = months.astype("datetime64[D]") + (np.minimum(self.day, month_lengths(months)) - 1)
        return dates.astype("datetime64[ns]")

    def _advance(self, wall: np.ndarray, steps: np.ndarray) -> np.ndarray:
        if self.months:
            return self._after_months(wall, self.months * steps)
        if self.sessions:
            week, place = np.divmod(self._place(wall) + steps, len(self._slots))
            return (MONDAY + week * WEEK + self._slots[place]).astype("datetime64[ns]")
        if self.has_grid:
            if self.step % WEEK == 0:
                wall = self._nearest_weekday(wall)
            return wall + (self.step * steps).astype("timedelta64[ns]")
        dates = wall.astype("datetime64[D]")
        ahead = np.busday_offset(dates, steps, roll="backward", weekmask=self._weekmask)
        return ahead.astype("datetime64[ns]") + (wall - dates)

    def _after_months(self, wall: np.ndarray, months: np.ndarray) -> np.ndarray:
        month, date = wall.astype("datetime64[M]"), wall.astype("datetime64[D]")
        target = month + months
        if self.working:
            return self.of_months(target) + (wall - date)
        day = (date - month.astype("datetime64[D]")).astype(np.int64) + 1
        # A series that keeps a day of its own keeps it; February's last day is a month end, not a 28th.
        anchor = np.where(np.minimum(self.day, month_lengths(month)) == day, self.day, day)
        days = np.minimum(anchor, month_lengths(target)) - 1
        return (target.astype("datetime64[D]") + days).astype("datetime64[ns]") + (wall - date)

    def _nearest_weekday(self, wall: np.ndarray) -> np.ndarray:
        """Move weeks' stamps that a holiday shifted back to the day the weeks fall on."""
        if len(self.weekdays) != 1:
            return wall
        off = (self.weekdays[0] - weekdays_of(wall) + 3) % 7 - 3
        return wall + (off * DAY).astype("timedelta64[ns]")

    def _place(self, wall: np.ndarray) -> np.ndarray:
        """Return the number of session steps from the first Monday to each stamp."""
        week, since = np.divmod(wall.view(np.int64) - MONDAY, WEEK)
        places: np.ndarray = week * len(self._slots) + np.searchsorted(self._slots, since, side="right") - 1
        return places

    @cached_property
    def _slots(self) -> np.ndarray:
        """The stamps of one week, in nanoseconds after Monday's midnight, in order."""
        spans = [day * DAY + np.arange(first, last + 1, self.step) for day, first, last in self.sessions]
        return np.sort(np.concatenate(spans))

    @property
    def _weekmask(self) -> list[bool]:
        return [day in self.weekdays for day in EVERY_DAY]

    def _most_on_holidays(self, horizon: int) -> int:
        """Return how many of the next steps may fall on holidays, at most."""
        if not self.holidays:
            return 0
        per_day = -(-len(self._slots) // len(self.weekdays)) if self.sessions else 1
        days = horizon // per_day + 1
        return 2 * per_day * len(self.holidays) * (days // 200 + 1)

    def _on_holiday(self, stamps: np.ndarray) -> np.ndarray:
        dates = pd.DatetimeIndex(to_wall(stamps, self.zone))
        keys = dates.month.to_numpy() * 100 + dates.day.to_numpy()
        return np.isin(keys, [100 * month + day for month, day in self.holidays])


def weekdays_of(stamps: np.ndarray) -> np.ndarray:
    """Return the weekday of each datetime64 stamp, Monday being 0: [B] -> [B]."""
    days: np.ndarray = stamps.astype("datetime64[D]").astype(np.int64)
    return (days + 3) % 7  # day 0, 1970-01-01, was a Thursday


def month_lengths(months: np.ndarray) -> np.ndarray:
    """Return the number of days in each datetime64[M] month: [B] -> [B]."""
    lengths: np.ndarray = (months + 1).astype("datetime64[D]") - months.astype("datetime64[D]")
    return lengths.astype(np.int64)


def first_working_days(months: np.ndarray) -> np.ndarray:
    """Return the first day from Monday to Friday of each datetime64[M] month: [B] -> [B]."""
    return np.busday_offset(months.astype("datetime64[D]"), 0, roll="forward")


def last_working_days(months: np.ndarray) -> np.ndarray:
    """Return the last day from Monday to Friday of each datetime64[M] month: [B] -> [B]."""
    return np.busday_offset((months + 1).astype("datetime64[D]"), -1, roll="forward")


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
