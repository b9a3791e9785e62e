"""Opening hours and holidays, learned from the stamps that are there and from those that are not."""

import numpy as np

from forecastr.data.time.calendar import DAY, EVERY_DAY, WEEK, weekdays_of

RECENT = 60  # days from which opening hours are learned: they change, and so do clocks
MOST_ROWS = 200_000
LEAST_EACH = 3  # days of each weekday, before weekdays may differ in their hours
LEAST_YEARS = 3  # times that a date must have been absent to be called a holiday
SUREST, CHANCE = 0.98, 1e-6  # how sure the best data makes us, and the risk of calling a gap closing time
LEAST_EQUAL = 0.25  # of the steps; with fewer the data is no bars of that step
ENOUGH = 10  # days on which a time of day never occurred, to call it closed on all of them
FEW_DAYS = 14  # days: below, a weekday that is absent may just not have come yet
RARE = 0.01  # a weekday with a smaller share of the rows does not belong to the calendar

Sessions = tuple[tuple[int, int, int], ...]


def find_sessions(wall: np.ndarray, step: int) -> Sessions:
    """Return weekday, first and last stamp of each session; nothing where stamps go round the clock.

    A time of day belongs to a session if it occurs on at least half of the days on which it could, or if
    too few days are there to tell that it is absent for more than chance.

    Parameters
    ----------
    wall : ndarray of datetime64[ns], shape [B]
        Stamps within days, of all series, on the clock of the place.
    step : int
        Nanoseconds between them, less than a day.

    Examples
    --------
    >>> days = np.array(["2024-01-02", "2024-01-03", "2024-01-04"], dtype="datetime64[ns]")
    >>> hours = (np.arange(9, 12) * 3600 * 10**9).astype("timedelta64[ns]")
    >>> [(day, first // 3600 // 10**9, last // 3600 // 10**9)
    ...  for day, first, last in find_sessions((days[:, None] + hours).ravel(), 3600 * 10**9)][:2]
    [(0, 9, 11), (1, 9, 11)]
    """
    stamps = _recent(wall, step)
    if np.mean(np.diff(stamps) == step) < LEAST_EQUAL:
        return ()
    dates, times = np.divmod(stamps, DAY)
    first, last = stamps[0], stamps[-1]
    slots = _possible(np.unique(times), step)
    place = np.searchsorted(slots, times)
    weekdays = _weekdays(stamps)
    days = np.arange(dates[0], dates[-1] + 1)
    of_week = (days + 3) % 7
    starts = days[:, None] * DAY + slots  # [days, slots]
    could = (starts >= first) & (starts <= last)
    present = np.zeros(could.shape, dtype=bool)
    present[dates - dates[0], place] = True
    counted = np.flatnonzero(present.any(axis=1) & np.isin(of_week, weekdays))  # a holiday closes no hour
    could, present, of_week = could[counted], present[counted], of_week[counted]
    seen = present.any(axis=0) | (could.sum(axis=0) < ENOUGH)
    slots, could, present = slots[seen], could[:, seen], present[:, seen]
    apart = all((of_week == day).sum() >= LEAST_EACH for day in weekdays)
    classes = [(day,) for day in weekdays] if apart else [weekdays]
    usual = {day: _usual(could, present, np.isin(of_week, days)) for days in classes for day in days}
    if len(counted) == 2 and (present[0] == present[1]).all():  # the same hours twice, and none between
        usual = dict.fromkeys(weekdays, present[0])
    if len(weekdays) == 7 and len(slots) >= DAY // step and all(mask.all() for mask in usual.values()):
        return ()
    if len(counted) < 2 or not _closes(stamps, step, {day: slots[mask] for day, mask in usual.items()}):
        return ()
    return tuple(span for day, mask in sorted(usual.items()) for span in _spans(day, slots[mask], step))


def weekdays_present(stamps: np.ndarray) -> tuple[int, ...]:
    """Return the weekdays of the calendar; in less than two weeks only a skipped weekend shows."""
    shares = weekday_shares(stamps)
    if len(stamps) and stamps.max() - stamps.min() >= np.timedelta64(FEW_DAYS, "D"):
        return tuple(int(day) for day in np.flatnonzero(shares >= RARE))
    dates = np.unique(stamps.astype("datetime64[D]"))
    skips = (np.diff(dates).astype(np.int64) > 1).any()
    return (0, 1, 2, 3, 4) if skips and not (shares[5:] > 0).any() else EVERY_DAY


def weekday_shares(stamps: np.ndarray) -> np.ndarray:
    """Return the share of the stamps that falls on each weekday, shape [7]."""
    shares: np.ndarray = np.bincount(weekdays_of(stamps), minlength=7) / max(len(stamps), 1)
    return shares


def find_holidays(wall: np.ndarray, weekdays: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """Return month and day of the dates that are absent in every year, three at least, though a weekday.

    Nothing is returned where so many days are absent that some would be so every year by chance.

    Examples
    --------
    >>> days = np.arange("2019-01-01", "2024-01-01", dtype="datetime64[D]")
    >>> open_days = days[np.is_busday(days) & ~np.char.endswith(days.astype(str), "12-25")]
    >>> find_holidays(open_days.astype("datetime64[ns]"), (0, 1, 2, 3, 4))
    ((12, 25),)
    """
    days = wall.view(np.int64) // DAY
    first, last = int(days.min()), int(days.max())
    present = np.zeros(last - first + 1, dtype=bool)
    present[days - first] = True
    dates = np.arange(first, last + 1).astype("datetime64[D]")
    due = np.isin(weekdays_of(dates), weekdays)
    dates, absent = dates[due], ~present[due]
    months = dates.astype("datetime64[M]")
    keys = 32 * (months.astype(np.int64) % 12 + 1) + (dates - months.astype("datetime64[D]")).astype(np.int64) + 1
    times, missed = np.bincount(keys), np.bincount(keys, weights=absent)
    by_chance = len(times) * absent.mean() ** times
    found = np.flatnonzero((times >= LEAST_YEARS) & (missed == times) & (by_chance < 0.05))
    return tuple((int(key) // 32, int(key) % 32) for key in found)


def _recent(wall: np.ndarray, step: int) -> np.ndarray:
    """Return the distinct stamps, as integers, of the last days that hold any."""
    stamps = wall.view(np.int64)
    dates = np.unique(stamps // DAY)
    stamps = np.unique(stamps[stamps >= dates[-min(RECENT, len(dates))] * DAY])
    return stamps[-MOST_ROWS:]


def _weekdays(stamps: np.ndarray) -> tuple[int, ...]:
    """Return the weekdays of the sessions; one that occurs on fewer than half of its dates is none."""
    dates = np.unique(stamps // DAY).astype("datetime64[D]")
    if dates[-1] - dates[0] < np.timedelta64(FEW_DAYS, "D"):
        return weekdays_present(stamps.astype("datetime64[ns]"))
    all_dates = np.arange(dates[0], dates[-1] + 1)
    due = np.bincount(weekdays_of(all_dates), minlength=7)
    shares = np.bincount(weekdays_of(dates), minlength=7) / np.maximum(due, 1)
    return tuple(int(day) for day in np.flatnonzero(shares >= 0.5))


def _possible(slots: np.ndarray, step: int) -> np.ndarray:
    """Return the times of day at which stamps may stand: all of the grid, where those seen lie on one."""
    phases = np.unique(slots % step)
    return np.arange(phases[0], DAY, step) if len(phases) == 1 and DAY % step == 0 else slots


def _usual(could: np.ndarray, present: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return the slots that occur on at least half of the days on which they could, or may by chance not have."""
    due, there = could[chosen].sum(axis=0), (present & could)[chosen].sum(axis=0)
    usual: np.ndarray = (due > 0) & (2 * there >= due)
    rate = min(there[usual].sum() / max(due[usual].sum(), 1), SUREST)
    edges = np.flatnonzero(np.diff(usual)) + 1
    for run in np.split(np.arange(len(usual)), edges):
        if not usual[run[0]] and due[run].any():
            usual[run] = due[run].max() < 2 or not _is_below(there[run].sum(), due[run].sum(), rate)
    return usual


def _is_below(there: int, due: int, rate: float) -> bool:
    """Say whether so few of so many are less than chance would leave (Chernoff's bound)."""
    share = there / due
    if share >= rate:
        return False
    gain = (1 - share) * np.log((1 - share) / (1 - rate)) + (share * np.log(share / rate) if share else 0.0)
    return bool(due * gain > -np.log(CHANCE))


def _closes(stamps: np.ndarray, step: int, usual: dict[int, np.ndarray]) -> bool:
    """Say whether some time that is no session lies between two stamps: else nobody knows."""
    offsets = np.concatenate([day * DAY + slots for day, slots in usual.items()])
    if len(offsets) < 2:
        return False
    gaps = np.flatnonzero(np.diff(stamps) > step)
    # Within a gap the session's own stamps are missing, or there are none: then it was closed.
    before, after = stamps[gaps], stamps[gaps + 1]
    since = _session_steps(np.sort(offsets), after) - _session_steps(np.sort(offsets), before)
    return bool((since < (after - before) // step).any())


def _session_steps(offsets: np.ndarray, stamps: np.ndarray) -> np.ndarray:
    week, since = np.divmod(stamps + 3 * DAY, WEEK)
    places: np.ndarray = week * len(offsets) + np.searchsorted(offsets, since, side="right")
    return places


def _spans(day: int, slots: np.ndarray, step: int) -> list[tuple[int, int, int]]:
    """Return the runs of slots a step apart, as (weekday, first, last)."""
    if not len(slots):
        return []
    breaks = np.flatnonzero(np.diff(slots) != step) + 1
    return [(int(day), int(run[0]), int(run[-1])) for run in np.split(slots, breaks)]
