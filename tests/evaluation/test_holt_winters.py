import numpy as np
import pytest
from statsmodels.tsa.exponential_smoothing.ets import ETSModel

from forecastr.evaluation import forecast_baselines
from forecastr.evaluation.holt_winters import _Constants, _fit_constants, _forecast, _initial_states
from forecastr.evaluation.panel_cutoffs import PanelCutoffs


def as_panel(series):
    """Return the values, their bounds, and a window at the end of each series."""
    starts = np.append(0, np.cumsum([len(y) for y in series]))
    return np.concatenate(series), starts, np.arange(len(series)), starts[1:] - 1


def only_block(y, cutoffs, *, horizon, season_length):
    positions = np.asarray(cutoffs)
    [block] = PanelCutoffs(y, np.zeros(len(positions), int), positions, horizon, season_length).blocks()
    return block


def statsmodels_ets(y, states, **options):
    seasonal = len(states.season) > 1
    known = {"initial_level": states.level[0], "initial_trend": states.trend[0]}
    if seasonal:
        known |= {"seasonal": "add", "seasonal_periods": len(states.season), "initial_seasonal": states.season[:, 0]}
    return ETSModel(y, error="add", trend="add", damped_trend=True, initialization_method="known", **known, **options)


@pytest.mark.parametrize("season_length", [1, 7, 12])
def test_with_the_same_constants_it_is_statsmodels_state_space_model(seasonal_series, season_length):
    y = seasonal_series(90, 7)
    block = only_block(y, [89], horizon=15, season_length=season_length)
    states = _initial_states(block.y, block.known, season_length)
    constants = _Constants(*(np.array([value]) for value in (0.3, 0.06, 0.2, 0.9)))

    forecast = _forecast(block, block.y, constants, states, 15)

    named = [0.3, 0.06, 0.2, 0.9] if season_length > 1 else [0.3, 0.06, 0.9]
    begun = [states.level[0], states.trend[0], *(states.season[::-1, 0] if season_length > 1 else [])]
    expected = statsmodels_ets(y, states).smooth([*named, *begun]).forecast(15)
    np.testing.assert_allclose(forecast[0], expected, rtol=1e-9)


@pytest.mark.parametrize("season_length", [1, 12])
def test_its_constants_are_about_as_good_as_those_of_a_real_optimizer(seasonal_series, season_length):
    series = [np.cumsum(seasonal_series(90, 12, seed=seed) - 49) for seed in range(4)]
    for y in series:
        block = only_block(y, [89], horizon=1, season_length=season_length)
        states = _initial_states(block.y, block.known, season_length)
        _, squares = _fit_constants(block.y, block.known, states)
        fitted = statsmodels_ets(y, states, bounds={"damping_trend": (0.8, 0.98)}).fit(disp=False)
        assert squares[0] <= 1.1 * fitted.sse


def test_a_panel_is_its_series_one_by_one(seasonal_series):
    panel = [seasonal_series(n, 12, seed=n) - 50 * (n % 2) for n in (5, 9, 25, 26, 60, 61, 90, 400)]
    options = {"horizon": 15, "season_length": 12, "names": ["holt_winters"]}
    together = forecast_baselines(*as_panel(panel), **options)["holt_winters"]
    for y, forecast in zip(panel, together, strict=True):
        alone = forecast_baselines(*as_panel([y]), **options)["holt_winters"][0]
        np.testing.assert_allclose(forecast, alone, rtol=1e-9)


def test_a_season_that_grows_with_the_level_is_continued(point_of_one):
    time = np.arange(96)
    y = 10 * 1.01 ** np.minimum(time, 80) * np.array([0.5, 1.0, 1.8, 0.9])[time % 4]
    forecast = point_of_one("holt_winters", y, [83], horizon=12, season_length=4)[0]
    np.testing.assert_allclose(forecast, y[84:], rtol=0.02)


def test_a_trend_is_damped(point_of_one):
    forecast = point_of_one("holt_winters", np.arange(50.0), [49], horizon=30)[0]
    rises = np.diff(np.append(49.0, forecast))
    assert 0.5 < rises[0] < 1
    assert (np.diff(rises) < 0).all()
    assert rises[-1] > 0


def test_later_cutoffs_move_the_states_step_by_step(point_of_one, seasonal_series):
    y, cutoffs, m = seasonal_series(140) - 50, [80, 81, 95, 110], 12  # of both signs: never of logarithms
    block = only_block(y, cutoffs, horizon=15, season_length=m)
    states = _initial_states(block.y[:81], block.known, m)
    constants, _ = _fit_constants(block.y[:81], block.known, states)
    found = _forecast(block, block.y, constants, states, 15)
    alpha, beta, gamma, phi = (float(constant[0]) for constant in vars(constants).values())

    for row, cutoff in zip(found, cutoffs, strict=True):
        level, trend, season = states.level[0], states.trend[0], states.season[:, 0].copy()
        for t in range(cutoff + 1):
            error = y[t] - (level + phi * trend + season[t % m])
            level, trend = level + phi * trend + alpha * error, phi * trend + beta * error
            season[t % m] += gamma * error
        expected = [
            level + sum(phi**k for k in range(1, h + 1)) * trend + season[(cutoff + h) % m] for h in range(1, 16)
        ]
        np.testing.assert_allclose(row, expected, rtol=1e-9)


def test_what_lies_ten_seasons_back_is_forgotten(point_of_one, seasonal_series):
    y = seasonal_series(400, 12)
    shocked = y.copy()
    shocked[:200] *= 100
    options = {"horizon": 12, "season_length": 12}
    before, after = (point_of_one("holt_winters", values, [330, 390], **options) for values in (y, shocked))
    np.testing.assert_array_equal(before, after)


def test_a_value_of_zero_to_come_leaves_a_forecast(point_of_one, seasonal_series):
    y = seasonal_series(140, 12)
    y[110] = 0.0
    assert np.isfinite(point_of_one("holt_winters", y, [100, 110, 120], horizon=12, season_length=12)).all()


@pytest.mark.parametrize(
    ("n_series", "length", "cutoffs_apart", "joins"),
    [
        (10, 300, 1, True),
        (1, 8000, 5000, True),
        (1, 12_000, 11_000, False),
        (20_000, 60, 1, True),
        (25_000, 60, 1, False),
    ],
)
def test_it_joins_the_baselines_where_it_takes_seconds(n_series, length, cutoffs_apart, joins):
    rows = np.random.default_rng(1).normal(size=length)  # nothing that looks like prices
    starts = np.arange(n_series + 1) * length
    last = starts[1:] - 1
    series, positions = np.tile(np.arange(n_series), 2), np.concatenate([last - cutoffs_apart, last])
    found = forecast_baselines(np.tile(rows, n_series), starts, series, positions, horizon=1, season_length=1)
    assert ("holt_winters" in found) == joins
