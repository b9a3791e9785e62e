"""What a tracked fit looks like in the store, read back through MLflow's own client."""

import json
import logging
import os
import socket
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from mlflow.entities import Run

import mlflow
from forecastr.errors import TrackingError
from forecastr.tracking import TrackedRun, track_run
from forecastr.tracking.address import absolute_store
from forecastr.tracking.story import ARTIFACTS
from mlflow import MlflowClient


def open_client(tracked: TrackedRun) -> MlflowClient:
    return MlflowClient(tracking_uri=absolute_store(tracked.uri))


def find_children(client: MlflowClient, tracked: TrackedRun) -> dict[str, Run]:
    found = client.search_runs([tracked.experiment_id], filter_string=f"tags.mlflow.parentRunId = '{tracked.run_id}'")
    return {run.data.tags["trial"]: run for run in found}


def test_parent_run_says_what_was_asked_what_came_out_and_where(tracked: TrackedRun):
    client = open_client(tracked)
    parent = client.get_run(tracked.run_id)
    assert client.get_experiment(tracked.experiment_id).name == "prices"
    assert (parent.info.run_name, parent.info.status) == ("prices-1", "FINISHED")
    assert parent.info.end_time - parent.info.start_time == 120_000
    assert parent.data.params == {
        **{"horizon": "3", "context_length": "60", "frequency": "business-daily", "season_lengths": "1"},
        **{"levels": "80, 95", "preset": "auto", "seed": "1"},
        **{"time_limit": "120.0", "max_trials": "none", "jobs": "2"},
        **{"data": "prices.csv", "rows": "8611", "series": "1"},
        **{"target": "DCOILWTICO", "time": "DATE", "id": "none"},
    }
    metrics = parent.data.metrics
    assert (metrics["test_mase"], metrics["test_mase_theta"]) == (0.91, 1.04)
    assert (metrics["skill"], metrics["seconds_total"], metrics["trials"]) == (0.125, 120.0, 3)
    tags = parent.data.tags
    assert (tags["verdict"], tags["baseline"], tags["backend"]) == ("better", "theta", "jax")
    assert (tags["fingerprint"], tags["forecastr"]) == ("sha256:ab12", "0.1.0")
    assert tags["verdict_sentence"] == "Better than theta by 12.5 % (p = 0.003)."


def test_undefined_and_infinite_errors_are_left_out(tracked: TrackedRun):
    metrics = open_client(tracked).get_run(tracked.run_id).data.metrics

    assert "test_mae_drift" not in metrics
    assert "test_mase_drift" not in metrics
    assert metrics["test_coverage_80_drift"] == 0.75


def test_error_by_horizon_has_the_step_ahead_as_its_step(tracked: TrackedRun):
    client = open_client(tracked)

    def curve(name: str) -> dict[int, float]:
        return {point.step: point.value for point in client.get_metric_history(tracked.run_id, name)}

    assert curve("mae_by_horizon") == {1: 0.5, 2: 1.0, 3: 1.5}
    assert curve("mae_by_horizon_theta") == {1: 0.6, 2: 1.2}


def test_every_file_of_the_run_folder_can_be_opened_from_the_run(tracked: TrackedRun, tmp_path: Path):
    client = open_client(tracked)
    names = [file.path for file in client.list_artifacts(tracked.run_id)]
    assert sorted(names) == sorted(ARTIFACTS)
    assert len(names) == 10
    copy = client.download_artifacts(tracked.run_id, "predicted_vs_actual.png", str(tmp_path))
    assert Path(copy).read_bytes().startswith(b"\x89PNG")


def test_each_trial_is_a_child_with_its_configuration_result_and_times(tracked: TrackedRun):
    children = find_children(open_client(tracked), tracked)

    assert sorted(children) == ["0000", "0001", "0002"]
    first, failed = children["0000"], children["0002"]
    assert (first.info.run_name, first.info.status) == ("trial 0000", "FINISHED")
    assert first.info.end_time - first.info.start_time == 3_000
    assert first.data.params == {
        "cell": "gru",
        "units": "32",
        "bases": "last_value",
        "attention": "none",
    }
    assert first.data.metrics["score"] == first.data.metrics["validation_mase"] == 0.93
    assert "validation_mae" not in first.data.metrics
    assert (first.data.metrics["weight"], children["0001"].data.metrics["weight"]) == (0.6, 0.0)
    assert first.data.tags["device"] == "cpu:0"
    assert (failed.info.status, failed.data.tags["reason"]) == ("FAILED", "killed: signal 9")


def test_learning_curves_step_by_updates_at_the_time_of_the_ledger(tracked: TrackedRun):
    client = open_client(tracked)
    child = find_children(client, tracked)["0000"].info

    for name, values in {
        "loss": [1.0, 0.5],
        "validation_loss": [1.1, 0.55],
        "gradient_norm": [0.5, 0.5],
        "learning_rate": [0.001, 0.001],
    }.items():
        curve = client.get_metric_history(child.run_id, name)
        assert [(point.step, point.value) for point in curve] == [(50, values[0]), (100, values[1])]
        assert [point.timestamp - child.start_time for point in curve] == [1_000, 2_000]


def test_a_trial_repeated_after_a_kill_is_one_child_and_a_torn_line_is_ignored(run_folder: Path, store: str):
    ledger = run_folder / "ledger.jsonl"
    again = {"event": "trial_started", "time": "2026-11-20T12:01:00+00:00", "trial": "0001", "config": {}}
    ledger.write_text(ledger.read_text() + json.dumps(again) + '\n{"event": "tri')

    tracked = track_run(run_folder)

    children = find_children(open_client(tracked), tracked)
    assert [children[name].info.status for name in sorted(children)] == ["FINISHED", "KILLED", "FAILED"]
    assert children["0001"].data.params == {}


def test_tracking_twice_makes_two_runs_in_one_experiment(run_folder: Path, store: str):
    first, second = track_run(run_folder), track_run(run_folder)

    assert first.experiment_id == second.experiment_id
    assert first.run_id != second.run_id
    assert len(find_children(open_client(second), second)) == 3


def test_the_store_of_the_working_directory_is_made_where_there_is_none(run_folder: Path):
    tracked = track_run(run_folder)

    assert tracked.uri == "sqlite:///mlflow.db"
    assert open_client(tracked).get_run(tracked.run_id).info.status == "FINISHED"


def test_an_experiment_asked_for_is_used(run_folder: Path, store: str):
    tracked = track_run(run_folder, experiment="nightly prices / EU")

    assert open_client(tracked).get_experiment(tracked.experiment_id).name == "nightly prices / EU"


def test_a_deleted_experiment_is_named_with_the_way_back(run_folder: Path, store: str):
    tracked = track_run(run_folder)
    open_client(tracked).delete_experiment(tracked.experiment_id)

    with pytest.raises(TrackingError, match=r"'prices' was deleted.*mlflow experiments restore"):
        track_run(run_folder)


def test_values_longer_than_the_store_takes_are_cut(run_folder: Path, store: str):
    summary = json.loads((run_folder / "summary.json").read_text())
    summary["data"]["path"] = "x" * 9000
    summary["verdict"]["sentence"] = "y" * 9000
    (run_folder / "summary.json").write_text(json.dumps(summary))

    tracked = track_run(run_folder)

    run = open_client(tracked).get_run(tracked.run_id)
    assert run.data.params["data"] == "x" * 5997 + "..."
    assert run.data.tags["verdict_sentence"] == "y" * 7997 + "..."


def test_the_artifacts_lie_beside_the_store_wherever_the_command_ran(run_folder: Path, tmp_path: Path):
    store = tmp_path / "a store"

    tracked = track_run(run_folder, tracking_uri=f"sqlite:///{store}/mlflow.db")

    assert (store / "mlruns" / "prices" / tracked.run_id / "artifacts" / "report.html").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a store", "prices-1"]


def test_nothing_is_printed_and_this_process_stays_as_it_was(run_folder: Path, capfd: pytest.CaptureFixture[str]):
    active, level = mlflow.get_tracking_uri(), logging.getLogger("mlflow").level
    environment = dict(os.environ)

    track_run(run_folder, tracking_uri=f"sqlite:///{run_folder.parent}/other/mlflow.db")

    assert dict(os.environ) == environment
    assert capfd.readouterr() == ("", "")
    assert mlflow.get_tracking_uri() == active
    assert mlflow.active_run() is None
    assert logging.getLogger("mlflow").level == level


def test_the_model_loads_from_the_run_and_forecasts(tracked: TrackedRun, monkeypatch: pytest.MonkeyPatch):
    seen = []

    class FakeBundle:
        context = pd.DataFrame({"ds": pd.to_datetime(["2026-11-19"])})

        def __init__(self, path: str) -> None:
            self.format = json.loads((Path(path) / "manifest.json").read_text())["format"]

        def predict(self, history: pd.DataFrame | None = None) -> pd.DataFrame:
            seen.append(history)
            return pd.DataFrame(
                {"unique_id": ["a"], "ds": pd.to_datetime(["2026-11-21"]), "forecastr": [1.0 * self.format]}
            )

    fake = types.SimpleNamespace(load_bundle=FakeBundle)
    monkeypatch.setitem(sys.modules, "forecastr.bundle", fake)  # type: ignore[misc]
    [logged] = open_client(tracked).get_run(tracked.run_id).outputs.model_outputs
    history = pd.DataFrame({"unique_id": ["a"], "ds": ["2026-11-20"], "y": [2.0]})

    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracked.uri)
    models = [
        mlflow.pyfunc.load_model(address) for address in (f"runs:/{tracked.run_id}/model", f"models:/{logged.model_id}")
    ]
    forecasts = [models[0].predict(history), models[1].predict(history.head(0))]

    assert seen[0].to_dict("list") == {"unique_id": ["a"], "ds": [pd.Timestamp("2026-11-20")], "y": [2.0]}
    assert seen[0]["ds"].dtype == FakeBundle.context["ds"].dtype
    assert seen[1] is None
    for forecast in forecasts:
        assert forecast.to_dict("list") == {"unique_id": ["a"], "ds": ["2026-11-21"], "forecastr": [1.0]}


def test_the_model_holds_code_and_the_bundle_and_no_pickle(tracked: TrackedRun):
    client = open_client(tracked)
    [logged] = client.get_run(tracked.run_id).outputs.model_outputs
    folder = Path(client.get_logged_model(logged.model_id).artifact_location.removeprefix("file://"))

    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}

    assert {"MLmodel", "pyfunc.py", "artifacts/bundle/manifest.json"} <= names
    assert not [name for name in names if name.endswith(("pkl", "pickle"))]
    assert "forecastr==0.1.0" in (folder / "requirements.txt").read_text()


def test_the_model_carries_the_errors_of_its_run(tracked: TrackedRun):
    client = open_client(tracked)
    [logged] = client.get_run(tracked.run_id).outputs.model_outputs

    model = client.get_logged_model(logged.model_id)

    assert model.source_run_id == tracked.run_id
    assert {metric.key: metric.value for metric in model.metrics}["test_mase"] == 0.91


def test_the_files_of_installed_packages_are_not_looked_through(run_folder, store, monkeypatch):
    asked = []
    monkeypatch.setattr("importlib_metadata.packages_distributions", lambda: asked.append(1) or {})
    monkeypatch.setattr("mlflow.utils.requirements_utils._MODULES_TO_PACKAGES", None)  # another test may have asked
    track_run(run_folder, tracking_uri=store)
    assert not asked


def test_a_dead_server_costs_seconds_and_one_sentence(run_folder: Path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = time.monotonic()

    with pytest.raises(TrackingError, match=rf"http://\*\*\*@127.0.0.1:{port} cannot be used: no server") as caught:
        track_run(run_folder, tracking_uri=f"http://ann:secret@127.0.0.1:{port}")

    assert time.monotonic() - started < 15
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_folder_that_is_no_run_folder_is_refused_before_a_store_appears(tmp_path: Path):
    with pytest.raises(TrackingError, match="holds no finished fit"):
        track_run(tmp_path)

    assert not (tmp_path / "mlflow.db").exists()


def test_a_run_that_could_not_be_delivered_is_failed_not_finished(
    run_folder: Path, store: str, monkeypatch: pytest.MonkeyPatch
):
    def break_down(*arguments: object, **options: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("forecastr.tracking.runs.log_trial", break_down)
    with pytest.raises(TrackingError, match="disk full"):
        track_run(run_folder)

    [run] = MlflowClient(tracking_uri=store).search_runs(["1"])
    assert run.info.status == "FAILED"


def test_forty_trials_of_twenty_epochs_take_seconds(make_run_folder: Callable[..., Path], store: str):
    folder = make_run_folder(trials=40, epochs=20)
    track_run(make_run_folder("first"))
    started = time.process_time()

    track_run(folder)

    assert time.process_time() - started < 15  # about 3


def test_the_model_asks_for_the_covariates_that_its_networks_read(make_run_folder, store):
    folder = make_run_folder()
    (folder / "bundle" / "task.json").write_text('{"covariates": {"past": ["volume"], "known": ["promo"]}}')

    tracked = track_run(folder, tracking_uri=store)

    [logged] = open_client(tracked).get_run(tracked.run_id).outputs.model_outputs
    mlflow.set_tracking_uri(tracked.uri)
    signature = mlflow.models.get_model_info(f"models:/{logged.model_id}").signature
    assert signature.inputs.input_names() == ["unique_id", "ds", "y", "volume", "promo"]
    assert signature.inputs.required_input_names() == ["unique_id", "ds", "y"]
