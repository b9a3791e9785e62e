"""Training one network on simulated series, and how it fares on others."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from forecastr.engine.forecasting import forecast_cutoffs, scaler_of
from forecastr.engine.networks import Networks, networks_of
from forecastr.engine.optimizer import learning_rate_at
from forecastr.engine.updates import updates_of
from forecastr.evaluation import evaluate, forecast_baselines, seasonal_scale
from forecastr.models.config import PRETRAINED, WindowShape, past_length, supervised_reach
from forecastr.models.losses import pinball
from forecastr.models.pretrained import HORIZON
from forecastr.pretraining.simulate import simulate_series
from forecastr.windows.batches import BatchShape, WindowSource, draw_batches
from forecastr.windows.store import Cutoffs, SeriesStore, actual_values, last_values

SHORTEST, LONGEST = 60, 240  # steps of a series; from ten seasons on where those are fewer
LONGER = {7: 480, 24: 480}  # what days and hours have
SEASONLESS_HORIZON = 6  # steps to judge by
EPOCH = 50  # updates
AVERAGED = 0.5  # of the updates: weights are averaged over these last ones
SOONER = 1 / (np.arange(HORIZON, dtype="float32") + 6)  # weight of a step ahead: most are asked for fewer than 48
TRAINED = replace(PRETRAINED, pretrained=False, updates=1, batch_size=64, mirrored=True)


def pretrain(
    season: int, *, updates: int, seed: int, n_series: int, tell: Callable[[int, float], None]
) -> list[np.ndarray]:
    """Return weights of a ``PRETRAINED`` network for series with one season.

    Parameters
    ----------
    season : int
        Its length in steps.
    updates, seed : int
        Training steps, and what series, windows and first weights are drawn with.
    n_series : int
        Series to learn from.
    tell : callable
        Hears of the updates done and the loss after every epoch.
    """
    config, networks = replace(TRAINED, updates=updates), _networks(season)
    networks.begin(config, seed)
    trainer = networks.trainer_with(_sooner_matters, config)
    update = updates_of(trainer)
    batches = _batches(networks, season, n_series, seed)
    last: list[list[np.ndarray]] = []
    for done in range(EPOCH, updates + 1, EPOCH):
        trainer.optimizer.learning_rate = learning_rate_at(config, done - EPOCH // 2)
        tell(done, update(islice(batches, EPOCH)))
        if done > (1 - AVERAGED) * updates:
            last.append(networks.forecaster.get_weights())
    return [np.mean(weights, axis=0) for weights in zip(*last, strict=True)]


def mean_errors(weights: Sequence[np.ndarray], season: int, *, n_series: int, seed: int) -> dict[str, float]:
    """Return the MASE of pretrained weights, and of Theta and Holt-Winters, on the last season of simulated series.

    Of a longer one than ``HORIZON`` on so many steps; on six where there is none.
    """
    horizon = min(season, HORIZON) if season > 1 else SEASONLESS_HORIZON
    store = simulated_store(season, n_series=n_series, seed=seed)
    known = store.drop_last(np.full(n_series, horizon))
    cutoffs = Cutoffs(np.arange(n_series), known.lengths)
    networks, scaler = _networks(season), scaler_of(TRAINED, _shape(season), known)
    networks.forecaster.set_weights(weights)
    express = partial(networks.express, last=True)
    forecasts = forecast_cutoffs(
        networks.forecaster, TRAINED, _shape(season), known, scaler, cutoffs, HORIZON, express=express
    )
    positions, methods = cutoffs.positions(known), ["theta", "holt_winters"]
    simple = forecast_baselines(
        store.values, store.starts, cutoffs.series, positions, horizon=horizon, season_length=season, names=methods
    )
    table = evaluate(
        actual_values(store, cutoffs, horizon),
        {"pretrained": forecasts[:, :horizon], **simple},
        series=cutoffs.series,
        last=last_values(known, cutoffs),
        scale=np.array([seasonal_scale(known.series(n), season) for n in range(n_series)]),
    )
    return dict(table["mase"])


def simulated_store(season: int, *, n_series: int, seed: int) -> SeriesStore:
    """Return simulated series of 60 to 240 steps, of days and hours to 480, of years and quarters shorter ones too."""
    longest = LONGER.get(season, LONGEST)
    series = simulate_series(n_series, longest, (season,), seed=seed)
    lengths = np.random.default_rng(seed).integers(min(SHORTEST, 10 * season), longest + 1, n_series)
    return SeriesStore(series[np.arange(longest) < lengths[:, None]], np.r_[0, np.cumsum(lengths)])


def _shape(season: int) -> WindowShape:
    return WindowShape(horizon=HORIZON, season_lengths=(season,))


def _networks(season: int) -> Networks:
    return networks_of(TRAINED, _shape(season))


def _batches(networks: Networks, season: int, n_series: int, seed: int) -> Iterator[Any]:
    """Yield what the trainer learns from."""
    store = simulated_store(season, n_series=n_series, seed=seed)
    shape = BatchShape(
        batch_size=TRAINED.batch_size,
        past_length=past_length(TRAINED, _shape(season)),
        reach=supervised_reach(TRAINED),
        horizon=HORIZON,
        mirrored=TRAINED.mirrored,
    )
    source = WindowSource.from_store(store, scaler_of(TRAINED, _shape(season), store))
    for inputs, future in draw_batches(source, shape, np.random.default_rng(seed + season)):
        yield networks.express(inputs), future


def _sooner_matters(future: Any, quantiles: Any) -> Any:
    return pinball(future, quantiles, SOONER / SOONER.mean())
