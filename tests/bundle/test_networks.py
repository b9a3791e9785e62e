"""Networks built from a configuration and filled with a file's numbers are those that were saved."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from forecastr.bundle.networks import filled_network, read_arrays, require_sensible
from forecastr.models.config import CLASSIC, NetworkConfig, WindowShape
from forecastr.windows.covariates import CovariateShape

SMALL = NetworkConfig(layers=2, units=4, context_length=8, stride=3, dropout=0.1)
LAST = replace(SMALL, supervision="last")
CONFIGS = {
    "direct": SMALL,
    "attention": replace(SMALL, attention="causal", cell="lstm"),
    "both directions": replace(LAST, attention="full", bidirectional=True, cell="lstm"),
    "decoder": replace(LAST, head="decoder"),
    "plain cells": replace(SMALL, cell="rnn", bases="theta", local_scale=True, transform="log"),
    "no bases": replace(SMALL, bases="naive", transform="difference"),
    "covariates": replace(SMALL, covariates="all", calendar=True),
    "tutorial": replace(CLASSIC, units=4, context_length=8, bidirectional=True),
}
SHAPE = WindowShape(
    horizon=3, season_lengths=(4, 8), covariates=CovariateShape(cycles=("week",), known=1, past=1, static=2)
)


def saved_network(config: NetworkConfig, path: Path):
    """Return a network with random weights, saved."""
    from forecastr.models.network import build_networks

    rng = np.random.default_rng(0)
    _, network = build_networks(config, SHAPE)
    network.set_weights([rng.normal(scale=0.2, size=weight.shape) for weight in network.weights])
    network.save(path)
    return network


@pytest.mark.parametrize("name", CONFIGS)
def test_every_kind_of_network_gets_its_own_weights_back(name, tmp_path):
    network = saved_network(CONFIGS[name], tmp_path / "network.keras")

    arrays = read_arrays((tmp_path / "network.keras").read_bytes())
    require_sensible(CONFIGS[name], SHAPE, arrays)
    filled = filled_network(CONFIGS[name], SHAPE, arrays)

    assert len(filled.weights) == len(network.weights)
    for ours, theirs in zip(filled.weights, network.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_network_built_anew_forecasts_the_same_bits_and_so_does_plain_keras(tmp_path):
    import keras

    config = CONFIGS["covariates"]
    network = saved_network(config, tmp_path / "network.keras")
    rng = np.random.default_rng(0)
    inputs = {part.name: rng.normal(size=(2, *part.shape[1:])).astype("float32") for part in network.inputs}
    inputs["past"] = np.abs(inputs["past"]).round(1)

    filled = filled_network(config, SHAPE, read_arrays((tmp_path / "network.keras").read_bytes()))
    loaded = keras.saving.load_model(tmp_path / "network.keras", compile=False)

    assert [type(layer) for layer in filled.layers] == [type(layer) for layer in network.layers]
    for one in (filled, loaded):
        np.testing.assert_array_equal(one.predict_on_batch(inputs), network.predict_on_batch(inputs))
