from types import SimpleNamespace

import numpy as np
import pytest

from forecastr.evaluation import as_quantiles
from forecastr.fitting import choosing
from forecastr.fitting.choosing import Ensemble, choose_ensemble
from forecastr.fitting.scores import Part
from forecastr.models.config import PRETRAINED, NetworkConfig
from forecastr.schema import Task
from forecastr.search.ensemble import choose_members
from forecastr.search.trials import Trial
from forecastr.windows.store import Cutoffs, SeriesStore

FIRST, SECOND = (Trial(n, NetworkConfig(units=8 + n)) for n in range(2))


@pytest.fixture
def part() -> Part:
    """Two windows of one series, a step each; what followed is 4 and 6. No counts: it began with a half."""
    store = SeriesStore(np.array([0.5, 2, 4, 6]), np.array([0, 4]))
    return Part.of(store, Cutoffs(np.array([0, 0]), np.array([2, 3])), 1, np.array([1.0]))


def points(first: float, second: float) -> np.ndarray:
    return as_quantiles(np.array([[first], [second]]))


def test_networks_and_a_baseline_are_averaged_by_their_weights(part):
    cubes = {FIRST: points(4, 4), SECOND: points(8, 8)}
    ensemble = Ensemble({FIRST: 0.5, SECOND: 0.25}, {"theta": 0.25}, {})
    simple = {"last_value": points(2, 4), "theta": points(0, 4)}

    forecasts = ensemble.calibrated_on(cubes, simple, part).forecasts(cubes, simple, part)

    assert list(forecasts) == ["forecastr", "last_value", "theta", "networks"]
    assert forecasts["forecastr"][:, 0, 2].tolist() == [0.5 * 4 + 0.25 * 8 + 0.25 * 0, 0.5 * 4 + 0.25 * 8 + 0.25 * 4]
    assert forecasts["networks"][:, 0, 2].tolist() == pytest.approx([16 / 3, 16 / 3])  # 2 to 1
    assert forecasts["theta"][:, 0, 2].tolist() == [0.0, 4.0]


def test_forecasts_of_counts_are_counts_and_so_are_the_baselines_beside_them():
    counts = SeriesStore(np.array([1.0, 2, 4, 6]), np.array([0, 4]))
    part = Part.of(counts, Cutoffs(np.array([0, 0]), np.array([2, 3])), 1, np.array([1.0]))
    cubes, simple = {FIRST: points(4, 4.25), SECOND: points(8, 8)}, {"theta": points(0.75, 4)}
    ensemble = Ensemble({FIRST: 0.5, SECOND: 0.25}, {"theta": 0.25}, {}).calibrated_on(cubes, simple, part)

    forecasts = ensemble.forecasts(cubes, simple, part)

    assert forecasts["forecastr"][:, 0, 2].tolist() == [4, 5]  # 2 + 2 + 0.1875, 2.125 + 2 + 1
    assert forecasts["theta"][:, 0, 2].tolist() == [1, 4]


def test_without_a_baseline_the_networks_are_the_ensemble(part):
    cubes, simple = {FIRST: points(4, 5)}, {"last_value": points(2, 4)}

    ensemble = Ensemble({FIRST: 1.0}, {}, {}).calibrated_on(cubes, simple, part)

    assert list(ensemble.forecasts(cubes, simple, part)) == list(ensemble.offsets) == ["forecastr", "last_value"]


def test_a_baseline_with_quantiles_of_its_own_is_forecast_as_it_is(part):
    cubes, own = {FIRST: points(4, 5)}, points(2, 4) + np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    simple = {"last_value": points(2, 4), "random_walk": own}

    ensemble = Ensemble({FIRST: 1.0}, {}, {}).calibrated_on(cubes, simple, part)

    assert ensemble.baselines == ["last_value", "random_walk"]
    np.testing.assert_array_equal(ensemble.forecasts(cubes, simple, part)["random_walk"], own)


def test_intervals_are_widened_about_the_median_by_what_a_part_shows_and_no_longer_shifted(part):
    # 1 too low each time: half as wide as needed
    stated = {FIRST: points(3, 5) + np.array([-1.0, -0.5, 0.0, 0.5, 1.0])}
    simple = {"last_value": points(2, 4)}
    chosen = Ensemble({FIRST: 1.0}, {}, {}).calibrated_on(stated, simple, part)
    ensemble = chosen.widened_on(stated, simple, part)
    factor = 2 ** (2 / 3)  # two horizons of one step
    np.testing.assert_allclose(ensemble.widths, [1, factor, 1, factor, 1])
    assert chosen.offsets["forecastr"].any() and not ensemble.offsets["forecastr"].any()
    assert ensemble.rests_on.endswith(
        "on the test part once it was judged (1.59 times as wide as stated at 80 %, 1.00 at 95 %)"
    )
    np.testing.assert_array_equal(ensemble.offsets["last_value"], chosen.offsets["last_value"])


def test_prices_keep_the_intervals_of_a_walk_that_follows_how_nervous_the_market_is(part):
    stated = {FIRST: points(3, 5) + np.array([-1.0, -0.5, 0.0, 0.5, 1.0])}
    simple = {"last_value": points(2, 4), "random_walk": points(2, 4) + np.array([-2.0, -1.0, 0.0, 1.0, 2.0])}
    ensemble = Ensemble({FIRST: 0.5}, {"random_walk": 0.5}, {}).calibrated_on(stated, simple, part)
    assert ensemble.widened_on(stated, simple, part) is ensemble
    assert ensemble.rests_on == "validation, and once judged on validation and test"


def test_points_keep_the_offsets_that_make_them_intervals(part):
    cubes, simple = {FIRST: points(4, 5)}, {"last_value": points(2, 4)}
    ensemble = Ensemble({FIRST: 1.0}, {}, {}).calibrated_on(cubes, simple, part)
    assert ensemble.widened_on(cubes, simple, part) is ensemble


@pytest.mark.parametrize(("n_windows", "horizon", "evened"), [(1, 2, 1 / 2), (3, 2, 1 / 3), (7, 2, 1 / 5)])
def test_the_fewer_horizons_validation_has_the_more_of_the_weights_is_even(monkeypatch, n_windows, horizon, evened):
    asked = []

    def choose(*args, **options):
        asked.append(options["evened"])
        return choose_members(*args, **options)

    monkeypatch.setattr(choosing, "choose_members", choose)
    store = SeriesStore(np.random.default_rng(1).normal(size=40), np.array([0, 40]))
    part = Part.of(store, Cutoffs(np.zeros(n_windows, int), 30 + np.arange(n_windows)), horizon, np.array([1.0]))
    trial = Trial(0, NetworkConfig(), result={"update_seconds": 0.0, "updates": 50, "best_updates": 50})
    search = SimpleNamespace(candidates=[trial], forecasts=lambda trial: as_quantiles(part.y_true))

    choose_ensemble(search, part, Task(horizon=horizon), seconds=60, jobs=1)

    assert asked == [pytest.approx(evened)]


@pytest.mark.parametrize(("changes", "least"), [("of a price", 2 / 3), ("around a level", 0.0)])
def test_of_prices_two_thirds_of_the_forecast_are_the_random_walk_s_however_good_a_network_was(changes, least):
    noise = 0.01 * np.random.default_rng(1).normal(size=300)
    values = 100 * np.exp(noise.cumsum() if changes == "of a price" else noise)
    store = SeriesStore(values, np.array([0, 300]))
    part = Part.of(store, Cutoffs(np.zeros(50, int), np.arange(240, 290)), 1, np.array([1.0]))
    perfect = as_quantiles(part.y_true)
    trial = Trial(0, NetworkConfig(), result={"update_seconds": 0.0, "updates": 50, "best_updates": 50})
    search = SimpleNamespace(candidates=[trial], forecasts=lambda trial: perfect)

    ensemble, _ = choose_ensemble(search, part, Task(horizon=1), seconds=60, jobs=1)

    assert ensemble.weights == {trial: 1 - least}
    assert ensemble.shares.get("random_walk", 0.0) == least
    classic, _ = choose_ensemble(search, part, Task(horizon=1, preset="classic"), seconds=60, jobs=1)
    assert (classic.weights, classic.shares) == ({trial: 1.0}, {})


@pytest.mark.parametrize(("season", "better"), [(1, SECOND), (2, FIRST)])
def test_where_nothing_repeats_series_count_by_their_change_over_a_horizon(season, better):
    """Of a slope of 1 and jumps of 4 back and forth: steps four apart differ by 4 and by 0, then by neighbours', 4."""
    slope, jumps = np.arange(20.0), 4.0 * (np.arange(20) % 2)
    store = SeriesStore(np.concatenate([slope, jumps]), np.array([0, 20, 40]))
    part = Part.of(store, Cutoffs(np.arange(2), np.full(2, 16)), 4, np.array([1.0, 4.0]))
    off = {FIRST: np.array([0.0, 3.0]), SECOND: np.array([2.0, 0.0])}  # of slope and jumps
    result = {"update_seconds": 0.0, "updates": 50, "best_updates": 50}
    trials = {key: Trial(key.number, key.config, result=result) for key in off}
    cubes = {trials[key]: as_quantiles(part.y_true + error[:, None]) for key, error in off.items()}
    search = SimpleNamespace(candidates=list(cubes), forecasts=cubes.__getitem__)
    task = Task(horizon=4, season_lengths=(season,), preset="classic")

    ensemble, _ = choose_ensemble(search, part, task, seconds=60, jobs=1)

    assert max(ensemble.weights, key=ensemble.weights.__getitem__) == trials[better]


@pytest.mark.parametrize(("error", "share"), [(0.005, 1 / 2), (0.01, 1 / 2), (0.0105, 1 / 4), (0.011, 0), (0.02, 0)])
def test_a_network_without_training_shares_the_less_the_more_it_errs_above_the_others(error, share):
    trained, untrained = _trial(0, NetworkConfig()), _trial(1, PRETRAINED, updates=0)
    part, search = _search({trained: 0.01, untrained: error})

    ensemble, _ = choose_ensemble(search, part, Task(horizon=1), seconds=60, jobs=1)

    assert ensemble.shares == {}
    assert ensemble.weights.get(untrained, 0) == pytest.approx(share)
    assert ensemble.weights[trained] == pytest.approx(1 - share)


@pytest.mark.parametrize(("n_known", "share"), [(240, 1 / 4), (60, 1 / 4), (30, 3 / 8), (15, 7 / 16)])
def test_it_has_more_where_the_others_had_little_to_learn_from(n_known, share):
    trained, untrained = _trial(0, NetworkConfig()), _trial(1, PRETRAINED, updates=0)
    part, search = _search({trained: 0.01, untrained: 0.0105}, n_known=n_known)

    ensemble, _ = choose_ensemble(search, part, Task(horizon=1), seconds=60, jobs=1)

    assert ensemble.weights[untrained] == pytest.approx(share)


@pytest.mark.parametrize(("error", "chosen"), [(0.0101, "quick"), (0.0103, "slow")])
def test_a_better_network_is_not_given_up_for_more_than_refitting_is_worth(error, chosen):
    slow, quick = (
        Trial(n, NetworkConfig(), result={"update_seconds": seconds, "updates": 50, "best_updates": 50})
        for n, seconds in enumerate([1.0, 0.0])
    )
    part, search = _search({slow: 0.01, quick: error})

    for seconds, best in ((100, slow), (10, {"quick": quick, "slow": slow}[chosen])):
        ensemble, _ = choose_ensemble(search, part, Task(horizon=1), seconds=seconds, jobs=1)
        assert max(ensemble.weights, key=ensemble.weights.get) == best


def test_a_network_without_training_may_be_the_only_one():
    untrained = _trial(0, PRETRAINED, updates=0)
    part, search = _search({untrained: 0.01})

    ensemble, _ = choose_ensemble(search, part, Task(horizon=1), seconds=60, jobs=1)

    assert ensemble.weights == {untrained: 1}


def _trial(number, config, updates=50):
    return Trial(number, config, result={"update_seconds": 0.0, "updates": updates, "best_updates": updates})


def _search(errors, n_known=80):
    """A search whose trials err by so much, and its validation part: noise, which baselines miss by more."""
    store = SeriesStore(np.random.default_rng(1).normal(size=n_known + 3), np.array([0, n_known + 3]))
    part = Part.of(store, Cutoffs(np.zeros(3, int), n_known + np.array([-1, 0, 1])), 1, np.array([1.0]))
    cubes = {trial: as_quantiles(part.y_true + error) for trial, error in errors.items()}
    return part, SimpleNamespace(candidates=list(errors), forecasts=cubes.get)
