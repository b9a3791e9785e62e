"""AdamW that remembers how large the gradients were."""

import math
from typing import Any

import keras
from keras import ops

from forecastr.models.config import NetworkConfig

WARMUP_FROM = 0.1  # of the learning rate, over the first twentieth of the updates
FLOOR = 0.01  # of the learning rate, at the last update


class RecordingAdamW(keras.optimizers.AdamW):
    """AdamW (Loshchilov and Hutter 2019) with a running sum of the gradient's global norm before clipping."""

    def build(self, variables: Any) -> None:
        """Create the optimizer's variables and the sum."""
        super().build(variables)
        self.norm_sum = self.add_variable((), initializer="zeros", name="gradient_norm_sum")

    def apply(self, grads: Any, trainable_variables: Any = None) -> Any:
        """Add this gradient's norm to the sum, then update as AdamW does."""
        if trainable_variables is not None and not self.built:
            self.build(trainable_variables)
        norm = ops.sqrt(sum(ops.sum(ops.square(grad)) for grad in grads if grad is not None))
        self.norm_sum.assign(self.norm_sum + ops.cast(norm, self.norm_sum.dtype))
        return super().apply(grads, trainable_variables)


def make_optimizer(config: NetworkConfig) -> RecordingAdamW:
    """Return the optimizer of a configuration; without weight decay it is plain Adam.

    Its learning rate is a variable, to be set from ``learning_rate_at``: a schedule inside would be compiled
    into the update as constants, and every other rate or length would be compiled anew, for seconds.
    """
    optimizer = RecordingAdamW(
        config.learning_rate, weight_decay=config.weight_decay, global_clipnorm=config.clip_norm or None
    )
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    return optimizer


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
