"""One training step after the other, as each backend makes them fastest.

Keras' own ``fit`` takes its batches through machinery for any data: a tenth of an update's seconds on JAX, where the
network is small, and half of them on TensorFlow.
"""

from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np
from keras import ops

from forecastr.engine.backend import device_of

Update = Callable[[Iterable[tuple[Any, np.ndarray]]], float]


def updates_of(trainer: keras.Model) -> Update:
    """Return a function that updates a compiled model once per batch (inputs, future), and returns the mean loss.

    It is compiled when it is first called. What the optimizer's variables say counts when a call begins.
    """
    make = {"jax": _on_jax, "tensorflow": _on_tensorflow}.get(keras.config.backend(), _on_others)
    return make(trainer)


def _on_jax(trainer: keras.Model) -> Update:
    import jax

    def mean_loss(weights: Any, others: Any, inputs: Any, future: Any) -> tuple[Any, Any]:
        quantiles, others = trainer.stateless_call(weights, others, inputs, training=True)
        return ops.mean(trainer.loss(future, quantiles)), others

    @jax.jit
    def step(state: Any, inputs: Any, future: Any) -> tuple[Any, Any]:
        weights, others, memory = state
        (loss, others), gradients = jax.value_and_grad(mean_loss, has_aux=True)(weights, others, inputs, future)
        weights, memory = trainer.optimizer.stateless_apply(memory, gradients, weights)
        return loss, (weights, others, memory)

    def update(batches: Iterable[tuple[Any, np.ndarray]]) -> float:
        variables = trainer.trainable_variables, trainer.non_trainable_variables, trainer.optimizer.variables
        state, losses = tuple([variable.value for variable in some] for some in variables), []
        for inputs, future in batches:
            loss, state = step(state, inputs, future)
            losses.append(loss)  # not waited for
        for some, values in zip(variables, state, strict=True):
            for variable, value in zip(some, values, strict=True):
                variable.assign(value)
        return float(np.mean(losses))

    return update


def _on_tensorflow(trainer: keras.Model) -> Update:
    import tensorflow as tf

    # XLA cannot compile the kernels that run recurrent layers on a GPU.
    @tf.function(jit_compile=device_of("tensorflow") == "cpu", reduce_retracing=True)
    def step(inputs: Any, future: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = ops.mean(trainer.loss(future, trainer(inputs, training=True)))
        trainer.optimizer.apply(tape.gradient(loss, trainer.trainable_variables))
        return loss

    def update(batches: Iterable[tuple[Any, np.ndarray]]) -> float:
        return float(np.mean([step(inputs, future) for inputs, future in batches]))

    return update


def _on_others(trainer: keras.Model) -> Update:
    return lambda batches: float(np.mean([trainer.train_on_batch(*batch) for batch in batches]))
