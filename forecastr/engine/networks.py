"""Networks that a worker keeps: the next job of the same architecture need not build, trace and compile it again."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache

import keras
import numpy as np

from forecastr.engine.optimizer import VectorAdamW
from forecastr.models.config import NetworkConfig, WindowShape
from forecastr.models.initializers import initial_weights
from forecastr.models.losses import LOSSES
from forecastr.models.network import build_networks

KEPT = 4  # architectures: their programs take some 30 MiB each


@dataclass(frozen=True, eq=False)
class Networks:
    """The two models of one configuration, compiled for training; whoever takes them sets all that they remember.

    Parameters
    ----------
    trainer, forecaster : Model
        As of ``build_networks``.
    as_built : list of ndarray
        The forecaster's weights before any training; random ones are drawn anew for every seed.
    """

    trainer: keras.Model
    forecaster: keras.Model
    as_built: list[np.ndarray]

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


def networks_of(config: NetworkConfig, shape: WindowShape) -> Networks:
    """Return the networks of a configuration, built now or by an earlier job of this process."""
    # None of these is part of a network, nor of what is compiled.
    rest = {"learning_rate": 1e-3, "schedule": "constant", "updates": 1, "patience": 0, "batch_size": 1}
    rest |= {"weight_decay": 0.0, "clip_norm": 0.0}
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
    trainer, forecaster = build_networks(config, shape)
    # TensorFlow trains recurrent layers several times slower on a CPU when XLA compiles them.
    trainer.compile(
        optimizer=VectorAdamW(config), loss=LOSSES[config.loss], jit_compile=keras.config.backend() == "jax"
    )
    trainer.optimizer.build(trainer.trainable_variables)
    return Networks(trainer, forecaster, forecaster.get_weights())
