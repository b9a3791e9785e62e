import numpy as np
import pytest

from forecastr.models.sequences import ahead, decayed_sum, last_steps, moving_mean, moving_sum, seasonal_mean, shift


@pytest.fixture
def sequences() -> tuple[np.ndarray, np.ndarray]:
    """Values [2, 17] and what was observed of them, the beginning of the second series not."""
    rng = np.random.default_rng(3)
    values = rng.normal(size=(2, 17)).astype("float32")
    observed = (rng.uniform(size=(2, 17)) > 0.3).astype("float32")
    observed[1, :6] = 0
    return values, observed


def mean_by_loop(values, observed, positions, otherwise):
    seen = [values[p] for p in positions if p >= 0 and observed[p]]
    return np.mean(seen) if seen else otherwise


@pytest.mark.parametrize("length", [1, 2, 3, 5, 8, 17, 40])
def test_a_moving_sum_adds_the_last_steps(sequences, length):
    values, _ = sequences
    expected = [[row[max(0, t - length + 1) : t + 1].sum() for t in range(17)] for row in values]
    np.testing.assert_allclose(moving_sum(values, length), expected, atol=1e-5)


@pytest.mark.parametrize("length", [1, 4, 7])
def test_a_moving_mean_counts_only_what_was_observed(sequences, length):
    expected = [
        [mean_by_loop(v, o, range(t - length + 1, t + 1), v[t]) for t in range(17)]
        for v, o in zip(*sequences, strict=True)
    ]
    np.testing.assert_allclose(moving_mean(*sequences, length), expected, atol=1e-5)


@pytest.mark.parametrize(("season", "n"), [(1, 2), (3, 4), (5, 8)])
def test_a_seasonal_mean_counts_only_the_same_phase(sequences, season, n):
    expected = [
        [mean_by_loop(v, o, [t - season * k for k in range(n)], v[t]) for t in range(17)]
        for v, o in zip(*sequences, strict=True)
    ]
    np.testing.assert_allclose(seasonal_mean(*sequences, season, n), expected, atol=1e-5)


@pytest.mark.parametrize("last", [1, 5, 17, 40])
@pytest.mark.parametrize(("season", "n"), [(1, 3), (3, 4), (5, 8)])
def test_means_of_the_last_steps_alone_are_those_of_all(sequences, season, n, last):
    every = np.asarray(seasonal_mean(*sequences, season, n))
    np.testing.assert_allclose(seasonal_mean(*sequences, season, n, last=last), every[:, -last:], atol=1e-6)


@pytest.mark.parametrize("steps", [0, 1, 16, 17, 99])
def test_a_shift_moves_later_and_puts_zeros_first(sequences, steps):
    values, _ = sequences
    expected = np.zeros_like(values)
    for t in range(steps, 17):
        expected[:, t] = values[:, t - steps]
    np.testing.assert_array_equal(shift(values, steps), expected)


def test_supervised_positions_end_with_the_last():
    assert last_steps(10, 3, 4).tolist() == [1, 5, 9]
    assert last_steps(10, 1, 4).tolist() == [9]


@pytest.mark.parametrize(("season", "horizon"), [(1, 4), (4, 3), (4, 4), (4, 11)])
@pytest.mark.parametrize("stride", [1, 3])
def test_the_last_season_is_repeated_over_the_horizon_of_every_step(sequences, season, horizon, stride):
    values, _ = sequences
    expected = np.empty((2, 4, horizon))
    for b in range(2):
        for s, now in enumerate(last_steps(17, 4, stride)):
            season_now = values[b, now - season + 1 : now + 1]
            for h in range(horizon):
                expected[b, s, h] = season_now[h % season]
    np.testing.assert_array_equal(ahead(values, season, n_steps=4, stride=stride, horizon=horizon), expected)


def test_a_decayed_sum_weighs_each_value_by_its_age(sequences):
    values, _ = sequences
    found = np.asarray(decayed_sum(values, np.array([0.9, 0.4], "float32")))
    for k, keep in enumerate((0.9, 0.4)):
        for t in range(17):
            expected = sum(keep ** (t - u) * values[:, u] for u in range(t + 1))
            np.testing.assert_allclose(found[:, k, t], expected, atol=1e-5)
