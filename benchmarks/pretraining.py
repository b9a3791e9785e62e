#!/usr/bin/env python3
"""Train the network of ``forecastr/models/pretrained.npz`` anew, on simulated series.

    python benchmarks/pretraining.py [--updates 12000] [--output FILE]

Takes some ten minutes on a CPU. Prints, at the end, its MASE on simulated series that it has not seen, beside the Theta
and Holt-Winters methods.
"""

import argparse
from pathlib import Path

import numpy as np

from forecastr.engine.backend import use_backend
from forecastr.models.pretrained import WEIGHTS

SEASONS = (12, 7, 12, 24, 12, 4)  # by turns
N_SERIES = 60_000  # with each length of season


def main() -> None:
    """Train, write the weights, and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--updates", type=int, default=12_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, default=WEIGHTS)
    asked = parser.parse_args()
    use_backend("jax")
    from forecastr.pretraining.train import mean_errors, pretrain

    def tell(updates: int, season: int, loss: float) -> None:
        if updates % 1000 < 300:
            print(f"{updates:>8,} updates, season of {season:>2}: loss {loss:.4f}", flush=True)

    weights = pretrain(SEASONS, updates=asked.updates, seed=asked.seed, n_series=N_SERIES, tell=tell)
    np.savez(asked.output, *weights)
    for season in sorted(set(SEASONS)):
        errors = mean_errors(weights, season, n_series=2000, seed=asked.seed + 1000)
        print(f"season of {season:>2}: " + ", ".join(f"{name} {mase:.3f}" for name, mase in errors.items()))


if __name__ == "__main__":
    main()
