"""Season lengths that the data confirms."""

from collections.abc import Sequence

import numpy as np

SAMPLE = 300  # series of a panel that vote
FEW = 5  # series: below, nothing averages chance out, so each must be surer
Z_FEW, Z_MANY = 2.33, 1.645  # one-sided 99 % and 95 %; the latter is the test of M4's Naive2
LEAST_SHARE = 0.15
LEAST_STRENGTH = 0.1  # of few series: less explains under a hundredth of what happens, and long series confirm it
MOST_VALUES = 4_000_000  # that are looked at
SEASONS = 8  # of each series at least, where it has them


def find_seasons(values: Sequence[np.ndarray], candidates: Sequence[int]) -> tuple[int, ...]:
    """Return the season lengths found in the data, strongest first; ``(1,)`` where nothing repeats.

    A season shows as a positive autocorrelation at its lag, once the level is taken off: in a random
    walk every lag correlates. The level is a moving average over one season, which leaves no
    correlation at that lag in a random walk, with a drift or without. A longer candidate that holds a
    shorter season several times (a week of hours) must show in what the shorter one leaves.

    Parameters
    ----------
    values : sequence of ndarray
        Each series' values, oldest first, NaN where missing: training parts only. Of a large panel,
        300 series spread over it are looked at.
    candidates : sequence of int
        Season lengths in steps, as in ``Calendar.season_candidates``.

    Returns
    -------
    tuple of int
        Never empty.

    References
    ----------
    Fiorucci et al. (2016), Models for optimising the theta method, for the test and its limit.

    Examples
    --------
    >>> find_seasons([np.tile([1.0, 5.0, 2.0, 9.0], 10)], [4])
    (4,)
    >>> find_seasons([np.random.default_rng(1).normal(size=200).cumsum()], [5])
    (1,)
    """
    return tuple(season_strengths(values, candidates)) or (1,)


def season_strengths(values: Sequence[np.ndarray], candidates: Sequence[int]) -> dict[int, float]:
    """Return the seasons found in the data with their strength, strongest first; empty where nothing repeats.

    The strength is the median autocorrelation at the season's lag, level taken off: 1 repeats exactly.
    Parameters as of ``find_seasons``.

    Examples
    --------
    >>> season_strengths([np.random.default_rng(1).normal(size=200).cumsum()], [5])
    {}
    """
    strengths: dict[int, float] = {}
    for length in sorted(set(candidates) - {0, 1}):
        strength = _strength(_sampled(values, length), length, _held(strengths, length))
        if strength is not None:
            strengths[length] = strength
    return {length: strengths[length] for length in sorted(strengths, key=lambda length: -strengths[length])}


def _sampled(values: Sequence[np.ndarray], length: int) -> list[np.ndarray]:
    """Return the last values of series spread over the panel: fewer, the longer the season."""
    n_series = min(SAMPLE, max(FEW, MOST_VALUES // (SEASONS * length)), len(values))
    most = max(SEASONS * length, MOST_VALUES // max(n_series, 1))
    places = sorted({round(place) for place in np.linspace(0, len(values) - 1, n_series)})
    return [np.asarray(values[place][-most:], dtype=np.float64) for place in places]


def _held(strengths: dict[int, float], length: int) -> int | None:
    """Return the longest confirmed season that fits into ``length`` a whole number of times."""
    return max((shorter for shorter in strengths if length % shorter == 0), default=None)


def _strength(sample: Sequence[np.ndarray], length: int, shorter: int | None) -> float | None:
    """Return the median autocorrelation at a season's lag, or None where too few series confirm it."""
    tested = []
    for y in sample:  # a constant says nothing, and rounding would speak for it
        known = y[np.isfinite(y)]
        if len(known) < 2 * length or (known == known[0]).all():
            continue
        left = y if shorter is None else y[shorter:] - y[:-shorter]
        if len(left) > length and (result := _autocorrelation(_detrended(left, length), length)) is not None:
            tested.append(result)
    if not tested:
        return None
    at_lag, error = np.array(tested).T
    z, chance = (Z_FEW, 0.01) if len(tested) < FEW else (Z_MANY, 0.05)
    # Three standard errors above the share that chance alone would confirm.
    needed = chance + 3 * np.sqrt(chance * (1 - chance) / len(tested))
    least = LEAST_STRENGTH if len(tested) < FEW else 0.0
    confirmed = np.mean(at_lag > np.maximum(z * error, least))
    return float(np.median(at_lag)) if confirmed >= max(needed, LEAST_SHARE) else None


def _detrended(y: np.ndarray, length: int) -> np.ndarray:
    """Return a series without its centred moving average over one season, held constant at the ends."""
    present = np.isfinite(y)
    centre = y[present].mean() if present.any() else 0.0
    sums = _moving_sums(np.where(present, y - centre, 0.0), length)
    counts = _moving_sums(present.astype(np.float64), length)
    level = np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)
    return y - centre - np.pad(level, length // 2, mode="edge")


def _moving_sums(values: np.ndarray, length: int) -> np.ndarray:
    """Return the centred sums over one season; of an even one both ends count half."""
    totals = np.concatenate([[0.0], np.cumsum(values)])
    sums = totals[length:] - totals[:-length]
    return sums if length % 2 else (sums[:-1] + sums[1:]) / 2


def _autocorrelation(values: np.ndarray, lag: int) -> tuple[float, float] | None:
    """Return the autocorrelation at a lag and its standard error (Bartlett), or None for a constant."""
    present = np.isfinite(values)
    if not present.any():
        return None
    centred = np.where(present, values - values[present].mean(), 0.0)
    scale = np.abs(centred).max()
    if scale == 0:
        return None
    spectrum = np.fft.rfft(centred / scale, 1 << (2 * len(centred) - 1).bit_length())
    sums = np.fft.irfft(np.abs(spectrum) ** 2)[: lag + 1]
    correlations = sums / sums[0]
    error = np.sqrt((1 + 2 * (correlations[1:lag] ** 2).sum()) / present.sum())
    # At a long lag few pairs are left, and dividing by all steps would hide a season in short series.
    unbiased = correlations[lag] * len(values) / (len(values) - lag)
    return float(unbiased), float(error)
