"""A run folder as a fit leaves it, small and made up, and a store in a fresh directory."""

import json
import struct
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest

from forecastr.bundle.manifest import write_manifest
from forecastr.tracking import TrackedRun, prepare_store, track_run

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
BASELINES = ("last_value", "drift", "seasonal_naive", "theta")


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep MLflow from calling home, and every store out of the repository."""
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def make_run_folder(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a run folder with so many trials of so many epochs."""
    return partial(write_run_folder, tmp_path)


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """Return a run folder with two completed trials and a failed one."""
    return write_run_folder(tmp_path)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a store that nothing was tracked in: making one takes a second."""
    path = tmp_path_factory.mktemp("empty") / "mlflow.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        prepare_store(f"sqlite:///{path}")
    return path


@pytest.fixture
def store(empty_store: Path, tmp_path: Path) -> str:
    """Return the address of the default store of this test's directory, still empty."""
    copyfile(empty_store, tmp_path / "mlflow.db")
    return f"sqlite:///{tmp_path}/mlflow.db"


@pytest.fixture(scope="session")
def tracked(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> TrackedRun:
    """Return a tracked fit, for tests that only read."""
    folder = tmp_path_factory.mktemp("tracked")
    copyfile(empty_store, folder / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        return track_run(write_run_folder(folder), tracking_uri=f"sqlite:///{folder}/mlflow.db")


def write_run_folder(parent: Path, name: str = "prices-1", *, trials: int = 3, epochs: int = 2) -> Path:
    """Write a run folder below ``parent`` and return it."""
    folder = parent / name
    (folder / "bundle").mkdir(parents=True)
    (folder / "bundle" / "task.json").write_text('{"horizon": 3}')
    write_manifest(folder / "bundle")
    (folder / "summary.json").write_text(json.dumps(make_summary(trials)))
    events = [json.dumps(event) + "\n" for event in make_events(trials, epochs)]
    (folder / "ledger.jsonl").write_text("".join(events))
    for table in ("forecast.csv", "backtest.csv", "leaderboard.csv"):
        (folder / table).write_text("unique_id,ds,forecastr\nprices,2026-11-21,1.5\n")
    (folder / "data_report.json").write_text('{"rows": 8611}')
    (folder / "report.html").write_text("<h1>Better than theta</h1>")
    for picture in ("predicted_vs_actual", "learning_curves", "error_by_horizon"):
        (folder / f"{picture}.png").write_bytes(make_png())
    return folder


def make_summary(trials: int) -> dict[str, Any]:
    """Return the summary of a fit whose worst baseline has an undefined and an infinite error."""
    metrics: dict[str, dict[str, Any]] = {"forecastr": {"mae": 1.1, "mase": 0.91, "coverage_80": 0.79}}
    metrics |= {name: {"mae": 1.3, "mase": 1.04, "coverage_80": 0.75} for name in BASELINES}
    metrics["drift"] |= {"mae": None, "mase": float("inf")}
    return {
        "format": 1,
        "forecastr": "0.1.0",
        "name": "prices",
        "created": (START + timedelta(minutes=2)).isoformat(),
        "data": {
            **{"path": "prices.csv", "fingerprint": "sha256:ab12", "rows": 8611, "series": 1},
            **{"target": "DCOILWTICO", "time": "DATE", "id": None},
        },
        "task": {
            **{"horizon": 3, "context_length": 60, "frequency": "business-daily"},
            **{"season_lengths": [1], "levels": [80, 95], "preset": "auto", "seed": 1},
        },
        "budget": {"time_limit": 120.0, "max_trials": None, "jobs": 2},
        "search": {
            **{"trials": trials, "completed": trials - 1, "failed": 1, "ended_by": "time limit"},
            **{"best_trial": "0000", "best_score": 0.91},
        },
        "chosen": {"members": [{"trial": "0000", "weight": 0.6, "config": {"cell": "gru"}}]},
        "metrics": metrics,
        "horizon_errors": {"step": [1, 2, 3], "forecastr": [0.5, 1.0, 1.5], "theta": [0.6, 1.2, None]},
        "baseline": "theta",
        "verdict": {
            **{"kind": "better", "sentence": "Better than theta by 12.5 % (p = 0.003)."},
            **{"skill": 0.125, "p_value": 0.003, "baseline": "theta"},
        },
        "device": {"backend": "jax", "device": "cpu", "cores": 2},
        "seconds": {"read": 0.4, "search": 100.0, "total": 120.0},
    }


def make_events(trials: int, epochs: int) -> list[dict[str, Any]]:
    """Return the ledger of a search whose last trial failed, one event a second."""
    events: list[dict[str, Any]] = [{"event": "search_started", "fingerprint": "sha256:ab12", "seed": 1}]
    for number in range(trials):
        trial = {"trial": f"{number:04d}"}
        config = {"cell": "gru", "units": 32 * (number + 1), "bases": ["last_value"], "attention": None}
        events.append({"event": "trial_started", **trial, "config": config})
        for epoch in range(1, epochs + 1):
            curves = {"loss": 1.0 / epoch, "validation_loss": 1.1 / epoch, "gradient_norm": 0.5}
            counts = {"epoch": epoch, "updates": 50 * epoch, "learning_rate": 0.001, "seconds": 1.0}
            events.append({"event": "epoch", **trial, **counts, **curves})
        if number == trials - 1:
            events.append({"event": "trial_failed", **trial, "reason": "killed: signal 9", "seconds": 3.0})
        else:
            cost = {"seconds": 4.1, "updates": 50 * epochs, "best_epoch": epochs, "parameters": 31234}
            errors = {"validation_mase": 0.93, "validation_mae": float("nan")}
            result = {"score": 0.93, "metrics": errors, "device": "cpu:0"}
            events.append({"event": "trial_completed", **trial, **cost, **result})
    events.append({"event": "search_ended", "ended_by": "time limit"})
    return [{**event, "time": (START + timedelta(seconds=index)).isoformat()} for index, event in enumerate(events)]


def make_png(size: int = 64) -> bytes:
    """Return a blue square."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + b"\x30\x60\xc0" * size) * size
    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    )
