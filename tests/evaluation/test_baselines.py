import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecastr.errors import ConfigError
from forecastr.evaluation import BASELINES, drift, forecast_baselines, last_value, seasonal_naive, theta

ALL = pytest.mark.parametrize("baseline", BASELINES.values(), ids=list(BASELINES))


def seasonal_series(n=120, season_length=12, seed=0):
    rng = np.random.default_rng(seed)
    time = np.arange(n)
    return 50 + 0.1 * time + 8 * np.sin(2 * np.pi * time / season_length) + rng.normal(0, 2, n)


def test_last_value_reads_the_value_before_a_gap():
    y = np.array([3.0, np.nan, 5.0, 6.0])
    forecast = last_value(y, np.array([1, 2]), horizon=2, season_length=1)
    np.testing.assert_array_equal(forecast, [[3, 3], [5, 5]])


def test_drift_continues_the_line_from_the_first_known_value():
    y = np.array([np.nan, 1.0, 9.0, 5.0])
    forecast = drift(y, np.array([1, 3]), horizon=2, season_length=1)
    np.testing.assert_array_equal(forecast, [[1, 1], [7, 9]])


def test_seasonal_naive_repeats_the_last_season_as_often_as_the_horizon_needs():
    y = np.array([0.0, 1.0, 2.0, 3.0, np.nan])
    forecast = seasonal_naive(y, np.array([3, 4]), horizon=7, season_length=3)
    np.testing.assert_array_equal(forecast, [[1, 2, 3, 1, 2, 3, 1], [2, 3, 3, 2, 3, 3, 2]])


@pytest.mark.parametrize(("y", "season_length"), [([4.0, 7.0], 1), ([4.0, 7.0], 3), ([np.nan, 4.0, 7.0], 3)])
def test_seasonal_naive_without_a_whole_season_is_the_last_value(y, season_length):
    forecast = seasonal_naive(np.array(y), np.array([len(y) - 1]), horizon=4, season_length=season_length)
    np.testing.assert_array_equal(forecast, [[7, 7, 7, 7]])


@ALL
@pytest.mark.parametrize("season_length", [1, 7])
def test_no_forecast_moves_when_its_future_does(baseline, season_length):
    y = seasonal_series(60, 7)
    y[[5, 31]] = np.nan
    cutoffs = np.array([30, 40, 50])
    before = baseline(y, cutoffs, horizon=9, season_length=season_length)
    for i, cutoff in enumerate(cutoffs):
        shocked = y.copy()
        shocked[cutoff + 1 :] = 1e6
        after = baseline(shocked, cutoffs, horizon=9, season_length=season_length)
        np.testing.assert_array_equal(after[: i + 1], before[: i + 1])


@ALL
def test_a_forecast_does_not_depend_on_the_cutoffs_asked_for_after_it(baseline):
    y = seasonal_series(60, 7)
    options = {"horizon": 9, "season_length": 7}
    together = baseline(y, np.array([30, 40, 50]), **options)
    np.testing.assert_array_equal(baseline(y, np.array([30]), **options), together[:1])


@ALL
def test_a_thousandfold_series_has_a_thousandfold_forecast(baseline):
    y, cutoffs = seasonal_series(), np.array([80, 100])
    options = {"horizon": 18, "season_length": 12}
    np.testing.assert_allclose(
        baseline(1000 * y, cutoffs, **options), 1000 * baseline(y, cutoffs, **options), rtol=1e-6
    )


@ALL
def test_nothing_known_yet_is_no_forecast(baseline):
    y = np.array([np.nan, np.nan, 4.0, 6.0])
    forecast = baseline(y, np.array([1, 2]), horizon=2, season_length=2)
    np.testing.assert_array_equal(forecast, [[np.nan, np.nan], [4, 4]])
    gaps = np.full(4, np.nan)
    assert np.isnan(baseline(gaps, np.array([3]), horizon=2, season_length=1)).all()


def statsmodels_theta(y, horizon, season_length):
    from statsmodels.tsa.forecasting.theta import ThetaModel

    model = ThetaModel(y, period=season_length, deseasonalize=season_length > 1)
    return np.asarray(model.fit().forecast(horizon))


@pytest.mark.parametrize("season_length", [1, 12])
@pytest.mark.parametrize("shift", [0, -50], ids=["positive", "both signs"])
@pytest.mark.parametrize("seed", range(3))
def test_theta_at_its_first_cutoff_is_statsmodels(season_length, shift, seed):
    y = seasonal_series(seed=seed) + shift
    forecast = theta(y, np.array([99]), horizon=18, season_length=season_length)[0]
    expected = statsmodels_theta(y[:100], 18, season_length)
    np.testing.assert_allclose(forecast, expected, atol=1e-4 * np.ptp(y))


def test_theta_of_noise_without_a_season_is_not_deseasonalised():
    y = 10 + np.random.default_rng(1).normal(size=100)
    forecast = theta(y, np.array([99]), horizon=12, season_length=12)[0]
    np.testing.assert_allclose(np.diff(forecast, 2), 0, atol=1e-12)
    np.testing.assert_allclose(forecast, statsmodels_theta(y, 12, 12), atol=1e-4)


def loop_theta(y, first_cutoff, cutoff, horizon, season_length):
    """Statsmodels' constants from the first cutoff, then the formula step by step."""
    from statsmodels.tsa.forecasting.theta import ThetaModel

    fitted = ThetaModel(y[: first_cutoff + 1], period=season_length).fit()
    slope, alpha = fitted.params["b0"], fitted.params["alpha"]
    components = fitted.forecast_components(season_length)["seasonal"].to_numpy()
    index = {(first_cutoff + 1 + i) % season_length: components[i] for i in range(season_length)}
    level = y[0] / index[0]
    for t in range(1, cutoff + 1):
        level = alpha * y[t] / index[t % season_length] + (1 - alpha) * level
    n_known = cutoff + 1
    forecast = []
    for h in range(1, horizon + 1):
        trend = slope * (h - 1 + 1 / alpha - (1 - alpha) ** n_known / alpha)
        forecast.append((level + trend / 2) * index[(cutoff + h) % season_length])
    return forecast


def test_theta_at_later_cutoffs_is_the_formula_with_the_first_cutoffs_constants():
    y, cutoffs = seasonal_series(), np.array([80, 81, 95, 110])
    forecast = theta(y, cutoffs, horizon=15, season_length=12)
    for row, cutoff in zip(forecast, cutoffs, strict=True):
        np.testing.assert_allclose(row, loop_theta(y, 80, cutoff, 15, 12), rtol=1e-4)


def test_theta_remembers_how_little_it_has_seen():
    y = np.array([10.0, 16.0, 10.0, 17.0, 11.0, 17.0, 12.0, 18.0])  # zigzags: smoothed slowly
    [early, late] = theta(y, np.array([5, 7]), horizon=2, season_length=1)
    from statsmodels.tsa.forecasting.theta import ThetaModel

    fitted = ThetaModel(y[:6], deseasonalize=False).fit()
    slope, alpha = fitted.params["b0"], fitted.params["alpha"]
    assert alpha < 0.5
    np.testing.assert_allclose(early, fitted.forecast(2), rtol=1e-3)
    level = y[0]
    for value in y[1:]:
        level += alpha * (value - level)
    expected = [level + slope / 2 * (h - 1 + (1 - (1 - alpha) ** 8) / alpha) for h in (1, 2)]
    np.testing.assert_allclose(late, expected, rtol=1e-3)


def test_theta_learns_a_season_and_half_the_trend():
    time = np.arange(40)
    seasons = np.array([1.0, 2.0, 3.0, 2.0])
    forecast = theta(100 * seasons[time % 4], np.array([39]), horizon=8, season_length=4)
    np.testing.assert_allclose(forecast[0], 100 * np.tile(seasons, 2))
    line = theta(2.0 * time, np.array([39]), horizon=3, season_length=1)
    np.testing.assert_allclose(line[0], [79, 80, 81], rtol=1e-3)  # 78 + half of 2, 4, 6


@pytest.mark.parametrize("y", [[4.0], [1.0, 9.0], [1.0, 2.0, 4.0, 8.0], [3.0] * 50], ids=["1", "2", "4", "constant"])
def test_theta_without_enough_to_learn_from_is_the_last_value(y):
    forecast = theta(np.array([*y, 7.0]), np.array([len(y) - 1, len(y)]), horizon=3, season_length=2)
    np.testing.assert_array_equal(forecast, [[y[-1]] * 3, [7.0] * 3])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.just(np.nan) | st.floats(-1e6, 1e6) | st.integers(0, 3).map(float), min_size=1, max_size=40),
    st.integers(1, 8),
    st.integers(1, 10),
)
def test_any_series_gets_a_finite_forecast_once_a_value_is_known(values, season_length, horizon):
    y = np.array(values)
    cutoffs = np.arange(len(y) // 2, len(y))
    known = np.array([np.isfinite(y[: cutoff + 1]).any() for cutoff in cutoffs])
    for baseline in BASELINES.values():
        forecast = baseline(y, cutoffs, horizon=horizon, season_length=season_length)
        assert forecast.shape == (len(cutoffs), horizon)
        np.testing.assert_array_equal(np.isfinite(forecast).all(axis=1), known)


def test_a_panel_in_any_order_gets_each_series_own_forecasts():
    rng = np.random.default_rng(5)
    panel = [seasonal_series(n, 4, seed=n) for n in (3, 30, 1, 45)]
    panel[1][[0, 7, 29]] = np.nan
    panel.append(np.full(6, np.nan))  # a series of gaps between its neighbours
    panel.append(seasonal_series(12, 4))
    starts = np.append(0, np.cumsum([len(y) for y in panel]))
    series = rng.permutation(np.repeat(np.arange(len(panel)), 5))
    positions = np.array([rng.integers(starts[i], starts[i + 1]) for i in series])
    forecasts = forecast_baselines(np.concatenate(panel), starts, series, positions, horizon=6, season_length=4)
    assert list(forecasts) == list(BASELINES)
    for i, y in enumerate(panel):
        windows = np.nonzero(series == i)[0]
        windows = windows[np.argsort(positions[windows], kind="stable")]
        # theta learns where its first forecast starts, which needs a value to be known
        for name, baseline in BASELINES.items():
            expected = baseline(y, positions[windows] - starts[i], horizon=6, season_length=4)
            np.testing.assert_array_equal(forecasts[name][windows], expected)


def test_one_name_computes_one_baseline():
    two = np.array([1.0, 2.0]), np.array([0, 2]), np.array([0]), np.array([1])
    assert list(forecast_baselines(*two, horizon=1, season_length=1, names=["drift"])) == ["drift"]
    with pytest.raises(ConfigError, match="No baseline is called 'arima'; choose from last_value, drift"):
        forecast_baselines(*two, horizon=1, season_length=1, names=["arima"])


def test_no_windows_are_no_forecasts():
    nothing = np.zeros(0, dtype=np.int64)
    forecasts = forecast_baselines(np.arange(3.0), np.array([0, 3]), nothing, nothing, horizon=2, season_length=1)
    assert {forecast.shape for forecast in forecasts.values()} == {(0, 2)}
