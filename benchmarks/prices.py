#!/usr/bin/env python3
"""What forecastr's intervals are worth on prices, beside a random walk that knows how nervous the market is.

    pip install arch bokeh_sampledata
    python benchmarks/prices.py                                   # crude oil and five stocks, from those two packages
    python benchmarks/prices.py --data prices.csv --target close  # any table of one series with a date column

Each table's first four fifths are handed to `forecastr fit --horizon 20`, and `forecastr backtest` then forecasts from
every cutoff of the last fifth, without training: 20 steps, five quantiles.

The random walk forecasts the last price. Its quantiles at step h are those of the h-step changes of the logarithm in
the first four fifths, each divided by the volatility (standard deviation of daily changes) of the 60 days before it,
times the volatility of the 60 days up to the cutoff. "refreshed" learns them from all rows up to each cutoff instead.

Ratio: forecastr's weighted quantile loss over the walk's, all steps of all cutoffs together; below 1 is better.
"""

import argparse
import importlib.util
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

COMMAND = str(Path(sys.executable).parent / "forecastr")
LEVELS = (0.025, 0.1, 0.5, 0.9, 0.975)
QUANTILES = ("forecastr-lo-95", "forecastr-lo-80", "forecastr", "forecastr-hi-80", "forecastr-hi-95")
HORIZON, DAYS, TEST_SHARE = 20, 60, 5
STOCKS = ("AAPL", "FB", "GOOG", "IBM", "MSFT")
ROW = "{:<12}" + "{:>12}" * 7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, action="append", help="a table of prices; default: those of the packages")
    parser.add_argument("--target", help="its column of prices; default: the last one")
    parser.add_argument("--time-limit", type=int, default=120, help="seconds for each fit")
    parser.add_argument("--extra", default="", help="more options for every fit")
    asked = parser.parse_args()
    named = [(path.name.split(".")[0], read_prices(path, asked.target)) for path in asked.data or []]
    tables = named or list(packaged_prices())
    if not tables:
        sys.exit("Neither arch nor bokeh_sampledata is installed. Install them, or name a table with --data.")
    print(ROW.format("", "cutoffs", "WQL", "walk's WQL", "ratio", "refreshed", "80 % covers", "walk's"))
    ratios = []
    for name, prices in tables:
        with tempfile.TemporaryDirectory() as folder:
            forecasts = forecast(prices, Path(folder), asked)
        found = compare(prices, forecasts)
        ratios.append(found[3])
        cells = [f"{found[0]:,}", *(f"{value:.5f}" for value in found[1:3]), *(f"{value:.3f}" for value in found[3:])]
        print(ROW.format(name, *cells), flush=True)
    print(f"\nmean ratio {np.mean(ratios):.3f}, worst {max(ratios):.3f}")


def packaged_prices() -> Iterator[tuple[str, pd.Series]]:
    """Yield the prices in the packages arch and bokeh_sampledata."""
    if arch := importlib.util.find_spec("arch"):
        yield "crude oil", read_prices(Path(str(arch.origin)).parent / "data" / "wti" / "wti.csv.gz", None)
    if importlib.util.find_spec("bokeh_sampledata"):
        from bokeh_sampledata import stocks

        for name in STOCKS:
            table = getattr(stocks, name)
            yield name, pd.Series(table["adj_close"], pd.DatetimeIndex(table["date"], name="date"), name="price")


def read_prices(path: Path, target: str | None) -> pd.Series:
    """Return a table's prices by date, NaN where the table has none."""
    table = pd.read_csv(path)
    stamps = next(column for column in table if str(column).lower() == "date")
    dates = pd.to_datetime(table[stamps], format="%m/%d/%Y" if "/" in table[stamps].iloc[0] else "ISO8601")
    prices = pd.to_numeric(table[target or table.columns[-1]], errors="coerce")
    return pd.Series(prices.to_numpy(), pd.DatetimeIndex(dates, name="date"), name="price")


def forecast(prices: pd.Series, folder: Path, asked: argparse.Namespace) -> pd.DataFrame:
    """Return the forecasts of every cutoff of the last fifth, by a fit of what comes before it."""
    prices.iloc[: n_known(prices)].to_csv(folder / "past.csv")
    prices.to_csv(folder / "all.csv")
    limits = ["--horizon", HORIZON, "--time-limit", asked.time_limit, "--output", "run", *shlex.split(asked.extra)]
    run(folder, "fit", "past.csv", *limits)
    run(folder, "backtest", "run", "all.csv", "--output", "backtest.csv")
    return pd.read_csv(folder / "backtest.csv", parse_dates=["ds", "cutoff"]).dropna(subset="y")


def n_known(prices: pd.Series) -> int:
    """Return the rows before the last fifth."""
    return len(prices) - len(prices) // TEST_SHARE


def run(folder: Path, *arguments: object) -> None:
    """Run a command of forecastr; 3 means that the forecast is no better than its baseline."""
    done = subprocess.run([COMMAND, *map(str, arguments)], cwd=folder, capture_output=True, text=True)
    if done.returncode not in (0, 3):
        sys.exit(done.stderr)


def compare(prices: pd.Series, forecasts: pd.DataFrame) -> tuple[int, float, float, float, float, float, float]:
    """Return cutoffs, both losses, their ratio, that to the refreshed walk, and how often both 80 % intervals hold."""
    filled = prices.ffill().bfill()
    now = filled.index.get_indexer(pd.DatetimeIndex(forecasts["cutoff"]), method="ffill")
    steps = filled.index.get_indexer(pd.DatetimeIndex(forecasts["ds"])) - now
    y = forecasts["y"].to_numpy()
    ours = weighted_quantile_loss(y, forecasts[list(QUANTILES)].to_numpy())
    walks = [random_walk(filled.to_numpy(), now, steps, n_known(prices), refresh=refresh) for refresh in (False, True)]
    walk, refreshed = (weighted_quantile_loss(y, quantiles) for quantiles in walks)
    inside = forecasts["y"].between(forecasts["forecastr-lo-80"], forecasts["forecastr-hi-80"]).mean()
    walks_inside = ((y >= walks[0][:, 1]) & (y <= walks[0][:, 3])).mean()
    return forecasts["cutoff"].nunique(), ours, walk, ours / walk, ours / refreshed, float(inside), float(walks_inside)


def random_walk(prices: np.ndarray, now: np.ndarray, steps: np.ndarray, n_known: int, *, refresh: bool) -> np.ndarray:
    """Return the walk's quantiles [P, Q] of points ``steps`` [P] after the rows ``now`` [P]."""
    log = np.log(prices)
    volatility = pd.Series(np.diff(log, prepend=log[0])).rolling(DAYS).std().to_numpy()  # known at each row
    quantiles = np.empty((len(now), len(LEVELS)))
    for h in np.unique(steps):
        changes = (log[h:] - log[:-h]) / volatility[:-h]  # of the row they start from
        for row in np.unique(now[steps == h]) if refresh else [n_known - 1]:
            past = changes[: row - h + 1]  # those that have ended
            here = (steps == h) & (now == row) if refresh else steps == h
            spread = np.quantile(past[np.isfinite(past)], LEVELS)
            spread[2] = 0.0  # the median is the last price
            quantiles[here] = np.exp(log[now[here], None] + volatility[now[here], None] * spread)
    return quantiles


def weighted_quantile_loss(y: np.ndarray, quantiles: np.ndarray) -> float:
    """Return twice the pinball loss of quantiles [P, Q] over the sum of |y|, the mean over the levels."""
    levels, below = np.array(LEVELS), y[:, None] - quantiles
    pinball = np.maximum(levels * below, (levels - 1) * below)
    return float(2 * pinball.sum(axis=0).mean() / np.abs(y).sum())


if __name__ == "__main__":
    main()
