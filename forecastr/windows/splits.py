"""The three parts of every series, and the cutoffs from which each part is forecast."""

import numpy as np

from forecastr.errors import DataError
from forecastr.schema import Splits, Task
from forecastr.windows.store import Cutoffs, SeriesStore

TEST_SHARE = 5  # a lone series gives its last fifth to the test part, and as much to validation
MIN_TRAIN_STEPS = 3
VALIDATED_HORIZONS = 4  # of a panel, at most
MORE_VALIDATION = 4  # all but the first as long as they take no more than this part of the rest


def min_steps(horizon: int) -> int:
    """Return the fewest steps a lone series needs: two horizons, and something to train on."""
    return 2 * horizon + MIN_TRAIN_STEPS


def plan_splits(lengths: np.ndarray, task: Task) -> Splits:
    """Return the steps that validation and test take from the end of every series.

    A lone series gives a fifth to each. A panel is tested on one horizon, and validated on up to four: the errors
    of one are those of one season, such as Christmas, and intervals would learn no other.

    Parameters
    ----------
    lengths : ndarray of shape (N,)
        Steps of every series.
    task : Task
        Its horizon is the least that each part needs.

    Raises
    ------
    DataError
        If no series is long enough to be forecast, validated and tested.

    Examples
    --------
    >>> plan_splits(np.array([100]), Task(horizon=5))
    Splits(n_validation=20, n_test=20)
    """
    horizon, longest = task.horizon, int(lengths.max())
    needed = min_steps(horizon)
    if longest < needed:
        rows = "1 row" if longest == 1 else f"{longest:,} rows"
        raise DataError(
            f"The longest series has {rows}; a horizon of {horizon} needs {needed:,}: one horizon "
            f"each for validation and test, and {MIN_TRAIN_STEPS} to train on. "
            f"Bring more rows, or pass --horizon {(longest - MIN_TRAIN_STEPS) // 2}."
            if longest >= min_steps(1)
            else f"The longest series has {rows}; at least {min_steps(1)} are needed, "
            f"and {needed:,} for a horizon of {horizon}. Bring more rows."
        )
    fifth = longest // TEST_SHARE if len(lengths) == 1 else 0
    steps = max(horizon, min(fifth, (longest - MIN_TRAIN_STEPS) // 2))
    more = 0
    if len(lengths) > 1:
        shortest = int(lengths[lengths >= needed].min())
        more = min((VALIDATED_HORIZONS - 1) * horizon, (shortest - needed) // MORE_VALIDATION)
    return Splits(n_validation=steps + more, n_test=steps)


def series_long_enough(lengths: np.ndarray, splits: Splits) -> np.ndarray:
    """Return which series [N] can give a validation and a test part and still be trained on."""
    return lengths >= splits.n_validation + splits.n_test + MIN_TRAIN_STEPS


def part_cutoffs(
    store: SeriesStore, horizon: int, *, n_part: int, n_after: int, series: np.ndarray, stride: int = 1
) -> Cutoffs:
    """Return every cutoff whose whole horizon lies inside one part of the chosen series.

    Parameters
    ----------
    store : SeriesStore
        The panel.
    horizon : int
        Steps to forecast.
    n_part, n_after : int
        Steps of the part, and of what comes after it.
    series : ndarray of shape (N,)
        Mask of the series that have the part.
    stride : int
        Steps from one cutoff to the next; the last cutoff is always one of them.

    Returns
    -------
    Cutoffs
        Series by series, oldest first.
    """
    chosen = np.flatnonzero(series)
    last = store.lengths[chosen] - n_after - horizon
    back = np.arange(0, n_part - horizon + 1, stride)[::-1]
    steps = last[:, None] - back[None, :]
    return Cutoffs(np.repeat(chosen, len(back)), steps.ravel())
