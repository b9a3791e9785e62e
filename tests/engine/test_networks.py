from dataclasses import fields, replace

import keras
import numpy as np
import pytest

from forecastr.engine.networks import EXPRESSED, forgotten_on_error, networks_of
from forecastr.models.config import PRETRAINED, NetworkConfig, WindowShape, past_length
from forecastr.models.network import build_expression, build_networks
from forecastr.windows.covariates import CovariateShape

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
    past = np.random.default_rng(0).normal(size=(4, past_length(CONFIG, SHAPE), 2)).astype("float32")
    future = np.ones((4, SHAPE.horizon + CONFIG.context_length - 1, 2), "float32")
    last = networks.trainer.output_shape[1] == 1
    networks.update([(networks.express(past), future[:, -SHAPE.horizon :] if last else future)])


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


WHOLE = {
    "strided, deviations": replace(CONFIG, layers=1, stride=5, bases="deviations", local_scale=True),
    "theta": replace(CONFIG, layers=1, bases="theta", attention="causal"),
    "both ways": replace(CONFIG, layers=1, bidirectional=True, supervision="last"),
    "decoder": replace(CONFIG, layers=1, head="decoder", supervision="last"),
    "covariates": replace(CONFIG, layers=1, stride=5, covariates="all"),
}


@pytest.mark.parametrize("name", WHOLE)
def test_the_parts_of_a_network_are_the_whole(name):
    shape = replace(SHAPE, covariates=CovariateShape(known=2, past=1, static=1)) if name == "covariates" else SHAPE
    whole_trainer, whole = build_networks(WHOLE[name], shape)
    networks = networks_of(WHOLE[name], shape)
    rng = np.random.default_rng(0)
    weights = [rng.normal(scale=0.3, size=weight.shape) for weight in whole.get_weights()]
    whole.set_weights(weights)
    networks.forecaster.set_weights(weights)
    inputs = {x.name: rng.normal(size=(40, *x.shape[1:])).astype("float32") for x in whole.inputs}
    inputs["past"][..., 1] = rng.random(inputs["past"].shape[:2]) > 0.1
    read = inputs if len(inputs) > 1 else inputs["past"]
    for network, part, last in (whole_trainer, networks.trainer, False), (whole, networks.forecaster, True):
        expressed = networks.express(read, last=last)
        np.testing.assert_allclose(
            part.predict_on_batch(expressed), network.predict_on_batch(read), rtol=1e-4, atol=1e-5
        )
        for n_windows in (3, 32):
            some = networks.express(keras.tree.map_structure(lambda x, n=n_windows: x[:n], read), last=last)
            for few, all_of_them in zip(keras.tree.flatten(some), keras.tree.flatten(expressed), strict=True):
                np.testing.assert_allclose(few, all_of_them[:n_windows], rtol=1e-6)


def test_what_configurations_have_in_common_before_their_weights_is_compiled_once():
    if keras.config.backend() == "torch":
        pytest.skip("PyTorch compiles nothing")
    narrow, wide, other = (
        networks_of(replace(CONFIG, **part), SHAPE)
        for part in ({"units": 4}, {"units": 12, "cell": "lstm", "layers": 1}, {"bases": "theta"})
    )
    assert narrow.express_some is wide.express_some
    assert narrow.express_some is not other.express_some


def test_weights_to_go_on_from_are_taken_as_they_are():
    networks = networks_of(CONFIG, SHAPE)
    given = [np.full(w.shape, 0.25, "float32") for w in networks.forecaster.get_weights()]
    networks.begin(CONFIG, seed=1, weights=given)
    for weights in networks.forecaster.get_weights():
        assert (weights == 0.25).all()


def test_configurations_that_differ_in_training_alone_share_their_networks():
    networks = networks_of(CONFIG, SHAPE)
    alike = replace(
        CONFIG, learning_rate=0.1, updates=7, transform="log", weight_decay=0.5, clip_norm=2.0, mirrored=True
    )
    assert networks_of(alike, SHAPE) is networks
    for config in (alike, CONFIG):
        networks.begin(config, seed=1)
        optimizer = networks.trainer.optimizer
        assert float(np.asarray(optimizer.decay)) == pytest.approx(config.weight_decay)
        assert float(np.asarray(optimizer.clip_norm)) == config.clip_norm
        assert float(np.asarray(optimizer.learning_rate)) == pytest.approx(config.learning_rate)
    for other in ({"transform": "difference"}, {"dropout": 0.0}, {"loss": "mse"}):
        assert networks_of(replace(CONFIG, **other), SHAPE) is not networks


def described(config: NetworkConfig) -> list:
    """What an expression consists of, its layers' names left out."""
    layers = build_expression(config, SHAPE).layers
    return [{key: value for key, value in layer.get_config().items() if key != "name"} for layer in layers]


def test_nothing_else_decides_how_windows_are_expressed():
    base = replace(CONFIG, supervision="last")
    others = {
        "cell": "lstm", "layers": 1, "units": 12, "bidirectional": True, "dropout": 0.0, "attention": "full",
        "head": "decoder", "scaling": "minmax", "loss": "mse", "learning_rate": 0.1, "schedule": "constant",
        "weight_decay": 0.5, "clip_norm": 9.0, "batch_size": 64, "updates": 7, "patience": 3, "mirrored": True,
    }  # fmt: skip
    assert {*others, *EXPRESSED, "pretrained"} == {field.name for field in fields(NetworkConfig)}
    assert described(PRETRAINED) == described(replace(PRETRAINED, pretrained=False, updates=1))
    for name, value in others.items():
        assert getattr(base, name) != value
        assert described(replace(base, **{name: value})) == described(base), name
