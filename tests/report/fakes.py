"""Made-up results in the shapes of a run folder, seeded, for pictures and pages."""

import json
from typing import Any

import numpy as np
import pandas as pd

BASELINES = ("last_value", "drift", "seasonal_naive", "theta")


def make_tables(
    *,
    n_series: int = 1,
    n_history: int = 200,
    n_test: int = 60,
    horizon: int = 10,
    frequency: str | None = "B",
    seed: int = 1,
    ids: list[str] | None = None,
) -> dict[str, pd.DataFrame]:
    """Return backtest, forecast and history of random walks; frequency None gives integer times."""
    rng = np.random.default_rng(seed)
    n = n_history + n_test
    if frequency is None:
        times: Any = np.arange(1, n + horizon + 1)
    else:
        times = pd.date_range("2012-01-02", periods=n + horizon, freq=frequency)
    tables: dict[str, list[pd.DataFrame]] = {"backtest": [], "forecast": [], "history": []}
    for index in range(n_series):
        name = ids[index] if ids else f"series_{index:03d}"
        size = 10.0 ** (index % 4)
        y = size * (60 + rng.normal(0, 1, n).cumsum() + 4 * np.sin(2 * np.pi * np.arange(n) / 12))
        y[rng.random(n) < 0.03] = np.nan
        filled = pd.Series(y).ffill().bfill().to_numpy()
        tables["history"].append(pd.DataFrame({"unique_id": name, "ds": times[:n], "y": y}))
        for cutoff in range(n_history - 1, n - 1, horizon):
            steps = np.arange(cutoff + 1, min(cutoff + 1 + horizon, n))
            piece = _forecast(rng, name, times[steps], filled[cutoff], np.arange(1, len(steps) + 1), size)
            tables["backtest"].append(piece.assign(cutoff=times[cutoff], y=y[steps]))
        tables["forecast"].append(
            _forecast(rng, name, times[n : n + horizon], filled[-1], np.arange(1, horizon + 1), size)
        )
    return {name: pd.concat(pieces, ignore_index=True) for name, pieces in tables.items()}


def _forecast(
    rng: np.random.Generator, name: str, times: Any, last: float, steps: np.ndarray, size: float
) -> pd.DataFrame:
    point = last + size * (0.15 * steps * rng.normal() + 0.2 * rng.normal(0, 1, len(steps)))
    width = size * np.sqrt(steps)
    columns = {"unique_id": name, "ds": times, "forecastr": point}
    for level, factor in ((80, 1.28), (95, 1.96)):
        columns[f"forecastr-lo-{level}"] = point - factor * width
        columns[f"forecastr-hi-{level}"] = point + factor * width
    return pd.DataFrame({**columns, "baseline": last})


def make_config(index: int) -> dict[str, Any]:
    """Return the hyperparameters of the made-up trial with this number."""
    return {
        "cell": ("gru", "lstm", "rnn")[index % 3],
        "layers": 1 + index % 3,
        "units": 32 * (1 + index % 4),
        "bidirectional": index % 5 == 0,
        "dropout": 0.1 * (index % 4),
        "learning_rate": 0.003 / (1 + index % 3),
        "schedule": "cosine",
        "supervision": "every_step",
        "context_length": 60,
        "attention": False,
        "bases": ["last_value", "season"],
    }


def make_events(n_trials: int = 12, *, seed: int = 1) -> list[dict[str, Any]]:
    """Return a ledger's events: every fifth trial fails on its way."""
    rng = np.random.default_rng(seed)
    events: list[dict[str, Any]] = [{"event": "search_started", "time": "t", "fingerprint": "f", "seed": 1}]
    for index in range(n_trials):
        trial, fails = f"{index:04d}", index % 5 == 3
        events.append({"event": "trial_started", "time": "t", "trial": trial, "config": make_config(index)})
        floor, speed = 0.2 + 0.15 * rng.random(), 0.3 + rng.random()
        for epoch in range(1, 4 if fails else int(rng.integers(6, 16))):
            loss = floor + 0.8 * np.exp(-speed * epoch / 3) + 0.01 * rng.normal()
            events.append(
                {
                    "event": "epoch",
                    "time": "t",
                    "trial": trial,
                    "epoch": epoch,
                    "updates": 50 * epoch,
                    "loss": loss,
                    "validation_loss": loss + 0.05 + 0.004 * epoch,
                    "learning_rate": 0.003,
                    "gradient_norm": float(np.exp(rng.normal(0.5 - epoch / 6, 0.3))),
                    "seconds": 0.4,
                }
            )
        if fails:
            events.append(
                {
                    "event": "trial_failed",
                    "time": "t",
                    "trial": trial,
                    "reason": "killed: signal 9",
                    "seconds": 3.0,
                }
            )
        else:
            events.append(
                {
                    "event": "trial_completed",
                    "time": "t",
                    "trial": trial,
                    "score": floor,
                    "metrics": {},
                    "seconds": 4.1,
                    "updates": 400,
                    "best_epoch": 6,
                    "parameters": 31234,
                    "device": "cpu:0",
                }
            )
    return [*events, {"event": "search_ended", "time": "t", "ended_by": "time limit"}]


def make_leaderboard(n_trials: int = 12) -> pd.DataFrame:
    """Return a leaderboard: the ensemble, the baselines, members, other trials, and the failed ones last."""
    rows: list[dict[str, Any]] = []

    def add(name: str, kind: str, test: float, config: dict[str, Any] | None = None, **more: Any) -> None:
        errors = {
            f"{part}_{m}": v
            for part, base in (("validation", 0.95), ("test", test))
            for m, v in (("mase", base), ("mae", 1.4 * base), ("wql", 0.02 * base))
        }
        rows.append(
            {
                "name": name,
                "kind": kind,
                "status": "completed",
                **errors,
                "seconds": 4.1,
                "updates": 400,
                "parameters": 31234,
                "config": json.dumps(config) if config else None,
                "reason": None,
                **more,
            }
        )

    add("forecastr", "ensemble", 0.912, seconds=None, updates=None, parameters=62468)
    add("theta", "baseline", 1.03, seconds=0.2, updates=None, parameters=None)
    for index in range(n_trials):
        failed = index % 5 == 3
        test = 0.93 if index in (0, 7) else float("nan")
        add(
            f"{index:04d}",
            "trial",
            test,
            make_config(index),
            status="failed" if failed else "completed",
            reason="killed: signal 9" if failed else None,
        )
    for name in BASELINES[:3]:
        add(name, "baseline", 1.1, seconds=0.1, updates=None, parameters=None)
    table = pd.DataFrame(rows)
    return table.sort_values(["status", "test_mase"], kind="stable", ignore_index=True)


def make_summary(*, kind: str = "better", horizon: int = 10, n_series: int = 1) -> dict[str, Any]:
    """Return a summary with this kind of verdict."""
    chance = "(Diebold-Mariano p = 0.003)"
    sentences = {
        "better": f"Better than theta, the best baseline: MASE 0.912 against 1.030, 11.5 % lower {chance}.",
        "not better": f"Not better than theta: MASE 0.912 against 0.860, 6.0 % higher {chance}: use the baseline.",
        "copy": "A copy of yesterday: one step ahead the forecast lies 0.12 from the last value and 0.9 from the "
        "actual one, on average. Against theta, the best baseline: MASE 1.031 against 1.030: use the baseline.",
        "undecided": "Undecided against theta, the best baseline: MASE 1.018 against 1.030, 1.2 % lower, but the "
        "difference may be chance (Diebold-Mariano p = 0.41).",
    }
    metrics = {
        name: {
            "mae": 1.4 * m,
            "rmse": 1.9 * m,
            "smape": 4.0 * m,
            "mase": m,
            "wql": 0.02 * m,
            "coverage_80": 0.81 if name == "forecastr" else 0.7,
            "coverage_95": None if name == "drift" else 0.94,
            "direction": 0.55,
        }
        for name, m in zip(("forecastr", *BASELINES), (0.912, 1.1, 1.12, 1.2, 1.03), strict=True)
    }
    steps = list(range(1, horizon + 1))
    errors = {name: [metrics[name]["mae"] * (0.5 + 0.1 * step**0.7) for step in steps] for name in metrics}
    part = {"start": "1/2/1986", "end": "8/15/2006", "rows": 5167}
    return {
        "format": 1,
        "forecastr": "0.1.0",
        "name": "prices",
        "created": "2026-11-20T12:00:00+00:00",
        "data": {
            "path": "prices.csv",
            "fingerprint": "5f0c" * 16,
            "rows": 8611,
            "series": n_series,
            "target": "DCOILWTICO",
            "time": "DATE",
            "id": None,
        },
        "task": {
            "horizon": horizon,
            "context_length": 60,
            "frequency": "business-daily",
            "season_lengths": [1],
            "levels": [80, 95],
            "preset": "auto",
            "seed": 1,
        },
        "splits": {"train": part, "validation": {**part, "cutoffs": 86}, "test": {**part, "cutoffs": 1703}},
        "budget": {"time_limit": 120.0, "max_trials": None, "jobs": 2},
        "search": {
            "trials": 12,
            "completed": 10,
            "failed": 2,
            "ended_by": "time limit",
            "best_trial": "0007",
            "best_score": 0.91,
        },
        "chosen": {
            "members": [
                {"trial": "0007", "weight": 0.45, "config": make_config(7)},
                {"trial": "0000", "weight": 0.3, "config": make_config(0)},
            ],
            "baselines": {"theta": 0.25},
            "calibrated_on": "validation",
            "refitted": True,
        },
        "metrics": metrics,
        "horizon_errors": {"step": steps, **errors},
        "baseline": "theta",
        "verdict": {"kind": kind, "sentence": sentences[kind], "skill": 0.115, "p_value": 0.003, "baseline": "theta"},
        "device": {"backend": "jax", "device": "cpu", "cores": 2},
        "versions": {"python": "3.11.2", "keras": "3.15.1", "jax": "0.8.0", "pandas": "3.1.1"},
        "seconds": {
            "read": 0.4,
            "plan": 0.1,
            "search": 78.2,
            "choose": 2.2,
            "judge": 6.1,
            "refit": 9.8,
            "write": 2.4,
            "total": 99.2,
        },
        "warnings": ["242 missing values were kept as gaps."],
    }


def make_data_report() -> dict[str, Any]:
    """Return what the reader of the data says about a file."""
    return {
        "path": "prices.csv",
        "rows": 8611,
        "series": 1,
        "columns": {
            "time": {"name": "DATE", "why": "the only column of dates"},
            "target": {"name": "DCOILWTICO", "why": "the only column of numbers"},
            "id": None,
            "unused": [],
        },
        "dialect": {"separator": ",", "decimal": ".", "encoding": "utf-8", "compression": None},
        "dates": {"format": "%m/%d/%Y", "start": "1/2/1986", "end": "1/2/2019"},
        "calendar": {"name": "business-daily", "alias": "B"},
        "repairs": [{"what": "missing values kept as gaps", "count": 242, "first_line": 34}],
        "warnings": [],
    }
