"""Initial weights drawn by NumPy: JAX would compile a program for every shape of weights, seconds for a network."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np


@keras.saving.register_keras_serializable(package="forecastr")
class GlorotUniform(keras.initializers.GlorotUniform):
    """Uniform within sqrt(6 / (inputs + outputs)) of 0 (Glorot and Bengio 2010), for weights [inputs, outputs].

    Attention's have three axes, of which the widest is one side, the two others are the other side.
    """

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Any:
        """Return weights of a shape."""
        widest = max(shape)
        limit = math.sqrt(6.0 / (widest + math.prod(shape) / widest))
        return np.random.default_rng(self.seed).uniform(-limit, limit, shape).astype("float32")


@keras.saving.register_keras_serializable(package="forecastr")
class Orthogonal(keras.initializers.Orthogonal):
    """Rows or columns of a random rotation (Saxe et al. 2014), for weights [inputs, outputs]."""

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Any:
        """Return weights of a shape."""
        normal = np.random.default_rng(self.seed).normal(size=(max(shape), min(shape)))
        q, r = np.linalg.qr(normal)
        q *= np.sign(np.diag(r))  # without which rotations are not equally likely
        return (q if shape[0] >= shape[1] else q.T).astype("float32")


@keras.saving.register_keras_serializable(package="forecastr")
class Zeros(keras.initializers.Zeros):
    """What a bias or a correction begins with."""

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Any:
        """Return weights of a shape."""
        return np.zeros(shape, "float32")


DRAWN: dict[str, Any] = {"kernel": GlorotUniform, "recurrent_kernel": Orthogonal}


def initial_weights(network: keras.Model, as_built: Sequence[np.ndarray], seed: int) -> list[np.ndarray]:
    """Return a network's weights before training: those that are random as built, drawn from ``seed``.

    Parameters
    ----------
    network : Model
        Whose weights they are.
    as_built : sequence of ndarray
        Its weights when it was built, from whatever seed.
    seed : int
        Equal ones give equal weights, in every process.
    """
    weights = []
    for place, (variable, values) in enumerate(zip(network.weights, as_built, strict=True)):
        constant = not values.any() or np.array_equal(values, np.eye(*values.shape[:2]))
        if variable.name in DRAWN and not constant:
            values = DRAWN[variable.name](seed=1000 * seed + place)(values.shape)
        weights.append(values)
    return weights
