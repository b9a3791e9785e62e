"""Fit the oil prices from Python: ``python examples/fit.py [SECONDS]``."""

import sys
from pathlib import Path

import pandas as pd

from forecastr import Forecaster


def main() -> None:
    """Hold the last 60 rows back, fit the others, and judge the forecaster on what it has not seen."""
    prices = pd.read_csv(Path(__file__).with_name("prices.csv"), na_values=".")
    known = prices.iloc[-1060:-60]

    model = Forecaster(horizon=5, time_limit=sys.argv[1] if len(sys.argv) > 1 else "1m").fit(known)
    print(model.summary_["verdict"]["sentence"])
    print(model.leaderboard()[["name", "kind", "validation_mase", "test_mase"]].head())
    print(model.predict()[["ds", "forecastr-lo-80", "forecastr", "forecastr-hi-80"]])

    later = model.backtest(prices)
    print(f"{later.n_cutoffs} forecasts of newer rows: {later.judgement.verdict.sentence}")


if __name__ == "__main__":
    main()
