"""From a configuration to the Keras models that train and that forecast."""

from collections.abc import Callable, Sequence
from typing import Any

import keras

from forecastr.models.config import NetworkConfig, WindowShape, n_supervised_steps, past_length
from forecastr.models.covariates import KnownAhead, covariate_inputs
from forecastr.models.layers import CausalScaling, DecoderHead, QuantileHead, recurrent_layer
from forecastr.schema import QUANTILE_LEVELS

MAX_HEADS = 4
Encoder = Callable[[Any], Any]


def build_networks(config: NetworkConfig, shape: WindowShape) -> tuple[keras.Model, keras.Model]:
    """Return two models of the same layers: one to train [B, S, H, Q], one to forecast [B, 1, H, Q].

    Both read past [B, P + C, 2]: scaled value, and 1 where it was observed; where the configuration asks
    for covariates, a dict of ``past``, ``known`` [B, L + H, K] and ``beside`` [B, C, 2P + S]. They differ
    where training forecasts from every step of the window and only the forecast from its last one is wanted later.

    Raises
    ------
    ConfigError
        If the combination would leak (see ``NetworkConfig``).
    """
    if config.head == "plain":
        past = keras.Input((past_length(config, shape), 2), name="past")
        model = keras.Model(past, _plain_network(config, past), name="classic")
        return model, model
    encode, head = _encoder(config), _head_layer(config)
    trainer = _assemble(config, shape, encode, head, n_supervised_steps(config))
    if config.supervision == "last":
        return trainer, trainer
    return trainer, _assemble(config, shape, encode, head, 1)  # the same layers, asked for the last step alone


def build_forecaster(config: NetworkConfig, shape: WindowShape) -> keras.Model:
    """Return the second of ``build_networks`` alone, with weights of its own: half the layers to make."""
    if config.head == "plain" or config.supervision == "last":
        return build_networks(config, shape)[1]
    return _assemble(config, shape, _encoder(config), _head_layer(config), 1)


def build_expression(config: NetworkConfig, shape: WindowShape) -> keras.Model:
    """Return the part of a network to train that has no weights, which many configurations share.

    It reads what the network reads and returns a list: features [B, C, F], directions [B, S, D, H], scale and
    level [B, S, 1].
    """
    inputs = _inputs(config, shape)
    return keras.Model(_read(inputs), list(_express(config, shape, inputs, n_supervised_steps(config))))


def build_learners(config: NetworkConfig, expression: keras.Model) -> tuple[keras.Model, keras.Model]:
    """Return the part that learns, of both models of ``build_networks``: they read what an expression returns.

    The one that forecasts reads the last of its S steps alone.
    """
    encode, head = _encoder(config), _head_layer(config)

    def learner(n_steps: int) -> keras.Model:
        features, *at_steps = expression.output_shape
        given = [keras.Input(features[1:]), *(keras.Input((n_steps, *rest)) for _, _, *rest in at_steps)]
        return keras.Model(given, _learned(config, given, encode, head, n_steps))

    trainer = learner(n_supervised_steps(config))
    return trainer, trainer if config.supervision == "last" else learner(1)


def _assemble(
    config: NetworkConfig, shape: WindowShape, encode: Encoder, head: keras.layers.Layer, n_steps: int
) -> keras.Model:
    """Return the model that forecasts from the ``n_steps`` last of every ``config.stride``-th step."""
    inputs = _inputs(config, shape)
    expressed = _express(config, shape, inputs, n_steps)
    return keras.Model(_read(inputs), _learned(config, expressed, encode, head, n_steps))


def _inputs(config: NetworkConfig, shape: WindowShape) -> dict[str, Any]:
    return {"past": keras.Input((past_length(config, shape), 2), name="past"), **covariate_inputs(config, shape)}


def _read(inputs: dict[str, Any]) -> Any:
    """Return inputs as a model has them: by name, unless there is but one."""
    return inputs if len(inputs) > 1 else inputs["past"]


def _learned(
    config: NetworkConfig, expressed: Sequence[Any], encode: Encoder, head: keras.layers.Layer, n_steps: int
) -> Any:
    """Return quantiles [B, S, H, Q] of what ``_express`` returns."""
    features, directions, scale, level = expressed
    first = config.context_length - 1 - (n_steps - 1) * config.stride
    return head((encode(features)[:, first :: config.stride, :], directions, scale, level))


def _express(
    config: NetworkConfig, shape: WindowShape, inputs: dict[str, Any], n_steps: int
) -> tuple[Any, Any, Any, Any]:
    """Return features [B, C, F], directions [B, S, D, H], scale and level [B, S, 1] of ``n_steps`` last steps."""
    features, directions, scale, level = _scaling_layer(config, shape, n_steps)(inputs["past"])
    if "known" in inputs:
        at_step, ahead = KnownAhead(
            context_length=config.context_length,
            n_steps=n_steps,
            stride=config.stride,
            horizon=shape.horizon,
            season_length=shape.season_lengths[0],
        )(inputs["known"])
        features = keras.layers.Concatenate()([features, at_step])
        directions = keras.layers.Concatenate(axis=2)([directions, ahead])
    if "beside" in inputs:
        features = keras.layers.Concatenate()([features, inputs["beside"]])
    return features, directions, scale, level


def _scaling_layer(config: NetworkConfig, shape: WindowShape, n_steps: int) -> CausalScaling:
    return CausalScaling(
        context_length=config.context_length,
        n_steps=n_steps,
        stride=config.stride,
        horizon=shape.horizon,
        season_lengths=shape.season_lengths,
        bases=config.bases,
        transform=config.transform,
        level_seasons=config.level_seasons,
        mean_steps=config.mean_steps,
        local_scale=config.local_scale,
    )


def _encoder(config: NetworkConfig) -> Encoder:
    """Return what applies the recurrent layers, the same ones at every call: [B, C, F] -> [B, C, U]."""
    stack: list[keras.layers.Layer] = []
    for n in range(config.layers):
        if n and config.dropout:
            stack.append(keras.layers.Dropout(config.dropout))
        layer = recurrent_layer(config.cell, config.units, return_sequences=True)
        stack.append(keras.layers.Bidirectional(layer) if config.bidirectional else layer)
    heads = max(n for n in range(1, MAX_HEADS + 1) if config.units % n == 0)
    attend = keras.layers.MultiHeadAttention(heads, config.units // heads, dropout=config.dropout)

    def encode(state: Any) -> Any:
        for layer in stack:
            state = layer(state)
        if config.attention == "none":
            return state
        seen = attend(state, state, use_causal_mask=config.attention == "causal")
        return keras.layers.Add()([state, seen])

    return encode


def _head_layer(config: NetworkConfig) -> keras.layers.Layer:
    if config.head == "decoder":
        return DecoderHead(cell=config.cell, units=config.units, name="head")
    return QuantileHead(name="head")


def _plain_network(config: NetworkConfig, past: Any) -> Any:
    """The tutorials' network: stacked layers, dropout after each, one dense output, one step ahead.

    It knows no quantiles: all of them are its one output, until calibration spreads them.
    """
    state = past[..., :1]
    for n in range(config.layers):
        layer = recurrent_layer(config.cell, config.units, return_sequences=n < config.layers - 1)
        state = (keras.layers.Bidirectional(layer) if config.bidirectional else layer)(state)
        if config.dropout:
            state = keras.layers.Dropout(config.dropout)(state)
    point = keras.layers.Reshape((1, 1, 1))(keras.layers.Dense(1)(state))
    return keras.ops.repeat(point, len(QUANTILE_LEVELS), axis=-1)
