import keras
import numpy as np
import pytest

from forecastr.models.initializers import GlorotUniform, Orthogonal


@pytest.mark.parametrize("shape", [(6, 18), (18, 6), (5, 5)])
def test_orthogonal_weights_keep_lengths(shape):
    weights = np.asarray(Orthogonal(seed=3)(shape), dtype=float)
    product = weights @ weights.T if shape[0] <= shape[1] else weights.T @ weights

    np.testing.assert_allclose(product, np.eye(min(shape)), atol=1e-6)


def test_rotations_are_equally_likely():
    """Without the sign of R's diagonal the first entry would always be negative."""
    corners = [Orthogonal(seed=seed)((3, 3))[0, 0] for seed in range(200)]
    assert 60 < sum(corner > 0 for corner in corners) < 140


def test_glorot_weights_fill_their_interval():
    weights, limit = GlorotUniform(seed=1)((100, 200)), np.sqrt(6 / 300)

    assert weights.dtype == "float32"
    assert 0.99 * limit < np.abs(weights).max() <= limit
    assert np.isclose(weights.var(), limit**2 / 3, rtol=0.05)


@pytest.mark.parametrize("kind", [GlorotUniform, Orthogonal])
def test_weights_follow_the_seed_and_survive_saving(kind):
    keras.utils.set_random_seed(4)
    first, second = kind(), kind()
    keras.utils.set_random_seed(4)
    again = kind()
    seeded = kind(seed=5)
    loaded = keras.initializers.deserialize(keras.initializers.serialize(seeded))

    np.testing.assert_array_equal(first((4, 4)), again((4, 4)))
    np.testing.assert_array_equal(seeded((4, 4)), loaded((4, 4)))
    assert not np.array_equal(first((4, 4)), second((4, 4)))
