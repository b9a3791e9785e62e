"""What networks read besides the target's past."""

from typing import Any

import keras
import numpy as np
from keras import ops

from forecastr.models.config import NetworkConfig, WindowShape, covariates_read, known_length
from forecastr.models.sequences import last_steps


def covariate_inputs(config: NetworkConfig, shape: WindowShape) -> dict[str, Any]:
    """Return the inputs by name: ``known`` [L + H, K] and ``beside`` [C, 2P + S], where there are any."""
    read, inputs = covariates_read(config, shape), {}
    if read.n_ahead:
        steps = known_length(config, shape) + shape.horizon
        inputs["known"] = keras.Input((steps, read.n_ahead), name="known")
    if read.n_beside:
        inputs["beside"] = keras.Input((config.context_length, read.n_beside), name="beside")
    return inputs


@keras.saving.register_keras_serializable(package="forecastr")
class KnownAhead(keras.layers.Layer):
    """Covariates known through the horizon, as features of each step and as directions of a forecast.

    Call with known [B, L + H, K], H of its steps after the cutoff; returns features [B, C, K] and
    directions [B, S, 2 * K, H]: each covariate at the step forecast, and its difference from there to the step that
    the seasonal naive repeats, for a promotion last week should not promise one this week.

    Parameters
    ----------
    context_length, n_steps, stride, horizon : int
        As in ``CausalScaling``.
    season_length : int
        The strongest.
    """

    SETTINGS = ("context_length", "n_steps", "stride", "horizon", "season_length")

    def __init__(
        self, *, context_length: int, n_steps: int, stride: int, horizon: int, season_length: int, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.context_length, self.n_steps, self.stride = context_length, n_steps, stride
        self.horizon, self.season_length = horizon, season_length

    def call(self, known: Any) -> Any:
        """Return features and directions."""
        length = known.shape[1] - self.horizon
        features = ops.arcsinh(known[:, length - self.context_length : length])
        now = last_steps(length, self.n_steps, self.stride)[:, None]
        step = np.arange(1, self.horizon + 1)[None, :]
        here = self._at(known, now + step)
        repeated = self._at(known, now + step - self.season_length * -(-step // self.season_length))
        return features, ops.concatenate([here, here - repeated], axis=2)

    def _at(self, known: Any, index: np.ndarray) -> Any:
        """Return known covariates [B, S, K, H] at steps [S, H]."""
        taken = ops.take(known, index.ravel(), axis=1)
        steps = ops.reshape(taken, (-1, self.n_steps, self.horizon, known.shape[2]))
        return ops.transpose(steps, (0, 1, 3, 2))

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the layer."""
        return {**super().get_config(), **{name: getattr(self, name) for name in KnownAhead.SETTINGS}}
