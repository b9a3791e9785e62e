"""Sums, means and repetitions along sequences, causal at every step; plain ``keras.ops``."""

from typing import Any

import numpy as np
from keras import ops

BLOCK = 32  # steps


def moving_sum(x: Any, length: int, *, stride: int = 1, last: int | None = None) -> Any:
    """Sum of the last ``length`` steps, ``stride`` apart, at every step [B, L]; before the start there is nothing.

    Sums of 1, 2, 4, ... steps are doubled up, so the work grows with the logarithm of ``length``. Where those at the
    ``last`` steps alone are wanted, it is less.
    """
    if last is not None:
        return moving_sum(x[:, -(last + (length - 1) * stride) :], length, stride=stride)[:, -last:]
    total, done, block, size = None, 0, x, 1
    remaining = length
    while remaining:
        if remaining & 1:
            shifted = shift(block, done * stride)
            total = shifted if total is None else total + shifted
            done += size
        remaining >>= 1
        if remaining:
            block, size = block + shift(block, size * stride), size * 2
    return total


def shift(x: Any, steps: int) -> Any:
    """Move a sequence [..., L] ``steps`` later, zeros first."""
    if steps == 0:
        return x
    steps = min(steps, x.shape[-1])
    return ops.pad(x[..., : x.shape[-1] - steps], (*[(0, 0)] * (x.ndim - 1), (steps, 0)))


def moving_mean(values: Any, observed: Any, length: int, *, stride: int = 1, last: int | None = None) -> Any:
    """Mean of what was observed in the last ``length`` steps [B, L]; the value itself where nothing was."""
    count = moving_sum(observed, length, stride=stride, last=last)
    mean = moving_sum(values * observed, length, stride=stride, last=last) / ops.maximum(count, 1.0)
    return ops.where(count > 0, mean, values[:, -mean.shape[1] :])


def seasonal_mean(values: Any, observed: Any, season_length: int, n_seasons: int, *, last: int | None = None) -> Any:
    """Mean of the last ``n_seasons`` values of the same phase [B, L]; the value itself where none was seen."""
    return moving_mean(values, observed, n_seasons, stride=season_length, last=last)


def last_steps(length: int, n_steps: int, stride: int) -> np.ndarray:
    """Return the positions [S] of ``n_steps`` steps, ``stride`` apart, that end with the last of ``length``."""
    return length - 1 - stride * np.arange(n_steps)[::-1]


def ahead(x: Any, season_length: int, *, n_steps: int, stride: int, horizon: int) -> Any:
    """Repeat the last season of a sequence [B, L] over the horizon after each of S of its steps [B, S, H]."""
    now = last_steps(x.shape[1], n_steps, stride)[:, None]
    step = np.arange(1, horizon + 1)[None, :]
    index = now + step - season_length * -(-step // season_length)
    return ops.reshape(ops.take(x, index.ravel(), axis=1), (-1, n_steps, horizon))


def decayed_sum(x: Any, keep: np.ndarray) -> Any:
    """Sum of a sequence [B, L] at every step, each value times ``keep`` [K] to the power of its age: [B, K, L].

    Divided by the same sum of ones it is simple exponential smoothing (Brown 1959). Within blocks it is one matrix
    product; what earlier blocks leave is doubled up like a moving sum.
    """
    length, steps = x.shape[1], np.arange(BLOCK)
    n_blocks = -(-length // BLOCK)
    blocks = ops.reshape(ops.pad(x, ((0, 0), (n_blocks * BLOCK - length, 0))), (-1, n_blocks, BLOCK))
    age = steps[None, :] - steps[:, None]
    decayed = np.where(age >= 0, keep[:, None, None] ** np.maximum(age, 0), 0.0)  # [K, from, to]
    inside = ops.matmul(blocks[:, None], ops.convert_to_tensor(decayed[None].astype("float32")))
    total, size = inside[..., -1], 1
    while size < n_blocks:
        total, size = total + ops.multiply(shift(total, size), (keep ** (BLOCK * size))[:, None]), 2 * size
    sums = inside + ops.multiply(shift(total, 1)[..., None], (keep[:, None, None] ** (steps + 1)).astype("float32"))
    return ops.reshape(sums, (-1, len(keep), n_blocks * BLOCK))[..., -length:]
