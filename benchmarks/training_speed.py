#!/usr/bin/env python3
"""Updates per second of one network on every installed backend, one pinned worker and one per core.

    python benchmarks/training_speed.py [--updates 200] [--covariates]

Two GRU layers of 64 over 60 steps, supervised at 10 of them, horizon 48, daily and weekly seasons of
hourly data, batches of 32: forward, backward, clipping and AdamW. Compiling is not counted.
With --covariates, it reads three columns known through the horizon and two known to the cutoff too.
"""

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from forecastr.engine.backend import available_cores, installed_backends
from forecastr.engine.pool import WorkerPool
from forecastr.engine.work import TRAIN, TrainJob
from forecastr.models.config import NetworkConfig, WindowShape
from forecastr.windows.covariates import CovariateShape
from forecastr.windows.store import SeriesStore

CONFIG = NetworkConfig(bases="deviations", stride=6, patience=0)
COVARIATES = CovariateShape(known=3, past=2)
SHAPE = WindowShape(horizon=48, season_lengths=(24, 168), covariates=COVARIATES)


def hourly_panel(folder: Path) -> Path:
    """Save 50 noisy hourly series of 900 steps, with covariates, and return their folder."""
    rng = np.random.default_rng(0)
    hours = np.arange(900)
    wave = 10 + np.sin(hours * 2 * np.pi / 24) + 0.5 * np.sin(hours * 2 * np.pi / 168)
    values = (wave + rng.normal(scale=0.3, size=(50, 900))) * rng.uniform(1, 100, size=(50, 1))
    known, past = (rng.normal(size=(values.size, n)).astype("float32") for n in (COVARIATES.known, COVARIATES.past))
    return SeriesStore(values.ravel(), np.arange(51) * 900, known=known, past=past).save(folder / "panel")


def measure(
    backend: str,
    workers: int,
    updates: int,
    covariates: str,
    config: NetworkConfig = CONFIG,
    shape: WindowShape = SHAPE,
) -> float:
    """Return updates per second of all workers together, compiling left out."""
    config = replace(config, updates=updates, patience=0, covariates=covariates)
    with tempfile.TemporaryDirectory() as name, WorkerPool(workers, backend=backend) as pool:
        folder = Path(name)
        panel = hourly_panel(folder)
        for worker in range(workers):
            job = TrainJob(
                trial=str(worker), config=config, shape=shape, train=panel, known=panel, validation=None,
                horizon=shape.horizon, seed=worker, seconds=600, output=folder / str(worker),
            )  # fmt: skip
            pool.submit(worker, TRAIN, job, seconds=600)
        marks: dict[int, list[tuple[int, float]]] = {worker: [] for worker in range(workers)}
        while pool.busy:
            for message in pool.poll(1.0):
                if message.kind == "event":
                    marks[message.job].append((message.content["updates"], time.monotonic()))
        # From the first epoch's end, when all is compiled, to the last's.
        return sum((m[-1][0] - m[0][0]) / (m[-1][1] - m[0][1]) for m in marks.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--updates", type=int, default=200)
    parser.add_argument("--covariates", action="store_true")
    asked = parser.parse_args()
    covariates = "all" if asked.covariates else "none"
    print(f"{'backend':<12} {'workers':>7} {'updates/s':>10}")
    for backend in installed_backends():
        for workers in sorted({1, len(available_cores())}):
            print(
                f"{backend:<12} {workers:>7} {measure(backend, workers, asked.updates, covariates):>10.1f}", flush=True
            )


if __name__ == "__main__":
    main()
