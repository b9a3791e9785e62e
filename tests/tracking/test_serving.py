"""A registered model by its alias: in `forecastr predict`, in MLflow's loader, and behind `mlflow models serve`."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pandas as pd
import pytest

from forecastr.tracking import register_model, track_run

pytestmark = pytest.mark.slow

ADDRESS = "models:/oil@champion"
COLUMNS = ["forecastr", "forecastr-lo-80", "forecastr-hi-80", "forecastr-lo-95", "forecastr-hi-95", "baseline"]


@pytest.fixture
def store(fit, tmp_path: Path) -> str:
    """Return a store in which a real fit is the champion."""
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    register_model(uri, track_run(fit.folder, tracking_uri=uri).run_id, "oil", alias="champion")
    return uri


@pytest.fixture
def newer(fit) -> pd.DataFrame:
    """Return the rows that the fit has not seen, as a request has them."""
    rows = pd.read_csv(fit.newer, na_values=".").iloc[700:]
    stamps = pd.to_datetime(rows["Date"], format="%m/%d/%Y").dt.strftime("%Y-%m-%d")
    return pd.DataFrame({"unique_id": "DCOILWTICO", "ds": stamps, "y": rows["DCOILWTICO"]}).dropna()


@pytest.fixture
def predicted(fit, store: str, newer: pd.DataFrame, forecastr, tmp_path: Path) -> pd.DataFrame:
    """Return what ``forecastr predict``, beside the store, says of them."""
    done = forecastr("predict", ADDRESS, "--data", fit.newer, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    return pd.read_csv(io.StringIO(done.stdout))


def test_mlflow_loads_the_champion_and_forecasts_as_predict_does(
    store: str, newer: pd.DataFrame, predicted: pd.DataFrame, command_environment: dict[str, str], tmp_path: Path
):
    newer.to_json(tmp_path / "newer.json", orient="split", index=False)
    program = (
        "import mlflow, pandas, sys; model = mlflow.pyfunc.load_model(sys.argv[1]); "
        "rows = pandas.read_json('newer.json', orient='split', dtype={'unique_id': str, 'ds': str}, "
        "convert_dates=False); model.predict(rows).to_csv('loaded.csv', index=False)"
    )
    environment = {**command_environment, "MLFLOW_TRACKING_URI": store}
    done = subprocess.run(
        [sys.executable, "-P", "-c", program, ADDRESS],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    loaded = pd.read_csv(tmp_path / "loaded.csv")
    pd.testing.assert_frame_equal(loaded[COLUMNS], predicted[COLUMNS], rtol=1e-4)


def test_a_server_of_the_champion_answers_a_request_with_the_same_forecast(
    store: str, newer: pd.DataFrame, predicted: pd.DataFrame, command_environment: dict[str, str], tmp_path: Path
):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    scripts = Path(sys.executable).parent
    environment = {
        **command_environment, "MLFLOW_TRACKING_URI": store, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"
    }  # fmt: skip
    command = ["mlflow", "models", "serve", "-m", ADDRESS, "--env-manager", "local", "--port", str(port)]
    with (tmp_path / "serve.log").open("w") as log:
        server = subprocess.Popen(
            [str(scripts / command[0]), *command[1:]],
            cwd=tmp_path, env=environment, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            asked = {"dataframe_split": {"columns": list(newer), "data": newer.to_numpy().tolist()}}
            answer = post(f"http://127.0.0.1:{port}", asked, server, tmp_path / "serve.log")
        finally:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()

    served = pd.DataFrame(answer["predictions"])
    pd.testing.assert_frame_equal(served[COLUMNS], predicted[COLUMNS], rtol=1e-4)
    assert served["ds"].tolist() == pd.to_datetime(predicted["ds"], format="%m/%d/%Y").astype(str).tolist()


def post(address: str, document: dict, server: "subprocess.Popen[bytes]", log: Path) -> dict:
    """Return the answer of a server, once it is there."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/ping", timeout=10):
                break
        except OSError:
            time.sleep(0.5)
    else:
        pytest.fail(f"The server did not start:\n{log.read_text()}")
    request = urllib.request.Request(
        f"{address}/invocations", json.dumps(document).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=180) as answer:
        return json.load(answer)
