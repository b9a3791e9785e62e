"""Promotions known in the future, through the command line: a fit without them, and the forecast when they come."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytestmark = pytest.mark.slow

DAYS, HORIZON = 150, 5


def sales(*, future: bool) -> pd.DataFrame:
    """A noisy level, half as much again on promotions; with ``future``, those of the five days to come."""
    rng = np.random.default_rng(0)
    promo = (rng.random(DAYS + HORIZON) < 0.25).astype(int)
    promo[-HORIZON:] = [0, 1, 0, 0, 1]
    y = np.round(100 * (1 + 0.5 * promo) * (1 + 0.03 * rng.normal(size=len(promo))), 2)
    days = pd.date_range("2024-01-01", periods=len(promo)).astype(str)
    table = pd.DataFrame({"day": days, "sales": y, "promo": promo})
    table.loc[DAYS:, "sales"] = np.nan
    return table if future else table.iloc[:DAYS]


@pytest.fixture(scope="module")
def fitted(forecastr, tmp_path_factory) -> Path:
    """A fit of a table that ends with its last value, in a folder with one that goes on."""
    cwd = tmp_path_factory.mktemp("promotions")
    sales(future=False).to_csv(cwd / "sales.csv", index=False)
    sales(future=True).to_csv(cwd / "next.csv", index=False)
    result = forecastr(
        *("fit", "sales.csv", "--known-covariates", "promo", "--horizon", HORIZON, "--context", 14, "--max-trials", 1),
        *("--jobs", 1, "--time-limit", "90s", "--output", "run"),
        cwd=cwd,
    )
    assert result.returncode == 0, result.stderr
    assert "'promo' is not known for 5 of 5 steps to forecast (first: 2024-05-30 to 2024-06-03)" in result.stderr
    assert "No forecast yet: 'promo' is not known" in result.stdout
    return cwd


def test_a_fit_without_the_future_s_promotions_is_judged_and_kept(fitted):
    summary = json.loads((fitted / "run" / "summary.json").read_text())
    assert summary["inputs"]["known"] == ["promo"]
    assert summary["covariates"]["known"] == summary["search"]["best_score"]
    assert summary["forecast"]["rows"] == 0
    assert not (fitted / "run" / "forecast.csv").exists()
    assert (fitted / "run" / "report.html").exists()


def test_predict_names_the_rows_that_are_missing(forecastr, fitted):
    result = forecastr("predict", "run", cwd=fitted)
    assert result.returncode == 2
    assert "(first: 2024-05-30 to 2024-06-03)" in result.stderr
    assert "Add rows for these times to the table, with promo filled and the target empty" in result.stderr
    assert "Traceback" not in result.stderr


def test_predict_forecasts_the_promotions_that_it_is_told_of(forecastr, fitted):
    result = forecastr("predict", "run", "--data", "next.csv", "--output", "forecast.csv", cwd=fitted)
    assert result.returncode == 0, result.stderr
    forecast = pd.read_csv(fitted / "forecast.csv")
    assert forecast["ds"].tolist() == ["2024-05-30", "2024-05-31", "2024-06-01", "2024-06-02", "2024-06-03"]
    promoted = forecast["forecastr"].to_numpy()[[1, 4]]
    others = forecast["forecastr"].to_numpy()[[0, 2, 3]]
    assert promoted.min() > 1.2 * others.max()


def test_backtest_reads_them_from_the_rows(forecastr, fitted):
    result = forecastr("backtest", "run", "sales.csv", "--json", cwd=fitted)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["seen_in_training"]
