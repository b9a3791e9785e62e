from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from forecastr.engine.backend import installed_backends
from forecastr.engine.networks import networks_of
from forecastr.engine.pool import WorkerPool
from forecastr.engine.work import TRAIN, TrainJob
from forecastr.models.config import NetworkConfig, WindowShape, past_length, supervised_reach
from forecastr.windows.batches import BatchShape, WindowSource, draw_batches
from forecastr.windows.scaling import fit_scaler
from forecastr.windows.store import SeriesStore

SHAPE = WindowShape(horizon=3, season_lengths=(4,))
CONFIG = NetworkConfig(
    layers=1, units=8, context_length=12, bases="deviations", batch_size=8, updates=6, learning_rate=1e-2
)


def wave(n: int = 200) -> SeriesStore:
    noise = np.random.default_rng(0).normal(scale=0.1, size=n)
    return SeriesStore(10 + np.sin(np.arange(n) * np.pi / 2) + noise, np.array([0, n]))


def batches_for(networks, n: int) -> list:
    store = wave()
    scaler = fit_scaler(store, transform=CONFIG.transform, scaling=CONFIG.scaling, lag=4)
    shape = BatchShape(
        batch_size=CONFIG.batch_size,
        past_length=past_length(CONFIG, SHAPE),
        reach=supervised_reach(CONFIG),
        horizon=SHAPE.horizon,
    )
    drawn = draw_batches(WindowSource.from_store(store, scaler), shape, np.random.default_rng(1))
    return [(networks.express(inputs), future) for inputs, future in islice(drawn, n)]


@pytest.mark.parametrize("changes", [{}, {"dropout": 0.3, "layers": 2}, {"loss": "mse"}], ids=str)
def test_updates_are_what_keras_makes_of_the_same_batches(changes):
    config = replace(CONFIG, **changes)
    networks = networks_of(config, SHAPE)
    batches, ends = batches_for(networks, 4), []
    for ours in (True, False):
        networks.begin(config, seed=3)
        if ours:
            loss = networks.update(batches)
        else:
            loss = np.mean([networks.trainer.train_on_batch(*batch) for batch in batches])
        optimizer = networks.trainer.optimizer
        assert int(np.asarray(optimizer.iterations)) == 4
        ends.append([loss, optimizer.norm_sum, *networks.forecaster.get_weights()])
    for one, other in zip(*ends, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_updates_go_on_where_the_last_ones_ended():
    networks = networks_of(CONFIG, SHAPE)
    batches, ends = batches_for(networks, 4), []
    for parts in ([batches], [batches[:1], batches[1:]]):
        networks.begin(CONFIG, seed=3)
        for part in parts:
            networks.update(part)
        ends.append(networks.forecaster.get_weights())
    for at_once, in_two in zip(*ends, strict=True):
        np.testing.assert_array_equal(at_once, in_two)


@pytest.mark.parametrize("rate", [0.0, 1e-2])
def test_what_is_asked_of_the_optimizer_between_two_calls_counts(rate):
    networks = networks_of(CONFIG, SHAPE)
    networks.begin(CONFIG, seed=3)
    first, second = batches_for(networks, 2)
    networks.update([first])
    before = networks.forecaster.get_weights()
    networks.trainer.optimizer.learning_rate = rate
    networks.update([second])
    same = [np.array_equal(a, b) for a, b in zip(before, networks.forecaster.get_weights(), strict=True)]
    assert all(same) if rate == 0 else not any(same)


@pytest.mark.slow
def test_all_backends_train_alike(tmp_path):
    panel, trained = wave().save(tmp_path / "panel"), {}
    for backend in installed_backends():
        job = TrainJob(
            trial=backend, config=CONFIG, shape=SHAPE, train=panel, known=panel, validation=None,
            horizon=SHAPE.horizon, seed=3, seconds=100, output=tmp_path / backend,
        )  # fmt: skip
        with WorkerPool(1, backend=backend) as pool:
            pool.submit(backend, TRAIN, job, seconds=100)
            while pool.busy:
                for message in pool.poll(1.0):
                    assert message.kind in ("event", "done"), message
        with np.load(tmp_path / backend / "weights.npz") as arrays:
            trained[backend] = [arrays[name] for name in arrays.files]
    fresh = networks_of(CONFIG, SHAPE)
    fresh.begin(CONFIG, seed=3)
    ours = trained.pop("jax")
    assert not any(
        np.allclose(w, begun, atol=1e-4) for w, begun in zip(ours, fresh.forecaster.get_weights(), strict=True)
    )
    for backend, theirs in trained.items():
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5, err_msg=backend)
