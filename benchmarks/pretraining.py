#!/usr/bin/env python3
"""Train the networks of ``forecastr/models/weights`` anew, on simulated series.

    python benchmarks/pretraining.py [--seasons 1 4 7 12 24] [--updates 8000] [--output FOLDER]

Takes some twelve minutes on a CPU. Prints their MASE on simulated series that they have not seen, beside the Theta and
Holt-Winters methods.
"""

import argparse
from pathlib import Path

import numpy as np

from forecastr.engine.backend import use_backend
from forecastr.models.pretrained import SEASONS, WEIGHTS

N_SERIES = 60_000


def main() -> None:
    """Train, write the weights, and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seasons", type=int, nargs="+", default=SEASONS, help="lengths, a file for each; 1: none")
    parser.add_argument("--updates", type=int, default=8000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, default=WEIGHTS, help="folder")
    asked = parser.parse_args()
    use_backend("jax")
    from forecastr.pretraining.train import mean_errors, pretrain

    def tell(updates: int, loss: float) -> None:
        if updates % 1000 == 0:
            print(f"{updates:>8,} updates: loss {loss:.4f}", flush=True)

    asked.output.mkdir(parents=True, exist_ok=True)
    for season in asked.seasons:
        print(f"season of {season}", flush=True)
        weights = pretrain(season, updates=asked.updates, seed=asked.seed, n_series=N_SERIES, tell=tell)
        np.savez(asked.output / f"{season}.npz", *weights)
        errors = mean_errors(weights, season, n_series=2000, seed=asked.seed + 1000)
        print(", ".join(f"{name} {mase:.3f}" for name, mase in errors.items()), flush=True)


if __name__ == "__main__":
    main()
