"""Forecasts that need no training worth the name: what a model has to beat.

Every baseline reads a window's series up to its cutoff, gaps filled with the value before them.
Theta's constants are fitted once, at the first cutoff asked for, and then read newer values
as a trained network does; the other three have nothing to fit.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from forecastr.errors import ConfigError
from forecastr.evaluation.theta_method import fit_theta, forecast_theta

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Cutoffs:
    """Where W windows stand in a panel of concatenated series [T]."""

    filled: FloatArray  # [T], gaps filled forward within each series; NaN before its first value
    first: IntArray  # [W], position of the first known value of the window's series
    positions: IntArray  # [W], position of the last known step
    horizon: int
    season_length: int

    @property
    def level(self) -> FloatArray:
        """The last known value at each cutoff [W]; NaN if nothing is known yet."""
        return self.filled[self.positions]


def last_value(y: FloatArray, cutoffs: IntArray, *, horizon: int, season_length: int) -> FloatArray:
    """Forecast the last known value: tomorrow is today.

    Parameters
    ----------
    y : ndarray of shape (T,)
        One series, oldest first. Gaps (NaN) take the value before them.
    cutoffs : ndarray of int, shape (C,)
        Positions in ``y`` of the last value each forecast may know, ascending.
    horizon : int
        Steps to forecast.
    season_length : int
        Steps in one season.

    Returns
    -------
    ndarray of shape (C, H)
        NaN where nothing is known at the cutoff.

    Examples
    --------
    >>> last_value(np.array([1.0, 3.0, 9.0]), np.array([1]), horizon=2, season_length=1)
    array([[3., 3.]])
    """
    return _forecast_series("last_value", y, cutoffs, horizon, season_length)


def drift(y: FloatArray, cutoffs: IntArray, *, horizon: int, season_length: int) -> FloatArray:
    """Continue the straight line from the first known value to the last.

    Arguments and result as in `last_value`.

    References
    ----------
    Hyndman and Athanasopoulos (2021), Forecasting: principles and practice, section 5.2.

    Examples
    --------
    >>> drift(np.array([1.0, 0.0, 5.0]), np.array([2]), horizon=2, season_length=1)
    array([[7., 9.]])
    """
    return _forecast_series("drift", y, cutoffs, horizon, season_length)


def seasonal_naive(y: FloatArray, cutoffs: IntArray, *, horizon: int, season_length: int) -> FloatArray:
    """Repeat the last season; the last value where less than a season is known.

    Arguments and result as in `last_value`.

    References
    ----------
    Hyndman and Athanasopoulos (2021), Forecasting: principles and practice, section 5.2.

    Examples
    --------
    >>> seasonal_naive(np.array([1.0, 2.0, 3.0]), np.array([2]), horizon=3, season_length=2)
    array([[2., 3., 2.]])
    """
    return _forecast_series("seasonal_naive", y, cutoffs, horizon, season_length)


def theta(y: FloatArray, cutoffs: IntArray, *, horizon: int, season_length: int) -> FloatArray:
    """Half the trend on top of exponential smoothing, deseasonalised where that is called for.

    Smoothing constant, trend and seasonal indices come from the values up to the first cutoff;
    later cutoffs only move the level. Fewer than 5 values, or all the same, to learn from: the
    last value. Arguments and result as in `last_value`.

    References
    ----------
    Assimakopoulos and Nikolopoulos (2000), The theta model: a decomposition approach to forecasting.
    Hyndman and Billah (2003), Unmasking the Theta method.
    """
    return _forecast_series("theta", y, cutoffs, horizon, season_length)


BASELINES: dict[str, Callable[..., FloatArray]] = {
    "last_value": last_value,
    "drift": drift,
    "seasonal_naive": seasonal_naive,
    "theta": theta,
}


def forecast_baselines(
    values: FloatArray,
    starts: IntArray,
    series: IntArray,
    positions: IntArray,
    *,
    horizon: int,
    season_length: int,
    names: Sequence[str] | None = None,
) -> dict[str, FloatArray]:
    """Forecast every window of a panel with the named baselines, all of them by default.

    Parameters
    ----------
    values : ndarray of shape (T,)
        The series one after the other, each oldest first; NaN for a gap.
    starts : ndarray of int, shape (N + 1,)
        Series i is ``values[starts[i]:starts[i + 1]]``.
    series : ndarray of int, shape (W,)
        Which series each window belongs to.
    positions : ndarray of int, shape (W,)
        Position in ``values`` of the last known step of each window, in any order.
    horizon : int
        Steps to forecast.
    season_length : int
        Steps in one season.
    names : sequence of str, optional
        Names out of ``BASELINES``.

    Returns
    -------
    dict of str to ndarray of shape (W, H)
        In the order of the windows; NaN where nothing is known at the cutoff.

    Raises
    ------
    ConfigError
        If a name is not one of ``BASELINES``.

    Examples
    --------
    >>> two_series = np.array([1.0, 2.0, 10.0, 40.0]), np.array([0, 2, 4])
    >>> windows = np.array([1, 0]), np.array([3, 1])
    >>> forecast_baselines(*two_series, *windows, horizon=1, season_length=1, names=["drift"])
    {'drift': array([[70.],
           [ 3.]])}
    """
    names = list(BASELINES) if names is None else names
    unknown = [name for name in names if name not in BASELINES]
    if unknown:
        raise ConfigError(f"No baseline is called '{unknown[0]}'; choose from {', '.join(BASELINES)}.")
    values, starts = np.asarray(values, dtype=np.float64), np.asarray(starts)
    filled, first = _fill_forward(values, starts)
    cutoffs = _Cutoffs(filled, first[np.asarray(series)], np.asarray(positions), horizon, season_length)
    return {name: _PANEL_FORECASTS[name](cutoffs) for name in names}


def _fill_forward(values: FloatArray, starts: IntArray) -> tuple[FloatArray, IntArray]:
    """Return (values with gaps filled within each series [T], position of each first known value [N])."""
    positions = np.arange(len(values))
    known = np.isfinite(values)
    latest = np.maximum.accumulate(np.where(known, positions, -1))
    in_series = latest >= np.repeat(starts[:-1], np.diff(starts))
    filled = np.where(in_series, values[latest], np.nan)
    known_positions = np.append(positions[known], len(values))
    first = known_positions[np.searchsorted(known_positions, starts[:-1])]
    return filled, np.minimum(first, np.maximum(starts[1:] - 1, 0))  # a series of gaps: its last step


def _forecast_last_value(cutoffs: _Cutoffs) -> FloatArray:
    return np.repeat(cutoffs.level[:, None], cutoffs.horizon, axis=1)


def _forecast_drift(cutoffs: _Cutoffs) -> FloatArray:
    elapsed = cutoffs.positions - cutoffs.first
    rise = cutoffs.level - cutoffs.filled[cutoffs.first]
    slope = np.where(elapsed > 0, rise / np.maximum(elapsed, 1), 0.0)
    return cutoffs.level[:, None] + slope[:, None] * np.arange(1, cutoffs.horizon + 1)


def _forecast_seasonal_naive(cutoffs: _Cutoffs) -> FloatArray:
    season = cutoffs.season_length
    ahead = np.arange(cutoffs.horizon) % season + 1 - season  # [H], 0 or less
    whole = (cutoffs.positions - cutoffs.first + 1 >= season)[:, None]  # [W, 1]
    return cutoffs.filled[cutoffs.positions[:, None] + np.where(whole, ahead, 0)]


def _forecast_theta(cutoffs: _Cutoffs) -> FloatArray:
    forecast = _forecast_last_value(cutoffs)
    order = np.lexsort((cutoffs.positions, cutoffs.first))
    order = order[np.isfinite(cutoffs.level[order])]  # before its first value a series has no forecast
    if not len(order):
        return forecast
    owner = cutoffs.first[order]  # the first known value tells series apart
    for windows in np.split(order, np.nonzero(np.diff(owner))[0] + 1):
        first = cutoffs.first[windows[0]]
        steps = cutoffs.positions[windows] - first
        y = cutoffs.filled[first : first + steps[-1] + 1]
        fit = fit_theta(y[: steps[0] + 1], cutoffs.season_length)
        if fit is not None:
            forecast[windows] = forecast_theta(fit, y, steps, cutoffs.horizon)
    return forecast


def _forecast_series(name: str, y: FloatArray, cutoffs: IntArray, horizon: int, season_length: int) -> FloatArray:
    """Forecast one series: a panel of one."""
    panel = y, np.array([0, len(y)]), np.zeros(len(cutoffs), dtype=np.int64), cutoffs
    return forecast_baselines(*panel, horizon=horizon, season_length=season_length, names=[name])[name]


_PANEL_FORECASTS: dict[str, Callable[[_Cutoffs], FloatArray]] = {
    "last_value": _forecast_last_value,
    "drift": _forecast_drift,
    "seasonal_naive": _forecast_seasonal_naive,
    "theta": _forecast_theta,
}
