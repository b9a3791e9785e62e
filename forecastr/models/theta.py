"""The Theta method at every step of a sequence, causal; plain ``keras.ops``.

The baseline, `forecastr.evaluation.theta_method`, searches one smoothing constant for a series. A network begins
with what it can compute at each of its steps: the mean over a few constants, each weighed by how well it has done.
"""

from typing import Any

import numpy as np
from keras import ops

from forecastr.models.sequences import ahead, decayed_sum, last_steps, moving_mean, seasonal_mean, shift

RATES = np.array([0.01, 0.03, 0.1, 0.2, 0.35, 0.6, 0.9], dtype="float32")
SLOW, QUICK = 1, 5  # of the rates: directions of their own
SHARPNESS = 0.3  # 1 would be the likelihood itself, which is too sure of one rate
LEAST_OBSERVED = 5  # a trend of fewer steps is noise
NOTHING = 1e-6  # weight below which a rate has seen nothing


def theta_bases(
    values: Any,
    observed: Any,
    season_lengths: tuple[int, ...],
    n_seasons: int,
    *,
    n_steps: int,
    stride: int,
    horizon: int,
) -> list[Any]:
    """Return forecasts [B, S, H] from each of S steps: the Theta method, and three to mix it with.

    The values [B, L] less what is usual at their place in the longest season, over ``n_seasons`` of them, are smoothed
    with each of ``RATES``; the levels are averaged with weights that grow with the likelihood of a rate's one-step
    errors up to the step. Half the trend is added, and what is usual ahead (Assimakopoulos and Nikolopoulos 2000;
    Hyndman and Billah 2003). The others have no trend, and a slow and a quick level instead of the average.
    """
    length, longest = values.shape[1], max(season_lengths)
    steps = last_steps(length, n_steps, stride)
    usual, expected, tested = ops.zeros_like(values), ops.zeros_like(values), observed
    if longest > 1:
        around = values - moving_mean(values, observed, season_lengths[0])
        usual = seasonal_mean(around, observed, longest, n_seasons)
        expected, tested = shift(usual, longest), observed * shift(observed, longest)
    usual_ahead = ahead(usual, longest, n_steps=n_steps, stride=stride, horizon=horizon)
    adjusted = values - usual
    levels, seen = _levels(adjusted, observed)  # [B, K, L]
    errors = (values - expected)[:, None] - shift(levels, 1)
    errors = ops.square(errors) * shift(seen, 1) * tested[:, None]
    share = _likely(_up_to(steps, errors), _up_to(steps, tested)[:, None])  # [B, K, S]
    n_observed = _up_to(steps, observed)
    levels = ops.take(levels, steps, axis=2)
    rate = ops.sum(ops.multiply(share, RATES[:, None]), axis=1)
    level = ops.where(n_observed > 0, ops.sum(share * levels, axis=1), ops.take(values, steps, axis=1))
    memory = (1.0 - ops.power(1.0 - rate, n_observed)) / rate
    slope = _slope(adjusted, observed, steps)
    drift = 0.5 * slope[..., None] * ops.add(memory[..., None], np.arange(horizon, dtype="float32"))
    flat = [at[..., None] + usual_ahead for at in (level, levels[:, SLOW], levels[:, QUICK])]
    return [flat[0] + drift, *flat]


def _levels(values: Any, observed: Any) -> tuple[Any, Any]:
    """Return the weighted mean at every step for each rate, and 1 where it has seen a value: [B, K, L] both."""
    keep = 1.0 - RATES
    total, weight = decayed_sum(values * observed, keep), decayed_sum(observed, keep)
    return total / ops.maximum(weight, NOTHING), ops.cast(weight > NOTHING, values.dtype)


def _up_to(steps: np.ndarray, x: Any) -> Any:
    """Return the sum of a sequence [..., L] up to each of S steps [..., S]."""
    reached = np.arange(x.shape[-1])[:, None] <= steps
    return ops.matmul(x, ops.convert_to_tensor(reached.astype("float32")))


def _likely(squared_errors: Any, n_errors: Any) -> Any:
    """Return the share of each rate [B, K, S], summing to 1, from its sum of squared errors and their number."""
    errors = squared_errors + 1e-8
    return ops.softmax(-0.5 * SHARPNESS * n_errors * ops.log(errors / ops.min(errors, axis=1, keepdims=True)), axis=1)


def _slope(values: Any, observed: Any, steps: np.ndarray) -> Any:
    """Return the slope per step of the least-squares line through what was observed up to each of S steps [B, S]."""
    length = values.shape[1]
    time = ops.convert_to_tensor(np.arange(length, dtype="float32") / length)
    n_observed = _up_to(steps, observed)
    n, t = ops.maximum(n_observed, 1.0), _up_to(steps, observed * time)
    along = _up_to(steps, observed * time * values) - t * _up_to(steps, observed * values) / n
    spread = _up_to(steps, observed * time * time) - t * t / n
    return ops.where(n_observed >= LEAST_OBSERVED, along / ops.maximum(spread, 1e-6), 0.0) / length
