"""The Theta method on one series: fitted once, then forecasting from every later cutoff.

It is statsmodels' ``ThetaModel`` (two-step estimation, theta 2) line for line, with two differences
that a backtest needs. The smoothing level is found by minimising the same sum of squares in one
dimension, where ``ThetaModel.fit`` builds a state space model for it: ten times the seconds
for the same number. And the fitted constants can be applied to values that came later.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
MINIMUM_LENGTH = 5  # a trend and a smoothing level from fewer values are noise
_SMOOTHING_BOUNDS = (1e-4, 1 - 1e-4)  # statsmodels' own
_SEASONALITY_CRITICAL = 1.6448536269514722**2  # the 10 % point of chi2(1), as in ThetaModel


@dataclass(frozen=True, eq=False)
class ThetaFit:
    """What the training part taught: everything a later forecast needs but the level.

    Parameters
    ----------
    alpha : float
        Smoothing constant of simple exponential smoothing.
    slope : float
        Slope of the least-squares line through the deseasonalised values.
    seasonal : ndarray of shape (season_length,) or (1,)
        Seasonal index by position modulo its length; neutral where there is no season.
    multiplicative : bool
        Whether the index multiplies or is added.
    """

    alpha: float
    slope: float
    seasonal: FloatArray
    multiplicative: bool


def fit_theta(y: FloatArray, season_length: int) -> ThetaFit | None:
    """Fit the Theta method to a training part without gaps; None if it is too short or constant.

    References
    ----------
    Assimakopoulos and Nikolopoulos (2000), The theta model: a decomposition approach to forecasting.
    Hyndman and Billah (2003), Unmasking the Theta method.
    """
    if len(y) < MINIMUM_LENGTH or np.ptp(y) == 0:
        return None
    seasonal, multiplicative = _seasonal_indices(y, season_length)
    flat = _deseasonalise(y, seasonal, multiplicative)
    time = np.arange(len(y)) - (len(y) - 1) / 2
    slope = float(time @ (flat - flat.mean()) / (time @ time))
    return ThetaFit(_smoothing_constant(flat), slope, seasonal, multiplicative)


def forecast_theta(fit: ThetaFit, y: FloatArray, cutoffs: IntArray, horizon: int) -> FloatArray:
    """Forecast from every cutoff with the constants of one fit: [len(cutoffs), H].

    ``y`` starts where the training part started and has no gaps; nothing after a cutoff
    touches its forecast.
    """
    flat = _deseasonalise(y[: cutoffs.max() + 1], fit.seasonal, fit.multiplicative)
    level = _smooth(flat, fit.alpha)[cutoffs]  # [C]
    steps = np.arange(horizon)
    n_known = cutoffs[:, None] + 1
    memory = (1 - (1 - fit.alpha) ** n_known) / fit.alpha
    forecast: FloatArray = level[:, None] + 0.5 * fit.slope * (steps + memory)  # half: theta is 2
    seasonal: FloatArray = fit.seasonal[(n_known + steps) % len(fit.seasonal)]
    return forecast * seasonal if fit.multiplicative else forecast + seasonal


def _seasonal_indices(y: FloatArray, season_length: int) -> tuple[FloatArray, bool]:
    """Return (indices, multiplicative): tested and estimated as ThetaModel does it."""
    if season_length == 1 or len(y) < 2 * season_length or not _is_seasonal(y, season_length):
        return np.zeros(1), False
    from statsmodels.tsa.seasonal import seasonal_decompose

    if y.min() > 0:
        seasonal = np.asarray(seasonal_decompose(y, model="mul", period=season_length).seasonal)
        if seasonal.min() > 0:
            return seasonal[:season_length], True
    seasonal = np.asarray(seasonal_decompose(y, model="add", period=season_length).seasonal)
    return seasonal[:season_length], False


def _is_seasonal(y: FloatArray, season_length: int) -> bool:
    """Whether the autocorrelation one season apart differs from 0, at the 10 % level."""
    from statsmodels.tsa.stattools import acf

    rho = acf(y, nlags=season_length, fft=True)
    return bool(len(y) * rho[-1] ** 2 / np.sum(rho[:-1] ** 2) > _SEASONALITY_CRITICAL)


def _deseasonalise(y: FloatArray, seasonal: FloatArray, multiplicative: bool) -> FloatArray:
    index = np.resize(seasonal, len(y))
    return y / index if multiplicative else y - index


def _smoothing_constant(y: FloatArray) -> float:
    """Return the constant whose one-step errors have the least sum of squares."""
    from scipy.optimize import minimize_scalar

    def squared_errors(alpha: float) -> float:
        errors = y[1:] - _smooth(y, alpha)[:-1]
        return float(errors @ errors)

    found = minimize_scalar(squared_errors, bounds=_SMOOTHING_BOUNDS, method="bounded", options={"xatol": 1e-4})
    return float(found.x)


def _smooth(y: FloatArray, alpha: float) -> FloatArray:
    """Simple exponential smoothing that starts at the first value: the level after each value."""
    from scipy.signal import lfilter

    level, _ = lfilter([alpha], [1.0, alpha - 1.0], y, zi=[(1.0 - alpha) * y[0]])
    return np.asarray(level, dtype=np.float64)
