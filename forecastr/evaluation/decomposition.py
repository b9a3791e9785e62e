"""Classical decomposition of all series at once: the level around each step, and what each step of the season adds.

Arrays run down the steps, a column for each series: [L, N]. What a series does not have is 0 and masked.
"""

import numpy as np
import numpy.typing as npt

from forecastr.evaluation.panel_cutoffs import dot_columns

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


def moving_average(y: FloatArray, known: BoolArray, season_length: int) -> tuple[BoolArray, FloatArray]:
    """Return where a whole season lies around a step, and the mean of that season [L, N].

    A season of even length reaches half a step further on either side.
    """
    half = season_length // 2
    level = y.sum(axis=0) / known.sum(axis=0)  # sums of deviations lose fewer digits
    total = np.cumsum(np.vstack([np.zeros_like(level), y - level]), axis=0)  # [L + 1, N]
    wide = total[2 * half + 1 :] - total[: -2 * half - 1]
    narrow = wide if season_length % 2 else total[2 * half : -1] - total[1 : -2 * half]
    trend = np.zeros_like(y)
    trend[half : len(y) - half] = level + (wide + narrow) / (2 * season_length)
    inside = np.zeros_like(known)
    inside[half : len(y) - half] = known[2 * half :]
    return inside, trend


def season_means(values: FloatArray, inside: BoolArray, season_length: int) -> FloatArray:
    """Return the mean of each step of the season over the steps inside: [season_length, N]."""
    missing = -len(values) % season_length
    rows = ((0, missing), (0, 0))
    folded = (season_length, values.shape[1])
    total = np.pad(values, rows).reshape(-1, *folded).sum(axis=0)
    return np.asarray(total / np.pad(inside, rows).reshape(-1, *folded).sum(axis=0))


def fit_lines(y: FloatArray, known: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Return the slope of the least-squares line through each series, and its value at the first step: each [N]."""
    n_known = known.sum(axis=0)
    centre = (n_known - 1) / 2
    time = (np.arange(len(y))[:, None] - centre) * known
    slope = dot_columns(time, y) / dot_columns(time, time)
    return slope, y.sum(axis=0) / n_known - slope * centre
