#!/usr/bin/env python3
"""Seconds from a command's start to what its user waits for first: help, the plan, and the first finished trial.

    python benchmarks/first_trial.py [--data PATH] [--repeats 3] [--time-limit 40] [--backend jax]

The first finished trial is the first line `trial ...` that `forecastr fit` prints; the fit goes on to its end, whose
seconds and overshoot of the time limit stand in the last columns. "cold" fits begin with an empty cache of compiled
programs, "warm" ones with the cache that the cold one left. Default data: examples/prices.csv. Medians.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from forecastr.engine.backend import installed_backends

PRICES = Path(__file__).parents[1] / "examples" / "prices.csv"
COMMAND = str(Path(sys.executable).parent / "forecastr")
ROW = "{:<24}" + "{:>12}" * 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=PRICES)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--time-limit", type=float, default=40)
    parser.add_argument("--backend", action="append", choices=["jax", "tensorflow"], help="default: those installed")
    asked = parser.parse_args()
    print(f"--help {statistics.median(help_seconds() for _ in range(asked.repeats)):.2f} s\n")
    print(ROW.format("fit", "plan", "first trial", "in all", "over limit"))
    for backend in asked.backend or [name for name in ("jax", "tensorflow") if name in installed_backends()]:
        runs: dict[str, list[list[float]]] = {"cold": [], "warm": []}
        for _ in range(asked.repeats):
            with tempfile.TemporaryDirectory() as cache:
                for found in runs.values():
                    found.append(fit_seconds(asked.data.resolve(), backend, cache, asked.time_limit))
        for state, found in runs.items():
            middle = [statistics.median(column) for column in zip(*found, strict=True)]
            over = max(total for *_, total in found) / asked.time_limit - 1
            cells = [f"{seconds:.1f} s" for seconds in middle]
            print(ROW.format(f"{backend}, {state} cache", *cells, f"{over:+.1%}"), flush=True)


def help_seconds() -> float:
    """Return how long `forecastr --help` takes."""
    begun = time.perf_counter()
    subprocess.run([COMMAND, "--help"], check=True, capture_output=True)
    return time.perf_counter() - begun


def fit_seconds(data: Path, backend: str, cache: str, time_limit: float) -> list[float]:
    """Return the seconds from a fit's start to its plan, its first finished trial, and its end."""
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        process = subprocess.Popen(
            [COMMAND, "fit", str(data), "--time-limit", str(time_limit), "--backend", backend, "--output", "run"],
            cwd=folder,
            env={**os.environ, "XDG_CACHE_HOME": cache},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr
        plan = first = float("nan")
        for line in process.stderr:
            now = time.perf_counter() - begun
            plan = now if line.startswith("searching") else plan
            first = now if line.startswith("trial ") and first != first else first
        if process.wait() not in (0, 3):
            sys.exit(f"the fit ended with {process.returncode}")
        return [plan, first, time.perf_counter() - begun]


if __name__ == "__main__":
    main()
