import time
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from forecastr.bundle.networks import filled_network, read_arrays
from forecastr.engine.forecasting import forecast, forecast_cutoffs, load_weights, scaler_of
from forecastr.engine.optimizer import learning_rate_at
from forecastr.engine.training import Watch, train
from forecastr.engine.work import ForecastJob, TrainJob
from forecastr.errors import SearchError
from forecastr.models.config import CLASSIC, PRETRAINED, NetworkConfig, WindowShape
from forecastr.models.network import build_networks
from forecastr.models.pretrained import pretrained_weights
from forecastr.schema import MEDIAN
from forecastr.windows.scaling import Scaler
from forecastr.windows.store import Cutoffs, SeriesStore, actual_values, last_values

HORIZON = 3
SHAPE = WindowShape(horizon=HORIZON, season_lengths=(1,))
SMALL = NetworkConfig(
    layers=1, units=8, context_length=12, stride=3, learning_rate=2e-2, batch_size=16, updates=100, dropout=0.1
)


def sinus(n: int = 300) -> SeriesStore:
    """A wave of 10 steps, a little noisy: repeating its last value is far from the best."""
    noise = np.random.default_rng(0).normal(scale=0.02, size=n)
    return SeriesStore(10 + np.sin(2 * np.pi * np.arange(n) / 10) + noise, np.array([0, n]))


def job_in(folder: Path, config: NetworkConfig = SMALL, store: SeriesStore | None = None, **changes) -> TrainJob:
    """Train on all but the last 60 steps, validate on those."""
    store = store or sinus()
    train_store = store.drop_last(np.array([60]))
    n = int(train_store.lengths[0])
    job = TrainJob(
        trial="0000",
        config=config,
        shape=SHAPE if config.head != "plain" else replace(SHAPE, horizon=1),
        train=train_store.save(folder / "train"),
        known=store.save(folder / "known"),
        validation=Cutoffs(np.zeros(50, int), np.arange(n, n + 50)),
        horizon=HORIZON,
        seed=7,
        seconds=600.0,
        output=folder / "0000",
    )
    return replace(job, **changes)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """One training, for all that only look at what it left."""
    job, events = job_in(tmp_path_factory.mktemp("trained")), []
    return job, train(job, events.append), events


def error_of(quantiles, job) -> float:
    return np.nanmean(np.abs(actual_values(sinus(), job.validation, HORIZON) - quantiles[..., MEDIAN]))


def test_training_beats_the_naive_forecast_it_starts_from(trained):
    job, result, _ = trained
    quantiles = np.load(job.output / "validation.npy")
    naive = np.broadcast_to(last_values(sinus(), job.validation)[:, None, None], quantiles.shape)
    assert quantiles.shape == (50, HORIZON, 5)
    assert error_of(quantiles, job) < 0.5 * error_of(naive, job)
    assert result["updates"] == 100
    assert not result["cut_short"]


def test_mirrored_windows_do_not_teach_that_all_goes_up(tmp_path):
    noise = np.random.default_rng(3).normal(scale=5.0, size=300)
    rising = SeriesStore(np.cumsum(1.0 + noise), np.array([0, 300]))
    rises = {}
    for mirrored in (False, True):
        job = job_in(tmp_path / str(mirrored), replace(SMALL, mirrored=mirrored), rising)
        train(job, lambda event: None)
        median = np.load(job.output / "validation.npy")[..., MEDIAN]
        rises[mirrored] = float(np.mean(median[:, -1] - last_values(rising, job.validation)))
    assert rises[False] > 1.5 > 0.75 > abs(rises[True])  # it rises by 3 in the horizon


def test_every_epoch_is_reported_with_its_gradient_norm(trained):
    _, result, events = trained
    assert [event["updates"] for event in events] == [50, 100]
    assert events[-1]["loss"] < events[0]["loss"]
    assert all(0 < event["gradient_norm"] < 100 for event in events)
    rates = [event["learning_rate"] for event in events]
    assert rates == [learning_rate_at(SMALL, 25), learning_rate_at(SMALL, 75)]
    assert (result["best_epoch"], result["best_updates"]) == (2, 100)


def test_with_patience_the_best_weights_are_kept_and_training_stops_where_they_get_no_better(tmp_path):
    job, events = job_in(tmp_path, replace(SMALL, schedule="constant", learning_rate=0.1, updates=1000, patience=2)), []
    result = train(job, events.append)
    best = min(events, key=lambda event: event["validation_loss"])
    assert (result["best_epoch"], result["best_updates"]) == (best["epoch"], best["updates"])
    assert result["updates"] == best["updates"] + 100 < 1000


def test_the_weights_that_stay_are_the_average_of_those_of_the_second_half(tmp_path, monkeypatch):
    seen, epoch = [], Watch._epoch

    def remember(watch, batches, length):
        epoch(watch, batches, length)
        seen.append(watch.network.get_weights())

    monkeypatch.setattr(Watch, "_epoch", remember)
    job = job_in(tmp_path, replace(SMALL, updates=200))  # looked at after 50, 100, 150 and 200
    train(job, lambda event: None)
    kept = load_weights(job.output / "weights.npz")
    for found, *weights in zip(kept, *seen[1:], strict=True):
        np.testing.assert_allclose(found, np.mean(weights, axis=0), rtol=1e-5, atol=1e-7)
    assert not all(np.allclose(found, last) for found, last in zip(kept, seen[-1], strict=True))


def test_where_time_will_not_suffice_the_learning_rate_falls_sooner(tmp_path, monkeypatch):
    ticks = count(step=0.01)  # a clock on which 50 updates take half a second
    monkeypatch.setattr("forecastr.engine.training.time", SimpleNamespace(monotonic=lambda: next(ticks)))
    job, events = job_in(tmp_path, replace(SMALL, updates=100_000), seconds=6.0), []
    result = train(job, events.append)
    assert 400 < result["updates"] <= 550
    assert events[-1]["learning_rate"] < 0.1 * SMALL.learning_rate
    assert not result["cut_short"]


def test_weights_forecast_what_training_forecast(trained, tmp_path):
    job, _, _ = trained
    again = ForecastJob(
        config=job.config,
        shape=job.shape,
        weights=job.output / "weights.npz",
        store=job.known,
        scaled_on=job.train,
        cutoffs=job.validation,
        horizon=HORIZON,
        output=tmp_path / "again.npy",
    )
    assert forecast(again) == {"windows": 50}
    np.testing.assert_array_equal(np.load(again.output), np.load(job.output / "validation.npy"))


def test_no_forecast_moves_with_what_follows_its_cutoff(trained):
    job, _, _ = trained
    _, network = build_networks(job.config, job.shape)
    network.set_weights(load_weights(job.output / "weights.npz"))
    store, cutoffs = sinus(), job.validation.take(np.array([0, 20]))
    shocked = store.values.copy()
    shocked[cutoffs.steps[1] :] = 1e6
    scaler = scaler_of(job.config, job.shape, SeriesStore.load(job.train))
    before, after = (
        forecast_cutoffs(network, job.config, SHAPE, SeriesStore(y, store.starts), scaler, cutoffs, HORIZON)
        for y in (store.values, shocked)
    )
    np.testing.assert_array_equal(before, after)


def test_a_series_without_a_scale_repeats_its_last_value(trained):
    job, _, _ = trained
    _, network = build_networks(job.config, job.shape)
    store = SeriesStore(np.array([4.0, 4.0, np.nan]), np.array([0, 3]))
    scaler = Scaler(False, np.array([4.0]), np.array([np.nan]))
    quantiles = forecast_cutoffs(
        network, job.config, SHAPE, store, scaler, Cutoffs(np.array([0]), np.array([3])), HORIZON
    )
    assert (quantiles == 4).all()


def test_the_same_seed_trains_the_same_network_and_another_seed_another(trained, tmp_path):
    job, _, _ = trained
    train(replace(job, output=tmp_path / "same"), lambda event: None)
    ours, same = (load_weights(folder / "weights.npz") for folder in (job.output, tmp_path / "same"))
    assert all(np.array_equal(one, other) for one, other in zip(ours, same, strict=True))
    train(replace(job, seed=8, output=tmp_path / "other"), lambda event: None)
    assert not np.array_equal(ours[0], load_weights(tmp_path / "other" / "weights.npz")[0])


def test_training_goes_on_from_the_weights_it_is_given(trained, tmp_path):
    job, _, _ = trained
    gently = replace(SMALL, updates=1, learning_rate=1e-9)
    train(replace(job, config=gently, begin_with=job.output / "weights.npz", output=tmp_path), lambda event: None)
    ours, theirs = (load_weights(folder / "weights.npz") for folder in (job.output, tmp_path))
    assert all(np.allclose(one, other, atol=1e-6) for one, other in zip(ours, theirs, strict=True))


@pytest.mark.parametrize(("updates", "most"), [(20, 20), (51, 52), (73, 74)])
def test_without_validation_all_updates_are_made_and_hardly_more(tmp_path, updates, most):
    job = job_in(tmp_path, replace(SMALL, updates=updates), validation=None)
    result = train(job, lambda event: None)
    assert updates <= result["updates"] <= most
    assert not (job.output / "validation.npy").exists()


@pytest.mark.parametrize("supervision", ["every", "last"])
def test_a_trained_network_is_written_as_bundles_read_it(tmp_path, supervision):
    """Where only the last step is supervised, the network that forecasts is the one that was compiled to train."""
    config = replace(SMALL, supervision=supervision, updates=2)
    job = job_in(tmp_path, config, validation=None, network=tmp_path / "network.keras")
    train(job, lambda event: None)
    filled = filled_network(config, SHAPE, read_arrays(job.network.read_bytes()))
    trained = load_weights(job.output / "weights.npz")
    assert all(np.array_equal(one, other) for one, other in zip(filled.get_weights(), trained, strict=True))


def test_training_ends_at_its_deadline_with_forecasts(tmp_path, monkeypatch):
    monkeypatch.setattr("forecastr.engine.training.WORTH_COMPILING", 0.0)
    job = job_in(tmp_path, replace(SMALL, updates=100_000), seconds=0.0)
    begun = time.monotonic()
    result = train(job, lambda event: None)
    assert time.monotonic() - begun < 60
    assert result["cut_short"]
    assert 0 < result["updates"] < 10
    assert np.isfinite(np.load(job.output / "validation.npy")).all()


def test_a_trial_whose_compiling_took_all_of_its_time_gets_a_second_of_updates(tmp_path):
    result = train(job_in(tmp_path, replace(SMALL, updates=100_000), seconds=0.0), lambda event: None)
    assert 10 < result["updates"] < 10_000


def test_a_loss_that_is_no_number_is_an_error(tmp_path):
    values = sinus().values.copy()
    values[:200] = np.resize([1e30, -1e30], 200)  # squares of these overflow float32
    scaled_small = SeriesStore(values, np.array([0, 300]))
    config = replace(SMALL, loss="mse", learning_rate=1e30, clip_norm=0.0, schedule="constant", updates=20)
    with pytest.raises(SearchError, match=r"the loss is (nan|inf)"):
        train(job_in(tmp_path, config, scaled_small), lambda event: None)


def test_the_one_step_network_is_applied_to_its_own_forecasts(tmp_path):
    config = replace(CLASSIC, layers=1, units=4, context_length=8, updates=10)
    _, network = build_networks(config, replace(SHAPE, horizon=1))
    store = SeriesStore(np.arange(20.0), np.array([0, 20]))
    scaler, cutoffs = Scaler(False, np.zeros(1), np.full(1, 19.0)), Cutoffs(np.zeros(2, int), np.array([12, 20]))
    rolled = forecast_cutoffs(network, config, SHAPE, store, scaler, cutoffs, HORIZON)
    past, expected = store.values / 19, np.empty((2, HORIZON))
    for window, step in enumerate(cutoffs.steps):
        context = list(past[step - 8 : step])
        for h in range(HORIZON):
            inputs = np.stack([context[-8:], np.ones(8)], axis=-1)[None].astype("float32")
            context.append(float(np.asarray(network.predict_on_batch(np.repeat(inputs, 2, axis=0))).ravel()[0]))
            expected[window, h] = 19 * context[-1]
    np.testing.assert_allclose(rolled[..., MEDIAN], expected, rtol=1e-4)
    assert (rolled == rolled[..., :1]).all()


def test_a_pretrained_network_forecasts_as_it_came_and_learns_when_it_may(tmp_path):
    shape = WindowShape(horizon=HORIZON, season_lengths=(10,))
    job, events = job_in(tmp_path, replace(PRETRAINED, context_length=24), shape=shape), []
    result = train(job, events.append)

    assert (result["updates"], result["best_updates"], result["update_seconds"], events) == (0, 0, 0.0, [])
    for given, kept in zip(pretrained_weights(shape), load_weights(job.output / "weights.npz"), strict=True):
        np.testing.assert_array_equal(given, kept)
    y_true, quantiles = actual_values(sinus(), job.validation, HORIZON), np.load(job.output / "validation.npy")
    naive = np.abs(last_values(sinus(), job.validation)[:, None] - y_true).mean()
    assert np.abs(quantiles[..., MEDIAN] - y_true).mean() < 0.3 * naive

    further = replace(job, config=replace(job.config, updates=50), output=tmp_path / "further")
    assert train(further, events.append)["updates"] == 50
    learned, given = load_weights(further.output / "weights.npz"), pretrained_weights(shape)
    assert all((a != b).any() for a, b in zip(learned, given, strict=True))
