import keras
import numpy as np
import pytest

from forecastr.models.losses import mse, pinball, target_steps
from forecastr.schema import MEDIAN, QUANTILE_LEVELS, QUANTILE_WEIGHTS

B, S, H, Q = 3, 4, 2, len(QUANTILE_LEVELS)


def example(stride: int) -> tuple[np.ndarray, np.ndarray]:
    """A future [B, R + H, 2] with gaps, and sorted quantiles [B, S, H, Q]."""
    rng = np.random.default_rng(stride)
    reach = (S - 1) * stride
    future = rng.normal(size=(B, reach + H, 2)).astype("float32")
    future[..., 1] = rng.uniform(size=(B, reach + H)) > 0.4
    return future, np.sort(rng.normal(size=(B, S, H, Q)), axis=-1).astype("float32")


def mean_by_loop(future, stride, error):
    """Mean of ``error(y, b, s, h)`` over all targets that were observed."""
    errors = []
    for b in range(B):
        for s in range(S):
            for h in range(H):
                y, seen = future[b, stride * s + h]
                if seen:
                    errors.append(error(y, b, s, h))
    return np.mean(errors)


@pytest.mark.parametrize("stride", [1, 3])
@pytest.mark.parametrize("step_weights", [[1.0, 1.0], [2.0, 0.5]])
def test_pinball_is_the_weighted_mean_over_observed_targets(stride, step_weights):
    future, quantiles = example(stride)

    def error(y, b, s, h):
        total = 0.0
        for q, level in enumerate(QUANTILE_LEVELS):
            below = y - quantiles[b, s, h, q]
            total += 2 * QUANTILE_WEIGHTS[q] * (level * below if below > 0 else (level - 1) * below)
        return step_weights[h] * total

    loss = np.mean(pinball(future, quantiles, np.array(step_weights, "float32")))  # Keras averages what it is given
    assert loss == pytest.approx(mean_by_loop(future, stride, error), rel=1e-5)
    even = step_weights == [1.0, 1.0]
    assert (np.mean(pinball(future, quantiles)) == pytest.approx(loss)) == even


@pytest.mark.parametrize("stride", [1, 3])
def test_mse_is_of_the_median_over_observed_targets(stride):
    future, quantiles = example(stride)
    expected = mean_by_loop(future, stride, lambda y, b, s, h: (y - quantiles[b, s, h, MEDIAN]) ** 2)
    assert np.mean(mse(future, quantiles)) == pytest.approx(expected, rel=1e-5)


def test_nothing_observed_is_no_loss():
    future = np.zeros((1, H, 2), "float32")
    assert np.mean(pinball(future, np.ones((1, 1, H, Q), "float32"))) == 0


def test_targets_start_right_after_each_supervised_step():
    future = np.stack([np.arange(8.0), np.ones(8)], axis=-1)[None].astype("float32")
    values, _ = target_steps(future, n_steps=3, horizon=2)
    assert np.asarray(values).tolist() == [[[0, 1], [3, 4], [6, 7]]]


def test_a_quantile_learns_its_level_from_values_on_either_side_and_a_median_nothing_from_one_that_it_hits():
    constant = keras.layers.EinsumDense("bc,cq->bq", output_shape=(Q,), kernel_initializer="zeros")
    model = keras.Sequential([keras.Input((1,)), constant, keras.layers.Reshape((1, 1, Q))])
    model.compile(optimizer=keras.optimizers.SGD(1.0), loss=pinball)
    guess = np.arange(Q, dtype="float32") - MEDIAN
    constant.set_weights([guess[None]])
    model.train_on_batch(np.ones((1, 1), "float32"), np.array([[[0.0, 1.0]]], "float32"))  # a value of 0, observed
    learned = constant.get_weights()[0][0] - guess
    chance = np.array([level if q < MEDIAN else level - 1 for q, level in enumerate(QUANTILE_LEVELS)])
    chance[MEDIAN] = 0
    np.testing.assert_allclose(learned, 2 * np.array(QUANTILE_WEIGHTS) * chance, atol=1e-6)
