import os
import pickle
import subprocess
import sys
from dataclasses import replace

import keras
import numpy as np
import pytest

from forecastr.models.config import CHOICES, CLASSIC, NetworkConfig, WindowShape, past_length, supervised_reach
from forecastr.models.network import _scaling_layer, build_networks
from forecastr.models.theta import NOTHING, RATES, SHARPNESS
from forecastr.schema import MEDIAN

SMALL = NetworkConfig(layers=1, units=4, context_length=8, dropout=0.2)
WEEKLY = WindowShape(horizon=6, season_lengths=(4,))
CONFIGS = {
    "gru, means": (SMALL, WEEKLY),
    "strided lstm": (replace(SMALL, cell="lstm", bases="naive", layers=2, level_seasons=2, stride=3), WEEKLY),
    "rnn, attention, two seasons": (
        replace(SMALL, cell="rnn", bases="deviations", mean_steps=20, attention="causal"),
        WindowShape(horizon=3, season_lengths=(3, 6)),
    ),
    "difference": (replace(SMALL, transform="difference", local_scale=True), WEEKLY),
    "no season": (replace(SMALL, local_scale=True), WindowShape(horizon=3, season_lengths=(1,))),
    "bidirectional": (replace(SMALL, bidirectional=True, supervision="last"), WEEKLY),
    "full attention": (replace(SMALL, cell="rnn", attention="full", supervision="last"), WEEKLY),
    "decoder": (replace(SMALL, cell="lstm", head="decoder", supervision="last", local_scale=True), WEEKLY),
    "theta": (replace(SMALL, bases="theta"), WEEKLY),
    "theta, long means": (replace(SMALL, bases="theta", mean_steps=27), WEEKLY),
    "theta, no season": (replace(SMALL, bases="theta"), WindowShape(horizon=3, season_lengths=(1,))),
    "last step": (replace(SMALL, bases="deviations", supervision="last", loss="mse"), WEEKLY),
}
EVERY = {name: case for name, case in CONFIGS.items() if case[0].supervision == "every"}


@pytest.fixture(scope="module")
def built():
    """Both networks of every configuration, built once."""
    return {name: build_networks(*case) for name, case in CONFIGS.items()}


def windows(config, shape, *, seed: int = 0) -> np.ndarray:
    """Three pasts [3, P + C, 2]: values around a level, some steps unobserved."""
    rng = np.random.default_rng(seed)
    values = 5 * rng.normal(size=(3, 1)) + rng.normal(size=(3, past_length(config, shape)))
    observed = rng.uniform(size=values.shape) > 0.15
    return np.stack([values, observed], axis=-1).astype("float32")


def outputs(network, past) -> np.ndarray:
    return np.asarray(network.predict_on_batch(past))


def randomize(network, seed: int) -> list[np.ndarray]:
    """Give a network random weights; return those it had."""
    rng = np.random.default_rng(seed)
    before = network.get_weights()
    network.set_weights([rng.normal(scale=0.4, size=weight.shape) for weight in before])
    return before


def naive_by_loop(past, config, shape) -> np.ndarray:
    """The season before, from every supervised step: [B, S, H]."""
    season, reach = shape.season_lengths[0], supervised_reach(config)
    steps = range(past.shape[1] - 1 - reach, past.shape[1], config.stride if reach else 1)
    forecast = [
        [[row[now - season + 1 + h % season, 0] for h in range(shape.horizon)] for now in steps] for row in past
    ]
    return np.array(forecast)


@pytest.mark.parametrize("name", [name for name in CONFIGS if not name.startswith("theta")])
def test_an_untrained_network_is_the_seasonal_naive_from_every_step(built, name):
    trainer, forecaster = built[name]
    past = windows(*CONFIGS[name])
    expected = naive_by_loop(past, *CONFIGS[name])
    trained, forecast = outputs(trainer, past), outputs(forecaster, past)
    np.testing.assert_allclose(trained[..., MEDIAN], expected, atol=1e-5)
    np.testing.assert_allclose(forecast[..., MEDIAN], expected[:, -1:], atol=1e-5)
    assert (np.diff(forecast, axis=-1) > 0).all()


@pytest.mark.parametrize("bases", CHOICES["bases"])
@pytest.mark.parametrize("name", CONFIGS)
def test_the_scaling_tells_the_shapes_that_it_returns(built, name, bases):
    config, shape = CONFIGS[name]
    scaling = _scaling_layer(replace(config, bases=bases), shape, 2)
    past = windows(config, shape)
    told = scaling.compute_output_shape((None, *past.shape[1:]))
    assert [(None, *part.shape[1:]) for part in scaling(past)] == list(told)


@pytest.mark.parametrize("name", ["theta", "theta, long means", "theta, no season"])
def test_an_untrained_network_may_be_the_theta_method(built, name):
    config, shape = CONFIGS[name]
    past, (_, forecaster) = windows(config, shape), built[name]
    forecast = outputs(forecaster, past)[..., MEDIAN]
    for b, window in enumerate(past.astype(float)):
        n_seasons = max(4, config.mean_steps // shape.season_lengths[0])
        expected = theta_by_loop(window[:, 0], window[:, 1] > 0, shape.season_lengths[0], n_seasons, shape.horizon)
        np.testing.assert_allclose(forecast[b, 0], expected, atol=1e-3)


def theta_by_loop(values, observed, season, n_seasons, horizon) -> list[float]:
    """The Theta method from the end of one window, its constant averaged by what each rate's errors make likely."""
    times = range(len(values))

    def mean(steps, of) -> float:
        return np.mean([of[t] for t in steps if observed[t]] or [of[max(steps)]])

    around = [values[t] - mean(range(max(0, t - season + 1), t + 1), values) for t in times]
    usual = [mean(range(t, -1, -season)[:n_seasons], around) if season > 1 else 0.0 for t in times]
    adjusted = values - np.array(usual)
    levels, errors, n_errors = [], [], 0
    for rate in RATES.astype(float):
        total = weight = error = 0.0
        n_errors = 0
        for t in times:
            if observed[t] and (season == 1 or (t >= season and observed[t - season])):
                n_errors += 1
                expected = usual[t - season] if season > 1 else 0.0
                error += (values[t] - expected - total / weight) ** 2 if weight > NOTHING else 0.0
            total = (1 - rate) * total + observed[t] * adjusted[t]
            weight = (1 - rate) * weight + observed[t]
        levels.append(total / weight)
        errors.append(error)
    likely = np.power(np.array(errors) / min(errors), -0.5 * SHARPNESS * n_errors)
    share = likely / likely.sum()
    rate, n_observed = share @ RATES, observed.sum()
    slope = np.polyfit(np.flatnonzero(observed), adjusted[observed], 1)[0]
    memory = (1 - (1 - rate) ** n_observed) / rate
    end = len(values) - season
    season_ahead = [usual[end + h % season] if season > 1 else 0.0 for h in range(horizon)]
    return [share @ levels + season_ahead[h] + 0.5 * slope * (h + memory) for h in range(horizon)]


@pytest.mark.parametrize(("mean_steps", "n_seasons"), [(0, 4), (18, 4), (27, 6)])
def test_the_last_direction_is_what_is_usual_over_as_many_seasons_as_was_asked_for(mean_steps, n_seasons):
    config = replace(SMALL, bases="deviations", mean_steps=mean_steps)
    past = windows(config, WEEKLY)
    _, directions, scale, _ = (np.asarray(part) for part in _scaling_layer(config, WEEKLY, 1)(past))
    usual = (directions[:, 0, 0] + directions[:, 0, -1]) * scale[:, 0]
    for row, window in zip(usual, past, strict=True):
        values, seen = window[:, 0], window[:, 1] > 0
        around = [
            values[t] - np.mean(values[max(0, t - 3) : t + 1][seen[max(0, t - 3) : t + 1]])
            for t in np.flatnonzero(seen)
        ]
        by_step = dict(zip(np.flatnonzero(seen).tolist(), around, strict=True))
        for ahead in range(WEEKLY.horizon):
            phase = range(len(values) - 4 + ahead % 4, -1, -4)[:n_seasons]
            expected = np.mean([by_step[t] for t in phase if t in by_step])
            np.testing.assert_allclose(row[ahead], expected, atol=1e-4)


@pytest.mark.parametrize("name", CONFIGS)
def test_quantiles_never_cross_and_the_forecaster_is_the_trainer_s_last_step(built, name):
    trainer, forecaster = built[name]
    for seed in range(3):
        before = randomize(trainer, seed)
        past = windows(*CONFIGS[name], seed=seed)
        trained, forecast = outputs(trainer, past), outputs(forecaster, past)
        trainer.set_weights(before)
        assert np.isfinite(trained).all()
        assert (np.diff(trained, axis=-1) >= 0).all()
        np.testing.assert_allclose(forecast, trained[:, -1:], rtol=1e-4, atol=1e-4)


def test_numpy_forecasts_what_the_backend_that_trained_does(built, tmp_path):
    cases = {}
    for name, case in CONFIGS.items():
        network, past = built[name][1], windows(*case)
        before = randomize(network, seed=2)
        cases[name] = (*case, network.get_weights(), past, outputs(network, past))
        network.set_weights(before)
    (tmp_path / "cases.pickle").write_bytes(pickle.dumps(cases))
    code = """
import pickle, sys
import keras, numpy as np
from forecastr.models.network import build_forecaster
assert keras.config.backend() == "numpy"
for name, (config, shape, weights, past, expected) in pickle.load(open(sys.argv[1], "rb")).items():
    network = build_forecaster(config, shape)
    network.set_weights(weights)
    np.testing.assert_allclose(network.predict_on_batch(past), expected, rtol=1e-4, atol=1e-4, err_msg=name)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "cases.pickle")],
        env={**os.environ, "KERAS_BACKEND": "numpy"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", EVERY)
def test_no_output_moves_with_a_later_step_of_its_window(built, name):
    trainer, _ = built[name]
    config, shape = EVERY[name]
    past = windows(config, shape)
    before = randomize(trainer, 1)
    changed = past.copy()
    changed[:, -3:, 0] += 100
    changed[:, -3:, 1] = 1 - changed[:, -3:, 1]
    original, moved = outputs(trainer, past), outputs(trainer, changed)
    trainer.set_weights(before)
    earlier = config.context_length - 1 - np.arange(original.shape[1])[::-1] * config.stride < config.context_length - 3
    assert earlier.any() and not earlier.all()
    np.testing.assert_allclose(moved[:, earlier], original[:, earlier], rtol=1e-4, atol=1e-5)
    assert (np.abs(moved[:, ~earlier] - original[:, ~earlier]).max(axis=(0, 2, 3)) > 0.1).all()


@pytest.mark.parametrize("name", ["gru, means", "rnn, attention, two seasons", "decoder", "no season"])
def test_a_network_reads_no_further_back_than_it_is_given(built, name):
    """What the first steps of a window hold is enough: zeros would enter as values otherwise."""
    config, shape = CONFIGS[name]
    _, forecaster = built[name]
    past = windows(config, shape)
    past[..., 1] = 1
    lifted = past.copy()
    lifted[..., 0] += 1000
    before = randomize(forecaster, 2)
    original, moved = outputs(forecaster, past), outputs(forecaster, lifted)
    forecaster.set_weights(before)
    np.testing.assert_allclose(moved - 1000, original, atol=0.05)  # float32 around a thousand


def test_the_classic_network_is_the_tutorials():
    trainer, forecaster = build_networks(CLASSIC, WindowShape(horizon=1, season_lengths=(1,)))
    assert trainer is forecaster
    assert trainer.input_shape == (None, 60, 2)
    kept = (keras.layers.LSTM, keras.layers.Dropout, keras.layers.Dense)
    layers = [layer for layer in trainer.layers if isinstance(layer, kept)]
    assert [type(layer).__name__ for layer in layers] == ["LSTM", "Dropout"] * 4 + ["Dense"]
    assert [layer.units for layer in layers[::2]] == [50, 50, 50, 50, 1]
    assert [layer.rate for layer in layers[1::2]] == [0.2] * 4
    assert [layer.return_sequences for layer in layers[:8:2]] == [True, True, True, False]
    tutorial = keras.Sequential([keras.Input((60, 1))])
    for n in range(4):
        tutorial.add(keras.layers.LSTM(50, return_sequences=n < 3))
        tutorial.add(keras.layers.Dropout(0.2))
    tutorial.add(keras.layers.Dense(1))
    tutorial.set_weights(trainer.get_weights())
    past = np.random.default_rng(0).uniform(size=(2, 60, 2)).astype("float32")
    point = outputs(tutorial, past[..., :1])
    for quantile in np.moveaxis(outputs(trainer, past), -1, 0):  # the one output stands for all of them
        np.testing.assert_allclose(quantile.reshape(2, 1), point, rtol=1e-5, atol=1e-6)
    assert (CLASSIC.scaling, CLASSIC.loss, CLASSIC.supervision) == ("minmax", "mse", "last")
    assert (CLASSIC.weight_decay, CLASSIC.clip_norm, CLASSIC.schedule) == (0, 0, "constant")  # AdamW is Adam then
