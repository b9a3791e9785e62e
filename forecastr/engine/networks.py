"""Networks that a worker keeps: the next job of the same architecture need not build, trace and compile it again."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import keras
import numpy as np

from forecastr.engine.optimizer import VectorAdamW
from forecastr.engine.updates import Update, updates_of
from forecastr.models.config import NetworkConfig, WindowShape
from forecastr.models.initializers import initial_weights
from forecastr.models.losses import LOSSES
from forecastr.models.network import build_expression, build_learners, build_networks
from forecastr.windows.batches import Inputs

KEPT = 4  # architectures: their programs take some 30 MiB each
AT_ONCE = 32  # windows that are expressed together: one shape to compile for all batches
# What decides how a window is expressed, before any weight.
EXPRESSED = (
    *("context_length", "supervision", "stride", "bases", "transform", "level_seasons", "mean_steps", "local_scale"),
    *("covariates", "calendar"),
)
Express = Callable[[Inputs], list[Any]]
Loss = Callable[[Any, Any], Any]


@dataclass(frozen=True, eq=False)
class Networks:
    """The two models of one configuration, compiled for training; whoever takes them sets all that they remember.

    Parameters
    ----------
    trainer, forecaster : Model
        As of ``build_networks``, or of ``build_learners`` where there is an expression.
    express_some : callable or None
        What ``AT_ONCE`` windows have to go through before, if there is an expression.
    update : callable
        Updates the trainer once per batch (inputs, future), and returns the mean loss.
    as_built : list of ndarray
        The forecaster's weights before any training; random ones are drawn anew for every seed.
    """

    trainer: keras.Model
    forecaster: keras.Model
    express_some: Express | None
    update: Update
    as_built: list[np.ndarray]

    def express(self, inputs: Inputs, *, last: bool = False) -> Any:
        """Return what the trainer reads of some windows, or what the forecaster does: of their ``last`` step alone."""
        if self.express_some is None:
            return inputs
        n_windows, parts = len(keras.tree.flatten(inputs)[0]), []
        for first in range(0, n_windows, AT_ONCE):
            some = keras.tree.map_structure(lambda x, at=slice(first, first + AT_ONCE): padded(x[at], AT_ONCE), inputs)
            features, *at_steps = self.express_some(some)
            parts.append([features, *(np.asarray(x)[:, -1:] if last else x for x in at_steps)])
        return parts[0] if n_windows == AT_ONCE else [np.concatenate(x)[:n_windows] for x in zip(*parts, strict=True)]

    def begin(self, config: NetworkConfig, seed: int, weights: Sequence[np.ndarray] | None = None) -> None:
        """Be as if just built: what an earlier job left decides nothing.

        Parameters
        ----------
        config : NetworkConfig
            How to train.
        seed : int
            Of the initial weights and dropout.
        weights : sequence of ndarray, optional
            To go on from, instead of random ones.
        """
        self.forecaster.set_weights(weights or initial_weights(self.forecaster, self.as_built, seed))
        self.trainer.optimizer.begin(config)
        generators = [v for v in self.trainer.non_trainable_variables if v.name == "seed_generator_state"]
        for place, variable in enumerate(generators):
            variable.assign(np.array([seed, place], variable.dtype))

    def trainer_with(self, loss: Loss, config: NetworkConfig) -> keras.Model:
        """Return another trainer of the same weights, with a loss and an optimizer of its own."""
        trainer = keras.Model(self.trainer.inputs, self.trainer.outputs)
        _compile(trainer, loss, config)
        return trainer


def networks_of(config: NetworkConfig, shape: WindowShape) -> Networks:
    """Return the networks of a configuration, built now or by an earlier job of this process."""
    # None of these is part of a network, nor of what is compiled.
    rest = {"learning_rate": 1e-3, "schedule": "constant", "updates": 1, "patience": 0, "batch_size": 1}
    rest |= {"weight_decay": 0.0, "clip_norm": 0.0, "mirrored": False, "pretrained": False}
    transform = "level" if config.transform == "log" else config.transform  # logarithms are taken before it
    return _build(replace(config, transform=transform, **rest), shape)  # type: ignore[arg-type]


@contextmanager
def forgotten_on_error() -> Iterator[None]:
    """Keep no network if the block fails: what training that breaks off leaves is not known."""
    try:
        yield
    except BaseException:
        _build.cache_clear()
        raise


@lru_cache(maxsize=KEPT)
def _build(config: NetworkConfig, shape: WindowShape) -> Networks:
    express: Express | None = None
    if config.head == "plain" or keras.config.backend() not in ("jax", "tensorflow"):
        trainer, forecaster = build_networks(config, shape)
    else:
        deciding = {name: getattr(config, name) for name in EXPRESSED}
        expression, express = _compile_expression(replace(NetworkConfig(), **deciding), shape)
        trainer, forecaster = build_learners(config, expression)
    _compile(trainer, LOSSES[config.loss], config)
    return Networks(trainer, forecaster, express, updates_of(trainer), forecaster.get_weights())


def _compile(trainer: keras.Model, loss: Loss, config: NetworkConfig) -> None:
    trainer.compile(optimizer=VectorAdamW(config), loss=loss)
    trainer.optimizer.build(trainer.trainable_variables)


@lru_cache(maxsize=KEPT)
def _compile_expression(config: NetworkConfig, shape: WindowShape) -> tuple[keras.Model, Express]:
    """Return an expression and a program of it: compiling it is half the work of compiling a network."""
    expression = build_expression(config, shape)
    if keras.config.backend() == "tensorflow":
        import tensorflow as tf

        return expression, tf.function(expression, jit_compile=True, reduce_retracing=True)
    import jax

    return expression, jax.jit(lambda inputs: expression.stateless_call([], [], inputs)[0])


def padded(windows: np.ndarray, size: int) -> np.ndarray:
    """Return some windows and zeros, ``size`` in all."""
    missing = size - len(windows)
    return np.pad(windows, ((0, missing), *[(0, 0)] * (windows.ndim - 1))) if missing else windows
