"""What follows a fit: predict, backtest, runs, doctor, ui."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pandas as pd
import pytest

from forecastr.bundle.manifest import read_bundle
from forecastr.schema import forecast_columns
from forecastr.tracking import fetch_model, register_model
from forecastr.tracking.client import open_store


def test_predict_gives_the_forecast_of_the_fit_to_the_last_digit(forecastr, fit):
    for bundle in ("run", "run/bundle"):
        done = forecastr("predict", bundle, cwd=fit.cwd)

        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == (fit.folder / "forecast.csv").read_text()


def test_predict_follows_newer_rows(forecastr_here, fit, tmp_path):
    output = tmp_path / "next.csv"
    done = forecastr_here(
        "predict", fit.folder, "--data", fit.newer, "--horizon", "3", "--output", output, cwd=tmp_path
    )

    assert (done.returncode, done.stderr, done.stdout) == (0, "", f"forecast  {output}\n")
    table = pd.read_csv(output)
    last = fit.newer.read_text().splitlines()[-1].split(",")[0]
    days = pd.bdate_range(pd.to_datetime(last, format="%m/%d/%Y"), periods=4)[1:]
    assert table["ds"].tolist() == [f"{day.month}/{day.day}/{day.year}" for day in days]


def test_predict_writes_json_and_parquet(forecastr_here, fit, tmp_path):
    rows = json.loads(forecastr_here("predict", fit.folder, "--json", cwd=tmp_path).stdout)
    forecastr_here("predict", fit.folder, "--output", "f.parquet", cwd=tmp_path)

    assert list(rows[0]) == ["unique_id", "ds", *forecast_columns(), "baseline"]
    assert [row["ds"] for row in rows] == pd.read_csv(fit.folder / "forecast.csv")["ds"].tolist()
    assert pd.read_parquet(tmp_path / "f.parquet")["forecastr"].tolist() == [row["forecastr"] for row in rows]


def test_predict_beyond_its_horizon_says_what_to_do(forecastr_here, fit, tmp_path):
    done = forecastr_here("predict", fit.folder, "--horizon", "9", cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: horizon is 9; this bundle was trained to forecast 1 to 5 steps. Fit again with --horizon 9.\n"
    )


def test_a_damaged_bundle_is_refused(forecastr_here, fit, tmp_path):
    from shutil import copytree

    copytree(fit.folder / "bundle", tmp_path / "bundle")
    weights = next((tmp_path / "bundle").glob("*.keras"))
    weights.write_bytes(weights.read_bytes()[:-1])

    done = forecastr_here("predict", "bundle", cwd=tmp_path)

    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert weights.name in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_backtest_judges_newer_rows(forecastr_here, fit, tmp_path):
    done = forecastr_here("backtest", fit.folder / "bundle", fit.newer, "--output", "b.csv", "--json", cwd=tmp_path)

    document = json.loads(done.stdout)
    table = pd.read_csv(tmp_path / "b.csv")
    assert done.returncode == 0
    assert document["cutoffs"] == 60 - 5 + 1
    assert document["seen_in_training"] is False
    assert list(table) == ["unique_id", "ds", "cutoff", "y", *forecast_columns(), "baseline"]
    assert len(table) == 5 * document["cutoffs"]
    errors = (table["y"] - table["forecastr"]).abs()
    assert document["metrics"]["forecastr"]["mae"] == pytest.approx(errors.mean(), rel=1e-6)


def test_backtest_on_rows_of_the_training_says_so(forecastr_here, fit, tmp_path):
    done = forecastr_here("backtest", fit.folder, fit.table, cwd=tmp_path)

    assert done.returncode == 0
    assert "These rows were part of the training: the scores flatter." in done.stdout


def test_runs_lists_the_fit(forecastr_here, fit):
    [row] = json.loads(forecastr_here("runs", "--json", cwd=fit.cwd).stdout)
    text = forecastr_here("runs", cwd=fit.cwd).stdout

    summary = json.loads((fit.folder / "summary.json").read_text())
    assert (row["name"], row["experiment"], row["trials"]) == ("run", "oil", 2)
    assert row["test_mase"] == pytest.approx(summary["metrics"]["forecastr"]["mase"])
    assert text.splitlines()[1].split()[2:5] == ["run", "oil", row["verdict"].split()[0]]


def test_the_fit_is_a_parent_with_two_children_and_all_its_files(fit):
    with open_store(f"sqlite:///{fit.cwd}/mlflow.db") as client:
        experiment = client.get_experiment_by_name("oil")
        runs = client.search_runs([experiment.experiment_id])
        [parent] = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
        children = [run for run in runs if run is not parent]
        artifacts = {artifact.path for artifact in client.list_artifacts(parent.info.run_id)}
        curves = [
            [len(client.get_metric_history(child.info.run_id, name)) for name in ("loss", "gradient_norm")]
            for child in children
        ]

    assert {run.info.status for run in runs} == {"FINISHED"}
    assert [run.data.tags["mlflow.parentRunId"] for run in children] == [parent.info.run_id] * 2
    assert all(losses == norms > 0 for losses, norms in curves)
    assert artifacts >= {"report.html", "predicted_vs_actual.png", "forecast.csv", "summary.json"}
    assert {"test_mase", "test_mase_theta", "test_mase_last_value"} <= set(parent.data.metrics)


def test_doctor_says_what_a_fit_would_run_on(forecastr_here, tmp_path):
    findings = json.loads(forecastr_here("doctor", "--json", cwd=tmp_path).stdout)
    text = forecastr_here("doctor", cwd=tmp_path).stdout

    assert findings["backend"] in findings["installed"]
    assert set(findings["versions"]) >= {"python", "forecastr", "keras", "pandas", "mlflow"}
    assert text.splitlines()[0].split() == ["backend", findings["backend"]]


@pytest.mark.slow
def test_ui_serves_the_store_and_names_the_page(fit, command_environment):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(Path(sys.executable).parent / "forecastr"), "ui", "--port", str(port)]
    server = subprocess.Popen(command, cwd=fit.cwd, env=command_environment, stderr=subprocess.PIPE, text=True)
    try:
        assert server.stderr is not None
        first = server.stderr.readline()
        assert re.match(
            rf"MLflow UI on http://127\.0\.0\.1:{port}/#/experiments/\d+/runs\?workflowType=machine_learning ", first
        )
        assert "MLflow" in fetch(f"http://127.0.0.1:{port}/")
        found = json.loads(fetch(f"http://127.0.0.1:{port}/api/2.0/mlflow/experiments/get-by-name?experiment_name=oil"))
        assert found["experiment"]["name"] == "oil"
        taken = subprocess.run(command, cwd=fit.cwd, env=command_environment, capture_output=True, text=True)
        assert taken.returncode == 2
        assert taken.stderr.startswith(f"error: Port {port} of 127.0.0.1 cannot be used")
        assert not port_answers(port, "127.0.0.2")  # this machine too, by another address
    finally:
        server.terminate()
        server.communicate(timeout=30)
    assert not port_answers(port)


def fetch(url: str) -> str:
    """Return a page as soon as the server answers."""
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.read().decode()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.3)


def port_answers(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0


@pytest.mark.slow
def test_the_tracked_model_answers_over_http(fit, command_environment, tmp_path):
    with open_store(f"sqlite:///{fit.cwd}/mlflow.db") as client:
        [model] = client.search_logged_models([client.get_experiment_by_name("oil").experiment_id])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    scripts = Path(sys.executable).parent
    environment = {**command_environment, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
    environment["MLFLOW_TRACKING_URI"] = f"sqlite:///{fit.cwd}/mlflow.db"
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", model.model_uri, "--port", str(port)]
    with (tmp_path / "serve.log").open("w") as log:
        server = subprocess.Popen([*command, "--env-manager", "local"], env=environment, stdout=log, stderr=log)
    try:
        fetch(f"http://127.0.0.1:{port}/ping")
        newer = pd.read_csv(fit.newer).tail(100).rename(columns={"Date": "ds", "DCOILWTICO": "y"})
        newer = newer[newer["y"] != "."].astype({"y": float}).assign(unique_id="DCOILWTICO")
        newer["ds"] = pd.to_datetime(newer["ds"], format="%m/%d/%Y").dt.strftime("%Y-%m-%dT%H:%M:%S")
        body = json.dumps({"dataframe_split": newer[["unique_id", "ds", "y"]].to_dict("split", index=False)})
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/invocations", body.encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            rows = json.load(answer)["predictions"]
    finally:
        server.terminate()
        server.wait(timeout=30)
    assert len(rows) == 5
    assert set(rows[0]) == {"unique_id", "ds", *forecast_columns(), "baseline"}
    assert 10 < rows[0]["forecastr"] < 20


@pytest.mark.filterwarnings("ignore")  # MLflow warns of type hints of its own
def test_a_registered_fit_forecasts_through_mlflow_as_through_its_run_folder(fit, monkeypatch):
    import mlflow

    uri = f"sqlite:///{fit.cwd}/mlflow.db"
    register_model(uri, json.loads(fit.result.stdout)["tracked_run"]["run_id"], "oil", alias="champion")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setattr(mlflow.tracking._tracking_service.utils, "_tracking_uri", None)

    forecast = mlflow.pyfunc.load_model("models:/oil@champion").predict(pd.DataFrame(columns=["unique_id", "ds", "y"]))

    written = pd.read_csv(fit.folder / "forecast.csv")
    assert forecast["forecastr"].tolist() == pytest.approx(written["forecastr"].tolist(), rel=1e-4)
    assert read_bundle(fetch_model("models:/oil@champion", uri)) == read_bundle(fit.folder / "bundle")
