"""The steps of a time axis, learned from the data, and the stamps that follow it."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecastr.schema import ID, TIME

SECOND = 10**9
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86400 * SECOND
WEEK = 7 * DAY
WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
MONTH_END = 31
RARE = 0.01  # a weekday with a smaller share of the rows does not belong to the calendar
USUAL_HORIZON = 10


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """How one stamp follows another.

    Parameters
    ----------
    name : str
        ``hourly``, ``daily``, ``business-daily``, ``weekly``, ``monthly``, ``quarterly``, ``yearly``,
        ``integer``, or a phrase such as ``every 15 minutes``.
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
    weekdays : tuple of int
        Weekdays that occur (Monday is 0); for weekly data the one it falls on.
    """

    name: str
    alias: str
    default_horizon: int
    season_candidates: tuple[int, ...] = ()
    step: int = 0
    months: int = 0
    day: int = 0
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values, ready for JSON."""
        fields = asdict(self)
        lists = {name: list(fields[name]) for name in ("season_candidates", "weekdays")}
        return {**fields, **lists}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> "Calendar":
        """Return what ``to_dict`` was called on."""
        tuples = {name: tuple(fields[name]) for name in ("season_candidates", "weekdays")}
        return cls(**{**fields, **tuples})

    def future(self, last: Any, horizon: int) -> np.ndarray:
        """Return the ``horizon`` stamps after ``last``: datetime64[ns] or int64, shape [H].

        Examples
        --------
        >>> days = pd.bdate_range("2024-01-01", periods=30)
        >>> find_calendar(pd.DataFrame({"unique_id": "a", "ds": days})).future("2024-03-01", 2)
        array(['2024-03-04T00:00:00.000000000', '2024-03-05T00:00:00.000000000'],
              dtype='datetime64[ns]')
        """
        steps = np.arange(1, horizon + 1)
        if self.name == "integer":
            return int(last) + self.step * steps
        start = pd.Timestamp(last).to_datetime64().astype("datetime64[ns]")
        if self.months:
            return self._after_months(start, self.months * steps)
        if self.step == WEEK:
            start = self._nearest_weekday(start)
        if len(self.weekdays) == 7 or self.step >= WEEK:
            return _ahead(start, self.step, horizon)
        # Enough steps that what is left after the missing weekdays is still the horizon.
        rounds = 7 * (horizon * self.step // (len(self.weekdays) * DAY) + 2) * DAY // self.step
        ahead = _ahead(start, self.step, rounds)
        return ahead[np.isin(weekdays_of(ahead), self.weekdays)][:horizon]

    def _after_months(self, start: np.datetime64, months: np.ndarray) -> np.ndarray:
        month, date = start.astype("datetime64[M]"), start.astype("datetime64[D]")
        day = int((date - month.astype("datetime64[D]")).astype(int)) + 1
        # A series that keeps a day of its own keeps it; February's last day is a month end, not a 28th.
        anchor = self.day if min(self.day, int(month_lengths(np.array([month]))[0])) == day else day
        target = month + months
        days = np.minimum(anchor, month_lengths(target)) - 1
        stamps: np.ndarray = (target.astype("datetime64[D]") + days).astype("datetime64[ns]") + (start - date)
        return stamps

    def _nearest_weekday(self, start: np.datetime64) -> np.datetime64:
        """Move a week's stamp that a holiday shifted back to the day the weeks fall on."""
        if len(self.weekdays) != 1:
            return start
        off = (self.weekdays[0] - int(weekdays_of(np.array([start]))[0]) + 3) % 7 - 3
        return start + np.timedelta64(off, "D")


def find_calendar(frame: pd.DataFrame) -> Calendar:
    """Return the calendar of a panel, learned from the steps between its stamps.

    The most common step decides, so a missing holiday or a gap changes nothing.

    Parameters
    ----------
    frame : DataFrame
        ``unique_id`` and ``ds``, each series in one piece and in time order.

    Examples
    --------
    >>> days = pd.date_range("2024-01-31", periods=5, freq="ME")
    >>> find_calendar(pd.DataFrame({"unique_id": "a", "ds": days})).name
    'monthly'
    """
    stamps = frame[TIME].to_numpy()
    if stamps.dtype.kind == "M":
        stamps = stamps.astype("datetime64[ns]")
    codes = pd.factorize(frame[ID])[0]
    inside = codes[1:] == codes[:-1]
    steps = np.diff(stamps.view(np.int64))[inside]
    if stamps.dtype.kind != "M":
        return _integer(_mode(steps) if len(steps) else 1)
    if not len(steps):
        return _days(stamps, DAY)
    if np.median(steps) >= 27 * DAY and (monthly := _months(stamps, steps, inside)):
        return monthly
    step = _mode(steps)
    return _days(stamps, step) if step >= DAY else _within_a_day(stamps, step)


def weekdays_of(stamps: np.ndarray) -> np.ndarray:
    """Return the weekday of each datetime64 stamp, Monday being 0: [B] -> [B]."""
    days: np.ndarray = stamps.astype("datetime64[D]").astype(np.int64)
    return (days + 3) % 7  # day 0, 1970-01-01, was a Thursday


def month_lengths(months: np.ndarray) -> np.ndarray:
    """Return the number of days in each datetime64[M] month: [B] -> [B]."""
    lengths: np.ndarray = (months + 1).astype("datetime64[D]") - months.astype("datetime64[D]")
    return lengths.astype(np.int64)


def _ahead(start: np.datetime64, step: int, count: int) -> np.ndarray:
    stamps: np.ndarray = start + (step * np.arange(1, count + 1)).astype("timedelta64[ns]")
    return stamps


def _mode(steps: np.ndarray) -> int:
    values, counts = np.unique(steps, return_counts=True)
    return int(values[counts.argmax()])


def _integer(step: int) -> Calendar:
    return Calendar(name="integer", alias=str(step), default_horizon=USUAL_HORIZON, step=step)


def _within_a_day(stamps: np.ndarray, step: int) -> Calendar:
    per_day = DAY // step if DAY % step == 0 else 0
    seasons = (per_day, 7 * per_day) if step >= MINUTE else (HOUR // step, per_day)
    fields: dict[str, Any] = {
        "step": step,
        "weekdays": _weekdays_present(stamps),
        "season_candidates": seasons if per_day else (),
    }
    if step == HOUR:
        return Calendar(name="hourly", alias="h", default_horizon=48, **fields)
    horizon = 2 * DAY // step if step > HOUR else min(DAY // step, 96)
    for size, word, alias in ((HOUR, "hours", "h"), (MINUTE, "minutes", "min"), (SECOND, "seconds", "s")):
        if step % size == 0:
            count = step // size
            return Calendar(name=_every(count, word), alias=f"{count}{alias}", default_horizon=horizon, **fields)
    return Calendar(name=f"every {step / SECOND:g} seconds", alias=f"{step}ns", default_horizon=horizon, **fields)


def _days(stamps: np.ndarray, step: int) -> Calendar:
    if step == DAY:
        present = _weekdays_present(stamps)
        if len(present) < 7:
            alias = "B" if present == (0, 1, 2, 3, 4) else "C"
            return Calendar(
                name="business-daily", alias=alias, default_horizon=20, step=DAY,
                season_candidates=(len(present),), weekdays=present,
            )  # fmt: skip
        return Calendar(name="daily", alias="D", default_horizon=14, season_candidates=(7,), step=DAY)
    if step == WEEK:
        shares = _weekday_shares(stamps)
        anchor = (int(shares.argmax()),) if shares.max() > 0.9 else tuple(range(7))
        alias = f"W-{WEEKDAYS[anchor[0]]}" if len(anchor) == 1 else "7D"
        return Calendar(
            name="weekly",
            alias=alias,
            default_horizon=13,
            step=WEEK,
            season_candidates=(52,),
            weekdays=anchor,
        )
    if step % DAY:
        name, alias = _every(step // HOUR, "hours"), f"{step // HOUR}h"
    elif step % WEEK:
        name, alias = _every(step // DAY, "days"), f"{step // DAY}D"
    else:
        name, alias = _every(step // WEEK, "weeks"), f"{step // DAY}D"
    seasons = (26,) if step == 2 * WEEK else (13,) if step == 4 * WEEK else ()
    return Calendar(name=name, alias=alias, default_horizon=USUAL_HORIZON, step=step, season_candidates=seasons)


def _months(stamps: np.ndarray, steps: np.ndarray, inside: np.ndarray) -> Calendar | None:
    """Return a calendar of whole months, or None where days are what is equal (every four weeks)."""
    months, dates = stamps.astype("datetime64[M]"), stamps.astype("datetime64[D]")
    days = (dates - months.astype("datetime64[D]")).astype(np.int64) + 1
    day = _day_of_month(days, month_lengths(months))
    count = _mode(np.diff(months.astype(np.int64))[inside])
    if count < 1 or (not day and np.mean(steps == _mode(steps)) > 0.9):
        return None
    known = {
        1: ("monthly", "M", 18, (12,)),
        3: ("quarterly", "Q", 8, (4,)),
        12: ("yearly", "Y", 6, (1,)),
    }
    seasons = (12 // count,) if count and 12 % count == 0 else ()
    fallback = (_every(count, "months"), f"{count}M", USUAL_HORIZON, seasons)
    name, letter, horizon, seasons = known.get(count, fallback)
    return Calendar(
        name=name, alias=letter + ("E" if day == MONTH_END else "S"), default_horizon=horizon,
        season_candidates=seasons, months=count, day=day or 1,
    )  # fmt: skip


def _day_of_month(days: np.ndarray, lengths: np.ndarray) -> int:
    """Return the day that nearly all stamps fall on, 31 for a month's end, 0 where there is none.

    The last working day of a month counts as its end, the first as its start.
    """
    if np.mean(days == 1) > 0.9:
        return 1
    if np.mean(days == lengths) > 0.9:
        return MONTH_END
    usual = _mode(days)
    if np.mean(days == np.minimum(usual, lengths)) > 0.9:
        return usual
    if np.mean(lengths - days < 4) > 0.9:
        return MONTH_END
    return 1 if np.mean(days <= 4) > 0.9 else 0


def _weekday_shares(stamps: np.ndarray) -> np.ndarray:
    return np.bincount(weekdays_of(stamps), minlength=7) / max(len(stamps), 1)


def _weekdays_present(stamps: np.ndarray) -> tuple[int, ...]:
    """Return the weekdays of the calendar; in less than two weeks only a skipped weekend shows."""
    if len(stamps) and stamps.max() - stamps.min() >= np.timedelta64(14, "D"):
        return tuple(int(day) for day in np.flatnonzero(_weekday_shares(stamps) >= RARE))
    dates = np.unique(stamps.astype("datetime64[D]"))
    skips = (np.diff(dates).astype(np.int64) > 1).any()
    weekend = (_weekday_shares(stamps)[5:] > 0).any()
    return (0, 1, 2, 3, 4) if skips and not weekend else tuple(range(7))


def _every(count: int, word: str) -> str:
    return f"every {count} {word}" if count != 1 else f"every {word[:-1]}"
