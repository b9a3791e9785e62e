import numpy as np
import pytest

from forecastr.evaluation import BASELINES, evaluate, forecast_baselines
from forecastr.schema import QUANTILE_LEVELS


def random_walk(n=600, volatility=0.01, seed=0):
    """Prices whose volatility doubles and halves every hundred steps."""
    nervous = 2.0 ** (np.arange(n) // 100 % 2)
    return 100 * np.exp(np.cumsum(volatility * nervous * np.random.default_rng(seed).normal(size=n)))


def reverting(n=600, pull=0.1, seed=0):
    """Logarithms that are drawn back to a mean."""
    noise, level = np.random.default_rng(seed).normal(size=n), np.zeros(n)
    for step in range(1, n):
        level[step] = (1 - pull) * level[step - 1] + noise[step]
    return 100 * np.exp(0.01 * level)


def loop_quantiles(y, first_cutoff, cutoff, horizon):
    """The definition, step by step."""
    log = np.log(y)

    def volatility(t):
        changes = [log[s] - log[s - 1] for s in range(max(t - 59, 1), t + 1)]
        return np.sqrt(np.mean(np.square(changes)))

    rows = []
    for h in range(1, horizon + 1):
        past = [(log[t + h] - log[t]) / volatility(t) for t in range(20, first_cutoff - h + 1)]
        scaled = np.quantile(past, QUANTILE_LEVELS)
        scaled[2] = 0.0
        rows.append(y[cutoff] * np.exp(volatility(cutoff) * scaled))
    return rows


def test_the_random_walk_is_its_definition_at_every_cutoff(forecast_one):
    y, cutoffs = random_walk(300), [200, 210, 280]
    forecast = forecast_one("random_walk", y, cutoffs, horizon=5)
    for row, cutoff in zip(forecast, cutoffs, strict=True):
        np.testing.assert_allclose(row, loop_quantiles(y, 200, cutoff, 5), rtol=1e-10)


def test_its_median_is_the_last_value_and_its_quantiles_never_cross(forecast_one):
    y = random_walk(300) * np.exp(0.05 * np.arange(300))  # rises so fast that it hardly ever falls
    forecast = forecast_one("random_walk", y, [200, 299], horizon=20)
    np.testing.assert_array_equal(forecast[..., 2], [[y[200]] * 20, [y[299]] * 20])
    assert (np.diff(forecast, axis=-1) >= 0).all()


def test_intervals_widen_with_the_volatility_of_the_last_sixty_steps(forecast_one):
    y = random_walk(600)  # calm to 99, 299, 499; nervous to 199, 399, 599
    forecast = forecast_one("random_walk", y, [399, 499], horizon=5)
    width = np.log(forecast[:, -1, 3] / forecast[:, -1, 1])
    volatility = [np.sqrt(np.mean(np.diff(np.log(y[t - 60 : t + 1])) ** 2)) for t in (399, 499)]
    np.testing.assert_allclose(width, width[1] * np.array(volatility) / volatility[1])
    assert width[0] > 1.5 * width[1]


def test_quantiles_of_a_panel_are_those_of_all_its_series():
    panel = [random_walk(120, seed=seed, volatility=0.01 * (1 + seed)) for seed in range(4)]
    starts, series = np.arange(5) * 120, np.arange(4)
    options = {"horizon": 3, "season_length": 1, "names": ["random_walk"]}
    forecast = forecast_baselines(np.concatenate(panel), starts, series, starts[1:] - 1, **options)["random_walk"]
    scaled = []
    for y, rows in zip(panel, forecast, strict=True):
        volatility = np.sqrt(np.mean(np.diff(np.log(y[-61:])) ** 2))
        scaled.append(np.log(rows / y[-1]) / volatility)
    for other in scaled[1:]:
        np.testing.assert_allclose(other, scaled[0], atol=1e-12)


def test_eight_in_ten_of_what_comes_lies_in_the_interval_that_says_so():
    y, steps = random_walk(4000), np.arange(3000, 3980)
    windows = np.array([0, 4000]), np.zeros(980, dtype=int), steps
    forecast = forecast_baselines(y, *windows, horizon=10, season_length=1, names=["random_walk"])
    actual = y[steps[:, None] + np.arange(1, 11)]
    errors = evaluate(actual, forecast, series=windows[1], last=y[steps], scale=np.ones(1))
    assert errors.loc["random_walk", "coverage_80"] == pytest.approx(0.8, abs=0.03)
    assert errors.loc["random_walk", "coverage_95"] == pytest.approx(0.95, abs=0.02)


def test_steps_too_far_for_past_changes_widen_with_the_square_root_of_time(forecast_one):
    y = random_walk(80)
    forecast = np.log(forecast_one("random_walk", y, [79], horizon=40)[0] / y[79])
    np.testing.assert_allclose(forecast[39], forecast[29] * np.sqrt(40 / 30))  # 30 changes over 30 steps, from 20 on


@pytest.mark.parametrize("y", [[5.0], [2.0] * 80, [3.0, -1.0], [1.0, 0.0]], ids=["one", "flat", "negative", "zero"])
def test_what_has_no_volatility_is_forecast_as_it_is(forecast_one, y):
    forecast = forecast_one("random_walk", np.array(y), [len(y) - 1], horizon=3)
    np.testing.assert_array_equal(forecast, np.full((1, 3, 5), y[-1]))


def test_a_price_that_was_negative_once_has_intervals_again_when_it_is_not(forecast_one):
    y = random_walk(300)
    y[150] = -37.0
    forecast = forecast_one("random_walk", y, [150, 299], horizon=2)
    np.testing.assert_array_equal(forecast[0], -37.0)
    assert (np.diff(forecast[1], axis=-1) > 0).all()


def offered(panel, season_length=1):
    """Whether the random walk is among the baselines of a panel."""
    starts = np.append(0, np.cumsum([len(y) for y in panel]))
    windows = np.arange(len(panel)), starts[1:] - 2
    names = list(forecast_baselines(np.concatenate(panel), starts, *windows, horizon=1, season_length=season_length))
    assert names == list(BASELINES)[: len(names)]
    return "random_walk" in names


@pytest.mark.parametrize("seed", range(5))
def test_prices_are_offered_the_random_walk(seed):
    assert offered([random_walk(seed=seed)])
    with_gaps = random_walk(seed=seed)
    with_gaps[10::50] = np.nan
    assert offered([with_gaps])


OTHERS = {
    "noise around a level": 100 + np.random.default_rng(0).normal(size=600),
    "counts with zeros": np.random.default_rng(0).poisson(1.0, 600).astype(float),
    "negative values": random_walk() - 100,
    "a smooth wave": 100 + 10 * np.sin(np.arange(600) / 10),
    "a trend": 100.0 + np.arange(600),
    "a level that never moves": np.full(600, 7.0),
    "a level that moves once, at the end": np.r_[np.full(599, 7.0), 8.0],
    "steady growth": 1.01 ** np.arange(600),
    "too little": random_walk(60),
    "gaps alone": np.full(600, np.nan),
    **{f"drawn back to a mean, {seed}": reverting(seed=seed) for seed in range(3)},
}


@pytest.mark.parametrize("y", OTHERS.values(), ids=OTHERS)
def test_other_series_are_not(y):
    assert not offered([y])


def test_a_season_and_a_panel_that_is_mostly_something_else_are_not_either():
    walks, others = [random_walk(seed=seed) for seed in range(3)], [reverting(seed=seed) for seed in range(4)]
    assert not offered(walks, season_length=5)
    assert offered([*walks, *others[:2]])
    assert not offered([*walks, *others])


def test_what_comes_after_the_first_cutoff_does_not_decide():
    y = random_walk()
    y[400:] = -1.0
    windows = np.array([0, 600]), np.array([0, 0]), np.array([399, 500])
    assert "random_walk" in forecast_baselines(y, *windows, horizon=1, season_length=1)
