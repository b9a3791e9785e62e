import keras
import numpy as np
import pytest

from forecastr.engine.optimizer import VectorAdamW, learning_rate_at
from forecastr.models.config import CLASSIC, NetworkConfig


@pytest.mark.parametrize("updates", [10, 73, 400])
@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_the_learning_rate_is_keras_own_schedule_s(schedule, updates):
    config = NetworkConfig(schedule=schedule, updates=updates, learning_rate=4e-3)
    warmup = max(1, updates // 20)
    cosine = keras.optimizers.schedules.CosineDecay(
        4e-4, decay_steps=updates - warmup, warmup_target=4e-3, warmup_steps=warmup, alpha=0.01
    )
    for update in {0, 1, updates // 20, updates // 3, updates - 1, updates, updates + 5}:
        rate = float(np.asarray(cosine(update))) if schedule == "cosine" else 4e-3
        assert learning_rate_at(config, update) == pytest.approx(rate, rel=1e-5)


def test_the_cosine_rises_to_the_learning_rate_and_falls_to_a_hundredth():
    config = NetworkConfig(schedule="cosine", updates=200, learning_rate=1e-2)
    rates = [learning_rate_at(config, update) for update in (0, 10, 105, 200)]
    np.testing.assert_allclose(rates, [1e-3, 1e-2, 1e-2 * (0.99 / 2 + 0.01), 1e-4])


def descend(optimizer, start: np.ndarray, gradients: list[np.ndarray]) -> np.ndarray:
    variable = keras.Variable(start)
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
    return np.asarray(variable.value)


def gradients() -> list[np.ndarray]:
    return list(np.random.default_rng(0).normal(size=(5, 3)).astype("float32"))


def test_without_weight_decay_it_is_plain_adam():
    assert (CLASSIC.weight_decay, CLASSIC.clip_norm, CLASSIC.schedule) == (0, 0, "constant")
    start = np.ones(3, "float32")
    ours = descend(VectorAdamW(CLASSIC), start, gradients())
    np.testing.assert_allclose(ours, descend(keras.optimizers.Adam(1e-3), start, gradients()), rtol=1e-6)
    assert not np.allclose(ours, start)


def test_weights_of_any_shape_are_updated_as_keras_own_adamw_does():
    config = NetworkConfig(clip_norm=0.5, weight_decay=0.1, learning_rate=0.02)
    keras_own = keras.optimizers.AdamW(0.02, weight_decay=0.1, global_clipnorm=0.5)
    keras_own.exclude_from_weight_decay(var_names=["bias"])
    results = []
    for optimizer in (VectorAdamW(config), keras_own):
        weights = [keras.Variable(np.ones(s, "float32"), name=n) for s, n in (((2, 3), "a"), ((3,), "bias"), ((), "b"))]
        rng = np.random.default_rng(1)
        for size in (0.01, 1.0, 100.0, 1.0):
            grads = [keras.ops.convert_to_tensor(size * rng.normal(size=w.shape).astype("float32")) for w in weights]
            optimizer.apply(grads, weights)
        results.append([np.asarray(w.value) for w in weights])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-6)


def test_a_weight_without_a_gradient_stays():
    used, unused = keras.Variable(np.ones(2, "float32")), keras.Variable(np.ones(2, "float32"))
    VectorAdamW(NetworkConfig(weight_decay=0.0)).apply([keras.ops.ones(2), None], [used, unused])
    assert (np.asarray(used.value) < 1).all()
    assert (np.asarray(unused.value) == 1).all()


def test_the_norm_is_summed_before_clipping():
    optimizer = VectorAdamW(NetworkConfig(clip_norm=0.1))
    descend(optimizer, np.ones(3, "float32"), gradients())
    expected = sum(np.sqrt((gradient**2).sum()) for gradient in gradients())
    assert float(np.asarray(optimizer.norm_sum.value)) == pytest.approx(expected, rel=1e-5)
    assert expected > 5 * 0.1


def test_clipping_shortens_long_gradients_only():
    """Adam forgets a constant factor, so lengths only matter where they differ."""
    long_then_short = [np.array([100.0, 0, 0], "float32"), np.array([0.3, 0.4, 0], "float32")]
    clipped = [np.array([1.0, 0, 0], "float32"), long_then_short[1]]
    start = np.ones(3, "float32")
    config = NetworkConfig(clip_norm=1.0, schedule="constant", weight_decay=0.0)
    unclipped = NetworkConfig(clip_norm=0.0, schedule="constant", weight_decay=0.0)
    ours = descend(VectorAdamW(config), start, long_then_short)
    np.testing.assert_allclose(ours, descend(VectorAdamW(unclipped), start, clipped), rtol=1e-5)
    assert not np.allclose(ours, descend(VectorAdamW(unclipped), start, long_then_short), rtol=1e-5)
