"""Networks that read covariates: still the naive forecast to begin with, and still blind to the future."""

from dataclasses import replace

import numpy as np
import pytest

from forecastr.errors import ConfigError
from forecastr.models.config import CLASSIC, NetworkConfig, WindowShape, known_length, past_length, supervised_reach
from forecastr.models.network import build_networks
from forecastr.schema import MEDIAN
from forecastr.windows.covariates import CovariateShape

SMALL = NetworkConfig(layers=1, units=4, context_length=8, dropout=0.2, covariates="all", calendar=True)
COVARIATES = CovariateShape(cycles=("week",), known=2, past=1, static=1)
WEEKLY = WindowShape(horizon=6, season_lengths=(4,), covariates=COVARIATES)
CONFIGS = {
    "gru, strided": (replace(SMALL, stride=3), WEEKLY),
    "known only": (replace(SMALL, covariates="known", calendar=False, bases="deviations"), WEEKLY),
    "calendar only": (replace(SMALL, covariates="none", cell="lstm"), WEEKLY),
    "past only": (replace(SMALL, calendar=False), replace(WEEKLY, covariates=CovariateShape(past=2))),
    "long season": (
        replace(SMALL, bases="naive", local_scale=True),
        replace(WEEKLY, season_lengths=(12,)),
    ),
    "decoder": (replace(SMALL, head="decoder", supervision="last"), WEEKLY),
}
EVERY = [name for name, (config, _) in CONFIGS.items() if config.supervision == "every"]


@pytest.fixture(scope="module")
def built():
    """Both networks of every configuration, built once."""
    return {name: build_networks(*case) for name, case in CONFIGS.items()}


def windows(config, shape, *, seed: int = 0) -> dict[str, np.ndarray]:
    rng, read = np.random.default_rng(seed), shape.covariates.at(config.covariates, calendar=config.calendar)
    values = 5 * rng.normal(size=(3, 1)) + rng.normal(size=(3, past_length(config, shape)))
    inputs = {"past": np.stack([values, rng.uniform(size=values.shape) > 0.1], axis=-1)}
    if read.n_ahead:
        inputs["known"] = rng.normal(size=(3, known_length(config, shape) + shape.horizon, read.n_ahead))
    if read.n_beside:
        inputs["beside"] = rng.normal(size=(3, config.context_length, read.n_beside))
    return {name: part.astype("float32") for name, part in inputs.items()}


def outputs(network, inputs) -> np.ndarray:
    return np.asarray(network.predict_on_batch(inputs))


def randomized(network, seed: int = 1):
    """Give a network random weights; return it."""
    rng = np.random.default_rng(seed)
    network.set_weights([rng.normal(scale=0.4, size=weight.shape) for weight in network.get_weights()])
    return network


@pytest.fixture
def trainer_of(built):
    """Return a function to a trainer with random weights, which has its own again afterwards."""
    before = {}

    def take(name):
        before[name] = built[name][0].get_weights()
        return randomized(built[name][0])

    yield take
    for name, weights in before.items():
        built[name][0].set_weights(weights)


@pytest.mark.parametrize("name", CONFIGS)
def test_an_untrained_network_is_the_seasonal_naive_whatever_the_covariates(built, name):
    config, shape = CONFIGS[name]
    trainer, forecaster = built[name]
    inputs, season, reach = windows(config, shape), shape.season_lengths[0], supervised_reach(config)
    length = inputs["past"].shape[1]
    steps = range(length - 1 - reach, length, config.stride if reach else 1)
    naive = np.array(
        [[[row[now - season + 1 + h % season, 0] for h in range(6)] for now in steps] for row in inputs["past"]]
    )
    np.testing.assert_allclose(outputs(trainer, inputs)[..., MEDIAN], naive, atol=1e-5)
    np.testing.assert_allclose(outputs(forecaster, inputs)[..., MEDIAN], naive[:, -1:], atol=1e-5)


@pytest.mark.parametrize("name", CONFIGS)
def test_the_forecaster_is_the_trainer_s_last_step(built, trainer_of, name):
    trainer, inputs = trainer_of(name), windows(*CONFIGS[name])
    forecast = outputs(built[name][1], inputs)
    assert (np.diff(forecast, axis=-1) >= 0).all()
    np.testing.assert_allclose(forecast, outputs(trainer, inputs)[:, -1:], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", EVERY)
def test_no_output_moves_with_a_later_step_of_covariates_known_to_the_cutoff(trainer_of, name):
    config, shape = CONFIGS[name]
    trainer, inputs = trainer_of(name), windows(config, shape)
    if "beside" not in inputs:
        return
    moved = {**inputs, "beside": inputs["beside"].copy()}
    moved["beside"][:, -3:] += 5
    before, after = outputs(trainer, inputs), outputs(trainer, moved)
    last = config.context_length - 1 - np.arange(before.shape[1])[::-1] * config.stride
    earlier = last < config.context_length - 3
    np.testing.assert_allclose(after[:, earlier], before[:, earlier], rtol=1e-4, atol=1e-5)
    assert (np.abs(after[:, ~earlier] - before[:, ~earlier]).max(axis=(0, 2, 3)) > 1e-3).all()


@pytest.mark.parametrize("name", ["gru, strided", "calendar only"])
def test_a_step_of_the_future_moves_its_own_forecast_and_none_before_it(trainer_of, name):
    config, shape = CONFIGS[name]
    trainer, inputs = trainer_of(name), windows(config, shape)
    moved = {**inputs, "known": inputs["known"].copy()}
    moved["known"][:, -3] += 1  # horizon step 4 of 6, of the last forecast
    difference = np.abs(outputs(trainer, moved) - outputs(trainer, inputs)).max(axis=(0, 3))
    assert difference[-1, 3] > 1e-3
    np.testing.assert_allclose(difference[-1, [0, 1, 2, 4, 5]], 0, atol=1e-5)  # the head takes each step by itself
    stride = config.stride
    for back in range(1, len(difference)):
        expected = [h for h in range(6) if h - stride * back == 3]  # the same moment, further ahead
        others = [h for h in range(6) if h not in expected]
        np.testing.assert_allclose(difference[-1 - back, others], 0, atol=1e-5)


def test_a_decoder_reads_the_future_step_by_step(trainer_of):
    trainer, inputs = trainer_of("decoder"), windows(*CONFIGS["decoder"])
    moved = {**inputs, "known": inputs["known"].copy()}
    moved["known"][:, -3] += 1
    difference = np.abs(outputs(trainer, moved) - outputs(trainer, inputs)).max(axis=(0, 1, 3))
    np.testing.assert_allclose(difference[:3], 0, atol=1e-5)
    assert difference[3] > 1e-3


def test_a_promotion_in_the_season_that_is_repeated_can_be_told_from_one_to_come(trainer_of):
    """The last direction is x[t + h] - x[t + h - season]: it is what both being on leaves at zero."""
    trainer, inputs = trainer_of("known only"), windows(*CONFIGS["known only"])
    weights = trainer.get_weights()
    for place, weight in enumerate(trainer.weights):
        weights[place] = np.zeros(weight.shape)
        if weight.path.endswith("share_bias"):
            weights[place][-1] = 2.0  # of the second known covariate's difference
    trainer.set_weights(weights)
    inputs["known"][:] = 0
    base = outputs(trainer, inputs)[:, -1, :, MEDIAN]
    inputs["known"][:, -6 - 4, 1] = 1  # four steps before the first one forecast
    last_season = outputs(trainer, inputs)[:, -1, :, MEDIAN] - base
    inputs["known"][:, -6, 1] = 1  # the first one forecast
    both = outputs(trainer, inputs)[:, -1, :, MEDIAN] - base
    np.testing.assert_allclose(last_season, [[0, 0, 0, 0, 0, 0]] * 3 + np.array([-2, 0, 0, 0, -2, 0]), atol=1e-5)
    np.testing.assert_allclose(both[:, 0], 0, atol=1e-5)


def test_the_tutorials_network_reads_the_target_alone():
    with pytest.raises(ConfigError, match="the target alone"):
        replace(CLASSIC, covariates="known")


def test_a_configuration_without_covariates_builds_the_same_network_whatever_the_panel_has():
    config = replace(SMALL, covariates="none", calendar=False)
    trainer, _ = build_networks(config, WEEKLY)
    alone, _ = build_networks(config, replace(WEEKLY, covariates=CovariateShape()))
    assert trainer.input_shape == alone.input_shape == (None, past_length(config, WEEKLY), 2)
    assert [weight.shape for weight in trainer.weights] == [weight.shape for weight in alone.weights]
