"""Cycles of the calendar as covariates: where in the day, week, month or year a stamp lies."""

import numpy as np

DAY = 86_400 * 10**9  # nanoseconds
MONDAY = 4 * DAY  # 1970-01-05, the first Monday after stamp 0
LENGTHS = {"day": DAY, "week": 7 * DAY, "month": 30 * DAY, "year": 365.2425 * DAY}
LEAST_STEPS = {"day": 4, "week": 5, "month": 18, "year": 3.9}  # steps in a cycle that show it
LEAST_CYCLES = 2  # in the training part: a cycle seen once is no cycle


def find_cycles(stamps: np.ndarray) -> tuple[str, ...]:
    """Return the cycles that the stamps of one series [T] resolve, and of which they hold two.

    Examples
    --------
    >>> find_cycles(np.arange("2024-01-01", "2024-04-01", dtype="datetime64[D]"))
    ('week', 'month')
    >>> find_cycles(np.arange(90))
    ()
    """
    if stamps.dtype.kind != "M" or len(stamps) < 2:
        return ()
    times = stamps.astype("datetime64[ns]").view(np.int64)
    step, span = float(np.median(np.diff(times))), float(times[-1] - times[0])
    return tuple(
        name
        for name, length in LENGTHS.items()
        if length >= LEAST_STEPS[name] * step and span + step >= LEAST_CYCLES * length
    )


def cycle_waves(stamps: np.ndarray, cycles: tuple[str, ...]) -> np.ndarray:
    """Return a sine and a cosine for every cycle [..., 2 * cycles], float32, of datetime64[ns] stamps [...].

    Examples
    --------
    >>> cycle_waves(np.array(["2024-01-01T06:00"], "datetime64[ns]"), ("day",)).round(3) + 0.0
    array([[1., 0.]], dtype=float32)
    """
    waves = np.empty((*stamps.shape, 2 * len(cycles)), np.float32)
    for k, name in enumerate(cycles):
        angle = (2 * np.pi * _phase(stamps, name)).astype(np.float32)
        waves[..., 2 * k], waves[..., 2 * k + 1] = np.sin(angle), np.cos(angle)
    return waves


def _phase(stamps: np.ndarray, cycle: str) -> np.ndarray:
    """Return the share of a cycle [...] that has passed at each stamp."""
    times = stamps.view(np.int64)
    phase: np.ndarray
    if cycle == "month":  # from its first day to its last, however many
        month = stamps.astype("datetime64[M]")
        start, stop = (when.astype("datetime64[ns]").view(np.int64) for when in (month, month + 1))
        phase = (times - start) / (stop - start)
    else:
        phase = (times - (MONDAY if cycle == "week" else 0)) % LENGTHS[cycle] / LENGTHS[cycle]
    return phase
