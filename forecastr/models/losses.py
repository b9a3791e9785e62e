"""What training minimizes, over every supervised step at once and only where there is a value."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from forecastr.schema import MEDIAN, QUANTILE_LEVELS, QUANTILE_WEIGHTS

# The slope of the loss where a value is above a quantile, below it, and on it, by which nothing is learned of a median.
ABOVE = 2 * np.array(QUANTILE_WEIGHTS, "float32") * np.array(QUANTILE_LEVELS, "float32")
BELOW = ABOVE - 2 * np.array(QUANTILE_WEIGHTS, "float32")
ON = (ABOVE + BELOW) / 2


def target_steps(future: Any, n_steps: int, horizon: int) -> tuple[Any, Any]:
    """Return what follows each supervised step [B, S, H]: values, and 1 where there is one.

    ``future`` is [B, R + H, 2], R steps from the first supervised one to the last: supervised step ``i``,
    ``i * R / (S - 1)`` steps after the first, is followed by H entries from there on.
    """
    stride = (future.shape[1] - horizon) // max(1, n_steps - 1)
    index = stride * np.arange(n_steps)[:, None] + np.arange(horizon)[None, :]
    windows = ops.reshape(ops.take(future, index.ravel(), axis=1), (-1, n_steps, horizon, 2))
    return windows[..., 0], windows[..., 1]


def _mean_over_windows(error: Any, observed: Any) -> Any:
    """Return a loss per window [B] whose mean is the mean over all observed points of the batch."""
    total = ops.sum(error * observed, axis=(1, 2))
    count = ops.sum(observed)
    return total * ops.cast(ops.shape(total)[0], total.dtype) / ops.maximum(count, 1.0)


@keras.saving.register_keras_serializable(package="forecastr")
def pinball(future: Any, quantiles: Any, step_weights: Any = 1.0) -> Any:
    """Weighted mean pinball loss [B] of quantiles [B, S, H, Q] (Koenker and Bassett 1978), of steps ahead [H]."""
    y, observed = target_steps(future, *quantiles.shape[1:3])
    below = y[..., None] - quantiles
    # TensorFlow takes a millisecond longer for the gradient of the larger of two products.
    slope = ops.stop_gradient(ops.where(below > 0, ABOVE, ops.where(below < 0, BELOW, ON)))
    error = step_weights * ops.sum(slope * below, axis=-1)
    return _mean_over_windows(error, observed)


@keras.saving.register_keras_serializable(package="forecastr")
def mse(future: Any, quantiles: Any) -> Any:
    """Mean squared error [B] of the point forecast."""
    y, observed = target_steps(future, *quantiles.shape[1:3])
    return _mean_over_windows(ops.square(y - quantiles[..., MEDIAN]), observed)


LOSSES: dict[str, Callable[[Any, Any], Any]] = {"pinball": pinball, "mse": mse}
