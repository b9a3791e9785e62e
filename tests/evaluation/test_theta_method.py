import numpy as np
import pytest
from statsmodels.tsa.forecasting.theta import ThetaModel

from forecastr.evaluation import forecast_baselines
from forecastr.evaluation.theta_method import _smoothing_constants


def statsmodels_theta(y, horizon, season_length):
    model = ThetaModel(y, period=season_length, deseasonalize=season_length > 1)
    return np.asarray(model.fit().forecast(horizon))


@pytest.mark.parametrize("season_length", [1, 7, 12])
@pytest.mark.parametrize("shift", [0, -50], ids=["positive", "both signs"])
@pytest.mark.parametrize("seed", range(2))
def test_theta_at_its_first_cutoff_is_statsmodels(point_of_one, seasonal_series, season_length, shift, seed):
    y = seasonal_series(season_length=max(season_length, 4), seed=seed) + shift
    forecast = point_of_one("theta", y, [99], horizon=18, season_length=season_length)[0]
    expected = statsmodels_theta(y[:100], 18, season_length)
    np.testing.assert_allclose(forecast, expected, atol=1e-4 * np.ptp(y))


def test_a_panel_of_all_lengths_is_statsmodels_series_by_series(seasonal_series):
    lengths = [3, 24, 26, 60, 61, 90, 400]
    panel = [seasonal_series(n, 12, seed=n) - 50 * (n % 2) for n in lengths]
    ends = np.cumsum(lengths)
    windows = np.append(0, ends), np.arange(len(panel)), ends - 1
    options = {"horizon": 15, "season_length": 12, "names": ["theta"]}
    forecasts = forecast_baselines(np.concatenate(panel), *windows, **options)["theta"][..., 2]
    np.testing.assert_array_equal(forecasts[0], panel[0][-1])
    for y, forecast in zip(panel[1:], forecasts[1:], strict=True):
        np.testing.assert_allclose(forecast, statsmodels_theta(y, 15, 12), atol=2e-4 * np.ptp(y))


def test_theta_of_noise_without_a_season_is_not_deseasonalised(point_of_one):
    y = 10 + np.random.default_rng(1).normal(size=100)
    forecast = point_of_one("theta", y, [99], horizon=12, season_length=12)[0]
    np.testing.assert_allclose(np.diff(forecast, 2), 0, atol=1e-12)
    np.testing.assert_allclose(forecast, statsmodels_theta(y, 12, 12), atol=1e-4)


def loop_theta(y, first_cutoff, cutoff, horizon, season_length):
    """Statsmodels' constants from the first cutoff, then the formula step by step."""
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


def test_theta_at_later_cutoffs_is_the_formula_with_the_first_cutoffs_constants(point_of_one, seasonal_series):
    y, cutoffs = seasonal_series(), [80, 81, 95, 110]
    forecast = point_of_one("theta", y, cutoffs, horizon=15, season_length=12)
    for row, cutoff in zip(forecast, cutoffs, strict=True):
        np.testing.assert_allclose(row, loop_theta(y, 80, cutoff, 15, 12), rtol=1e-4)


def test_theta_remembers_how_little_it_has_seen(point_of_one):
    y = np.array([10.0, 16.0, 10.0, 17.0, 11.0, 17.0, 12.0, 18.0])  # zigzags: smoothed slowly
    [early, late] = point_of_one("theta", y, [5, 7], horizon=2)

    fitted = ThetaModel(y[:6], deseasonalize=False).fit()
    slope, alpha = fitted.params["b0"], fitted.params["alpha"]
    assert alpha < 0.5
    np.testing.assert_allclose(early, fitted.forecast(2), rtol=1e-3)
    level = y[0]
    for value in y[1:]:
        level += alpha * (value - level)
    expected = [level + slope / 2 * (h - 1 + (1 - (1 - alpha) ** 8) / alpha) for h in (1, 2)]
    np.testing.assert_allclose(late, expected, rtol=1e-3)


def test_theta_learns_a_season_and_half_the_trend(point_of_one):
    time = np.arange(40)
    seasons = np.array([1.0, 2.0, 3.0, 2.0])
    forecast = point_of_one("theta", 100 * seasons[time % 4], [39], horizon=8, season_length=4)
    np.testing.assert_allclose(forecast[0], 100 * np.tile(seasons, 2))
    line = point_of_one("theta", 2.0 * time, [39], horizon=3)
    np.testing.assert_allclose(line[0], [79, 80, 81], rtol=1e-3)  # 78 + half of 2, 4, 6


@pytest.mark.parametrize("y", [[4.0], [1.0, 9.0], [1.0, 2.0, 4.0, 8.0], [3.0] * 50], ids=["1", "2", "4", "constant"])
def test_theta_without_enough_to_learn_from_is_the_last_value(point_of_one, y):
    forecast = point_of_one("theta", np.array([*y, 7.0]), [len(y) - 1, len(y)], horizon=3, season_length=2)
    np.testing.assert_array_equal(forecast, [[y[-1]] * 3, [7.0] * 3])


@pytest.mark.parametrize("shape", [(40, 30), (400, 30)], ids=["many series", "long series"])
def test_no_smoothing_constant_has_smaller_errors_than_the_one_found(shape):
    rng = np.random.default_rng(0)
    y = rng.normal(size=shape)
    y[:, ::2] = y[:, ::2].cumsum(axis=0)  # every other one is a random walk: the ends of the range

    def squared_errors(alpha):
        level, total = y[0].copy(), np.zeros(shape[1])
        for value in y[1:]:
            total += (value - level) ** 2
            level += alpha * (value - level)
        return total

    found = squared_errors(_smoothing_constants(y, np.ones(shape, bool)))
    least = np.min([squared_errors(alpha) for alpha in np.linspace(1e-4, 1 - 1e-4, 400)], axis=0)
    assert (found <= least * (1 + 1e-5)).all()
