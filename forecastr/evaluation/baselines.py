"""Forecasts that need no training worth the name: what a model has to beat.

Every baseline reads a window's series up to its cutoff, gaps filled with the value before them.
What some of them fit, Theta and Holt-Winters their constants and the random walk its quantiles, is fitted once, at the
first cutoff asked for, and then reads newer values as a trained network does.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from forecastr.errors import ConfigError
from forecastr.evaluation.calibration import as_quantiles
from forecastr.evaluation.holt_winters import forecast_holt_winters, takes_seconds
from forecastr.evaluation.panel_cutoffs import PanelCutoffs
from forecastr.evaluation.random_walk import forecast_random_walk, looks_like_prices
from forecastr.evaluation.theta_method import forecast_theta

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
RANDOM_WALK, HOLT_WINTERS = "random_walk", "holt_winters"


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
    """Forecast every window of a panel with the named baselines.

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
        Names out of ``BASELINES``. By default all that suit the data: the random walk is for prices,
        see `looks_like_prices`, and Holt-Winters' method for what it can smooth in seconds.

    Returns
    -------
    dict of str to ndarray of shape (W, H, Q)
        In the order of the windows; NaN where nothing is known at the cutoff. The quantiles of those in
        ``POINT_BASELINES`` are all equal.

    Raises
    ------
    ConfigError
        If a name is not one of ``BASELINES``.

    Examples
    --------
    >>> two_series = np.array([1.0, 2.0, 10.0, 40.0]), np.array([0, 2, 4])
    >>> windows = np.array([1, 0]), np.array([3, 1])
    >>> forecast_baselines(*two_series, *windows, horizon=1, season_length=1, names=["drift"])["drift"]
    array([[[70., 70., 70., 70., 70.]],
    <BLANKLINE>
           [[ 3.,  3.,  3.,  3.,  3.]]])
    """
    unknown = [name for name in names or () if name not in BASELINES]
    if unknown:
        raise ConfigError(f"No baseline is called '{unknown[0]}'; choose from {', '.join(BASELINES)}.")
    cutoffs = _panel_cutoffs(values, starts, series, positions, horizon=horizon, season_length=season_length)
    if names is None:
        suits = {RANDOM_WALK: looks_like_prices, HOLT_WINTERS: takes_seconds}
        names = [name for name in BASELINES if name not in suits or suits[name](cutoffs)]
    return {name: BASELINES[name](cutoffs) for name in names}


def are_prices(values: FloatArray, starts: IntArray, series: IntArray, positions: IntArray) -> bool:
    """Whether most series without a season are what the random walk is for, see `looks_like_prices`.

    The parameters are those of `forecast_baselines`.
    """
    return looks_like_prices(_panel_cutoffs(values, starts, series, positions, horizon=1, season_length=1))


def _panel_cutoffs(
    values: FloatArray, starts: IntArray, series: IntArray, positions: IntArray, *, horizon: int, season_length: int
) -> PanelCutoffs:
    """Return the windows of a panel of concatenated series, gaps filled."""
    filled, first = _fill_forward(np.asarray(values, dtype=np.float64), np.asarray(starts))
    return PanelCutoffs(filled, first[np.asarray(series)], np.asarray(positions), horizon, season_length)


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


def _last_value(cutoffs: PanelCutoffs) -> FloatArray:
    """The last known value: tomorrow is today [W, H]."""
    return np.repeat(cutoffs.level[:, None], cutoffs.horizon, axis=1)


def _drift(cutoffs: PanelCutoffs) -> FloatArray:
    """The straight line from the first known value to the last, continued [W, H].

    References
    ----------
    Hyndman and Athanasopoulos (2021), Forecasting: principles and practice, section 5.2.
    """
    elapsed = cutoffs.positions - cutoffs.first
    rise = cutoffs.level - cutoffs.filled[cutoffs.first]
    slope = np.where(elapsed > 0, rise / np.maximum(elapsed, 1), 0.0)
    return cutoffs.level[:, None] + slope[:, None] * np.arange(1, cutoffs.horizon + 1)


def _seasonal_naive(cutoffs: PanelCutoffs) -> FloatArray:
    """The last season repeated; the last value where less than a season is known [W, H].

    References
    ----------
    Hyndman and Athanasopoulos (2021), Forecasting: principles and practice, section 5.2.
    """
    season = cutoffs.season_length
    ahead = np.arange(cutoffs.horizon) % season + 1 - season  # [H], 0 or less
    whole = (cutoffs.positions - cutoffs.first + 1 >= season)[:, None]  # [W, 1]
    return cutoffs.filled[cutoffs.positions[:, None] + np.where(whole, ahead, 0)]


def _stated(point: Callable[[PanelCutoffs], FloatArray]) -> Callable[[PanelCutoffs], FloatArray]:
    """Return a point forecast [W, H] as one of quantiles [W, H, Q] that are all equal."""
    return lambda cutoffs: as_quantiles(point(cutoffs))


POINT_BASELINES: dict[str, Callable[[PanelCutoffs], FloatArray]] = {
    "last_value": _stated(_last_value),
    "drift": _stated(_drift),
    "seasonal_naive": _stated(_seasonal_naive),
    "theta": _stated(forecast_theta),
    HOLT_WINTERS: _stated(forecast_holt_winters),
}
BASELINES = {**POINT_BASELINES, RANDOM_WALK: forecast_random_walk}  # of equal ones the simpler stands first
