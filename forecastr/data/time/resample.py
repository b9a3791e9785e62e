"""Rows brought to larger steps: the mean of each."""

import numpy as np

from forecastr.data.time.aliases import anchor_month, calendar_of_alias
from forecastr.data.time.calendar import HOUR, MONTH_END, WEEK, Calendar, weekdays_of
from forecastr.data.time.zones import to_utc, to_wall
from forecastr.errors import DataError


def resample(
    codes: np.ndarray, stamps: np.ndarray, values: np.ndarray, alias: str, *, zone: str | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return series, stamps and values with one row per step that has any: the mean of its values.

    Steps are stamped as pandas stamps them: days, hours and ``MS`` by their start, ``ME`` and weeks by
    their last day.

    Parameters
    ----------
    codes, stamps : ndarray, shape [B]
        Each series in one piece and in time order.
    values : ndarray of float, shape [B] or [B, F]
        NaN where missing: a step without any value stays NaN.
    alias : str
        The step, as pandas names it.
    zone : str or None
        On whose clock days begin.

    Raises
    ------
    ConfigError
        If ``alias`` names no step.
    DataError
        If the stamps are integers.

    Examples
    --------
    >>> days = np.arange("2024-01-30", "2024-02-03", dtype="datetime64[D]").astype("datetime64[ns]")
    >>> _, months, means = resample(np.zeros(4, dtype=int), days, np.array([1.0, 3, 5, 9]), "MS")
    >>> months.astype("datetime64[D]").astype(str).tolist(), means
    (['2024-01-01', '2024-02-01'], array([2., 7.]))
    """
    if stamps.dtype.kind != "M":
        raise DataError("--resample needs dates, and the time column holds integers that count steps.")
    steps = calendar_of_alias(alias)
    by_clock = zone if steps.months or steps.step > HOUR else None
    wall = to_wall(stamps.astype("datetime64[ns]"), by_clock)
    labels = to_utc(_floored(wall, steps, anchor_month(alias)), by_clock)
    fresh = np.concatenate([[True], (codes[1:] != codes[:-1]) | (labels[1:] != labels[:-1])])
    starts = np.flatnonzero(fresh)
    known = np.isfinite(values)
    sums = np.add.reduceat(np.where(known, values, 0.0), starts, axis=0)
    counts = np.add.reduceat(known.astype(np.int64), starts, axis=0)
    means = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
    return codes[starts], labels[starts], means.astype(values.dtype)


def _floored(wall: np.ndarray, steps: Calendar, anchor: int | None) -> np.ndarray:
    """Return the stamp of the step that each time falls in."""
    if steps.months:
        months = wall.astype("datetime64[M]")
        at_end = steps.day == MONTH_END
        # Quarters and years end, or begin, in the anchor's month.
        phase = anchor - 1 if anchor else steps.months - 1 if at_end else 0
        since = months.astype(np.int64) - phase
        return steps.of_months(months + -since % steps.months if at_end else months - since % steps.months)
    dates = wall.astype("datetime64[D]")
    if steps.step % WEEK == 0:
        anchor = steps.weekdays[0] if len(steps.weekdays) == 1 else 6
        ends = dates + (anchor - weekdays_of(wall)) % 7
        weeks = (ends - ends.min()).astype(np.int64) // 7 if len(ends) else np.zeros(0, dtype=np.int64)
        return (ends + 7 * (-weeks % (steps.step // WEEK))).astype("datetime64[ns]")
    if not steps.has_grid:
        return np.busday_offset(dates, 0, roll="backward").astype("datetime64[ns]")
    origin = dates.min().astype("datetime64[ns]").view(np.int64)
    since = wall.view(np.int64) - origin
    return (origin + since // steps.step * steps.step).astype("datetime64[ns]")
