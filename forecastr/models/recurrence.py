"""Keras' LSTM and GRU with a backward pass of our own: the same gradients in three quarters of the time.

Differentiated as it is, a loop adds up the gradients of its weights step by step, in products as thin as a batch. Here
the loop backwards carries only how the loss depends on what the gates of each step were given; one product over all
steps and windows then makes the gradients of the weights (backpropagation through time: Werbos 1990).

Time comes first in all arrays: sequences [C, B, F], states [B, U], outputs [C, B, U].
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

Gradient = Callable[..., tuple[Any, ...]]


@keras.saving.register_keras_serializable(package="forecastr")
class LSTM(keras.layers.LSTM):
    """Keras' layer, but for how it is trained."""

    def inner_loop(self, sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> Any:
        """Return the last output [B, U], all outputs [B, C, U], and the last states."""
        if not _is_trained_here(self, mask, training):
            return super().inner_loop(sequences, initial_state, mask, training)
        return _outputs(self, _lstm, sequences, initial_state)


@keras.saving.register_keras_serializable(package="forecastr")
class GRU(keras.layers.GRU):
    """Keras' layer, but for how it is trained."""

    def inner_loop(self, sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> Any:
        """Return the last output [B, U], all outputs [B, C, U], and the last states."""
        if not (_is_trained_here(self, mask, training) and self.reset_after):
            return super().inner_loop(sequences, initial_state, mask, training)
        return _outputs(self, _gru, sequences, initial_state)


def _is_trained_here(layer: Any, mask: Any, training: bool) -> bool:
    """Whether the functions below are to run a layer: a GPU has kernels of its own, a forecast has no gradients."""
    usual = layer.use_bias and layer.activation is keras.activations.tanh
    usual = usual and layer.recurrent_activation is keras.activations.sigmoid
    extra = mask is not None or layer.dropout or layer.recurrent_dropout or layer.return_state or layer.stateful
    compiled = keras.config.backend() in ("jax", "tensorflow")
    return bool(training and usual and not extra and compiled) and "gpu" not in keras.distribution.list_devices()[0]


def _outputs(layer: Any, recurrence: Callable[..., Any], sequences: Any, states: Sequence[Any]) -> tuple[Any, ...]:
    """Return what ``inner_loop`` does; the states are the first ones, for a layer that is not asked for the last."""
    if layer.go_backwards:
        sequences = ops.flip(sequences, 1)
    # TensorFlow's custom gradients are of tensors, not of variables.
    weights = [ops.copy(w) for w in (layer.cell.kernel, layer.cell.recurrent_kernel, layer.cell.bias)]
    outputs = ops.custom_gradient(recurrence)(ops.transpose(sequences, (1, 0, 2)), *states, *weights)
    return outputs[-1], ops.transpose(outputs, (1, 0, 2)), list(states)


def _lstm(x: Any, h0: Any, c0: Any, kernel: Any, recurrent: Any, bias: Any) -> tuple[Any, Gradient]:
    """Return the outputs of an LSTM (Hochreiter and Schmidhuber 1997; Gers et al. 2000), and their gradient."""

    def step(kept: tuple[Any, ...], x: Any) -> tuple[Any, Any]:
        h, c, *_ = kept
        i, f, g, o = ops.split(ops.matmul(x, kernel) + ops.matmul(h, recurrent) + bias, 4, axis=-1)
        i, f, g, o = ops.sigmoid(i), ops.sigmoid(f), ops.tanh(g), ops.sigmoid(o)
        c = f * c + i * g
        kept = o * ops.tanh(c), c, i, f, g, o
        return kept, kept  # TensorFlow can keep of each step what it carries to the next

    _, (h, c, i, f, g, o) = ops.scan(step, (h0, c0, *[ops.zeros_like(h0)] * 4), x)

    def gradient(dy: Any) -> tuple[Any, ...]:
        back, h_before, c_before = ops.transpose(recurrent), _delayed(h, h0), _delayed(c, c0)

        def step(kept: tuple[Any, Any], at: tuple[Any, ...]) -> tuple[Any, Any]:
            dz, dc = kept
            dy, c, c_before, i, f, g, o = at
            squashed, dh = ops.tanh(c), dy + ops.matmul(dz, back)
            dc = dc + dh * o * (1 - squashed * squashed)
            gates = dc * g * i * (1 - i), dc * c_before * f * (1 - f), dc * i * (1 - g * g), dh * squashed * o * (1 - o)
            kept = ops.concatenate(gates, axis=-1), dc * f
            return kept, kept

        last = ops.concatenate([ops.zeros_like(h0)] * 4, axis=-1), ops.zeros_like(c0)
        (first, dc0), (dz, _) = ops.scan(step, last, (dy, c, c_before, i, f, g, o), reverse=True)
        dx, dh0 = ops.matmul(dz, ops.transpose(kernel)), ops.matmul(first, back)
        return dx, dh0, dc0, _product(x, dz), _product(h_before, dz), ops.sum(dz, axis=(0, 1))

    return h, gradient


def _gru(x: Any, h0: Any, kernel: Any, recurrent: Any, bias: Any) -> tuple[Any, Gradient]:
    """Return the outputs of a GRU (Cho et al. 2014), its reset after the product as in cuDNN, and their gradient."""

    def step(kept: tuple[Any, ...], x: Any) -> tuple[Any, Any]:
        h, *_ = kept
        x_z, x_r, x_g = ops.split(ops.matmul(x, kernel) + bias[0], 3, axis=-1)
        h_z, h_r, h_g = ops.split(ops.matmul(h, recurrent) + bias[1], 3, axis=-1)
        z, r = ops.sigmoid(x_z + h_z), ops.sigmoid(x_r + h_r)
        g = ops.tanh(x_g + r * h_g)
        kept = z * h + (1 - z) * g, z, r, g, h_g
        return kept, kept

    _, (h, z, r, g, h_g) = ops.scan(step, (h0, *[ops.zeros_like(h0)] * 4), x)

    def gradient(dy: Any) -> tuple[Any, ...]:
        back, h_before = ops.transpose(recurrent), _delayed(h, h0)

        def step(kept: tuple[Any, ...], at: tuple[Any, ...]) -> tuple[Any, Any]:
            dm, _, dh = kept
            dy, h_before, z, r, g, h_g = at
            dh = dy + dh + ops.matmul(dm, back)
            da = dh * (1 - z) * (1 - g * g)
            gates = dh * (h_before - g) * z * (1 - z), da * h_g * r * (1 - r)
            kept = ops.concatenate([*gates, da * r], axis=-1), da, dh * z
            return kept, kept

        zeros = ops.zeros_like(h0)
        last = ops.concatenate([zeros] * 3, axis=-1), zeros, zeros
        (first, _, dh), (dm, da, _) = ops.scan(step, last, (dy, h_before, z, r, g, h_g), reverse=True)
        dz = ops.concatenate([dm[..., : -da.shape[-1]], da], axis=-1)
        d_bias = ops.stack([ops.sum(dz, axis=(0, 1)), ops.sum(dm, axis=(0, 1))])
        dx, dh0 = ops.matmul(dz, ops.transpose(kernel)), dh + ops.matmul(first, back)
        return dx, dh0, _product(x, dz), _product(h_before, dm), d_bias

    return h, gradient


def _delayed(states: Any, first: Any) -> Any:
    """Return the state before each step."""
    return ops.concatenate([first[None], states[:-1]])


def _product(left: Any, right: Any) -> Any:
    """Return the sum over steps and windows of outer products: [C, B, F] and [C, B, G] make [F, G]."""
    rows = [ops.reshape(some, (-1, some.shape[-1])) for some in (left, right)]
    return ops.matmul(ops.transpose(rows[0]), rows[1])
