#!/usr/bin/env python3
"""Seconds of `forecastr predict`, from the start of the process to its end, for one series and for 10,000.

    python benchmarks/predicting.py [--series 1 10000] [--repeats 3] [--bundle FOLDER]

A bundle is fitted first for each number of monthly series, two trials long, or taken from --bundle. Then the
command runs as it is (on NumPy, where JAX is installed) and with each backend asked for. CPU seconds say how much
of the wall's seconds were its own on a busy machine.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from many_series import monthly_panel

from forecastr.engine.backend import installed_backends

FORECASTR = [sys.executable, "-m", "forecastr.cli.main"]
ROW = "{:<16}{:<24}" + "{:>10}" * 3


def fit_bundle(folder: Path, n_series: int) -> Path:
    """Return the run folder of a short fit of as many series."""
    table, output = folder / f"{n_series}.parquet", folder / f"run-{n_series}"
    monthly_panel(n_series, 100).to_parquet(table, index=False)
    options = ["--max-trials", "2", "--time-limit", "60s", "--horizon", "12", "--output", str(output)]
    subprocess.run([*FORECASTR, "fit", str(table), *options], cwd=folder, check=True, capture_output=True)
    return output


def predict(bundle: Path, output: Path, options: list[str]) -> tuple[float, float]:
    """Return wall and CPU seconds of one command."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [*FORECASTR, "predict", str(bundle), "--output", str(output), *options]
    subprocess.run(command, check=True, capture_output=True)
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, nargs="+", default=[1, 10_000])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--bundle", type=Path, help="forecast with this one instead of fitting any")
    asked = parser.parse_args()
    ways = [[], *(["--backend", name] for name in installed_backends() if name != "torch")]
    print(ROW.format("series", "options", "first s", "wall s", "CPU s"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for label in [str(asked.bundle)] if asked.bundle else [f"{n:,}" for n in asked.series]:
            bundle = asked.bundle or fit_bundle(folder, int(label.replace(",", "")))
            rounds = [[predict(bundle, folder / "f.csv", way) for way in ways] for _ in range(asked.repeats + 1)]
            for way, (first, *runs) in zip(ways, zip(*rounds, strict=True), strict=True):  # the first fills the caches
                medians = [statistics.median(seconds) for seconds in zip(*runs, strict=True)]
                cells = [f"{seconds:.2f}" for seconds in (first[0], *medians)]
                print(ROW.format(label[-15:], " ".join(way), *cells), flush=True)


if __name__ == "__main__":
    main()
