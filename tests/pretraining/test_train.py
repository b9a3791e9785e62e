import numpy as np
import pytest

from forecastr.models.config import WindowShape
from forecastr.models.pretrained import HORIZON, pretrained_weights
from forecastr.pretraining.train import mean_errors, pretrain


def quiet(updates: int, loss: float) -> None:
    pass


@pytest.mark.parametrize("season, share", [(1, 0.99), (24, 0.97), (52, 0.97)])
def test_the_weights_that_ship_beat_both_methods_on_series_that_they_have_not_seen(season, share):
    weights = pretrained_weights(WindowShape(horizon=HORIZON, season_lengths=(season,)))
    errors = mean_errors(weights, season, n_series=600, seed=77)
    assert errors["pretrained"] < share * min(errors["theta"], errors["holt_winters"])


@pytest.mark.slow  # compiles and trains a network
def test_pretraining_lowers_the_error_and_does_so_again():
    told: list[int] = []
    begun = pretrain(7, updates=50, seed=1, n_series=500, tell=quiet)
    first, again = (
        pretrain(7, updates=400, seed=1, n_series=500, tell=lambda updates, *_: told.append(updates)) for _ in range(2)
    )
    assert told == 2 * list(range(50, 401, 50))
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    before, after = (mean_errors(weights, 7, n_series=500, seed=5)["pretrained"] for weights in (begun, first))
    assert after < before
