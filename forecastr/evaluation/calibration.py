"""Intervals that hold what they state: split-conformal offsets and widths, learnt on windows not trained on."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from forecastr.schema import MEDIAN, QUANTILE_LEVELS

FloatArray = npt.NDArray[np.float64]
NO_WIDER = (1.0,) * len(QUANTILE_LEVELS)
ENOUGH_RESIDUALS = 100  # the 0.975 quantile then rests on more than the largest two


def as_quantiles(point: FloatArray) -> FloatArray:
    """Return a point forecast [W, H] as quantiles [W, H, Q] that are all equal."""
    return np.broadcast_to(point[..., None], (*point.shape, len(QUANTILE_LEVELS)))


def is_point(quantiles: FloatArray) -> bool:
    """Whether quantiles [W, H, Q] state no interval anywhere."""
    return bool((quantiles[..., 0] == quantiles[..., -1]).all())


def fit_offsets(y_true: FloatArray, quantiles: FloatArray, scale: FloatArray) -> FloatArray:
    """Offsets that, added to quantile forecasts, make each tail hold its stated share.

    Conformalised quantile regression, each tail by itself: the offset of quantile level p is the
    k-th smallest residual (y - quantile) / scale of n, with k = ceil((n + 1) p) above the median
    and floor((n + 1) p) below it, kept within 1 to n. With all quantiles equal to a point
    forecast this is ordinary split conformal prediction. A step with fewer than 100 residuals
    borrows those of its neighbours, nearest first, as many as it takes.

    Parameters
    ----------
    y_true : ndarray of shape (W, H)
        Actual values that the forecasts were not fitted to; NaN where there is none.
    quantiles : ndarray of shape (W, H, Q)
        Forecasts in the order of ``QUANTILE_LEVELS``.
    scale : ndarray of shape (W,)
        The unit of each window's errors, so that series of any size can be pooled. A window
        where it is NaN or not above 0 is left out.

    Returns
    -------
    ndarray of shape (H, Q)
        In units of ``scale``. 0 for the median, and everywhere if there is no residual.

    References
    ----------
    Romano, Patterson and Candès (2019), Conformalized quantile regression, theorem 2.

    Examples
    --------
    >>> errors = np.arange(-19.0, 20.0)[:, None]  # 39 windows, one step
    >>> fit_offsets(errors, np.zeros((39, 1, 5)), np.ones(39))
    array([[-19., -16.,   0.,  16.,  19.]])
    """
    residuals = _scaled_residuals(y_true, quantiles, scale)
    complete = np.asarray(np.isfinite(residuals).all(axis=-1))  # [W, H]
    offsets = np.zeros(quantiles.shape[1:])
    for step, (begin, end) in enumerate(_pooled_steps(complete.sum(axis=0))):
        pooled = residuals[:, begin:end][complete[:, begin:end]]  # [n, Q]
        if not len(pooled):
            continue
        for k, level in enumerate(QUANTILE_LEVELS):
            if k != MEDIAN:
                rank = _conformal_rank(len(pooled), level)
                offsets[step, k] = np.partition(pooled[:, k], rank)[rank]
    return offsets


def apply_offsets(quantiles: FloatArray, offsets: FloatArray, scale: FloatArray) -> FloatArray:
    """Return the calibrated quantiles: shifted by their offsets, and never crossing.

    Parameters
    ----------
    quantiles : ndarray of shape (W, H, Q)
        Forecasts in the order of ``QUANTILE_LEVELS``.
    offsets : ndarray of shape (H, Q)
        From `fit_offsets`.
    scale : ndarray of shape (W,)
        The unit of each window's errors; where it is NaN nothing is shifted.

    Returns
    -------
    ndarray of shape (W, H, Q)
        The median is unchanged; outward from it a quantile that would cross its inner
        neighbour is moved onto it.

    Examples
    --------
    >>> point = np.full((1, 1, 5), 10.0)
    >>> apply_offsets(point, np.array([[-2.0, -1.0, 0.0, 1.0, 2.0]]), np.array([3.0]))
    array([[[ 4.,  7., 10., 13., 16.]]])
    """
    unit = np.where(np.isfinite(scale), scale, 0.0)
    return _outward(quantiles + offsets * unit[:, None, None])


def fit_widths(y_true: FloatArray, quantiles: FloatArray) -> FloatArray:
    """How many times as far from the median quantiles have to lie for their intervals to hold their stated share.

    An interval keeps its shape: its factor is the k-th smallest of n ratios |y - median| / (quantile - median), the
    quantile on the side of y, with k = ceil((n + 1) p) of an interval that states p. What all series do in one horizon
    then widens both sides, for in the next it may be the other way round. It is never below 1: of values that are
    mostly the same, an interval that is hardly wider than the median holds more than it states, and yet no tail does.

    Parameters
    ----------
    y_true : ndarray of shape (W, H)
        Actual values that the forecasts were neither fitted to nor chosen by; NaN where there is none.
    quantiles : ndarray of shape (W, H, Q)
        Forecasts in the order of ``QUANTILE_LEVELS``.

    Returns
    -------
    ndarray of shape (Q,)
        1 for the median, and for intervals without any width.

    References
    ----------
    Lei, G'Sell, Rinaldo, Tibshirani and Wasserman (2018), Distribution-free predictive inference for regression,
    section 5.2: conformal intervals in units of a width that is forecast.

    Examples
    --------
    >>> errors = np.arange(-19.0, 20.0)[:, None]  # 39 windows, one step
    >>> fit_widths(errors, np.tile([-4.0, -2.0, 0.0, 2.0, 4.0], (39, 1, 1)))
    array([4.75, 8.  , 1.  , 8.  , 4.75])
    """
    widths, error = np.array(NO_WIDER), y_true - quantiles[..., MEDIAN]
    for k in range(MEDIAN):
        side = np.where(error < 0, k, -1 - k)[..., None]
        distance = np.abs(np.take_along_axis(quantiles, side, axis=-1)[..., 0] - quantiles[..., MEDIAN])
        ratios = np.abs(error[distance > 0]) / distance[distance > 0]
        ratios = ratios[np.isfinite(ratios)]
        if len(ratios):
            rank = _conformal_rank(len(ratios), QUANTILE_LEVELS[-1 - k] - QUANTILE_LEVELS[k])
            widths[[k, -1 - k]] = max(1.0, np.partition(ratios, rank)[rank])
    return widths


def apply_widths(quantiles: FloatArray, widths: Sequence[float] | FloatArray) -> FloatArray:
    """Return quantiles [W, H, Q] so many times [Q] as far from their median, and never crossing.

    Examples
    --------
    >>> apply_widths(np.array([[[8.0, 9.0, 10.0, 12.0, 13.0]]]), [2.0, 2.0, 1.0, 2.0, 1.0])
    array([[[ 6.,  8., 10., 14., 14.]]])
    """
    median = quantiles[..., MEDIAN, None]
    return _outward(median + (quantiles - median) * np.asarray(widths))


def _outward(quantiles: FloatArray) -> FloatArray:
    """Return the quantiles, those that would cross their neighbour nearer to the median on it."""
    upper = np.maximum.accumulate(quantiles[..., MEDIAN:], axis=-1)
    lower = np.minimum.accumulate(quantiles[..., MEDIAN::-1], axis=-1)[..., ::-1]
    return np.concatenate([lower[..., :-1], upper], axis=-1)


def _scaled_residuals(y_true: FloatArray, quantiles: FloatArray, scale: FloatArray) -> FloatArray:
    usable = np.where(scale > 0, scale, np.nan)
    return (y_true[..., None] - quantiles) / usable[:, None, None]


def _pooled_steps(counts: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return for each step the range of steps, as even around it as can be, that holds enough."""
    horizon = len(counts)
    total = np.append(0, np.cumsum(counts))
    ranges = []
    for step in range(horizon):
        begin, end = step, step + 1
        while total[end] - total[begin] < ENOUGH_RESIDUALS and end - begin < horizon:
            begin, end = max(begin - 1, 0), min(end + 1, horizon)
        ranges.append((begin, end))
    return ranges


def _conformal_rank(n_residuals: int, level: float) -> int:
    """Return the position, from 0, of the conformal quantile among the sorted residuals."""
    exact = (n_residuals + 1) * level
    rank = math.ceil(exact) if level > 0.5 else math.floor(exact)
    return min(max(rank, 1), n_residuals) - 1
