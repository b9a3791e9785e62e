"""Real servers that are stopped, fail, hang or lose answers: seconds are lost, runs are not."""

import importlib.util
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from shutil import copyfile
from types import ModuleType

import pytest

from forecastr.cli.track import Tracking
from forecastr.errors import TrackingError
from forecastr.tracking import fetch_model, register_model, track_run
from forecastr.tracking.client import open_store
from forecastr.tracking.spool import keep, new_entry, waiting
from forecastr.tracking.sync import sync

MOST_SECONDS = 10.0  # that a store's bad day may cost a fit


def load(name: str) -> ModuleType:
    """Return a module of the tests that holds no tests."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


servers = load("servers")


@pytest.fixture(scope="module")
def sqlite_server(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Iterator:
    """Yield a server on SQLite."""
    folder = tmp_path_factory.mktemp("sqlite-server")
    copyfile(empty_store, folder / "mlflow.db")
    server = servers.MlflowServer(f"sqlite:///{folder}/mlflow.db", folder).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    """Yield a server on PostgreSQL."""
    pytest.importorskip("psycopg2", reason="the server needs psycopg2 to reach PostgreSQL")
    with ExitStack() as stack:
        try:
            uri = stack.enter_context(servers.postgres())
        except RuntimeError as error:
            pytest.skip(str(error))
        server = servers.MlflowServer(uri, tmp_path_factory.mktemp("postgres-server"))
        stack.callback(server.stop)
        yield server.start()


@pytest.fixture(params=["sqlite", "postgres"])
def server(request: pytest.FixtureRequest) -> Iterator:
    """Yield a running server on each of the two databases."""
    found = request.getfixturevalue(f"{request.param}_server")
    if found._process is None:
        found.start()
    yield found


@pytest.fixture
def experiment(request: pytest.FixtureRequest) -> str:
    """Return an experiment of this test's own."""
    return request.node.name


def deliver(folder: Path, uri: str, experiment: str) -> tuple[float, bool, str]:
    """Deliver as a fit does whose search has just ended: the seconds it takes, whether it arrived, what is said."""
    tracking, said = Tracking(uri, experiment), []
    tracking.courier.get_ready()
    started = time.monotonic()
    run = tracking.deliver(folder, say=said.append)
    return time.monotonic() - started, run is not None, "".join(said)


def assert_once(uri: str, experiment: str, n: int = 1, *, trials: int = 3) -> None:
    """The experiment holds so many whole runs with their trials, one model each, and nothing else."""
    with open_store(uri) as client:
        experiment_id = client.get_experiment_by_name(experiment).experiment_id
        runs = client.search_runs([experiment_id], max_results=5000)
        parents = [run for run in runs if run.data.tags["kind"] == "fit"]
        assert [run.info.status for run in parents] == ["FINISHED"] * n
        assert len(runs) == n * (1 + trials)
        assert len(client.search_logged_models([experiment_id])) == n
        for run in parents:
            assert len(client.list_artifacts(run.info.run_id)) == 10
            assert run.data.metrics["test_mase"] == 0.91


def test_a_server_that_dies_during_a_delivery_costs_seconds_and_gets_the_run_once(
    sqlite_server, run_folder: Path, experiment: str
):
    gate = servers.Gate(sqlite_server.uri, trouble="lose", after=20)

    seconds, arrived, said = deliver(run_folder, gate.uri, experiment)

    assert (seconds < MOST_SECONDS, arrived) == (True, False)
    assert said.endswith("is complete. `forecastr sync` tracks it later.")
    assert [outcome.state for outcome in sync()] == ["waiting"]
    gate.open()
    assert [outcome.state for outcome in sync()] == ["delivered"]
    assert_once(sqlite_server.uri, experiment)
    assert waiting() == []


@pytest.mark.slow
@pytest.mark.parametrize("trouble", ["refuse", "500", "hang"])
def test_a_server_in_trouble_from_the_beginning_costs_ten_seconds_at_most(
    run_folder: Path, trouble: str, experiment: str
):
    gate = servers.Gate(trouble=trouble)

    seconds, arrived, said = deliver(run_folder, gate.uri, experiment)

    assert (seconds < MOST_SECONDS, arrived) == (True, False)
    assert said.count("warning:") == 1
    assert len(waiting()) == 1


@pytest.mark.slow
def test_a_server_stopped_before_during_and_after_gets_every_run_once(server, make_run_folder, experiment: str):
    seconds = {}
    server.stop()
    seconds["before"] = deliver(make_run_folder("before"), server.uri, experiment)
    server.start()
    during = make_run_folder("during", trials=60)
    stopping = threading.Timer(0.5, server.stop)
    stopping.start()
    seconds["during"] = deliver(during, server.uri, experiment)
    stopping.join()
    server.start()
    seconds["after"] = deliver(make_run_folder("after"), server.uri, experiment)
    server.stop()
    server.start()

    assert all(found < MOST_SECONDS for found, _, _ in seconds.values()), seconds
    assert [arrived for _, arrived, _ in seconds.values()] == [False, False, True]
    assert [outcome.state for outcome in sync()] == ["delivered", "delivered"]
    with open_store(server.uri) as client:
        experiment_id = client.get_experiment_by_name(experiment).experiment_id
        runs = client.search_runs([experiment_id], "tags.kind = 'fit'")
        children = client.search_runs([experiment_id], "tags.kind = 'trial'")
    assert sorted(run.info.run_name for run in runs) == ["after", "before", "during"]
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert len(children) == 3 + 60 + 3


@pytest.mark.slow
def test_a_server_that_hangs_and_comes_back_with_what_it_was_asked_gets_the_run_once(
    server, run_folder: Path, experiment: str
):
    server.pause()
    seconds, arrived, said = deliver(run_folder, server.uri, experiment)
    server.pause(False)

    assert (seconds < MOST_SECONDS, arrived) == (True, False)
    assert "does not answer (waited 8 s)" in said
    assert [outcome.state for outcome in sync()] == ["delivered"]
    assert_once(server.uri, experiment)


@pytest.mark.slow
@pytest.mark.parametrize("trouble", ["refuse", "500", "lose"])
def test_a_server_that_fails_at_any_request_gets_the_run_once(server, make_run_folder, trouble: str, experiment: str):
    gate = servers.Gate(server.uri)
    gate.open()
    track_run(make_run_folder("whole"), tracking_uri=gate.uri, experiment=experiment)
    needed, failed = gate.requests, 0

    for after in range(0, needed, 3):
        gate.open(after, trouble)
        folder = make_run_folder(f"run-{after}")
        entry = new_entry(folder, gate.uri, experiment)
        keep(entry)
        try:
            track_run(folder, tracking_uri=entry.uri, experiment=experiment, delivery=entry.id)
        except TrackingError:
            failed += 1
        gate.open()
        assert [outcome.state for outcome in sync()] == ["delivered"]

    assert failed > needed / 5
    assert_once(server.uri, experiment, 1 + len(range(0, needed, 3)))


@pytest.mark.slow
def test_one_lost_answer_makes_nothing_twice(server, make_run_folder, experiment: str):
    gate = servers.Gate(server.uri)
    gate.open()
    track_run(make_run_folder("whole"), tracking_uri=gate.uri, experiment=experiment)
    needed = gate.requests

    for after in range(0, needed, 2):
        gate.open(after, "lose", lasting=1)
        keep(new_entry(make_run_folder(f"run-{after}"), gate.uri, experiment))
        for _ in sync():
            pass
        gate.open()
        list(sync())

    assert waiting() == []
    assert_once(server.uri, experiment, 1 + len(range(0, needed, 2)))


@pytest.mark.slow
def test_a_registered_model_is_fetched_from_a_server(server, run_folder: Path, experiment: str, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    run = track_run(run_folder, tracking_uri=server.uri, experiment=experiment)
    register_model(server.uri, run.run_id, "prices", alias="champion")

    folder = fetch_model("models:/prices@champion", server.uri)
    (folder / "task.json").write_text("damaged")
    again = fetch_model("models:/prices@champion", server.uri)

    assert folder == again
    assert (again / "task.json").read_bytes() == (run_folder / "bundle" / "task.json").read_bytes()


@pytest.mark.slow
def test_a_server_that_asks_for_a_password_gets_runs_from_those_who_have_it(
    run_folder: Path, experiment: str, empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    copyfile(empty_store, tmp_path / "server.db")
    secrets = {"MLFLOW_FLASK_SERVER_SECRET_KEY": "a long secret", "MLFLOW_AUTH_ADMIN_PASSWORD": "a long password"}
    guarded = servers.MlflowServer(
        f"sqlite:///{tmp_path}/server.db", tmp_path, "--app-name", "basic-auth", environment=secrets
    ).start()
    try:
        with pytest.raises(TrackingError, match="not authenticated"):
            track_run(run_folder, tracking_uri=guarded.uri, experiment=experiment)
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", secrets["MLFLOW_AUTH_ADMIN_PASSWORD"])
        run = track_run(run_folder, tracking_uri=guarded.uri, experiment=experiment)
        register_model(guarded.uri, run.run_id, "prices", alias="champion")
        assert fetch_model("models:/prices@champion", guarded.uri).is_dir()
        assert_once(guarded.uri, experiment)
    finally:
        guarded.stop()


@pytest.mark.slow
def test_a_sync_killed_half_way_to_a_server_is_taken_up_and_delivers_every_run_once(
    server, make_run_folder, experiment: str, tmp_path: Path
):
    gate = servers.Gate(server.uri)
    gate.open()
    for number in range(8):
        keep(new_entry(make_run_folder(f"run-{number}"), gate.uri, experiment))
    killed, rng = 0, random.Random(1)

    while killed < 6 and waiting():
        last = gate.requests + rng.randrange(5, 60)
        process = subprocess.Popen(
            [sys.executable, "-m", "forecastr.cli.main", "sync"],
            stdout=subprocess.DEVNULL, start_new_session=True, cwd=tmp_path,
        )  # fmt: skip
        while process.poll() is None and gate.requests < last:
            time.sleep(0.002)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            killed += 1
        process.wait()
    list(sync())

    print(f"\n{killed} kills of sync")
    assert killed >= 4  # the others had nothing left to do
    assert waiting() == []
    assert_once(server.uri, experiment, 8)


def fit_seconds(
    table: Path, folder: Path, uri: str, experiment: str, options: tuple[str, ...], then: Callable[[], object]
) -> float:
    """Run a whole fit; return the seconds from its whole run folder to its end, which all go to tracking.

    When the folder is whole, ``then`` is called.
    """
    names = ("--output", str(folder), "--tracking-uri", uri, "--experiment", experiment)
    command = [sys.executable, "-m", "forecastr.cli.main", "fit", str(table), *names, *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and (not (folder / "summary.json").exists() or (folder / ".search").exists()):
        time.sleep(0.01)
    begun = time.monotonic()
    then()
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    return time.monotonic() - begun


@pytest.mark.slow
def test_whole_fits_on_five_bad_days_cost_ten_seconds_at_most_and_are_each_there_once(
    server, experiment: str, tmp_path: Path, small: tuple[str, ...]
):
    prices = Path(__file__).parents[2] / "examples" / "prices.csv"
    (tmp_path / "oil.csv").write_text("".join(prices.read_text().splitlines(keepends=True)[:301]))
    gate = servers.Gate(server.uri)

    def run(name: str, uri: str, then: Callable[[], object] = lambda: None) -> float:
        return fit_seconds(tmp_path / "oil.csv", tmp_path / name, uri, experiment, small, then)

    seconds = {"after": run("after", server.uri)}
    server.stop()
    seconds["before"] = run("before", server.uri)
    server.start()
    stopping = threading.Timer(0.5, server.stop)
    seconds["during"] = run("during", server.uri, stopping.start)
    stopping.join()
    server.start()
    seconds["500"] = run("500", gate.uri)
    server.pause()
    seconds["hangs"] = run("hangs", server.uri)
    server.pause(False)
    gate.open()

    print(f"\nseconds for tracking: { {day: round(found, 1) for day, found in seconds.items()} }")
    assert {outcome.state for outcome in sync()} == {"delivered"}
    assert waiting() == []
    with open_store(server.uri) as client:
        experiment_id = client.get_experiment_by_name(experiment).experiment_id
        runs = client.search_runs([experiment_id], "tags.kind = 'fit'")
        trials = client.search_runs([experiment_id], "tags.kind = 'trial'")
    assert sorted(run.info.run_name for run in runs) == sorted(seconds)
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert Counter(trial.data.tags["mlflow.parentRunId"] for trial in trials) == {run.info.run_id: 2 for run in runs}
    assert max(seconds.values()) < MOST_SECONDS
