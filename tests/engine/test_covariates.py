"""What covariates do for a trained network, and what they must never do."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from forecastr.engine.forecasting import covariate_windows, forecast, forecast_cutoffs, load_weights, scaler_of
from forecastr.engine.training import train
from forecastr.engine.work import ForecastJob, TrainJob
from forecastr.models.config import NetworkConfig, WindowShape
from forecastr.models.network import build_networks
from forecastr.schema import MEDIAN
from forecastr.windows.covariates import CovariateShape
from forecastr.windows.store import Cutoffs, SeriesStore, actual_values

HORIZON, STEPS, LAST = 3, 150, 30
SMALL = NetworkConfig(
    layers=1, units=16, context_length=12, stride=4, learning_rate=1e-2, batch_size=32, updates=150, patience=0
)


def promoted(n_series: int = 4) -> SeriesStore:
    """Noise around a level, half as much again on the days of a promotion; a column of noise that leads nowhere."""
    rng = np.random.default_rng(0)
    promo = rng.random((n_series, STEPS)) < 0.2
    level = 100.0 * np.arange(1, n_series + 1)[:, None]
    y = level * (1 + 0.5 * promo) * (1 + 0.03 * rng.normal(size=promo.shape))
    noise = rng.normal(size=(n_series * STEPS, 1)).astype("float32")
    known = promo.reshape(-1, 1).astype("float32")
    return SeriesStore(y.ravel(), np.arange(n_series + 1) * STEPS, known=known, past=noise)


def led(n_series: int = 4) -> SeriesStore:
    """Noise that another column tells three steps before."""
    rng = np.random.default_rng(1)
    leader = rng.normal(size=(n_series, STEPS + 3))
    y = 50 + 5 * leader[:, :-3] + 0.3 * rng.normal(size=(n_series, STEPS))
    return SeriesStore(y.ravel(), np.arange(n_series + 1) * STEPS, past=leader[:, 3:].reshape(-1, 1).astype("float32"))


def job_in(folder: Path, store: SeriesStore, there: CovariateShape, **changes) -> TrainJob:
    """Train on all but the last 30 steps of every series, validate on those."""
    train_store = store.drop_last(np.full(store.n_series, LAST))
    steps = STEPS - LAST + np.arange(LAST - HORIZON + 1)
    cutoffs = Cutoffs(np.repeat(np.arange(store.n_series), len(steps)), np.tile(steps, store.n_series))
    return TrainJob(
        trial="0", config=replace(SMALL, **changes), train=train_store.save(folder / "train"),
        shape=WindowShape(horizon=HORIZON, season_lengths=(1,), covariates=there),
        known=store.save(folder / "known"), validation=cutoffs, horizon=HORIZON, seed=3, seconds=600.0,
        output=folder / "0",
    )  # fmt: skip


def error_of(job: TrainJob) -> float:
    """Train, and return the mean absolute error on validation in the series' own level."""
    train(job, lambda event: None)
    store = SeriesStore.load(job.known)
    y = actual_values(store, job.validation, HORIZON)
    return float(np.mean(np.abs(np.load(job.output / "validation.npy")[..., MEDIAN] - y) / y))


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """A network that reads promotions and noise, and its error."""
    job = job_in(
        tmp_path_factory.mktemp("known"), promoted(), CovariateShape(known=1, past=1), covariates="all", transform="log"
    )
    return job, error_of(job)


def test_a_network_that_knows_of_promotions_is_far_better(known, tmp_path):
    _, with_them = known
    alone = error_of(job_in(tmp_path, promoted(), CovariateShape(known=1, past=1), transform="log"))
    assert with_them < 0.6 * alone


def test_a_column_that_leads_the_target_is_found(tmp_path):
    shape = CovariateShape(past=1)
    with_it = error_of(job_in(tmp_path / "all", led(), shape, covariates="all", updates=300))
    alone = error_of(job_in(tmp_path / "none", led(), shape, updates=300))
    assert with_it < 0.6 * alone


def forecasts_of(job: TrainJob, store: SeriesStore, cutoffs: Cutoffs) -> np.ndarray:
    _, network = build_networks(job.config, job.shape)
    network.set_weights(load_weights(job.output / "weights.npz"))
    trained_on = SeriesStore.load(job.train)
    scaler = scaler_of(job.config, job.shape, trained_on)
    covariates = covariate_windows(job.config, job.shape, store, trained_on)
    return forecast_cutoffs(network, job.config, job.shape, store, scaler, cutoffs, HORIZON, covariates=covariates)


def test_no_forecast_moves_with_the_future_but_for_what_is_known_of_it(known):
    job, _ = known
    store, cutoff = promoted(), Cutoffs(np.arange(4), np.full(4, 130))
    later = np.tile(np.arange(STEPS) >= 130, 4)
    before = forecasts_of(job, store, cutoff)
    shocked = replace(store, values=np.where(later, 1e6, store.values), past=np.where(later[:, None], 1e6, store.past))
    np.testing.assert_array_equal(forecasts_of(job, shocked, cutoff), before)
    far = np.tile(np.arange(STEPS) >= 130 + HORIZON, 4)[:, None]
    beyond = replace(store, known=np.where(far, 1, store.known))
    np.testing.assert_array_equal(forecasts_of(job, beyond, cutoff), before)

    off, on = (
        forecasts_of(job, replace(store, known=np.where(later[:, None], promo, store.known)), cutoff)[..., MEDIAN]
        for promo in (np.float32(0), np.float32(1))
    )
    np.testing.assert_allclose(on / off, 1.5, rtol=0.15)


def test_a_missing_covariate_of_the_past_is_no_missing_forecast(known):
    job, _ = known
    store = promoted()
    gone = replace(store, past=np.full_like(store.past, np.nan), known=np.where(store.known > 0, 1, np.nan))
    assert np.isfinite(forecasts_of(job, gone, job.validation)).all()


def test_weights_forecast_what_training_forecast(known, tmp_path):
    job, _ = known
    again = ForecastJob(
        config=job.config, shape=job.shape, weights=job.output / "weights.npz", store=job.known,
        scaled_on=job.train, cutoffs=job.validation, horizon=HORIZON, output=tmp_path / "again.npy",
    )  # fmt: skip
    forecast(again)
    np.testing.assert_array_equal(np.load(again.output), np.load(job.output / "validation.npy"))


def test_the_calendar_tells_a_rhythm_that_no_season_was_found_for(tmp_path):
    days = np.tile(np.datetime64("2024-01-01", "ns") + np.arange(STEPS) * np.timedelta64(1, "D"), 4)
    rng = np.random.default_rng(2)
    y = 20 + 5 * np.sin(2 * np.pi * (np.arange(STEPS) % 7) / 7) + rng.normal(size=(4, STEPS))
    store = SeriesStore(y.ravel(), np.arange(5) * STEPS, stamps=days)
    shape, config = CovariateShape(cycles=("week",)), {"context_length": 4, "stride": 1}
    with_it = error_of(job_in(tmp_path / "calendar", store, shape, calendar=True, **config))
    assert with_it < 0.85 * error_of(job_in(tmp_path / "none", store, shape, **config))
