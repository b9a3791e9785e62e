"""AdamW that compiles fast and remembers how large the gradients were."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from forecastr.models.config import NetworkConfig

WARMUP_FROM = 0.1  # of the learning rate, over the first twentieth of the updates
FLOOR = 0.01  # of the learning rate, at the last update
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7  # as in Keras


class VectorAdamW(keras.optimizers.Optimizer):
    """AdamW (Loshchilov and Hutter 2019) of all weights as one vector, clipped by the gradient's global norm.

    Keras' own updates one weight after the other: the same numbers, and several times the seconds to compile. What a
    configuration asks for is in variables, so that nothing is compiled anew for another one: a schedule or a rate of
    decay would be constants of the program. Biases do not decay. The norms before clipping are summed up.

    Parameters
    ----------
    config : NetworkConfig
        Without weight decay it is plain Adam (Kingma and Ba 2015); a clip norm of 0 is none.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(learning_rate=config.learning_rate)
        self.config = config

    def build(self, variables: Any) -> None:
        """Create two vectors as long as all weights, and what there is one of."""
        if self.built:
            return
        super().build(variables)
        self.sizes = [math.prod(variable.shape) for variable in variables]
        decays = np.repeat(["bias" not in variable.name for variable in variables], self.sizes)
        self.decays = decays.astype("float32")
        self.momentum, self.velocity = (self._zeros(name, decays.size) for name in ("momentum", "velocity"))
        self.norm_sum, self.decay, self.clip_norm = (self._zeros(name) for name in ("norm_sum", "decay", "clip_norm"))
        self.begin(self.config)

    def begin(self, config: NetworkConfig) -> None:
        """Forget all updates and be as this configuration asks; its learning rate is to be set for every update."""
        for variable in self.variables:
            variable.assign(np.zeros(variable.shape, variable.dtype))
        self.learning_rate = config.learning_rate
        self.decay.assign(config.weight_decay)
        self.clip_norm.assign(config.clip_norm or math.inf)

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """Update the weights, which it is built for now if not before."""
        if trainable_variables is not None:
            self.build(trainable_variables)
        weights = self._trainable_variables
        gradient = _joined([ops.zeros(w.shape) if g is None else g for g, w in zip(grads, weights, strict=True)])
        weight = _joined(weights)
        norm = ops.sqrt(ops.sum(ops.square(gradient)))
        gradient = gradient * ops.minimum(1.0, self.clip_norm / norm)
        momentum = BETA_1 * self.momentum + (1 - BETA_1) * gradient
        velocity = BETA_2 * self.velocity + (1 - BETA_2) * ops.square(gradient)
        done = ops.cast(self.iterations + 1, "float32")
        unbiased = ops.sqrt(1 - ops.power(BETA_2, done)) / (1 - ops.power(BETA_1, done))
        step = unbiased * momentum / (ops.sqrt(velocity) + EPSILON) + self.decay * self.decays * weight
        parts = ops.split(weight - self.learning_rate * step, np.cumsum(self.sizes)[:-1].tolist())
        for variable, part in zip(weights, parts, strict=True):
            variable.assign(ops.reshape(part, variable.shape))
        self.momentum.assign(momentum)
        self.velocity.assign(velocity)
        self.norm_sum.assign(self.norm_sum + norm)
        self.iterations.assign(self.iterations + 1)

    def _zeros(self, name: str, *shape: int) -> keras.Variable:
        return self.add_variable(shape, initializer="zeros", name=name)


def _joined(arrays: Any) -> Any:
    """Return one vector of arrays of any shape."""
    return ops.concatenate([ops.reshape(array, (-1,)) for array in arrays])


def learning_rate_at(config: NetworkConfig, update: int, *, updates: int | None = None) -> float:
    """Return the learning rate after some updates: a linear warm-up, then a cosine (Loshchilov and Hutter 2017).

    The cosine ends after ``updates``, all that the configuration asks for unless said otherwise.
    """
    if config.schedule == "constant":
        return config.learning_rate
    end = config.updates if updates is None else updates
    warmup = max(1, end // 20)
    if update < warmup:
        return config.learning_rate * (WARMUP_FROM + (1 - WARMUP_FROM) * update / warmup)
    done = min(1.0, (update - warmup) / max(1, end - warmup))
    return config.learning_rate * ((1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * done)) + FLOOR)
