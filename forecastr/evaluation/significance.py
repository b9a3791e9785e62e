"""Whether a difference between two forecasts is more than chance."""

import math

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
MINIMUM_CUTOFFS = 3


def diebold_mariano(loss_a: FloatArray, loss_b: FloatArray, *, horizon: int) -> float:
    """Two-sided p-value of the hypothesis that two forecasts are equally good.

    The mean loss difference over its standard error, with the small-sample correction of Harvey,
    Leybourne and Newbold, against Student's t with n - 1 degrees of freedom. Forecasts of
    ``horizon`` steps from neighbouring cutoffs overlap, so their losses are correlated up to
    horizon - 1 cutoffs apart; the variance counts those autocovariances, with Bartlett's weights
    where the plain sum is not positive.

    Parameters
    ----------
    loss_a, loss_b : ndarray of shape (n,)
        Loss of each forecast at each cutoff, oldest first. Pairs with a NaN are left out.
    horizon : int
        Steps of the forecast; 1 if the losses are independent, as across series.

    Returns
    -------
    float
        Below 0.05 the difference is hardly chance; 1 for identical losses; NaN if fewer than 3
        losses, or no more of them than ``horizon``, leave nothing to estimate the variance from.

    References
    ----------
    Diebold and Mariano (1995), Comparing predictive accuracy.
    Harvey, Leybourne and Newbold (1997), Testing the equality of prediction mean squared errors.

    Examples
    --------
    >>> round(diebold_mariano(np.array([1.0, 2.0, 3.0]), np.zeros(3), horizon=1), 4)
    0.0742
    """
    from scipy.special import stdtr

    difference = np.asarray(loss_a, dtype=np.float64) - loss_b
    difference = difference[np.isfinite(difference)]
    n = len(difference)
    if n < MINIMUM_CUTOFFS or n <= horizon:
        return float("nan")
    if not difference.any():
        return 1.0
    mean = float(difference.mean())
    variance = _long_run_variance(difference - mean, horizon)
    if variance <= 0:  # the same difference at every cutoff
        return 0.0
    correction = (n + 1 - 2 * horizon + horizon * (horizon - 1) / n) / n
    statistic = mean / math.sqrt(variance / n) * math.sqrt(correction)
    return float(2 * stdtr(n - 1, -abs(statistic)))


def _long_run_variance(centred: FloatArray, horizon: int) -> float:
    """Variance of the sum of n correlated values, over n."""
    n = len(centred)
    autocovariances = np.array([centred[lag:] @ centred[: n - lag] / n for lag in range(horizon)])
    plain = float(autocovariances[0] + 2 * autocovariances[1:].sum())
    if plain > 0:
        return plain
    weights = 1 - np.arange(1, horizon) / horizon  # Newey and West (1987): never negative
    return float(autocovariances[0] + 2 * weights @ autocovariances[1:])
