#!/usr/bin/env python3
"""How much of the machine's arithmetic a search uses, and where the rest of its time goes.

    python benchmarks/utilisation.py                                  # a synthetic hourly panel, all backends
    python benchmarks/utilisation.py --data hourly.csv.gz --horizon 48 --time-limit 120 --backend jax

Utilisation: floating-point operations of all training steps of a real `forecastr fit`, divided by the wall seconds of
its search times the machine's float32 matrix-product rate on all cores, measured before and after in the same run.

What is counted: two operations for each product in a matrix product, once forward and twice backward, in recurrent
layers, attention and head, from the shapes of their weights and the steps they are applied to. What is not:
element-wise work (gates, scaling, bases, loss, optimizer), validation forecasts, the ensemble, refitting.

The second table follows the worker processes through the search, by its ledger: "first epoch, beyond the others' pace"
is compiling and loading; "after the last epoch" is the validation forecast, writing and scoring. The third trains the
first configuration alone on every core, without a search: Keras on each backend, and torch's `nn.GRU` if it is there.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

# Keras runs on JAX in this process, which only counts weights.
os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

from forecastr.engine.backend import available_cores, installed_backends
from forecastr.models.config import NetworkConfig, WindowShape, n_supervised_steps
from forecastr.search.ledger import read_ledger
from forecastr.windows.covariates import CovariateShape

MATRIX, ROUND = 2048, 0.3  # rows of the square matrices, and seconds of a round of their products


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a panel as forecastr reads it; default: synthetic, like M4 Hourly")
    parser.add_argument("--horizon", type=int, default=48)
    parser.add_argument("--time-limit", type=int, default=120, help="of each fit, in seconds")
    parser.add_argument("--backend", action="append", choices=["jax", "tensorflow"], help="default: those installed")
    parser.add_argument("--keep", type=Path, help="keep the run folders here")
    parser.add_argument("--no-alone", action="store_true", help="leave out training without a search")
    parser.add_argument("--torch-child", type=json.loads, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.torch_child:
        print(torch_updates(**asked.torch_child))
        return
    backends = asked.backend or [name for name in ("jax", "tensorflow") if name in installed_backends()]
    with tempfile.TemporaryDirectory() as name:
        folder = asked.keep or Path(name)
        data = asked.data.resolve() if asked.data else write_panel(folder / "hourly.csv")
        for backend in backends:
            before = matrix_rate()
            run = fit(data, folder / backend, backend, asked)
            rate = (before + matrix_rate()) / 2
            print_search(backend, Account.of(run), rate)
        if not asked.no_alone:
            print_alone(backends, first_network(run))


def write_panel(path: Path) -> Path:
    """Write 414 hourly series of 700 to 960 steps with a day and a week in them."""
    rng = np.random.default_rng(0)
    with path.open("w") as file:
        file.write("unique_id,ds,y\n")
        for number in range(414):
            hours = np.arange(rng.choice([700, 748, 960]))
            wave = 10 + np.sin(hours * 2 * np.pi / 24 + rng.uniform(6)) + np.sin(hours * 2 * np.pi / 168)
            values = rng.lognormal(5, 1) * (wave + 0.3 * rng.normal(size=len(hours)))
            stamps = np.datetime64("2015-07-01T12") + hours
            file.writelines(f"H{number},{stamp},{value:.2f}\n" for stamp, value in zip(stamps, values, strict=True))
    return path


def matrix_rate(rounds: int = 9) -> float:
    """Return the operations per second of float32 matrix products on all cores, the median of some rounds."""
    left, right = (np.random.default_rng(0).normal(size=(MATRIX, MATRIX)).astype(np.float32) for _ in range(2))
    out, rates = np.empty_like(left), []
    for _ in range(rounds):
        done, begun = 0, time.perf_counter()
        while time.perf_counter() < begun + ROUND:
            np.matmul(left, right, out=out)
            done += 2 * MATRIX**3
        rates.append(done / (time.perf_counter() - begun))
    return float(np.median(rates))


def fit(data: Path, folder: Path, backend: str, asked: argparse.Namespace) -> Path:
    """Run the command, and return its run folder."""
    command = [str(Path(sys.executable).parent / "forecastr"), "fit", str(data), "--horizon", str(asked.horizon)]
    limits = ["--time-limit", str(asked.time_limit), "--backend", backend, "--output", str(folder), "--overwrite"]
    folder.parent.mkdir(parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if name not in ("KERAS_BACKEND", "JAX_PLATFORMS")}
    done = subprocess.run([*command, *limits], cwd=folder.parent, env=environment, capture_output=True, text=True)
    if done.returncode not in (0, 3):
        sys.exit(done.stderr)
    return folder


def forward_flops(config: NetworkConfig, shape: WindowShape) -> float:
    """Return the operations in the matrix products of one window's forward pass in training."""
    import keras

    from forecastr.models.layers import DecoderHead, QuantileHead
    from forecastr.models.network import build_networks

    trainer, _ = build_networks(config, shape)
    products = 0.0
    for layer in trainer._flatten_layers(include_self=False, recursive=False):
        weights = sum(np.prod(w.shape) for w in layer.trainable_weights if len(w.shape) >= 2)
        if isinstance(layer, QuantileHead):
            matrices = [layer.correction, layer.share, layer.spread_step, layer.spread_level]
            products += n_supervised_steps(config) * sum(np.prod(w.shape) for w in matrices)
        elif isinstance(layer, DecoderHead):
            products += shape.horizon * weights
        elif isinstance(layer, keras.layers.MultiHeadAttention):
            products += config.context_length * (weights + 2 * config.context_length * config.units)
        else:
            products += config.context_length * weights
    return 2 * float(products)


@dataclass
class Trial:
    """What the ledger says about one trial; seconds count from the search's start."""

    config: NetworkConfig
    started: float
    ended: float
    updates: int = 0
    marks: list[tuple[int, float]] = field(default_factory=list)  # updates and seconds in the worker, by epoch
    seconds: float | None = None  # in the worker

    @property
    def pace(self) -> float | None:
        """Seconds of an update after the first epoch, looks at validation included; None if there was but one."""
        steps = zip(self.marks, self.marks[1:], strict=False)
        paces = [(t - t0) / (n - n0) for (n0, t0), (n, t) in steps if n > n0]
        return float(np.median(paces)) if paces else None


@dataclass
class Account:
    """A search in numbers."""

    wall: float
    jobs: int
    trials: list[Trial]
    flops: float

    @classmethod
    def of(cls, run: Path) -> "Account":
        """Read a run folder."""
        summary = json.loads((run / "summary.json").read_text())
        shape = shape_of(summary)
        trials, wall = read_trials(run / "ledger.jsonl")
        counted: dict[NetworkConfig, float] = {}
        for trial in trials:
            counted[trial.config] = counted.get(trial.config) or forward_flops(trial.config, shape)
        flops = sum(3 * counted[t.config] * t.config.batch_size * t.updates for t in trials)
        return cls(wall, summary["budget"]["jobs"] or summary["device"]["cores"], trials, flops)

    def where(self) -> dict[str, float]:
        """Return the seconds of all workers in the search, by what they were spent on."""
        spent: dict[str, float] = defaultdict(float)
        total = self.jobs * self.wall
        spent["before the first trials"] = sum(sorted(t.started for t in self.trials)[: self.jobs])
        for trial in self.trials:
            if trial.seconds is None or not trial.marks:
                spent["trials that failed"] += trial.ended - trial.started
                continue
            (first, first_seconds), (_, last_seconds) = trial.marks[0], trial.marks[-1]
            pace = trial.pace if trial.pace is not None else 0.0
            spent["first epoch, beyond the others' pace"] += first_seconds - first * pace
            spent["updates, and looks at validation"] += last_seconds - first_seconds + first * pace
            spent["after the last epoch"] += trial.seconds - last_seconds
            spent["between worker and search"] += trial.ended - trial.started - trial.seconds
        spent["without a trial"] = total - sum(spent.values())
        return {name: seconds for name, seconds in spent.items() if abs(seconds) > 0.05}


def shape_of(summary: dict[str, Any]) -> WindowShape:
    """Return the shape of a run's windows."""
    inputs, task = summary["inputs"], summary["task"]
    covariates = CovariateShape(
        cycles=tuple(inputs["calendar"]),
        **{name: len(inputs[name]) for name in ("known", "past", "static")},
    )
    return WindowShape(horizon=task["horizon"], season_lengths=tuple(task["season_lengths"]), covariates=covariates)


def read_trials(ledger: Path) -> tuple[list[Trial], float]:
    """Return the trials of a search and its wall seconds."""
    events = read_ledger(ledger)
    at = {event["event"]: datetime.fromisoformat(event["time"]) for event in events}
    begun, wall = at["search_started"], (at["search_ended"] - at["search_started"]).total_seconds()
    trials: dict[str, Trial] = {}
    for event in events:
        seconds = (datetime.fromisoformat(event["time"]) - begun).total_seconds()
        if event["event"] == "trial_started":
            trials[event["trial"]] = Trial(NetworkConfig(**event["config"]), seconds, wall)
        elif event["event"] == "epoch":
            trial = trials[event["trial"]]
            trial.updates = event["updates"]
            trial.marks.append((event["updates"], event["seconds"]))
        elif event["event"] in ("trial_completed", "trial_failed"):
            trials[event["trial"]].ended = seconds
            trials[event["trial"]].seconds = event.get("seconds")
    return list(trials.values()), wall


def print_search(backend: str, account: Account, rate: float) -> None:
    """Print what a search used, and where its time went."""
    used = account.flops / account.wall
    print(f"\n{backend}: {len(account.trials)} trials in {account.wall:.1f} s on {account.jobs} workers")
    print(f"  training            {used / 1e9:8.1f} GFLOP/s of matrix products")
    print(f"  the machine         {rate / 1e9:8.1f} GFLOP/s, {MATRIX} squared, float32, {len(available_cores())} cores")
    print(f"  utilisation         {used / rate:8.2f}")
    spent = account.where()
    for name, seconds in spent.items():
        print(f"  {name:<38} {seconds:8.1f} worker seconds {seconds / account.jobs / account.wall:6.0%}")
    within = account.flops / (spent["updates, and looks at validation"] / account.jobs) / rate
    print(f"  utilisation while updating             {within:8.2f}", flush=True)


def first_network(run: Path) -> tuple[NetworkConfig, WindowShape]:
    """Return the first configuration of a search, and its shape."""
    summary = json.loads((run / "summary.json").read_text())
    return read_trials(run / "ledger.jsonl")[0][0].config, shape_of(summary)


def print_alone(backends: list[str], network: tuple[NetworkConfig, WindowShape]) -> None:
    """Print what training one network on every core uses, without a search."""
    from training_speed import measure

    config, shape = network
    cores = len(available_cores())
    each = 3 * forward_flops(config, shape) * config.batch_size
    print(f"\none network a core, {cores} at once, {each / 1e9:.2f} GFLOP an update: {config.cell}, {config.layers} x")
    print(f"{config.units}, context {config.context_length}, stride {config.stride}, batch {config.batch_size}")
    print(f"  {'':<16} {'updates/s':>10} {'GFLOP/s':>10} {'of the machine':>15}")
    for backend in backends:
        before = matrix_rate()
        speed = measure(backend, cores, 200, "none", config, shape)
        rate = (before + matrix_rate()) / 2
        print(f"  {'Keras, ' + backend:<16} {speed:>10.1f} {speed * each / 1e9:>10.1f} {speed * each / rate:>15.2f}")
    if importlib.util.find_spec("torch") is None:
        print("  torch nn.GRU: torch is not installed")
        return
    size = {"layers": config.layers, "units": config.units, "steps": config.context_length, "batch": config.batch_size,
            "heads": n_supervised_steps(config), "horizon": shape.horizon}  # fmt: skip
    before = matrix_rate()
    speed = sum(run_torch(size, available_cores()))
    rate = (before + matrix_rate()) / 2
    each = 3 * config.batch_size * plain_flops(**size)
    print(f"  {'torch nn.GRU':<16} {speed:>10.1f} {speed * each / 1e9:>10.1f} {speed * each / rate:>15.2f}")


N_FEATURES, N_QUANTILES = 8, 5


def plain_flops(*, layers: int, units: int, steps: int, heads: int, horizon: int, batch: int) -> float:
    """Return the forward operations of torch's network for one window: stacked GRU, one dense head."""
    recurrent = 3 * units * (N_FEATURES + units) + (layers - 1) * 3 * units * 2 * units
    return 2.0 * (steps * recurrent + heads * units * horizon * N_QUANTILES)


def run_torch(size: dict[str, int], cores: list[int]) -> list[float]:
    """Return updates per second of a process on every core, all at once."""
    children = [
        subprocess.Popen(
            [sys.executable, __file__, "--torch-child", json.dumps({**size, "core": core})], stdout=subprocess.PIPE
        )
        for core in cores
    ]
    return [float(child.communicate()[0]) for child in children]


def torch_updates(
    *, layers: int, units: int, steps: int, heads: int, horizon: int, batch: int, core: int, seconds: float = 10.0
) -> float:
    """Return updates per second of torch's GRU on one core: forward, backward, AdamW."""
    import torch

    os.sched_setaffinity(0, [core])
    torch.set_num_threads(1)
    gru = torch.nn.GRU(N_FEATURES, units, layers, batch_first=True)
    head = torch.nn.Linear(units, horizon * N_QUANTILES)
    weights = [*gru.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(weights, 1e-3)
    past, future = torch.randn(batch, steps, N_FEATURES), torch.randn(batch, heads, horizon * N_QUANTILES)

    def update() -> None:
        optimizer.zero_grad()
        (head(gru(past)[0][:, :: steps // heads][:, :heads]) - future).abs().mean().backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()

    for _ in range(5):
        update()
    done, begun = 0, time.perf_counter()
    while time.perf_counter() < begun + seconds:
        update()
        done += 1
    return done / (time.perf_counter() - begun)


if __name__ == "__main__":
    main()
