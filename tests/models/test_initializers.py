import keras
import numpy as np
import pytest

from forecastr.models.initializers import GlorotUniform, Orthogonal, initial_weights


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


def test_the_weights_of_attention_are_one_matrix():
    """64 inputs, 4 heads of 16: uniform within sqrt(6 / 128), as for 64 inputs and 64 outputs."""
    for shape in ((64, 4, 16), (4, 16, 64), (64, 64)):
        assert 0.99 * np.sqrt(6 / 128) < np.abs(GlorotUniform(seed=1)(shape)).max() <= np.sqrt(6 / 128)


def test_initial_weights_replace_what_is_random_and_keep_the_rest():
    network = keras.Sequential(
        [
            keras.Input((5, 2)),
            keras.layers.GRU(4, return_sequences=True),
            keras.layers.SimpleRNN(4, recurrent_initializer="identity"),
            keras.layers.Dense(3, kernel_initializer="zeros"),
        ]
    )
    built = network.get_weights()
    drawn, again, other = (initial_weights(network, built, seed) for seed in (1, 1, 2))
    redrawn = [not np.array_equal(a, b) for a, b in zip(built, drawn, strict=True)]
    names = ["/".join(variable.path.split("/")[-2:]) for variable in network.weights]
    assert [name for name, new in zip(names, redrawn, strict=True) if new] == [
        "gru_cell/kernel",
        "gru_cell/recurrent_kernel",
        "simple_rnn_cell/kernel",
    ]
    for a, b in zip(drawn, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(drawn[0], other[0])
