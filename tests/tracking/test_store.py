"""The store's address and its creation."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from forecastr.errors import ConfigError, TrackingError
from forecastr.tracking import prepare_store, resolve_store, ui_command
from forecastr.tracking.client import open_store

PREPARE = "import sys; from forecastr.tracking import prepare_store; prepare_store(sys.argv[1])"


def test_the_option_goes_before_the_environment_and_that_before_the_default(monkeypatch: pytest.MonkeyPatch):
    assert resolve_store(None) == "sqlite:///mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracking:5000")
    assert resolve_store(None) == "http://tracking:5000"
    assert resolve_store("sqlite:///runs.db") == "sqlite:///runs.db"


def test_processes_and_threads_that_open_a_new_store_at_once_all_succeed(tmp_path: Path):
    uri = f"sqlite:///{tmp_path}/new/mlflow.db"
    other = subprocess.Popen([sys.executable, "-c", PREPARE, uri])
    threads = [threading.Thread(target=prepare_store, args=(uri,)) for _ in range(3)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert other.wait(timeout=60) == 0
    assert_usable(uri)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["mlflow.db", "mlflow.db.lock"]


@pytest.fixture
def first_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the cache of a machine on which no store has been made yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "forecastr"


def test_a_killed_creation_leaves_nothing_and_the_next_one_works(tmp_path: Path, first_time: Path):
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    process = subprocess.Popen([sys.executable, "-c", PREPARE, uri], start_new_session=True)
    while process.poll() is None and not [path for path in first_time.glob(".*.db") if path.stat().st_size > 0]:
        time.sleep(0.01)  # until tables are being written
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "mlflow.db").exists()

    prepare_store(uri)

    assert_usable(uri)


@pytest.mark.usefixtures("first_time")
def test_a_store_that_cannot_be_created_becomes_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("forecastr.tracking.store._CREATE", "raise OSError('disk full')")

    with pytest.raises(TrackingError, match=r"mlflow\.db could not be created: .*disk full"):
        prepare_store(f"sqlite:///{tmp_path}/mlflow.db")

    assert not (tmp_path / "mlflow.db").exists()


def test_every_store_keeps_its_artifacts_beside_itself(tmp_path: Path):
    for name in ("one", "two"):  # the second is a copy, whatever the first was
        prepare_store(f"sqlite:///{tmp_path}/{name}/mlflow.db")
        with open_store(f"sqlite:///{tmp_path}/{name}/mlflow.db") as client:
            assert client.get_experiment("0").artifact_location == f"{tmp_path}/{name}/mlruns/0"


def test_preparing_a_store_again_leaves_it_alone(store: str, tmp_path: Path):
    before = (tmp_path / "mlflow.db").stat()

    prepare_store(store)

    after = (tmp_path / "mlflow.db").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_server_is_not_touched_by_preparing(tmp_path: Path):
    prepare_store("http://127.0.0.1:1")

    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_store_becomes_one_sentence(tmp_path: Path):
    (tmp_path / "mlflow.db").write_text("not a database, but long enough to be taken for one" * 100)

    with (
        pytest.raises(TrackingError, match=r"mlflow\.db cannot be used"),
        open_store(f"sqlite:///{tmp_path}/mlflow.db") as client,
    ):
        client.search_experiments()


def test_the_ui_opens_on_loopback_on_the_same_store(tmp_path: Path):
    command = ui_command(None, 5001)

    assert command[:4] == [sys.executable, "-m", "mlflow", "ui"]
    assert command[4:6] == ["--backend-store-uri", f"sqlite:///{tmp_path}/mlflow.db"]
    assert command[6:10] == ["--host", "127.0.0.1", "--port", "5001"]
    assert ui_command(None, 5001, host="0.0.0.0")[6:8] == ["--host", "0.0.0.0"]


def test_the_ui_of_a_server_is_its_address():
    with pytest.raises(ConfigError, match=r"Open http://tracking:5000 in a browser"):
        ui_command("http://tracking:5000", 5001)


def test_importing_the_room_does_not_load_mlflow():
    code = "import sys, forecastr.tracking; sys.exit('mlflow' in sys.modules or 'pandas' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def assert_usable(uri: str) -> None:
    path = uri.removeprefix("sqlite:///")
    connection = sqlite3.connect(path)
    assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
    connection.close()
    with open_store(uri) as client:
        run = client.create_run(client.create_experiment("first"))
        assert client.get_run(run.info.run_id).info.status == "RUNNING"
