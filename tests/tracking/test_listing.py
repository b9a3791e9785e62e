"""The table of tracked fits."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from forecastr.errors import TrackingError
from forecastr.tracking import TrackedRun, list_runs, track_run


def test_fits_are_listed_newest_first_without_their_trials(make_run_folder: Callable[..., Path], store: str):
    first = track_run(make_run_folder("first"))
    late = make_run_folder("second")
    summary = (late / "summary.json").read_text().replace("2026-11-20T12:02", "2026-11-21T12:02")
    (late / "summary.json").write_text(summary)
    second = track_run(late, experiment="other")

    table = list_runs()

    assert table["run_id"].tolist() == [second.run_id, first.run_id]
    assert table["name"].tolist() == ["second", "first"]
    assert table["experiment"].tolist() == ["other", "prices"]
    assert table.loc[1].drop("run_id").to_dict() == {
        "started": pd.Timestamp("2026-11-20T12:00", tz="UTC"),
        "name": "first",
        "experiment": "prices",
        "verdict": "better",
        "test_mase": 0.91,
        "baseline": "theta",
        "baseline_mase": 1.04,
        "skill": 0.125,
        "trials": 3,
        "seconds": 120.0,
    }
    assert list_runs(experiment="prices")["name"].tolist() == ["first"]
    assert list_runs(limit=1)["name"].tolist() == ["second"]


def test_no_store_yet_is_said_and_none_is_made(tmp_path: Path):
    with pytest.raises(TrackingError, match="No runs are tracked yet"):
        list_runs()

    assert list(tmp_path.iterdir()) == []


def test_a_store_without_fits_gives_an_empty_table(store: str):
    table = list_runs()

    assert len(table) == 0
    assert table.columns[:2].tolist() == ["started", "name"]


def test_an_unknown_experiment_is_answered_with_the_known_ones(tracked: TrackedRun):
    with pytest.raises(TrackingError, match=r"no experiment 'price'.* Those there are: prices\."):
        list_runs(tracked.uri, experiment="price")
