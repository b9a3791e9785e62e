"""Intervals that hold what they state: split-conformal offsets learnt on validation windows."""

import math

import numpy as np
import numpy.typing as npt

from forecastr.schema import MEDIAN, QUANTILE_LEVELS

FloatArray = npt.NDArray[np.float64]
ENOUGH_RESIDUALS = 100  # the 0.975 quantile then rests on more than the largest two


def as_quantiles(point: FloatArray) -> FloatArray:
    """Return a point forecast [W, H] as quantiles [W, H, Q] that are all equal."""
    return np.broadcast_to(point[..., None], (*point.shape, len(QUANTILE_LEVELS)))


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
    shifted = quantiles + offsets * unit[:, None, None]
    upper = np.maximum.accumulate(shifted[..., MEDIAN:], axis=-1)
    lower = np.minimum.accumulate(shifted[..., MEDIAN::-1], axis=-1)[..., ::-1]
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
