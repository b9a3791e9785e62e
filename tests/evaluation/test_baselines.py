import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecastr.errors import ConfigError
from forecastr.evaluation import BASELINES, POINT_BASELINES, forecast_baselines

ALL = pytest.mark.parametrize("name", BASELINES)


def test_last_value_reads_the_value_before_a_gap(point_of_one):
    y = np.array([3.0, np.nan, 5.0, 6.0])
    np.testing.assert_array_equal(point_of_one("last_value", y, [1, 2], horizon=2), [[3, 3], [5, 5]])


def test_drift_continues_the_line_from_the_first_known_value(point_of_one):
    y = np.array([np.nan, 1.0, 9.0, 5.0])
    np.testing.assert_array_equal(point_of_one("drift", y, [1, 3], horizon=2), [[1, 1], [7, 9]])


def test_seasonal_naive_repeats_the_last_season_as_often_as_the_horizon_needs(point_of_one):
    y = np.array([0.0, 1.0, 2.0, 3.0, np.nan])
    forecast = point_of_one("seasonal_naive", y, [3, 4], horizon=7, season_length=3)
    np.testing.assert_array_equal(forecast, [[1, 2, 3, 1, 2, 3, 1], [2, 3, 3, 2, 3, 3, 2]])


@pytest.mark.parametrize(("y", "season_length"), [([4.0, 7.0], 1), ([4.0, 7.0], 3), ([np.nan, 4.0, 7.0], 3)])
def test_seasonal_naive_without_a_whole_season_is_the_last_value(point_of_one, y, season_length):
    forecast = point_of_one("seasonal_naive", np.array(y), [len(y) - 1], horizon=4, season_length=season_length)
    np.testing.assert_array_equal(forecast, [[7, 7, 7, 7]])


@ALL
@pytest.mark.parametrize("season_length", [1, 7])
def test_no_forecast_moves_when_its_future_does(forecast_one, seasonal_series, name, season_length):
    y = seasonal_series(120, 7)
    y[[5, 31]] = np.nan
    cutoffs = np.array([90, 100, 110])
    options = {"horizon": 9, "season_length": season_length}
    before = forecast_one(name, y, cutoffs, **options)
    for i, cutoff in enumerate(cutoffs):
        shocked = y.copy()
        shocked[cutoff + 1 :] = 1e6
        after = forecast_one(name, shocked, cutoffs, **options)
        np.testing.assert_array_equal(after[: i + 1], before[: i + 1])


@ALL
def test_no_forecast_moves_when_a_neighbours_future_does(seasonal_series, name):
    y = np.concatenate([seasonal_series(120, 7, seed=1), seasonal_series(100, 7, seed=2)])
    panel = np.array([0, 120, 220]), np.array([0, 1, 1]), np.array([100, 210, 215])
    options = {"horizon": 9, "season_length": 7, "names": [name]}
    before = forecast_baselines(y, *panel, **options)[name]
    y[101:120] = 1e6
    np.testing.assert_array_equal(forecast_baselines(y, *panel, **options)[name], before)


@ALL
def test_a_forecast_does_not_depend_on_the_cutoffs_asked_for_after_it(forecast_one, seasonal_series, name):
    y, options = seasonal_series(120, 7), {"horizon": 9, "season_length": 7}
    together = forecast_one(name, y, [90, 100, 110], **options)
    np.testing.assert_array_equal(forecast_one(name, y, [90], **options), together[:1])


@ALL
def test_a_thousandfold_series_has_a_thousandfold_forecast(forecast_one, seasonal_series, name):
    y, options = seasonal_series(), {"horizon": 18, "season_length": 12}
    large, small = (forecast_one(name, factor * y, [80, 100], **options) for factor in (1000, 1))
    np.testing.assert_allclose(large, 1000 * small, rtol=1e-6)


@ALL
def test_nothing_known_yet_is_no_forecast(point_of_one, name):
    y = np.array([np.nan, np.nan, 4.0, 6.0])
    forecast = point_of_one(name, y, [1, 2], horizon=2, season_length=2)
    np.testing.assert_array_equal(forecast, [[np.nan, np.nan], [4, 4]])
    assert np.isnan(point_of_one(name, np.full(4, np.nan), [3], horizon=2)).all()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.just(np.nan) | st.floats(-1e6, 1e6) | st.integers(0, 3).map(float), min_size=1, max_size=90),
    st.integers(1, 8),
    st.integers(1, 10),
)
def test_any_series_gets_a_finite_forecast_once_a_value_is_known(forecast_one, values, season_length, horizon):
    y = np.array(values)
    cutoffs = np.arange(len(y) // 2, len(y))
    known = np.array([np.isfinite(y[: cutoff + 1]).any() for cutoff in cutoffs])
    for name in BASELINES:
        forecast = forecast_one(name, y, cutoffs, horizon=horizon, season_length=season_length)
        assert forecast.shape == (len(cutoffs), horizon, 5)
        np.testing.assert_array_equal(np.isfinite(forecast).all(axis=(1, 2)), known)


def test_a_panel_in_any_order_gets_each_series_own_forecasts(forecast_one, seasonal_series):
    rng = np.random.default_rng(5)
    panel = [seasonal_series(n, 4, seed=n) for n in (3, 30, 1, 45, 300)]
    panel[1][[0, 7, 29]] = np.nan
    panel.append(np.full(6, np.nan))  # a series of gaps between its neighbours
    panel.append(seasonal_series(12, 4))
    starts = np.append(0, np.cumsum([len(y) for y in panel]))
    series = rng.permutation(np.repeat(np.arange(len(panel)), 5))
    positions = np.array([rng.integers(starts[i], starts[i + 1]) for i in series])
    forecasts = forecast_baselines(np.concatenate(panel), starts, series, positions, horizon=6, season_length=4)
    assert list(forecasts) == list(POINT_BASELINES)
    for i, y in enumerate(panel):
        windows = np.nonzero(series == i)[0]
        windows = windows[np.argsort(positions[windows], kind="stable")]
        # theta learns where its first forecast starts, which needs a value to be known
        for name in POINT_BASELINES:
            expected = forecast_one(name, y, positions[windows] - starts[i], horizon=6, season_length=4)
            np.testing.assert_allclose(forecasts[name][windows], expected, rtol=1e-6)


def test_one_name_computes_one_baseline():
    two = np.array([1.0, 2.0]), np.array([0, 2]), np.array([0]), np.array([1])
    assert list(forecast_baselines(*two, horizon=1, season_length=1, names=["drift"])) == ["drift"]
    with pytest.raises(ConfigError, match="No baseline is called 'arima'; choose from last_value, drift"):
        forecast_baselines(*two, horizon=1, season_length=1, names=["arima"])


def test_no_windows_are_no_forecasts():
    nothing = np.zeros(0, dtype=np.int64)
    options = {"horizon": 2, "season_length": 1, "names": list(BASELINES)}
    forecasts = forecast_baselines(np.arange(3.0), np.array([0, 3]), nothing, nothing, **options)
    assert {forecast.shape for forecast in forecasts.values()} == {(0, 2, 5)}
