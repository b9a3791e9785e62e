"""Forecasts of one network from any cutoffs, in the target's unit."""

from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import keras
import numpy as np

from forecastr.engine.backend import NUMPY, loaded_backend
from forecastr.engine.networks import Networks, networks_of, padded
from forecastr.engine.work import ForecastJob, TrainJob
from forecastr.files import naming, whole_file, write_array
from forecastr.models.config import (
    NetworkConfig,
    WindowShape,
    covariates_read,
    known_length,
    numbers_per_window,
    past_length,
    scale_lag,
)
from forecastr.models.network import build_forecaster
from forecastr.schema import MEDIAN, QUANTILE_LEVELS
from forecastr.windows.batches import Inputs, WindowSource, windows_at
from forecastr.windows.beside import CovariateWindows
from forecastr.windows.rescaling import CovariateScaler, fit_covariates
from forecastr.windows.scaling import Scaler, fit_scaler
from forecastr.windows.store import Cutoffs, SeriesStore, last_values

MOST_SCALES = 10.0
MOST_SCALES_KNOWN = 30.0  # a holiday may lift a value out of all that its window has seen
_COMPUTED: WeakKeyDictionary[SeriesStore, dict[Any, Any]] = WeakKeyDictionary()
BATCH = 256  # windows forecast at once: one compiled shape for almost all of them
BATCH_UNCOMPILED = 4096  # where every operation has its price, whatever its size
MOST_NUMBERS = 1 << 28  # that they take together, a gigabyte
open_store = lru_cache(maxsize=4)(SeriesStore.load)  # a worker's jobs share their rows, and what is computed of them


def forecast(job: ForecastJob) -> dict[str, int]:
    """Write the quantiles of every cutoff of a job; return how many there are."""
    networks = networks_of(job.config, job.shape)
    networks.forecaster.set_weights(load_weights(job.weights))
    scaled_on, store = open_store(job.scaled_on), open_store(job.store)
    scaler = scaler_of(job.config, job.shape, scaled_on)
    covariates = covariate_windows(job.config, job.shape, store, scaled_on)
    quantiles = forecast_as_trained(networks, job, store, scaler, job.cutoffs, covariates)
    save_array(job.output, quantiles)
    return {"windows": len(quantiles)}


def forecast_as_trained(
    networks: Networks,
    job: ForecastJob | TrainJob,
    store: SeriesStore,
    scaler: Scaler,
    cutoffs: Cutoffs,
    covariates: CovariateWindows | None,
) -> np.ndarray:
    """Return quantiles [W, H, Q] from every cutoff, of networks as a worker has them."""
    return forecast_cutoffs(
        networks.forecaster,
        job.config,
        job.shape,
        store,
        scaler,
        cutoffs,
        job.horizon,
        covariates=covariates,
        express=partial(networks.express, last=True),
    )


def export(config: NetworkConfig, shape: WindowShape, trained: Path, output: Path) -> dict[str, str]:
    """Write a trained network as a ``.keras`` file, as it is."""
    network = build_forecaster(config, shape)  # one that was never compiled: its file says nothing of training
    network.set_weights(load_weights(trained / "weights.npz"))
    with naming(output):
        network.save(output)
    return {"network": str(output)}


def scaler_of(config: NetworkConfig, shape: WindowShape, store: SeriesStore) -> Scaler:
    """Return the scaling that a configuration asks for, fitted on a store."""
    transform, scaling, lag = config.transform, config.scaling, scale_lag(config, shape)

    def fit() -> Scaler:
        return fit_scaler(store, transform=transform, scaling=scaling, lag=lag)

    scaler: Scaler = _once(store, (transform == "log", scaling, lag), fit)
    return scaler


def covariate_windows(
    config: NetworkConfig, shape: WindowShape, store: SeriesStore, scaled_on: SeriesStore | CovariateScaler
) -> CovariateWindows | None:
    """Return the covariates of a store that a network reads, scaled as on another one; None if it reads none."""
    read = covariates_read(config, shape)
    if not (read.n_ahead or read.n_beside):
        return None
    rows = scaled_on
    scaler = _once(rows, "covariates", lambda: fit_covariates(rows)) if isinstance(rows, SeriesStore) else rows
    return CovariateWindows(
        store=store,
        scaler=scaler,
        shape=read,
        context_length=config.context_length,
        known_length=known_length(config, shape),
        horizon=shape.horizon,
        season_length=shape.season_lengths[0],
    )


def _once(store: SeriesStore, what: Any, compute: Callable[[], Any]) -> Any:
    """Return what is computed of a store, from memory the next time: a worker's trials share their rows."""
    known = _COMPUTED.setdefault(store, {})
    if what not in known:
        known[what] = compute()
    return known[what]


def forecast_cutoffs(
    network: keras.Model,
    config: NetworkConfig,
    shape: WindowShape,
    store: SeriesStore,
    scaler: Scaler,
    cutoffs: Cutoffs,
    horizon: int,
    *,
    covariates: CovariateWindows | None = None,
    express: Callable[[Inputs], Any] = lambda inputs: inputs,
) -> np.ndarray:
    """Return quantiles [W, H, Q] of a network from every cutoff; a series without a scale repeats its last value.

    The network reads what ``express`` returns of the windows. One of a shorter horizon is applied again to its own
    medians until the horizon is full.
    """
    source = WindowSource.from_store(store, scaler)
    length = past_length(config, shape)
    most_windows = max(1, MOST_NUMBERS // numbers_per_window(config, shape))
    uncompiled = loaded_backend() == NUMPY
    batch_size = min(BATCH_UNCOMPILED if uncompiled else BATCH, 1 << most_windows.bit_length() - 1)
    # One batch of many needs no second shape; a lone one is not worth TensorFlow's second of tracing.
    size = batch_size if len(cutoffs) > batch_size else None
    at_once = uncompiled or (size is None and loaded_backend() == "tensorflow")
    most = MOST_SCALES if config.covariates == "none" else MOST_SCALES_KNOWN
    quantiles = np.empty((len(cutoffs), horizon, len(QUANTILE_LEVELS)))
    for first in range(0, len(cutoffs), batch_size):
        batch = slice(first, first + batch_size)
        inputs = windows_at(source, cutoffs.take(batch), length, covariates)
        past = inputs["past"] if isinstance(inputs, dict) else inputs

        def predict(windows: Inputs) -> np.ndarray:
            return predict_windows(network, express(windows), size=size, at_once=at_once)

        scaled = within_reach(_roll(predict, inputs, horizon), past, most)
        quantiles[batch] = scaler.inverse(scaled, cutoffs.series[batch])
        if scaler.log:  # what is near in logarithms may be far away
            values = scaler.inverse(past[..., 0], cutoffs.series[batch])
            quantiles[batch] = below_reach(quantiles[batch], values, past[..., 1] > 0)
    unscaled = np.isnan(scaler.scale)[cutoffs.series]
    if unscaled.any():
        quantiles[unscaled] = last_values(store, cutoffs.take(unscaled))[:, None, None]
    return quantiles


def below_reach(quantiles: np.ndarray, values: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return quantiles [W, H, Q] that exceed what their window [W, L] has seen by three times its range at most.

    Or by as much as its largest value, where that hardly varied.
    """
    low, high = _seen_range(values, seen)
    return np.minimum(quantiles, high + np.maximum(3 * (high - low), high))


def within_reach(scaled: np.ndarray, past: np.ndarray, most: float = MOST_SCALES) -> np.ndarray:
    """Return quantiles [W, H, Q] that leave what their window [W, L, 2] has seen by no more than its range again.

    ``most`` scales come on top: nothing sensible is cut.
    """
    low, high = _seen_range(past[..., 0], past[..., 1] > 0)
    reach = high - low + most
    return np.clip(scaled, low - reach, high + reach)


def _seen_range(values: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and highest value [W, 1, 1] that windows [W, L] have seen; of all, where they saw none."""
    seen = seen | ~seen.any(axis=1, keepdims=True)
    low = np.where(seen, values, np.inf).min(axis=1)[:, None, None]
    high = np.where(seen, values, -np.inf).max(axis=1)[:, None, None]
    return low, high


def predict_windows(network: keras.Model, inputs: Any, *, size: int | None = None, at_once: bool = False) -> np.ndarray:
    """Return a network's outputs [W, H, Q]; batches are padded to ``size``, or to a power of two: few are compiled.

    Or nothing is compiled, and the operations run ``at_once``.
    """
    if at_once:
        with np.errstate(all="ignore"):  # as compiled: what overflows is cut afterwards
            return np.asarray(network(inputs, training=False))[:, 0]
    n_windows = len(keras.tree.flatten(inputs)[0])
    size = size or 1 << max(0, n_windows - 1).bit_length()
    batch = keras.tree.map_structure(lambda windows: padded(windows, size), inputs)
    return np.asarray(network.predict_on_batch(batch))[:n_windows, 0]


def _roll(predict: Callable[[Inputs], np.ndarray], past: Inputs, horizon: int) -> np.ndarray:
    """Forecast, append the medians, and forecast again until the horizon is full [W, H, Q]."""
    if isinstance(past, dict):  # networks with covariates forecast the whole horizon
        return predict(past)[:, :horizon]
    parts, done = [], 0
    while done < horizon:
        part = predict(past)
        parts.append(part)
        done += part.shape[1]
        median = part[..., MEDIAN]
        past = np.concatenate([past, np.stack([median, np.ones_like(median)], axis=-1)], axis=1)
        past = past[:, part.shape[1] :]
    return np.concatenate(parts, axis=1)[:, :horizon]


def save_weights(network: keras.Model, path: Path) -> None:
    """Write a network's weights as plain arrays."""
    with whole_file(path) as temporary:
        np.savez(temporary, *network.get_weights())


def save_array(path: Path, array: np.ndarray) -> None:
    """Write an array as a ``.npy`` file, whole or not at all."""
    with whole_file(path) as temporary:
        write_array(temporary, array)


def load_weights(path: Path) -> list[np.ndarray]:
    """Read what ``save_weights`` wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        return [arrays[f"arr_{n}"] for n in range(len(arrays.files))]
