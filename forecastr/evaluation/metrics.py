"""How far forecasts were from what happened: one row of errors per model."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecastr.schema import LEVELS, MEDIAN, QUANTILE_LEVELS

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
METRICS = ("mae", "rmse", "smape", "mase", "wql", *(f"coverage_{level}" for level in LEVELS), "direction")
_QUANTILE_LEVELS = np.array(QUANTILE_LEVELS)


def evaluate(
    y_true: FloatArray,
    forecasts: Mapping[str, FloatArray],
    *,
    series: IntArray,
    last: FloatArray,
    scale: FloatArray,
) -> pd.DataFrame:
    """Errors of every model over all windows of a panel.

    Points without an actual value are left out. A model whose forecast is missing where there
    is an actual value gets NaN: a hole in a forecast must not improve its average.

    Parameters
    ----------
    y_true : ndarray of shape (W, H)
        Actual values; NaN where there is none.
    forecasts : mapping of str to ndarray of shape (W, H, Q)
        Each model's quantile forecasts, in the order of ``QUANTILE_LEVELS``.
    series : ndarray of int, shape (W,)
        Which series each window belongs to: an index into ``scale``.
    last : ndarray of shape (W,)
        The last known value at each window's cutoff.
    scale : ndarray of shape (N,)
        `seasonal_scale` of each series' training part; a series where it is NaN or 0 is left
        out of MASE.

    Returns
    -------
    DataFrame
        Indexed by model, with the columns

        - ``mae``, ``rmse``: of the median, over all points, in the target's unit;
        - ``smape``: 200 |y - f| / (|y| + |f|), mean over all points, in percent; 0 where both
          are 0 (M4's definition);
        - ``mase``: the mean over series of MAE / scale. Below 1 the forecast beats the one-step
          seasonal naive inside the training part;
        - ``wql``: twice the pinball loss, summed over all points, over the sum of |y|; the mean
          over the quantile levels. 0 is perfect;
        - ``coverage_80``, ``coverage_95``: the share of points inside the central interval;
        - ``direction``: of the points where actual and forecast both moved away from the last
          value, the share where they moved to the same side. NaN for the last value itself.

    References
    ----------
    Hyndman and Koehler (2006), Another look at measures of forecast accuracy: MASE.
    M4 Team (2018), M4 competitor's guide: sMAPE.
    Koenker and Bassett (1978), Regression quantiles: the pinball loss; weighted as in Gasthaus
    et al. (2019), Probabilistic forecasting with spline quantile function RNNs.

    Examples
    --------
    >>> y_true = np.array([[4.0, 5.0]])
    >>> cube = np.repeat(np.array([[5.0, 5.0]])[..., None], 5, axis=-1)
    >>> one_series = dict(series=np.array([0]), last=np.array([3.0]), scale=np.array([2.0]))
    >>> evaluate(y_true, {"m": cube}, **one_series).loc["m", ["mae", "mase", "direction"]].tolist()
    [0.5, 0.25, 1.0]
    """
    known = np.isfinite(y_true)
    window = np.nonzero(known)[0]  # the window of each point
    y = y_true[known]
    rows = {}
    for name, cube in forecasts.items():  # one model at a time: a panel's cubes are large
        quantiles = cube[known]
        rows[name] = {
            **_point_errors(y, quantiles[:, MEDIAN], series=series[window], scale=scale),
            **_interval_errors(y, quantiles),
            "direction": _direction(y, quantiles[:, MEDIAN], last[window]),
        }
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(METRICS), dtype=np.float64)


def errors_by_horizon(y_true: FloatArray, forecasts: Mapping[str, FloatArray]) -> pd.DataFrame:
    """Mean absolute error of every model's median, step by step.

    Parameters
    ----------
    y_true : ndarray of shape (W, H)
        Actual values; NaN where there is none.
    forecasts : mapping of str to ndarray of shape (W, H, Q)
        Each model's quantile forecasts.

    Returns
    -------
    DataFrame
        Indexed by step, 1 to H, with a column per model; NaN for a step without an actual
        value, and where a model's forecast has a hole.
    """
    known = np.isfinite(y_true)
    steps = np.nonzero(known)[1]
    y = y_true[known]
    counts = np.bincount(steps, minlength=y_true.shape[1])
    columns = {}
    for name, cube in forecasts.items():  # a hole makes its step's sum NaN
        sums = np.bincount(steps, np.abs(y - cube[..., MEDIAN][known]), minlength=y_true.shape[1])
        columns[name] = _divide(sums, counts)
    index = pd.RangeIndex(1, y_true.shape[1] + 1, name="step")
    return pd.DataFrame(columns, index=index, columns=list(forecasts), dtype=np.float64)


def seasonal_scale(values: FloatArray, season_length: int) -> float:
    """Mean absolute seasonal difference of one series' training part: MASE's denominator.

    Parameters
    ----------
    values : ndarray of shape (T,)
        The training part, oldest first. Pairs with a NaN are left out.
    season_length : int
        Steps in one season.

    Returns
    -------
    float
        In the target's unit; 0 for a series that repeats exactly, NaN if there is no pair.

    References
    ----------
    Hyndman and Koehler (2006), Another look at measures of forecast accuracy.

    Examples
    --------
    >>> seasonal_scale(np.array([1.0, 2.0, 4.0, np.nan, 5.0]), 1)
    1.5
    """
    differences = np.abs(values[season_length:] - values[:-season_length])
    differences = differences[np.isfinite(differences)]
    return float(differences.mean()) if len(differences) else float("nan")


def _point_errors(y: FloatArray, point: FloatArray, *, series: IntArray, scale: FloatArray) -> dict[str, float]:
    """MAE, RMSE, sMAPE and MASE of points; empty, so NaN, if there are none or the forecast has holes."""
    if not len(y) or not np.isfinite(point).all():
        return {}
    error = np.abs(y - point)
    by_series = _divide(np.bincount(series, error, minlength=len(scale)), np.bincount(series, minlength=len(scale)))
    scaled = _divide(by_series, scale)
    scaled = scaled[np.isfinite(scaled)]
    return {
        "mae": float(error.mean()),
        "rmse": math.sqrt(np.square(error).mean()),
        "smape": 200 * float(np.nan_to_num(_divide(error, np.abs(y) + np.abs(point))).mean()),
        "mase": float(scaled.mean()) if len(scaled) else float("nan"),
    }


def _interval_errors(y: FloatArray, quantiles: FloatArray) -> dict[str, float]:
    """WQL and coverage of points [P] and their quantiles [P, Q]; empty as `_point_errors`."""
    if not len(y) or not np.isfinite(quantiles).all():
        return {}
    above = y[:, None] - quantiles
    pinball = np.maximum(_QUANTILE_LEVELS * above, (_QUANTILE_LEVELS - 1) * above)
    size = np.abs(y).mean()
    covered = {
        f"coverage_{level}": float(((quantiles[:, place] <= y) & (y <= quantiles[:, -1 - place])).mean())
        for place, level in enumerate(reversed(LEVELS))
    }
    return {"wql": 2 * float(pinball.mean() / size) if size > 0 else float("nan"), **covered}


def _direction(y: FloatArray, point: FloatArray, last: FloatArray) -> float:
    """Share of moves whose side was right."""
    actual, forecast = y - last, point - last
    moved = np.isfinite(actual) & np.isfinite(forecast) & (actual != 0) & (forecast != 0)
    if not moved.any() or not np.isfinite(point).all():
        return float("nan")
    return float(((actual > 0) == (forecast > 0))[moved].mean())


def _divide(numerator: npt.NDArray[Any], denominator: npt.NDArray[Any]) -> FloatArray:
    """Return the quotient, NaN where the denominator is 0 or NaN."""
    quotient = np.full(numerator.shape, np.nan)
    np.divide(numerator, denominator, out=quotient, where=denominator > 0)
    return quotient
