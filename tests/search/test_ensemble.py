import numpy as np
import pytest

from forecastr.schema import QUANTILE_LEVELS
from forecastr.search.ensemble import average, choose_members


def cube(point: np.ndarray) -> np.ndarray:
    return np.repeat(point[..., None], len(QUANTILE_LEVELS), axis=-1)


def example(seed: int):
    """Four trials' forecasts of eight windows of three series, each trial with errors of its own."""
    rng = np.random.default_rng(seed)
    y_true = rng.normal(size=(8, 2))
    y_true[1, 0] = np.nan
    series, scale = np.array([0, 0, 0, 1, 1, 2, 2, 2]), np.array([1.0, 0.5, np.nan])
    base = np.where(np.isnan(y_true), 0.0, y_true)
    forecasts = {f"{n:04d}": cube(base + rng.normal(scale=0.5 + 0.1 * n, size=(8, 2))) for n in range(4)}
    return forecasts, y_true, series, scale


def mase(point: np.ndarray, y_true, series, scale) -> float:
    """Mean over series of the mean over their windows of the scaled error; series without a scale left out."""
    errors = []
    for n in range(len(scale)):
        if np.isfinite(scale[n]):
            errors.append(np.mean([np.nanmean(np.abs(y_true[w] - point[w])) for w in np.flatnonzero(series == n)]))
            errors[-1] /= scale[n]
    return float(np.mean(errors))


def chosen(forecasts, y_true, series, scale, max_members=4):
    return choose_members(forecasts, y_true, series=series, scale=scale, max_members=max_members)


def greedy_by_loop(points, rest, max_members) -> list[str]:
    """Start with all that are as good as the best, try every addition, stop when none is a ten-thousandth better."""
    alone = {name: mase(point, *rest) for name, point in points.items()}
    order = sorted(points, key=alone.get)
    picked = [name for name in order[:max_members] if alone[name] <= 1.03 * alone[order[0]]]
    best = mase(sum(points[name] for name in picked) / len(picked), *rest)
    for _ in range(12):
        errors = {}
        for name in points:
            tried = [*picked, name]
            if len(set(tried)) <= max_members:
                errors[name] = mase(sum(points[n] for n in tried) / len(tried), *rest)
        name = min(errors, key=errors.get)
        if errors[name] >= best * (1 - 1e-4):
            break
        best = errors[name]
        picked.append(name)
    return picked


@pytest.mark.parametrize("max_members", [1, 2, 4])
@pytest.mark.parametrize("seed", range(6))
def test_members_and_weights_are_those_of_a_plain_greedy_search(seed, max_members):
    forecasts, *rest = example(seed)
    picked = greedy_by_loop({name: values[..., 0] for name, values in forecasts.items()}, rest, max_members)
    expected = {name: picked.count(name) / len(picked) for name in picked}
    assert chosen(forecasts, *rest, max_members=max_members) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(6))
def test_the_ensemble_is_no_worse_than_any_trial_and_its_weights_sum_to_one(seed):
    forecasts, *rest = example(seed)
    weights = chosen(forecasts, *rest)
    ours = mase(average(forecasts, weights)[..., 0], *rest)
    assert sum(weights.values()) == pytest.approx(1)
    assert all(ours <= mase(values[..., 0], *rest) + 1e-12 for values in forecasts.values())


def test_a_series_without_a_scale_or_actual_values_has_no_say():
    forecasts, y_true, series, scale = example(0)
    shocked = {name: values.copy() for name, values in forecasts.items()}
    for n, values in enumerate(shocked.values()):
        values[series == 2] = (-1) ** n * 1e9
    assert chosen(shocked, y_true, series, scale) == chosen(forecasts, y_true, series, scale)
    y_true[series == 1] = np.nan
    for values in shocked.values():
        values[series == 1] = 1e9
    assert chosen(shocked, y_true, series, scale) == chosen(forecasts, y_true, series, scale)


def test_plain_errors_decide_where_no_series_has_a_scale():
    forecasts, y_true, series, _ = example(1)
    y_true[2] = np.nan  # a window without any actual value
    weights = chosen(forecasts, y_true, series, np.full(3, np.nan))
    assert weights == chosen(forecasts, y_true, series, np.ones(3))


def test_quantiles_are_averaged_by_weight():
    cubes = {"a": np.full((1, 1, 5), 2.0), "b": np.full((1, 1, 5), 6.0)}
    np.testing.assert_array_equal(average(cubes, {"a": 0.75, "b": 0.25}), np.full((1, 1, 5), 3.0))


def test_a_baseline_joins_where_it_helps_and_never_counts_as_a_member():
    y_true = np.array([[10.0, 20.0], [30.0, 40.0]])
    series, scale = np.array([0, 1]), np.ones(2)
    trials = {"0000": cube(y_true + 2.0), "0001": cube(y_true + 3.0)}

    alone = choose_members(trials, y_true, series=series, scale=scale, max_members=1)
    joined = choose_members(
        trials, y_true, series=series, scale=scale, max_members=1, baselines={"theta": cube(y_true - 2.0)}
    )

    assert alone == {"0000": 1.0}
    assert joined == {"0000": 0.5, "theta": 0.5}  # +2 and -2 cancel


def test_a_network_stays_even_where_a_baseline_is_better_than_all_of_them():
    y_true = np.arange(8.0).reshape(4, 2)
    networks, perfect = {"0000": cube(y_true + 1.0)}, {"theta": cube(y_true)}

    weights = choose_members(
        networks, y_true, series=np.zeros(4, int), scale=np.ones(1), max_members=1, baselines=perfect
    )

    assert 0 < weights["0000"] < 0.1
    assert sum(weights.values()) == pytest.approx(1.0)


def evened(errors: dict[str, float], network_errors: dict[str, float], share: float) -> dict[str, float]:
    """Weights of forecasts that are so much too high, drawn towards even ones."""
    y_true = np.arange(8.0).reshape(4, 2)
    return choose_members(
        {name: cube(y_true + error) for name, error in network_errors.items()},
        y_true,
        series=np.zeros(4, int),
        scale=np.ones(1),
        max_members=2,
        baselines={name: cube(y_true + error) for name, error in errors.items()},
        evened=share,
    )


def test_even_weights_are_half_the_networks_and_half_the_baselines_that_are_as_good():
    weights = evened({"theta": 1.0, "drift": 1.0, "last_value": 1.25}, {"0000": 1.0, "0001": 1.0}, 1.0)
    assert weights == pytest.approx({"0000": 0.25, "0001": 0.25, "theta": 0.25, "drift": 0.25})
    assert evened({"theta": 2.0}, {"0000": 1.0}, 1.0) == {"0000": 1.0}  # what is far worse gets nothing


def test_what_errs_more_has_less_of_even_weights_and_a_quarter_more_is_too_much():
    weights = evened({"theta": 1.0, "drift": 1.125}, {"0000": 1.05}, 1.0)
    theta, drift, network = 1.0, 0.5, 0.8 * 1.5  # by how near they are to the lowest; a network weighs as all baselines
    total = theta + drift + network
    assert weights == pytest.approx({"theta": theta / total, "drift": drift / total, "0000": network / total})
    alone = evened({"theta": 1.125}, {"0000": 1.0}, 1.0)  # but never less than one baseline as good
    assert alone == pytest.approx({"theta": 1 / 3, "0000": 2 / 3})


def test_a_share_of_the_weights_is_even_and_the_rest_as_validation_says():
    cancelling = {"theta": -1.1}, {"0000": 1.0}  # validation takes half of each, even weights less of what errs more
    first, second = evened(*cancelling, 0.0), evened(*cancelling, 1.0)
    assert (first["theta"], second["theta"]) == (pytest.approx(0.5), pytest.approx(0.375))
    assert evened(*cancelling, 0.25) == pytest.approx(
        {name: 0.75 * first[name] + 0.25 * second[name] for name in first}
    )
    assert evened({"theta": 0.0}, {"0000": 1.0}, 1.0) == {"theta": 1.0}
