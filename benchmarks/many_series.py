#!/usr/bin/env python3
"""Seconds of one trial over few and over many series, at the same number of updates.

    python benchmarks/many_series.py [--series 100 100000] [--steps 100] [--updates 800] [--trials 3]

Each panel holds monthly series with a season of twelve. A trial is what a search does for one: a worker trains the
network, forecasts the validation windows, and the parent scores them. The worker's first trial, which compiles and
learns the scales of all series, is shown apart. The trials of the panels take turns, so that what else the machine
does meets both alike.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from forecastr.data import read_panel
from forecastr.engine.backend import BACKENDS, choose_backend
from forecastr.engine.pool import WorkerPool
from forecastr.engine.work import TRAIN
from forecastr.fitting.plan import make_plan
from forecastr.fitting.scores import Part, training_scales
from forecastr.models.config import NetworkConfig
from forecastr.search.trials import SearchSetting, Trial

HORIZON, SEASON = 12, 12
ROW = "{:>9}{:>12}{:>9}{:>10}{:>10}{:>14}{:>8}"


def monthly_panel(n_series: int, steps: int) -> pd.DataFrame:
    """Return ``unique_id, ds, y`` of noisy seasonal series of all sizes."""
    rng = np.random.default_rng(0)
    months = pd.date_range("2010-01-01", periods=steps, freq="MS")
    wave = 10 + np.sin(np.arange(steps) * 2 * np.pi / SEASON)
    values = (wave + rng.normal(scale=0.3, size=(n_series, steps))) * rng.uniform(1, 100, size=(n_series, 1))
    ids = pd.Categorical.from_codes(np.repeat(np.arange(n_series), steps), [f"s{n:06d}" for n in range(n_series)])
    return pd.DataFrame({"unique_id": ids, "ds": np.tile(months, n_series), "y": values.ravel()})


class Trials:
    """Trials of one configuration on one panel, run by one worker."""

    def __init__(self, frame: pd.DataFrame, folder: Path, pool: WorkerPool, updates: int) -> None:
        plan = make_plan(read_panel(frame), horizon=HORIZON, season=SEASON)
        rows = plan.store.save(folder / "all")
        self.setting = SearchSetting(
            train=plan.train_store.save(folder / "train", beside=rows),
            known=plan.known_store.save(folder / "known", beside=rows),
            validation=plan.validation,
            horizon=HORIZON,
            season_lengths=(SEASON,),
            seed=1,
            scratch=folder,
        )
        scale = training_scales(plan.train_store, SEASON)
        self.part = Part.of(plan.known_store, plan.validation, HORIZON, scale)
        self.n_series, self.n_rows, self.pool = plan.store.n_series, len(plan.store.values), pool
        self.config = NetworkConfig(bases="deviations", transform="log", patience=0, updates=updates)
        self.seconds: list[float] = []

    def run(self) -> None:
        """Run one more and remember its seconds."""
        begun, trial = time.perf_counter(), Trial(len(self.seconds), self.config)
        self.pool.run([(trial.name, TRAIN, self.setting.job(trial, 600.0))], seconds=600.0)
        self.part.metrics(np.load(self.setting.scratch / trial.name / "validation.npy"), part="validation")
        self.seconds.append(time.perf_counter() - begun)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, nargs="+", default=[100, 100_000])
    parser.add_argument("--steps", type=int, default=100, help="of each series")
    parser.add_argument("--updates", type=int, default=800, help="of each trial; a fit of two minutes takes 800")
    parser.add_argument("--trials", type=int, default=3, help="of each panel, after the first")
    parser.add_argument("--backend", choices=BACKENDS, default="auto")
    asked = parser.parse_args()
    print(ROW.format("series", "rows", "windows", "updates", "first s", "s per trial", "ratio"))
    with (
        tempfile.TemporaryDirectory() as name,
        WorkerPool(1, backend=choose_backend(asked.backend)) as pool,
    ):
        panels = [
            Trials(monthly_panel(n_series, asked.steps), Path(name) / str(n_series), pool, asked.updates)
            for n_series in asked.series
        ]
        for _ in range(asked.trials + 1):
            for panel in panels:
                panel.run()
    usual = [statistics.median(panel.seconds[1:]) for panel in panels]
    for panel, seconds in zip(panels, usual, strict=True):
        numbers = (f"{panel.seconds[0]:.2f}", f"{seconds:.2f}", f"{seconds / usual[0]:.2f}")
        print(ROW.format(panel.n_series, panel.n_rows, len(panel.part.cutoffs), asked.updates, *numbers))


if __name__ == "__main__":
    main()
