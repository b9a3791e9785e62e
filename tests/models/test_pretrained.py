from dataclasses import replace

import numpy as np
import pytest

from forecastr.errors import ConfigError
from forecastr.models.config import PRETRAINED, NetworkConfig, WindowShape
from forecastr.models.network import build_forecaster
from forecastr.models.pretrained import HORIZON, pretrained_weights


@pytest.mark.parametrize("season", [1, 2, 4, 12, 52])
@pytest.mark.parametrize("horizon", [1, 18, HORIZON, HORIZON + 12])
def test_the_weights_fit_any_horizon_and_any_one_season_or_none(season, horizon):
    shape = WindowShape(horizon=horizon, season_lengths=(season,))
    weights, whole = pretrained_weights(shape), pretrained_weights(replace(shape, horizon=HORIZON))
    build_forecaster(PRETRAINED, shape).set_weights(weights)  # which refuses weights of other shapes
    shared = min(horizon, HORIZON)
    correction = next(n for n, values in enumerate(whole) if values.shape == (PRETRAINED.units, HORIZON))
    np.testing.assert_array_equal(weights[correction][:, :shared], whole[correction][:, :shared])
    for step in range(shared, horizon):
        np.testing.assert_array_equal(weights[correction][:, step], whole[correction][:, -1])


@pytest.mark.parametrize(
    "change", [{"units": 32}, {"cell": "gru"}, {"layers": 2}, {"bases": "means"}, {"covariates": "all"}]
)
def test_another_network_cannot_have_them(change):
    with pytest.raises(ConfigError, match="pretrained weights are another network's. Use " + next(iter(change))):
        replace(PRETRAINED, **change)


def test_a_bundle_of_an_older_one_is_still_legal():
    """Its weights were those of means over four seasons: it has them itself."""
    assert replace(PRETRAINED, mean_steps=0).pretrained


def test_only_a_pretrained_network_may_go_without_updates():
    assert PRETRAINED.updates == 0
    with pytest.raises(ConfigError, match="updates is 0; it must be at least 1"):
        NetworkConfig(updates=0)
    with pytest.raises(ConfigError, match="updates is -1; it must be at least 0"):
        replace(PRETRAINED, updates=-1)
