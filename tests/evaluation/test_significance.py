import math

import numpy as np
import pytest
from scipy import stats

from forecastr.evaluation import diebold_mariano


def loop_diebold_mariano(loss_a, loss_b, horizon):
    """The test as Harvey, Leybourne and Newbold write it, term by term."""
    d = [a - b for a, b in zip(loss_a, loss_b, strict=True)]
    n = len(d)
    mean = sum(d) / n
    variance = 0.0
    for lag in range(horizon):
        gamma = sum((d[t] - mean) * (d[t - lag] - mean) for t in range(lag, n)) / n
        variance += gamma if lag == 0 else 2 * gamma
    statistic = mean / math.sqrt(variance / n)
    statistic *= math.sqrt((n + 1 - 2 * horizon + horizon * (horizon - 1) / n) / n)
    return 2 * stats.t.sf(abs(statistic), n - 1)


@pytest.mark.parametrize("horizon", [1, 2, 5])
def test_the_p_value_equals_the_formula_term_by_term(horizon):
    rng = np.random.default_rng(horizon)
    loss_a, loss_b = rng.exponential(size=60).cumsum() / 20, rng.exponential(size=60)
    p_value = diebold_mariano(loss_a, loss_b, horizon=horizon)
    assert p_value == pytest.approx(loop_diebold_mariano(loss_a, loss_b, horizon), rel=1e-9)


def test_one_step_ahead_is_the_paired_t_test():
    rng = np.random.default_rng(0)
    loss_a, loss_b = rng.exponential(size=30), rng.exponential(size=30) + 0.2
    expected = stats.ttest_rel(loss_a, loss_b).pvalue
    assert diebold_mariano(loss_a, loss_b, horizon=1) == pytest.approx(expected, rel=1e-12)


def test_the_order_of_the_two_and_their_unit_do_not_matter():
    rng = np.random.default_rng(0)
    a, b = rng.exponential(size=(2, 40))
    p_value = diebold_mariano(a, b, horizon=3)
    assert diebold_mariano(b, a, horizon=3) == p_value
    assert diebold_mariano(8 * a, 8 * b, horizon=3) == pytest.approx(p_value, rel=1e-12)


def test_a_negative_variance_falls_back_to_bartletts_weights():
    # Differences 4 and -2 in turn: mean 1, autocovariances 9, -9 * 9/10 at lag 1; plain 9 - 16.2 < 0.
    d = np.array([4.0, -2.0] * 5)
    variance = 9 - 8.1  # Bartlett's weight at lag 1 is a half
    correction = (10 + 1 - 4 + 2 / 10) / 10
    statistic = 1 / math.sqrt(variance / 10) * math.sqrt(correction)
    assert diebold_mariano(d, np.zeros(10), horizon=2) == pytest.approx(2 * stats.t.sf(statistic, 9))


def test_identical_losses_are_no_difference():
    assert diebold_mariano(np.arange(9.0), np.arange(9.0), horizon=2) == 1.0


def test_the_same_difference_every_time_is_not_chance():
    assert diebold_mariano(np.arange(9.0) + 1, np.arange(9.0), horizon=2) == 0.0


@pytest.mark.parametrize(("n", "horizon"), [(0, 1), (2, 1), (5, 5), (5, 8)])
def test_too_few_losses_have_no_p_value(n, horizon):
    assert math.isnan(diebold_mariano(np.arange(float(n)), np.zeros(n), horizon=horizon))


def test_losses_that_are_missing_on_one_side_are_left_out():
    a, b = np.array([1.0, np.nan, 3.0, 2.0, 5.0]), np.array([0.5, 1.0, 1.0, 1.5, np.nan])
    kept = np.array([0, 2, 3])
    assert diebold_mariano(a, b, horizon=1) == diebold_mariano(a[kept], b[kept], horizon=1)


@pytest.mark.parametrize("horizon", [1, 4])
def test_equal_forecasts_are_told_apart_about_one_time_in_twenty(horizon):
    rng = np.random.default_rng(7)
    shocks = rng.normal(size=(1000, 150 + horizon - 1))
    overlapping = np.stack([np.convolve(row, np.ones(horizon), mode="valid") for row in shocks])
    zeros = np.zeros(150)
    rejected = np.mean([diebold_mariano(row, zeros, horizon=horizon) < 0.05 for row in overlapping])
    assert 0.03 < rejected < 0.09


def test_a_real_difference_is_found():
    rng = np.random.default_rng(7)
    found = [
        diebold_mariano(rng.exponential(size=200), 1.5 * rng.exponential(size=200), horizon=4) < 0.05
        for _ in range(100)
    ]
    assert np.mean(found) > 0.9
