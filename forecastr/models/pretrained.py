"""Networks that have learned before they see any data, from simulated series (``forecastr/pretraining``)."""

from math import log
from pathlib import Path

import numpy as np

from forecastr.models.config import WindowShape

HORIZON = 48  # steps that the weights are for; further ones are forecast as the last
SEASONS = (1, 4, 7, 12, 24)  # lengths that there are weights for; a season of another takes those of the nearest
WEIGHTS = Path(__file__).parent / "weights"


def weights_of(season: int) -> Path:
    """Return the file of weights that suit a length of season best; 1 is none, and reads less.

    Examples
    --------
    >>> [weights_of(season).name for season in (1, 2, 5, 12, 13, 52)]
    ['1.npz', '4.npz', '4.npz', '12.npz', '12.npz', '24.npz']
    """
    suitable = [known for known in SEASONS if (known > 1) == (season > 1)]
    return WEIGHTS / f"{min(suitable, key=lambda known: abs(log(known / season)))}.npz"


def pretrained_weights(shape: WindowShape) -> list[np.ndarray]:
    """Return the weights of ``PRETRAINED`` for one season or none, and any horizon, as Keras orders a network's.

    Examples
    --------
    >>> kernel, *_, steps = pretrained_weights(WindowShape(horizon=60, season_lengths=(7,)))
    >>> kernel.shape, steps.shape
    ((6, 256), (60, 4))
    """
    steps = np.minimum(np.arange(shape.horizon), HORIZON - 1)
    with np.load(weights_of(shape.season_lengths[0]), allow_pickle=False) as arrays:
        return [
            np.take(weights, steps, axis=weights.shape.index(HORIZON)) if HORIZON in weights.shape else weights
            for weights in (arrays[f"arr_{n}"] for n in range(len(arrays.files)))
        ]
