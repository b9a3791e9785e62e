"""The team's server as `mlflow/server.sh` starts it: passwords, health, and a backup that brings everything back."""

import importlib.util
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from forecastr.tracking import champion, fetch_model, register_model, track_run
from forecastr.tracking.client import open_store

FOLDER = Path(__file__).parents[2] / "mlflow"
PASSWORD = "100%: a horse's battery"
spec = importlib.util.spec_from_file_location("servers", Path(__file__).with_name("servers.py"))
servers = importlib.util.module_from_spec(spec)
sys.modules["servers"] = servers
spec.loader.exec_module(servers)


def ask(uri: str, path: str, password: str | None = None) -> tuple[int, str]:
    """Return a server's answer, and its body, to the admin or to nobody."""
    request = urllib.request.Request(f"{uri}{path}")
    if password:
        request.add_header("Authorization", f"Basic {b64encode(f'admin:{password}'.encode()).decode()}")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@contextmanager
def team_server(database: str, artifacts: Path, admin: str | None = PASSWORD) -> Iterator[str]:
    """Yield the address of a server that the script started, and end it as a service manager does."""
    port = servers.free_port()
    settings = {
        "MLFLOW_DATABASE": database, "MLFLOW_ARTIFACTS": str(artifacts), "MLFLOW_PORT": str(port),
        "MLFLOW_ADMIN_PASSWORD": admin, "MLFLOW_FLASK_SERVER_SECRET_KEY": "a long secret",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }  # fmt: skip
    log = artifacts.with_suffix(".log")
    with log.open("w") as output:
        process = subprocess.Popen(
            [str(FOLDER / "server.sh")], env={**os.environ, **settings}, stdout=output, stderr=output,
            start_new_session=True,
        )  # fmt: skip
    uri, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 120
    try:
        while True:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            try:
                assert ask(uri, "/health") == (200, "OK")
                break
            except urllib.error.URLError:
                time.sleep(0.2)
        yield uri
        process.terminate()
        process.wait(timeout=30)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def commands_of_the_readme() -> list[str]:
    """Return the lines of backup and restore, as the page gives them."""
    [block] = re.findall(r"```\n(pg_dump .*?)```", (FOLDER / "README.md").read_text(), flags=re.DOTALL)
    return block.splitlines()


@pytest.mark.slow
def test_a_restored_server_has_users_runs_artifacts_and_registered_models(
    run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    pytest.importorskip("psycopg2", reason="the server needs psycopg2 to reach PostgreSQL")
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORD)
    backup, *restore = commands_of_the_readme()
    places = [tmp_path / "artifacts", tmp_path / "restored"]

    with servers.postgres() as uri:
        base = uri.replace("+psycopg2://postgres@", "://postgres:p%40ss@").rpartition("/")[0]
        databases = [f"{base}/mlflow", f"{base}/restored"]
        for database in databases:
            subprocess.run(["psql", f"{base}/postgres", "-qc", f"create database {Path(database).name}"], check=True)

        with team_server(databases[0], places[0]) as server:
            search = "/api/2.0/mlflow/experiments/search?max_results=9"
            assert ask(server, search)[0] == 401
            assert ask(server, search, "wrong")[0] == 401
            assert ask(server, search, PASSWORD)[0] == 200
            run = track_run(run_folder, tracking_uri=server, experiment="prices")
            register_model(server, run.run_id, "prices", alias="champion")
        kept = {path.name for path in places[0].iterdir()}
        assert all(name.isdigit() for name in kept), f"what users may download besides artifacts: {kept}"

        for which, line in [(0, backup), *((1, line) for line in restore)]:
            settings = {"MLFLOW_DATABASE": databases[which], "MLFLOW_ARTIFACTS": str(places[which])}
            subprocess.run(["bash", "-ec", line], env={**os.environ, **settings}, cwd=tmp_path, check=True)

        with team_server(databases[1], places[1], admin="what the first start said counts") as server:
            assert ask(server, search, PASSWORD)[0] == 200
            assert champion(server, "prices") == ("1", run.run_id)
            with open_store(server) as client:
                restored = client.get_run(run.run_id)
                pages = [each.path for each in client.list_artifacts(run.run_id)]
                page = client.download_artifacts(run.run_id, "report.html", str(tmp_path))
            assert restored.data.tags["verdict"] == "better"
            assert "predicted_vs_actual.png" in pages
            assert Path(page).read_bytes() == (run_folder / "report.html").read_bytes()
            bundle = fetch_model("models:/prices@champion", server)
            assert (bundle / "task.json").read_bytes() == (run_folder / "bundle" / "task.json").read_bytes()
