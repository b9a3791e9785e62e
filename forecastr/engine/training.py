"""The unit of work: train this configuration on that panel, return its curve, weights and forecasts."""

import math
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import keras
import numpy as np

from forecastr.engine.backend import device_of
from forecastr.engine.forecasting import (
    covariate_windows,
    export,
    forecast_as_trained,
    load_weights,
    open_store,
    predict_windows,
    save_array,
    save_weights,
    scaler_of,
)
from forecastr.engine.memory import release_memory
from forecastr.engine.networks import Networks, forgotten_on_error, networks_of
from forecastr.engine.optimizer import learning_rate_at
from forecastr.engine.work import TrainJob
from forecastr.errors import SearchError
from forecastr.files import naming
from forecastr.models.config import past_length, supervised_reach
from forecastr.models.pretrained import pretrained_weights
from forecastr.schema import MEDIAN, QUANTILE_LEVELS, QUANTILE_WEIGHTS
from forecastr.windows.batches import BatchShape, WindowSource, draw_batches, windows_at
from forecastr.windows.beside import CovariateWindows
from forecastr.windows.store import SeriesStore

EPOCH = 50  # updates between two looks at validation
WATCHED_WINDOWS = 256  # validation windows looked at after every epoch; all of them at the end
FINISH = 0.5  # seconds kept for writing what was trained
WORTH_COMPILING = 1.0  # seconds of updates that a trial gets whose compiling took all of its time
SURE = 0.9  # of the updates that the seconds left would allow
AVERAGED = 0.5  # of the updates: weights are averaged over these last ones
LEVELS, WEIGHTS = np.array(QUANTILE_LEVELS), np.array(QUANTILE_WEIGHTS)

Report = Callable[[dict[str, Any]], None]


def train(job: TrainJob, report: Report) -> dict[str, Any]:
    """Train a network and write its files; ``report`` hears of every epoch.

    Raises
    ------
    SearchError
        If the loss stops being a number.
    """
    start = time.monotonic()
    networks = networks_of(job.config, job.shape)
    networks.begin(job.config, job.seed, _first_weights(job))
    network = networks.forecaster
    train_store = open_store(job.train)
    scaler = scaler_of(job.config, job.shape, train_store)
    batch_shape = BatchShape(
        batch_size=job.config.batch_size,
        past_length=past_length(job.config, job.shape),
        reach=supervised_reach(job.config),
        horizon=job.shape.horizon,
        # The tutorials cut whole windows only; the others also learn what to do with a short series.
        earliest=job.config.context_length if job.config.head == "plain" else 2,
        mirrored=job.config.mirrored,
    )
    known = open_store(job.known)
    covariates = covariate_windows(job.config, job.shape, train_store, train_store)
    known_covariates = covariate_windows(job.config, job.shape, known, train_store)
    watched = _watched_windows(job, networks, known, scaler, batch_shape, known_covariates)
    watch = Watch(job, networks, watched, report, start)
    batches = draw_batches(
        WindowSource.from_store(train_store, scaler),
        batch_shape,
        np.random.default_rng(job.seed),
        covariates=covariates,
    )
    expressed = ((networks.express(inputs), future) for inputs, future in batches)
    if np.isfinite(scaler.scale).any():  # where no series ever moves, the network stays as it begins
        with forgotten_on_error():
            watch.train(expressed)
    watch.settle()
    with naming(job.output):
        job.output.mkdir(parents=True, exist_ok=True)
    save_weights(network, job.output / "weights.npz")
    if job.validation is not None:
        forecasts = forecast_as_trained(networks, job, known, scaler, job.validation, known_covariates)
        save_array(job.output / "validation.npy", forecasts)
    if job.network:
        export(job.config, job.shape, job.output, job.network)  # without what it was compiled with
    return {
        "updates": watch.updates,
        "best_epoch": watch.best_epoch,
        "best_updates": watch.best_updates,
        "parameters": network.count_params(),
        "seconds": time.monotonic() - start,
        "update_seconds": watch.update_seconds,
        "cut_short": watch.cut_short,
        "device": _device(),
    }


def _device() -> str:
    backend = keras.config.backend()  # which Keras cannot ask about its devices, if it is PyTorch
    return device_of(backend) if backend == "torch" else str(keras.distribution.list_devices()[0])


def _first_weights(job: TrainJob) -> list[np.ndarray] | None:
    """Return what training begins with; None for random weights."""
    if job.begin_with:
        return load_weights(job.begin_with)
    return pretrained_weights(job.shape) if job.config.pretrained else None


def _watched_windows(
    job: TrainJob,
    networks: Networks,
    known: SeriesStore,
    scaler: Any,
    shape: BatchShape,
    covariates: CovariateWindows | None,
) -> tuple[Any, np.ndarray] | None:
    """Return what the forecaster reads of some validation windows, and what followed them."""
    if job.validation is None:
        return None
    cutoffs = job.validation.thinned(WATCHED_WINDOWS)
    source = WindowSource.from_store(known, scaler)
    windows = windows_at(source, cutoffs, shape.past_length, covariates)
    return networks.express(windows, last=True), source.future(cutoffs, shape.horizon)


class Watch:
    """Trains epoch by epoch, reports each, and ends when it should.

    With patience it keeps the best weights and stops where they no longer improve. Without, the learning rate
    falls to its end, and the average of the weights over the second half stays (Izmailov et al. 2018, Averaging weights
    leads to wider optima): chosen on validation is then how many updates that takes, which refitting can repeat. Where
    the time will not suffice, the learning rate falls sooner.
    """

    def __init__(
        self,
        job: TrainJob,
        networks: Networks,
        watched: tuple[Any, np.ndarray] | None,
        report: Report,
        start: float,
    ) -> None:
        self.job, self.networks, self.watched, self.report = job, networks, watched, report
        self.network, self.optimizer = networks.forecaster, networks.trainer.optimizer
        self.start, self.deadline = start, start + job.seconds - FINISH
        self.epochs = 0
        self.updates, self.best_epoch, self.best_updates, self.best_loss = 0, 0, 0, math.inf
        self.best_weights: list[np.ndarray] | None = None
        self.weight_sums: list[np.ndarray] = []
        self.n_summed = 0
        self.cut_short, self.planned = False, job.config.updates
        self.looked = 0.0  # seconds of the last look at validation
        self.compiled, self.ended = (start, 0), start  # when the first epoch ended, after how many updates; the last
        self.worth_it = math.inf  # when the first update, which is compiled, has been worth that
        self.n_looks = len(job.validation) / WATCHED_WINDOWS if job.validation else 0.0

    def train(self, batches: Iterator[Any]) -> None:
        """Train until all planned updates are done, it does not get better, or the deadline comes.

        Raises
        ------
        SearchError
            If the loss stops being a number.
        """
        n_epochs = math.ceil(self.planned / EPOCH)
        while self.updates < self.planned and not self.cut_short and not self._out_of_patience():
            length = min(math.ceil(self.job.config.updates / n_epochs), self.planned - self.updates)
            self._epoch(islice(batches, length), length)

    def _epoch(self, batches: Iterator[Any], length: int) -> None:
        """Update the weights with these batches, look at validation, tell what happened."""
        begun, before, norm_before = time.monotonic(), self.updates, self._norm_sum()
        # The schedule's at the middle of these updates.
        rate = learning_rate_at(self.job.config, before + length // 2, updates=self.planned)
        self.optimizer.learning_rate = rate
        loss = self.networks.update(self._until_deadline(batches))
        self.epochs += 1
        if not math.isfinite(loss):
            raise SearchError(f"the loss is {loss} after {self.updates} updates")
        validation_loss = self._validation_loss() if self.watched is not None else None
        if self.epochs == 2:  # the first look also compiled; from the second on it tells what the last will cost
            self.deadline -= self.looked * self.n_looks
        if validation_loss is not None and validation_loss < self.best_loss:
            self.best_loss, self.best_epoch, self.best_updates = validation_loss, self.epochs, self.updates
            self.best_weights = self.network.get_weights()
        if self.updates >= (1 - AVERAGED) * self.planned:
            weights = self.network.get_weights()
            self.weight_sums = (
                [a + b for a, b in zip(self.weight_sums, weights, strict=True)] if self.n_summed else weights
            )
            self.n_summed += 1
        self.ended = time.monotonic()
        if self.epochs > 1:  # the first took as long as compiling
            self._end_in_time((self.ended - begun) / (self.updates - before))
        else:
            release_memory()  # of compiling
            self.compiled = self.ended, self.updates
        self.report(
            {
                "epoch": self.epochs,
                "updates": self.updates,
                "loss": loss,
                "validation_loss": validation_loss,
                "gradient_norm": (self._norm_sum() - norm_before) / (self.updates - before),
                "learning_rate": rate,
                "seconds": self.ended - self.start,
            }
        )

    def _until_deadline(self, batches: Iterator[Any]) -> Iterator[Any]:
        """Pass batches on until the deadline: training stops between two updates, of which there is one at least."""
        for batch in batches:
            yield batch
            self.updates += 1
            now = time.monotonic()
            self.worth_it = min(self.worth_it, now + WORTH_COMPILING)
            if now > max(self.deadline, self.worth_it):
                self.cut_short = True
                return

    def _out_of_patience(self) -> bool:
        return self.watched is not None and self.epochs - self.best_epoch >= (self.job.config.patience or math.inf)

    def _norm_sum(self) -> float:
        return float(np.asarray(self.optimizer.norm_sum))

    @property
    def update_seconds(self) -> float:
        """What an update took, without the compiling before the first ones, if there were others."""
        begun, updates = self.compiled if self.updates > self.compiled[1] else (self.start, 0)
        return (self.ended - begun) / max(1, self.updates - updates)

    def settle(self) -> None:
        """Put back the best weights; where training came to the end of its schedule, the average of the last ones."""
        if self.best_weights is not None and (self.job.config.patience or self.cut_short):
            self.network.set_weights(self.best_weights)
        else:
            self.best_epoch, self.best_updates = self.epochs, self.updates
            if self.n_summed:
                self.network.set_weights([total / self.n_summed for total in self.weight_sums])

    def _end_in_time(self, seconds: float) -> None:
        """Plan no more updates, of so many ``seconds`` each, than will surely be done at the deadline."""
        possible = max(0, int(SURE * (self.deadline - self.ended) / seconds))
        self.planned = min(self.planned, self.updates + possible)

    def _validation_loss(self) -> float:
        begun = time.monotonic()
        assert self.watched is not None
        past, future = self.watched
        quantiles = predict_windows(self.network, past)
        y, observed = future[..., 0], future[..., 1]
        if self.job.config.loss == "mse":
            error = np.square(y - quantiles[..., MEDIAN])
        else:
            below = y[..., None] - quantiles
            error = np.maximum(LEVELS * below, (LEVELS - 1) * below) @ (2 * WEIGHTS)
        self.looked = time.monotonic() - begun
        return float((error * observed).sum() / max(1.0, observed.sum()))
