import numpy as np
import pytest

from forecastr.pretraining.simulate import _autoregression, simulate_series


def seasonal_share(y: np.ndarray, season: int) -> np.ndarray:
    """Return how much of each series' variance, its differences', the phase of the season explains [N]."""
    changes = np.diff(np.log(y + 1), axis=1)[:, : (y.shape[1] - 1) // season * season]
    means = changes.reshape(len(y), -1, season).mean(axis=1)
    return means.var(axis=1) / changes.var(axis=1)


@pytest.mark.parametrize("season", [1, 4, 12, 24])
def test_series_are_finite_positive_and_all_different(season):
    y = simulate_series(500, 120, (season,), seed=3)
    assert y.shape == (500, 120)
    assert np.isfinite(y).all()
    assert (y >= 0).all()
    assert len(np.unique(y, axis=0)) == 500
    assert (y == y.round()).all(axis=1).mean() == pytest.approx(0.15, abs=0.05)  # counts


def test_equal_seeds_give_equal_series():
    np.testing.assert_array_equal(simulate_series(5, 50, (7,), seed=1), simulate_series(5, 50, (7,), seed=1))
    assert (simulate_series(5, 50, (7,), seed=1) != simulate_series(5, 50, (7,), seed=2)).any()


def test_most_series_have_the_season_asked_for_and_none_has_another():
    y = simulate_series(1000, 240, (12,), seed=0)
    assert (seasonal_share(y, 12) > 0.3).mean() > 0.5
    assert (seasonal_share(y, 7) > 0.3).mean() < 0.02
    assert (seasonal_share(simulate_series(1000, 240, (1,), seed=0), 12) > 0.3).mean() < 0.02


def test_about_as_many_rise_as_fall():
    y = simulate_series(4000, 100, (12,), seed=0)
    rise = y[:, -12:].mean(axis=1) > y[:, :12].mean(axis=1)
    assert rise.mean() == pytest.approx(0.5, abs=0.03)


def test_an_autoregression_is_what_its_formula_says():
    x = _autoregression(np.array([[1.0, 2.0, 3.0]]), np.array([[0.5]]))
    assert x.tolist() == [[1.0, 2.5, 4.25]]
