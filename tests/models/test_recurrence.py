import keras
import numpy as np
import pytest

from forecastr.models.recurrence import GRU, LSTM

PAIRS = {"lstm": (LSTM, keras.layers.LSTM), "gru": (GRU, keras.layers.GRU)}
PAST, STATE, FUTURE = (3, 7, 2), (3, 4), (3, 7, 5)


def model_of(kind: type, *, begun: bool = False, **settings: object) -> keras.Model:
    """Two layers over one another, so that the lower one learns through the upper; the first state a function too."""
    past, state = keras.Input(PAST[1:]), keras.Input(STATE[1:])
    lower, upper = kind(4, return_sequences=True, **settings), kind(5, return_sequences=True, **settings)
    n_states = 2 if issubclass(kind, keras.layers.LSTM) else 1
    first = [keras.layers.Dense(4, use_bias=False)(state) for _ in range(n_states)] if begun else None
    model = keras.Model([past, state], upper(lower(past, initial_state=first)))
    model.compile(optimizer=keras.optimizers.SGD(1.0), loss="mse")
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(size=w.shape, scale=0.5) for w in model.get_weights()])
    return model


def gradients(model: keras.Model) -> list[np.ndarray]:
    rng = np.random.default_rng(2)
    past, state, future = (rng.normal(size=shape).astype("float32") for shape in (PAST, STATE, FUTURE))
    before = model.get_weights()
    model.train_on_batch([past, state], future)
    return [b - a for a, b in zip(model.get_weights(), before, strict=True)]


@pytest.mark.parametrize(
    "settings",
    [{}, {"begun": True}, {"go_backwards": True}, {"use_bias": False}, {"activation": "relu"}],
    ids=str,
)
@pytest.mark.parametrize("cell", PAIRS)
def test_gradients_are_those_of_keras(cell, settings):
    ours, keras_own = (gradients(model_of(kind, **settings)) for kind in PAIRS[cell])
    assert all(np.abs(gradient).max() > 1e-3 for gradient in keras_own)
    for one, other in zip(ours, keras_own, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("cell", PAIRS)
def test_training_sees_the_forecast(cell):
    layer = PAIRS[cell][0](4, return_sequences=True)
    past = np.random.default_rng(0).normal(size=PAST).astype("float32")
    trained, forecast = (np.asarray(layer(past, training=training)) for training in (True, False))
    np.testing.assert_allclose(trained, forecast, atol=1e-6)


@pytest.mark.parametrize("cell", PAIRS)
def test_what_is_asked_for_beyond_sequences_is_as_in_keras(cell):
    ours, keras_own = (kind(4, return_sequences=True, return_state=True) for kind in PAIRS[cell])
    past = np.random.default_rng(0).normal(size=PAST).astype("float32")
    mask = np.arange(PAST[1]) < np.array([[7], [3], [1]])
    keras_own.build(PAST)
    ours.build(PAST)
    ours.set_weights(keras_own.get_weights())
    for one, other in zip(*(layer(past, mask=mask, training=True) for layer in (ours, keras_own)), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("cell", PAIRS)
def test_only_the_last_output_can_be_returned(cell):
    layer = PAIRS[cell][0](4)
    past = np.random.default_rng(0).normal(size=PAST).astype("float32")
    np.testing.assert_allclose(layer(past, training=True), layer(past, training=False), atol=1e-6)
