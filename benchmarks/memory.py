#!/usr/bin/env python3
"""Peak memory of `forecastr fit` on one long series with covariates, over the whole process tree.

    python benchmarks/memory.py                              # 10 million rows, Parquet and CSV
    python benchmarks/memory.py --rows 1000000 --formats csv

The table is a lone series of minutes with covariates, three of them known through the horizon. The real command
fits it; meanwhile the proportional set sizes (PSS) of the command and its workers are added up several times a
second: a page that processes share is counted once. What the table's columns take as float32 is the unit; the target
of the project is 3 of them and 1.5 GiB for the processes themselves. Linux only: it reads /proc/*/smaps_rollup.
"""

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TextIO

import numpy as np
import pandas as pd

MIB = 2**20
COVARIATES = ("price", "promo", "holiday", "load", "wind")
KNOWN = COVARIATES[:3]
ROW = "{:<36}" + "{:>12}" * 2


def write_tables(folder: Path, rows: int, formats: list[str]) -> None:
    """Write the same table in every format."""
    rng = np.random.default_rng(0)
    minutes = np.datetime64("2000-01-01", "s") + 60 * np.arange(rows)
    wave = np.sin(np.arange(rows) * (2 * np.pi / 60))
    columns = {"ds": minutes, "y": (20 + wave + rng.normal(scale=0.3, size=rows)).astype(np.float32).round(3)}
    for name in COVARIATES:
        binary = name in ("promo", "holiday")
        values = rng.random(rows) < 0.1 if binary else rng.normal(size=rows).astype(np.float32).round(3)
        columns[name] = values.astype(np.float32)
    frame = pd.DataFrame(columns)
    if "parquet" in formats:
        frame.to_parquet(folder / "long.parquet", index=False)
    if "csv" in formats:
        from pyarrow import Table, csv

        csv.write_csv(Table.from_pandas(frame, preserve_index=False), folder / "long.csv")


def fit(table: Path, trials: int, backend: str) -> tuple[dict[str, tuple[float, float]], float]:
    """Return seconds and peak MiB by phase of one fit, and its peak."""
    command = [
        sys.executable, "-m", "forecastr.cli.main", "fit", str(table), "--target", "y", "--horizon", "12",
        "--known-covariates", ",".join(KNOWN), "--max-trials", str(trials), "--time-limit", "90s",
        "--backend", backend, "--output", str(table.with_suffix("")) + "-run", "--overwrite",
    ]  # fmt: skip
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=table.parent
    ) as run:
        assert run.stderr is not None
        told = Told(run.stderr)
        phases: dict[str, tuple[float, float]] = {}
        begun, last = time.monotonic(), time.monotonic()
        while run.poll() is None:
            held, now, name = tree_bytes(run.pid) / MIB, time.monotonic(), told.phase
            seconds, peak = phases.get(name, (0.0, 0.0))
            phases[name] = seconds + now - last, max(peak, held)
            last = now
            time.sleep(0.1)
        if run.returncode:
            raise SystemExit("\n".join(told.lines))
    return phases, time.monotonic() - begun


class Told:
    """What the command has said so far, and the phase that it is in."""

    def __init__(self, stream: TextIO) -> None:
        self.stream, self.phase = stream, "starting"
        self.lines: list[str] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in self.stream:
            self.lines.append(line.rstrip())
            if line.rstrip().endswith("s left)"):
                self.phase = line.partition(" (")[0]


def tree_bytes(root: int) -> int:
    """Return the proportional set size of a process and all that it has started."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError):
                continue
            parents.setdefault(parent, []).append(int(entry.name))
    total, waiting = 0, [root]
    while waiting:
        process = waiting.pop()
        waiting += parents.get(process, [])
        try:
            rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
        except OSError:
            continue
        total += sum(int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:"))
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--formats", nargs="+", choices=("parquet", "csv"), default=["parquet", "csv"])
    parser.add_argument("--trials", type=int, default=2)
    parser.add_argument("--backend", default="auto")
    asked = parser.parse_args()
    unit = asked.rows * (1 + len(COVARIATES)) * 4 / MIB
    print(f"{asked.rows:,} rows: {unit:,.0f} MiB as float32; target {3 * unit + 1536:,.0f} MiB")
    with tempfile.TemporaryDirectory() as name:
        write_tables(Path(name), asked.rows, asked.formats)
        for form in asked.formats:
            phases, seconds = fit(Path(name) / f"long.{form}", asked.trials, asked.backend)
            print(ROW.format(f"{form}: phase", "seconds", "peak MiB"))
            for phase, (spent, peak) in phases.items():
                print(ROW.format(phase, f"{spent:.1f}", f"{peak:,.0f}"))
            print(ROW.format("whole command", f"{seconds:.1f}", f"{max(peak for _, peak in phases.values()):,.0f}"))


if __name__ == "__main__":
    main()
