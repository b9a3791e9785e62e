from dataclasses import replace

import numpy as np
import pytest

from forecastr.engine.networks import forgotten_on_error, networks_of
from forecastr.models.config import NetworkConfig, WindowShape

SHAPE = WindowShape(horizon=3, season_lengths=(4,))
CONFIG = NetworkConfig(units=8, context_length=12, dropout=0.2)
KINDS = {
    "two layers with dropout": CONFIG,
    "both ways, with attention": replace(CONFIG, layers=1, bidirectional=True, attention="full", supervision="last"),
}


def state_of(networks) -> list[np.ndarray]:
    """Everything that training changes."""
    trainer = networks.trainer
    return [np.array(v) for v in (*trainer.variables, *trainer.optimizer.variables) if v.path != "learning_rate"]


def train_a_little(networks) -> None:
    past = np.random.default_rng(0).normal(size=(4, *networks.trainer.input_shape[1:])).astype("float32")
    future = np.ones((4, SHAPE.horizon + CONFIG.context_length - 1, 2), "float32")
    last = networks.trainer.output_shape[1] == 1
    networks.trainer.train_on_batch(past, future[:, -SHAPE.horizon :] if last else future)


@pytest.mark.parametrize("config", KINDS.values(), ids=KINDS)
def test_a_network_begins_the_same_whatever_it_did_before(config):
    networks = networks_of(config, SHAPE)
    networks.begin(CONFIG, seed=5)
    train_a_little(networks)
    trained = state_of(networks)
    with pytest.raises(KeyboardInterrupt), forgotten_on_error():
        raise KeyboardInterrupt
    fresh = networks_of(config, SHAPE)
    assert fresh is not networks
    networks.begin(CONFIG, seed=6)  # the used one and the new one agree
    fresh.begin(CONFIG, seed=6)
    for used, new in zip(state_of(networks), state_of(fresh), strict=True):
        np.testing.assert_array_equal(used, new)
    networks.begin(CONFIG, seed=5)
    train_a_little(networks)
    for first, again in zip(trained, state_of(networks), strict=True):
        np.testing.assert_array_equal(first, again)
    assert any(not np.array_equal(a, b) for a, b in zip(trained, state_of(fresh), strict=True))


def test_weights_to_go_on_from_are_taken_as_they_are():
    networks = networks_of(CONFIG, SHAPE)
    given = [np.full(w.shape, 0.25, "float32") for w in networks.forecaster.get_weights()]
    networks.begin(CONFIG, seed=1, weights=given)
    for weights in networks.forecaster.get_weights():
        assert (weights == 0.25).all()


def test_configurations_that_differ_in_training_alone_share_their_networks():
    networks = networks_of(CONFIG, SHAPE)
    alike = replace(CONFIG, learning_rate=0.1, updates=7, transform="log", weight_decay=0.5, clip_norm=2.0)
    assert networks_of(alike, SHAPE) is networks
    for config in (alike, CONFIG):
        networks.begin(config, seed=1)
        optimizer = networks.trainer.optimizer
        assert float(np.asarray(optimizer.decay)) == pytest.approx(config.weight_decay)
        assert float(np.asarray(optimizer.clip_norm)) == config.clip_norm
        assert float(np.asarray(optimizer.learning_rate)) == pytest.approx(config.learning_rate)
    for other in ({"transform": "difference"}, {"dropout": 0.0}, {"loss": "mse"}):
        assert networks_of(replace(CONFIG, **other), SHAPE) is not networks
