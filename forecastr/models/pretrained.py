"""Networks that have learned before they see any data, from simulated series (``forecastr/pretraining``)."""

from pathlib import Path

import numpy as np

from forecastr.models.config import WindowShape

HORIZON = 48  # steps that the weights are for; further ones are forecast as the last
WEIGHTS = Path(__file__).parent / "pretrained.npz"


def pretrained_weights(shape: WindowShape) -> list[np.ndarray]:
    """Return the weights of ``PRETRAINED`` networks for any one season and any horizon, as Keras orders a network's.

    Examples
    --------
    >>> kernel, *_, steps = pretrained_weights(WindowShape(horizon=60, season_lengths=(7,)))
    >>> kernel.shape, steps.shape
    ((6, 256), (60, 4))
    """
    steps = np.minimum(np.arange(shape.horizon), HORIZON - 1)
    with np.load(WEIGHTS, allow_pickle=False) as arrays:
        return [
            np.take(weights, steps, axis=weights.shape.index(HORIZON)) if HORIZON in weights.shape else weights
            for weights in (arrays[f"arr_{n}"] for n in range(len(arrays.files)))
        ]
