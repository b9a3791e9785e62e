"""Initial weights drawn by NumPy: JAX would compile a program for every shape of weights, seconds for a network."""

import math
from typing import Any

import keras
import numpy as np


@keras.saving.register_keras_serializable(package="forecastr")
class GlorotUniform(keras.initializers.GlorotUniform):
    """Uniform within sqrt(6 / (inputs + outputs)) of 0 (Glorot and Bengio 2010), for weights [inputs, outputs]."""

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Any:
        """Return weights of a shape."""
        limit = math.sqrt(6.0 / sum(shape))
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
