#!/usr/bin/env python3
"""Accuracy of `forecastr fit` on panels whose future is known, through the command line, as a user would run it.

    python benchmarks/accuracy.py --data FOLDER [PANEL ...] [--time-limit 120] [--extra "--seed 2"]

FOLDER holds a folder per panel with three files:

    train.csv.gz   unique_id, ds, y: what is handed to the command
    test.csv.gz    the same columns: the `horizon` rows that followed, read only to score
    panel.json     {"horizon": 48, "mase_lag": 24}, and "naive2": [sMAPE, MASE] where OWA is wanted

Every panel is fitted with the same options. The clock runs around the whole command. MASE, sMAPE, weighted quantile
loss and coverage are those of `forecastr.evaluation.evaluate`, MASE's scale with the panel's `mase_lag`; OWA (M4) is
the mean of sMAPE and MASE, each over Naive2's.
"""

import argparse
import json
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecastr.evaluation import evaluate, seasonal_scale
from forecastr.schema import ID, MODEL, TARGET, TIME, interval_columns

COMMAND = str(Path(sys.executable).parent / "forecastr")
COLUMNS = ("seconds", "mase", "owa", "smape", "wql", "coverage_80", "coverage_95", "peak GiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("panels", nargs="*", metavar="PANEL", help="default: all of them")
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--time-limit", type=int, default=120, help="seconds for each fit")
    parser.add_argument("--extra", default="", help="more options for every fit")
    parser.add_argument("--keep", type=Path, help="keep the run folders here")
    asked = parser.parse_args()
    names = asked.panels or sorted(path.parent.name for path in asked.data.glob("*/panel.json"))
    print(f"{'panel':<20}" + "".join(f"{name:>13}" for name in COLUMNS))
    with tempfile.TemporaryDirectory() as scratch:
        for name in names:
            row = measure(asked.data.resolve() / name, (asked.keep or Path(scratch)).resolve() / name, asked)
            cells = [f"{row[column]:.4f}" if column in row else "" for column in COLUMNS]
            print(f"{name:<20}" + "".join(f"{cell:>13}" for cell in cells), flush=True)


def measure(panel: Path, run: Path, asked: argparse.Namespace) -> dict[str, float]:
    """Return seconds, memory and errors of one fit."""
    meta = json.loads((panel / "panel.json").read_text())
    run.parent.mkdir(parents=True, exist_ok=True)
    options = ["--horizon", str(meta["horizon"]), "--time-limit", str(asked.time_limit), "--output", str(run)]
    begun = time.monotonic()
    done = subprocess.run(
        [COMMAND, "fit", str(panel / "train.csv.gz"), *options, *shlex.split(asked.extra)],
        cwd=run.parent,
        capture_output=True,
        text=True,
    )
    seconds = time.monotonic() - begun
    if done.returncode not in (0, 3):  # 3: the forecast is no better than its baseline, and is written
        sys.exit(f"{panel.name}: exit code {done.returncode} after {seconds:.0f} s\n{done.stderr}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    return {"seconds": seconds, "peak GiB": peak, **score(panel, run / "forecast.csv", meta)}


def score(panel: Path, forecast_file: Path, meta: dict[str, Any]) -> dict[str, float]:
    """Return the errors of a forecast file, which must hold every step of every series."""
    train, test, forecast = (read(path) for path in (panel / "train.csv.gz", panel / "test.csv.gz", forecast_file))
    both = test.merge(forecast, on=[ID, TIME], how="left")
    missing = both[MODEL].isna()
    if missing.any():
        first = both.loc[missing, [ID, TIME]].iloc[0].tolist()
        sys.exit(f"{panel.name}: {missing.sum():,} points have no forecast (first: {first})")
    series, ids = pd.factorize(both[ID])
    values = dict(iter(train.groupby(ID)[TARGET]))
    errors = evaluate(
        both[TARGET].to_numpy()[:, None],
        {MODEL: both[interval_columns(MODEL)].to_numpy()[:, None]},
        series=series,
        last=np.array([values[name].iloc[-1] for name in ids])[series],
        scale=np.array([seasonal_scale(values[name].to_numpy(), meta["mase_lag"]) for name in ids]),
    )
    found = {str(name): float(value) for name, value in errors.loc[MODEL].items()}
    if "naive2" in meta:
        smape, mase = meta["naive2"]
        found["owa"] = (found["smape"] / smape + found["mase"] / mase) / 2
    return found


def read(path: Path) -> pd.DataFrame:
    """Read a table of series and times."""
    table = pd.read_csv(path, dtype={ID: str}, parse_dates=[TIME])
    return table.assign(**{TIME: table[TIME].astype("datetime64[us]")})


if __name__ == "__main__":
    main()
