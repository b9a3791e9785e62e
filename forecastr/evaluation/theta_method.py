"""The Theta method on all series at once: fitted once, then forecasting from every later cutoff.

It is statsmodels' ``ThetaModel`` (two-step estimation, theta 2) with two differences that a backtest
of a panel needs. The smoothing constants are found by minimising the same sums of squares for all
series together, where ``ThetaModel.fit`` builds a state space model for each: thousands of times the
seconds for the same numbers. And the fitted constants can be applied to values that came later.

Arrays here run down the steps, a column for each series: [L, N]. A series shorter than its
neighbours ends in zeros that a mask leaves out of every sum.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecastr.evaluation.decomposition import fit_lines, moving_average, season_means
from forecastr.evaluation.panel_cutoffs import Block, PanelCutoffs, dot_columns

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
MINIMUM_LENGTH = 5  # a trend and a smoothing constant from fewer values are noise
_SMOOTHING = np.array([1e-4, 0.003, 0.01, 0.03, 0.08, 0.16, 0.28, 0.42, 0.56, 0.7, 0.85, 1 - 1e-4])  # statsmodels' ends
_GOLDEN, _NARROWINGS = (5**0.5 - 1) / 2, 20  # of a bracket on the grid: to 1e-4 of its width
_SEASONALITY_CRITICAL = 1.6448536269514722**2  # the 10 % point of chi2(1), as in ThetaModel


@dataclass(frozen=True, eq=False)
class ThetaFit:
    """What the training parts of N series taught: everything a later forecast needs but the level.

    Parameters
    ----------
    alpha : ndarray of shape (N,)
        Smoothing constant of simple exponential smoothing.
    slope : ndarray of shape (N,)
        Slope of the least-squares line through the deseasonalised values.
    factor, shift : ndarray of shape (season_length, N)
        Seasonal indices by position modulo the season's length: y = deseasonalised * factor + shift.
    """

    alpha: FloatArray
    slope: FloatArray
    factor: FloatArray
    shift: FloatArray


def forecast_theta(cutoffs: PanelCutoffs) -> FloatArray:
    """Half the trend on top of exponential smoothing, deseasonalised where that is called for: [W, H].

    Smoothing constant, trend and seasonal indices come from the values up to a series' first cutoff;
    later cutoffs only move the level. Fewer than 5 values, or all the same, to learn from: the last value.

    References
    ----------
    Assimakopoulos and Nikolopoulos (2000), The theta model: a decomposition approach to forecasting.
    Hyndman and Billah (2003), Unmasking the Theta method.
    """
    forecast = np.repeat(cutoffs.level[:, None], cutoffs.horizon, axis=1)
    for block in cutoffs.blocks():
        block = block.take(_can_be_fitted(block))
        if len(block.n_fit):
            forecast[block.windows] = _forecast(fit_theta(block, cutoffs.season_length), block, cutoffs.horizon)
    return forecast


def fit_theta(block: Block, season_length: int) -> ThetaFit:
    """Fit the Theta method to what the first cutoff of each series knows; none may be constant there."""
    known = block.known
    y = np.where(known, block.y[: len(known)], 0.0)
    factor, shift = _seasonal_indices(y, known, season_length)
    flat = _deseasonalise(y, factor, shift)
    return ThetaFit(_smoothing_constants(flat, known), fit_lines(flat, known)[0], factor, shift)


def _can_be_fitted(block: Block) -> BoolArray:
    known = block.known
    changes = np.diff(block.y[: len(known)], axis=0) != 0
    return (block.n_fit >= MINIMUM_LENGTH) & (changes & known[1:]).any(axis=0)


def _forecast(fit: ThetaFit, block: Block, horizon: int) -> FloatArray:
    """Forecast a block's windows [W, H]; nothing after a cutoff touches its forecast."""
    columns, n_known = block.columns[:, None], block.steps[:, None] + 1
    alpha, slope = fit.alpha[columns], fit.slope[columns]
    level = _smooth(_deseasonalise(block.y, fit.factor, fit.shift), fit.alpha)[n_known - 1, columns]
    ahead = np.arange(horizon)
    memory = (1 - (1 - alpha) ** n_known) / alpha
    flat = level + 0.5 * slope * (ahead + memory)  # half: theta is 2
    season = (n_known + ahead) % len(fit.factor)
    return np.asarray(flat * fit.factor[season, columns] + fit.shift[season, columns])


def _seasonal_indices(y: FloatArray, known: BoolArray, season_length: int) -> tuple[FloatArray, FloatArray]:
    """Return (factor, shift), each [season_length, N]: tested and estimated as ThetaModel does it."""
    n_series = y.shape[1]
    factor, shift = np.ones((season_length, n_series)), np.zeros((season_length, n_series))
    seasonal = np.flatnonzero(_is_seasonal(y, known, season_length))
    if not len(seasonal):
        return factor, shift
    y, known = y[:, seasonal], known[:, seasonal]
    inside, trend = moving_average(y, known, season_length)
    positive = np.where(known, y, np.inf).min(axis=0) > 0
    ratio = np.divide(y, trend, out=np.zeros_like(y), where=inside & positive)
    index = season_means(ratio, inside, season_length)
    index /= np.where(positive, index.mean(axis=0), 1.0)
    multiplied = positive & (index.min(axis=0) > 0)
    factor[:, seasonal[multiplied]] = index[:, multiplied]
    index = season_means(np.where(inside, y - trend, 0.0), inside, season_length)
    index -= index.mean(axis=0)
    shift[:, seasonal[~multiplied]] = index[:, ~multiplied]
    return factor, shift


def _is_seasonal(y: FloatArray, known: BoolArray, season_length: int) -> BoolArray:
    """Whether the autocorrelation one season apart differs from 0, at the 10 % level, over two seasons or more [N]."""
    n_known = known.sum(axis=0)
    long = n_known >= 2 * season_length
    if season_length == 1 or not long.any():
        return np.zeros_like(long)
    centred = np.where(known, y - y.sum(axis=0) / n_known, 0.0)
    size = 1 << (len(y) + season_length - 1).bit_length()  # of zeros behind, and fast
    spectrum = np.fft.rfft(centred, size, axis=0)
    covariance = np.fft.irfft(spectrum.real**2 + spectrum.imag**2, size, axis=0)[: season_length + 1]
    rho = covariance / covariance[0]
    return long & (n_known * rho[-1] ** 2 / np.sum(rho[:-1] ** 2, axis=0) > _SEASONALITY_CRITICAL)


def _deseasonalise(y: FloatArray, factor: FloatArray, shift: FloatArray) -> FloatArray:
    season = np.arange(len(y)) % len(factor)
    return np.asarray((y - shift[season]) / factor[season])


def _smoothing_constants(y: FloatArray, known: BoolArray) -> FloatArray:
    """Return the constants whose one-step errors have the least sum of squares [N].

    The best of a grid, then a golden-section search between its neighbours, for all series at once.
    """

    def squared_errors(alpha: FloatArray) -> FloatArray:
        level = _smooth(y, alpha)[:-1]
        errors = np.subtract(y[1:], level, out=level)
        errors *= known[1:]
        return dot_columns(errors, errors)

    best = np.argmin([squared_errors(np.full(y.shape[1], alpha)) for alpha in _SMOOTHING], axis=0)
    low = _SMOOTHING[np.maximum(best - 1, 0)]
    high = _SMOOTHING[np.minimum(best + 1, len(_SMOOTHING) - 1)]
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    left_error, right_error = squared_errors(left), squared_errors(right)
    for _ in range(_NARROWINGS):
        lower = left_error < right_error  # then what is right of the right point goes
        low, high = np.where(lower, low, left), np.where(lower, right, high)
        new = np.where(lower, high - _GOLDEN * (high - low), low + _GOLDEN * (high - low))
        error = squared_errors(new)
        left, right = np.where(lower, new, right), np.where(lower, left, new)
        left_error, right_error = np.where(lower, error, right_error), np.where(lower, left_error, error)
    return np.where(left_error < right_error, left, right)


def _smooth(y: FloatArray, alpha: FloatArray) -> FloatArray:
    """Simple exponential smoothing that starts at the first value: the level after each value [L, N]."""
    if len(y) > 4 * len(alpha):  # few long series: a filter down each one; else a step for all at a time
        smoothed = [pd.Series(one).ewm(alpha=a, adjust=False).mean() for a, one in zip(alpha, y.T, strict=True)]
        return np.stack(smoothed, axis=1)
    level = y.copy()
    for step in range(1, len(y)):
        level[step] = level[step - 1] + alpha * (y[step] - level[step - 1])
    return level
