"""Rows of the catalogue that show only in a fit: one panel with everything that may be wrong with its series."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

pytestmark = pytest.mark.slow
N, HORIZON = 120, 3
NAMES = ["^GSPC", "BRK/B", "../x", "=cmd()", "\U0001f600", "a b", "%s{}", "Ärger & <b>Söhne</b>", "-1", "con", "a,b"]
CONSTANT, NEGATIVE, HOLED, BRIEF, EMPTY = "flat", "below zero", "with holes", "brief", "nothing"
SMALL = ("--horizon", str(HORIZON), "--context", "10", "--max-trials", "1", "--jobs", "1", "--time-limit", "15s")


@dataclass(frozen=True)
class Fitted:
    """A finished fit: where it ran, its folder, and what it printed."""

    cwd: Path
    folder: Path
    stderr: str
    summary: dict[str, Any]

    def table(self, name: str) -> pd.DataFrame:
        """Return a table of the run folder, its texts as they stand there."""
        return pd.read_csv(self.folder / name, keep_default_na=False, na_values=[""], dtype={"unique_id": str})


def rows(panel: dict[str, list[object]], days: pd.DatetimeIndex) -> list[list[object]]:
    return [
        [day.strftime("%Y-%m-%d"), name, value]
        for name, values in panel.items()
        for day, value in zip(days, values, strict=False)
    ]


def write_table(path: Path, found: list[list[object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["date", "ticker", "close"], *found])
    return path


def wander(salt: int, start: float = 50.0) -> list[float]:
    steps = np.random.default_rng(salt).normal(0, 1, N)
    return [round(float(value), 2) for value in start + np.cumsum(steps)]


@pytest.fixture(scope="module")
def fitted(forecastr, tmp_path_factory) -> Fitted:
    """Return a fit of series with hostile names, and of a constant, a negative, a holed, a brief and an empty one."""
    cwd = tmp_path_factory.mktemp("cases")
    holed: list[object] = [*wander(91)]
    holed[20:23], holed[60] = [""] * 3, ""
    panel: dict[str, list[object]] = {name: [*wander(salt)] for salt, name in enumerate(NAMES)}
    panel |= {CONSTANT: [7.5] * N, NEGATIVE: [*wander(90, start=0.0)], HOLED: holed}
    panel |= {BRIEF: [5.0, 6.0], EMPTY: [""] * N}
    write_table(cwd / "stocks.csv", rows(panel, pd.bdate_range("2024-01-01", periods=N)))
    done = forecastr("fit", "stocks.csv", *SMALL, "--output", "run", "--json", cwd=cwd)
    assert done.returncode == 0, done.stderr
    return Fitted(cwd, cwd / "run", done.stderr, json.loads(done.stdout))


def test_case_34_a_constant_series_is_forecast_by_its_value_and_listed(fitted):
    forecast = fitted.table("forecast.csv").set_index("unique_id").loc[CONSTANT]
    assert forecast["forecastr"].tolist() == [7.5] * HORIZON
    listed = fitted.table("exceptions.csv").set_index("unique_id")
    assert listed.loc[CONSTANT, "status"] == "constant"
    errors = [value for found in fitted.summary["metrics"].values() for value in found.values() if value is not None]
    assert np.isfinite(errors).all()  # nothing was divided by a scale of zero


def test_case_34_a_lone_constant_series_is_forecast_by_its_value_without_training(forecastr, tmp_path):
    days = pd.date_range("2024-01-01", periods=60)
    write_table(tmp_path / "flat.csv", rows({"a": [3.0] * 60}, days))
    done = forecastr("fit", "flat.csv", *SMALL, "--output", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert pd.read_csv(tmp_path / "run" / "forecast.csv")["forecastr"].tolist() == [3.0] * HORIZON
    assert "constant" in (tmp_path / "run" / "exceptions.csv").read_text()


def test_case_36_missing_values_are_neither_learned_nor_scored(fitted):
    backtest = fitted.table("backtest.csv")
    assert backtest["y"].notna().all()
    report = json.loads((fitted.folder / "data_report.json").read_text())
    assert {"missing values kept as gaps": 4}.items() <= {f["what"]: f["count"] for f in report["repairs"]}.items()


def test_case_61_forecasts_stand_on_the_next_trading_days(fitted):
    last = pd.bdate_range("2024-01-01", periods=N)[-1]
    following = [str(day.date()) for day in pd.bdate_range(last, periods=HORIZON + 1)[1:]]
    assert fitted.table("forecast.csv").groupby("unique_id")["ds"].agg(list).loc["^GSPC"] == following


def test_case_65_no_logarithm_is_taken_where_a_series_is_not_positive(fitted):
    from forecastr.bundle import load_bundle

    ledger = [json.loads(line) for line in (fitted.folder / "ledger.jsonl").read_text().splitlines()]
    assert '"log"' not in json.dumps(ledger)
    forecast = fitted.table("forecast.csv").set_index("unique_id").loc[NEGATIVE]
    assert np.isfinite(forecast["forecastr"].to_numpy(dtype=float)).all()
    assert load_bundle(fitted.folder)


def test_case_69_names_of_series_come_out_as_they_went_in(fitted):
    for name in ("forecast.csv", "backtest.csv"):
        assert set(NAMES) <= set(fitted.table(name)["unique_id"]), name


def test_case_69_names_of_series_reach_no_path_and_no_page(fitted):
    assert {path.name for path in fitted.cwd.iterdir()} <= {
        "stocks.csv",
        "run",
        "mlflow.db",
        "mlflow.db.lock",
        "mlruns",
    }
    names = [path.name for path in fitted.folder.rglob("*")]
    assert not [name for name in names if "cmd" in name or "GSPC" in name or name == "x"]
    assert "<b>Söhne</b>" not in (fitted.folder / "report.html").read_text()


def test_case_33_and_04_what_could_not_be_read_or_learned_is_listed_and_named(fitted):
    listed = fitted.table("exceptions.csv").set_index("unique_id")
    assert listed.loc[EMPTY, "status"] == "left out"
    assert listed.loc[BRIEF, "status"] == "short"
    assert listed["reason"].str.len().min() > 5
    assert "exceptions.csv" in fitted.stderr
    forecast = set(fitted.table("forecast.csv")["unique_id"])
    assert EMPTY not in forecast
    assert {BRIEF, CONSTANT, HOLED, NEGATIVE} <= forecast


def test_case_70_rows_that_do_not_follow_are_told(forecastr, fitted, tmp_path):
    days = pd.bdate_range("2024-01-01", periods=N)
    panel: dict[str, list[object]] = {name: [*wander(salt)] for salt, name in enumerate(NAMES)}
    same = write_table(tmp_path / "same.csv", rows(panel, days))
    done = forecastr("backtest", fitted.folder, same, "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["seen_in_training"] is True

    later = days[-1] + pd.offsets.BDay(1)
    other = {name: [100 * value for value in wander(salt)] for salt, name in enumerate(NAMES)}
    dearer = write_table(tmp_path / "dearer.csv", rows(other, pd.bdate_range(later, periods=N)))
    done = forecastr("backtest", fitted.folder, dearer, cwd=tmp_path)
    assert "warning" in done.stderr
    assert "Traceback" not in done.stderr

    earlier = write_table(tmp_path / "earlier.csv", rows(panel, pd.bdate_range("2015-01-01", periods=N)))
    done = forecastr("predict", fitted.folder, "--data", earlier, cwd=tmp_path)
    assert done.returncode == 2 or "warning" in done.stderr
    assert "Traceback" not in done.stderr
