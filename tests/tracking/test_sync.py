"""Runs that wait in the spool, and `forecastr sync`: each is in its store once in the end."""

import fcntl
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from forecastr.cli.track import Tracking
from forecastr.errors import ConfigError, TrackingError
from forecastr.tracking.client import open_store
from forecastr.tracking.runs import DELIVERY_TAG, track_run
from forecastr.tracking.spool import claimed, keep, new_entry, spool_folder, waiting
from forecastr.tracking.sync import sync

COMMAND = str(Path(sys.executable).with_name("forecastr"))


def spool_runs(make_run_folder: Callable[..., Path], store: str, n: int, **sizes: int) -> list[Path]:
    """Put so many run folders into the spool."""
    folders = [make_run_folder(f"run-{number}", **sizes) for number in range(n)]
    for folder in folders:
        keep(new_entry(folder, store, None))
    return folders


def assert_delivered_once(store: str, folders: list[Path], *, trials: int = 3) -> None:
    """Every folder is one whole parent run, with its model and each trial as one child, and nothing else is there."""
    with open_store(store) as client:
        experiment = client.get_experiment_by_name("prices").experiment_id
        runs = client.search_runs([experiment], max_results=1000)
        parents = [run for run in runs if run.data.tags["kind"] == "fit"]
        assert sorted(run.info.run_name for run in parents) == sorted(folder.name for folder in folders)
        assert {run.info.status for run in parents} <= {"FINISHED"}
        assert len({run.data.tags[DELIVERY_TAG] for run in parents}) == len(folders)
        children = Counter(run.data.tags["mlflow.parentRunId"] for run in runs if run.data.tags["kind"] == "trial")
        assert children == {run.info.run_id: trials for run in parents}
        assert not [run for run in runs if run.info.status == "RUNNING"]
        for run in parents:
            [model] = run.outputs.model_outputs
            assert client.get_logged_model(model.model_id).status == "READY"
            assert run.data.metrics["test_mase"] == 0.91
            assert len(client.list_artifacts(run.info.run_id)) == 10
        assert len(client.search_logged_models([experiment])) == len(folders)


def test_every_run_of_the_spool_is_delivered_once_and_then_nothing_waits(make_run_folder, store: str):
    folders = spool_runs(make_run_folder, store, 2)

    outcomes = list(sync())

    assert [(outcome.entry.folder, outcome.state) for outcome in outcomes] == [
        (str(folder), "delivered") for folder in folders
    ]
    assert_delivered_once(store, folders)
    assert (waiting(), list(sync())) == ([], [])


def test_a_delivery_repeated_in_full_makes_no_second_run(run_folder: Path, store: str):
    first = track_run(run_folder, tracking_uri=store, delivery="one")

    assert track_run(run_folder, tracking_uri=store, delivery="one") == first
    assert_delivered_once(store, [run_folder])


@pytest.mark.parametrize("step", ["log_bundle", "log_values", "log_trial"])
def test_a_delivery_that_broke_off_is_completed(
    run_folder: Path, store: str, step: str, monkeypatch: pytest.MonkeyPatch
):
    def break_down(*arguments: object, **options: object) -> None:
        raise OSError("no route to host")

    with monkeypatch.context() as patch:
        patch.setattr(f"forecastr.tracking.runs.{step}", break_down)
        with pytest.raises(TrackingError, match="no route to host"):
            track_run(run_folder, tracking_uri=store, delivery="one")

    track_run(run_folder, tracking_uri=store, delivery="one")

    assert_delivered_once(store, [run_folder])


def test_a_run_created_twice_by_a_lost_answer_is_one_in_the_end(run_folder: Path, store: str):
    with open_store(store) as client:
        experiment = client.create_experiment("prices")
        for _ in range(3):
            client.create_run(experiment, run_name="prices-1", tags={DELIVERY_TAG: "one", "kind": "fit"})

    track_run(run_folder, tracking_uri=store, delivery="one")

    assert_delivered_once(store, [run_folder])


def test_folders_that_are_gone_are_reported_and_dropped_on_request(make_run_folder, store: str):
    gone, other, left = spool_runs(make_run_folder, store, 3)
    shutil.rmtree(gone)
    (other / "summary.json").write_text((other / "summary.json").read_text() + " ")

    assert [(outcome.state, outcome.text) for outcome in sync()] == [
        ("gone", "the run folder is gone"),
        ("gone", "the run folder holds another run now"),
        ("delivered", list_run_ids(store)[0]),
    ]
    assert [outcome.state for outcome in sync(drop=True)] == ["dropped", "dropped"]
    assert waiting() == []
    assert_delivered_once(store, [left])


def list_run_ids(store: str) -> list[str]:
    with open_store(store) as client:
        experiment = client.get_experiment_by_name("prices").experiment_id
        return [run.info.run_id for run in client.search_runs([experiment], "tags.kind = 'fit'")]


def test_a_folder_that_was_moved_is_delivered_from_its_new_place(make_run_folder, store: str, tmp_path: Path):
    [folder] = spool_runs(make_run_folder, store, 1)
    moved = folder.rename(tmp_path / "moved")

    assert [outcome.state for outcome in sync()] == ["gone"]
    assert [outcome.state for outcome in sync([moved])] == ["delivered"]
    with pytest.raises(ConfigError, match="no run of this folder waits"):
        list(sync([moved]))
    assert_delivered_once(store, [moved])


def test_an_entry_that_another_process_delivers_is_left_to_it(make_run_folder, store: str):
    spool_runs(make_run_folder, store, 1)
    [entry] = waiting()

    with entry.path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert [outcome.state for outcome in sync()] == ["busy"]
    with claimed(entry) as mine:
        assert mine
    assert [outcome.state for outcome in sync()] == ["delivered"]


def test_the_spool_is_its_users_own(make_run_folder, store: str):
    spool_runs(make_run_folder, "http://ann:secret@127.0.0.1:9", 1)

    assert spool_folder().stat().st_mode & 0o777 == 0o700


def test_a_store_that_is_gone_is_asked_once_for_all_its_runs(make_run_folder, monkeypatch: pytest.MonkeyPatch):
    spool_runs(make_run_folder, "http://127.0.0.1:9", 5)
    asked = []
    monkeypatch.setattr(
        "forecastr.tracking.sync.deliver_entry", lambda entry: asked.append(entry) or fail("no server answers there")
    )

    outcomes = list(sync())

    assert [(outcome.state, outcome.text) for outcome in outcomes] == [("waiting", "no server answers there")] * 5
    assert (len(asked), len(waiting())) == (1, 5)


def fail(text: str) -> None:
    raise TrackingError(text)


@pytest.mark.slow
def test_a_store_that_is_locked_costs_seconds_and_the_run_waits(run_folder: Path, store: str):
    said: list[str] = []
    tracking = Tracking(store, None)
    tracking.courier.get_ready()
    locking = sqlite3.connect(store.removeprefix("sqlite:///"), isolation_level=None)
    locking.execute("BEGIN EXCLUSIVE")
    started = time.monotonic()

    assert tracking.deliver(run_folder, say=said.append) is None

    assert time.monotonic() - started < 10
    locking.close()
    assert said[0].startswith(f"warning: The tracking store {store} ")  # is locked, or does not answer
    assert said[0].endswith(f"The run folder {run_folder} is complete. `forecastr sync` tracks it later.")
    assert [outcome.state for outcome in sync()] == ["delivered"]
    assert_delivered_once(store, [run_folder])


def test_a_run_that_is_tracked_leaves_nothing_in_the_spool(run_folder: Path, store: str):
    run = Tracking(None, None).deliver(run_folder, say=pytest.fail)

    assert run is not None
    assert list_run_ids(store) == [run.run_id]
    assert list(spool_folder().iterdir()) == []


@pytest.mark.slow
def test_where_no_spool_can_be_runs_are_tracked_and_the_warning_promises_nothing(
    run_folder: Path, store: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    said: list[str] = []

    assert Tracking("http://127.0.0.1:9", None).deliver(run_folder, say=said.append) is None
    assert Tracking(store, None).deliver(run_folder, say=pytest.fail) is not None

    assert "no server answers there" in said[0]
    assert "Nor can it wait for `forecastr sync`" in said[0]
    assert "tracks it later" not in said[0]
    assert_delivered_once(store, [run_folder])


def test_a_stopped_fit_is_killed_with_the_trials_so_far_and_the_place_of_its_ledger(run_folder: Path, store: str):
    (run_folder / "summary.json").unlink()
    keep(new_entry(run_folder, store, "prices", stopped=True))

    list(sync())

    with open_store(store) as client:
        experiment = client.get_experiment_by_name("prices").experiment_id
        [run] = client.search_runs([experiment], "tags.kind = 'fit'")
        children = client.search_runs([experiment], f"tags.mlflow.parentRunId = '{run.info.run_id}'")
    assert (run.info.status, run.data.tags["verdict"]) == ("KILLED", "stopped")
    assert run.data.tags["ledger"] == str(run_folder / "ledger.jsonl")
    assert sorted(child.info.status for child in children) == ["FAILED", "FINISHED", "FINISHED"]
    assert waiting() == []


def test_a_stopped_fit_that_was_finished_since_is_not_tracked_as_killed(run_folder: Path, store: str):
    keep(new_entry(run_folder, store, "prices", stopped=True))

    assert [(outcome.state, outcome.text) for outcome in sync()] == [("dropped", "the fit went on and was finished")]
    assert waiting() == []


def test_the_command_says_what_it_did_and_how_many_are_left(make_run_folder, store: str, forecastr_here, tmp_path):
    first, second = spool_runs(make_run_folder, store, 2)
    shutil.rmtree(second)

    done = forecastr_here("sync", cwd=tmp_path)
    [run_id] = list_run_ids(store)

    assert done.stdout == f"delivered  {first}  {run_id}\ngone       {second}  the run folder is gone\n"
    assert done.returncode == 1
    document = json.loads(forecastr_here("sync", "--drop", "--json", cwd=tmp_path).stdout)
    assert [(each["folder"], each["state"]) for each in document] == [(str(second), "dropped")]
    assert forecastr_here("sync", cwd=tmp_path).stdout == "Nothing waits.\n"


def kill_syncs(store: str, kills: int, rng: random.Random, tmp_path: Path) -> int:
    """Start `forecastr sync` and kill it -9 some moment after it first touches the store, so many times."""
    path = Path(store.removeprefix("sqlite:///"))
    killed = 0
    for _ in range(kills):
        before = path.stat().st_mtime_ns
        process = subprocess.Popen([COMMAND, "sync"], stdout=subprocess.DEVNULL, start_new_session=True, cwd=tmp_path)
        while process.poll() is None and path.stat().st_mtime_ns == before:
            time.sleep(0.002)
        time.sleep(rng.uniform(0, 1.0))
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            killed += 1
        process.wait()
    return killed


def test_a_sync_killed_in_the_middle_is_taken_up_by_the_next(make_run_folder, store: str, tmp_path: Path):
    folders = spool_runs(make_run_folder, store, 4, trials=6)

    killed = kill_syncs(store, 2, random.Random(1), tmp_path)
    list(sync())

    assert killed >= 1
    assert_delivered_once(store, folders, trials=6)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_ten_killed_syncs_deliver_every_run_once(make_run_folder, store: str, tmp_path: Path, seed: int):
    folders = spool_runs(make_run_folder, store, 20, trials=6)

    killed = kill_syncs(store, 10, random.Random(seed), tmp_path)
    list(sync())

    assert killed >= 7  # the others had nothing left to do
    assert_delivered_once(store, folders, trials=6)


@pytest.mark.slow
def test_a_fit_that_is_stopped_says_so_to_the_store_within_seconds(run_folder: Path, store: str):
    (run_folder / "summary.json").unlink()
    tracking = Tracking(store, None)
    tracking.courier.get_ready()
    started = time.monotonic()

    tracking.deliver_stopped(run_folder, name="prices", say=pytest.fail)

    assert time.monotonic() - started < 3
    with open_store(store) as client:
        [run] = client.search_runs([client.get_experiment_by_name("prices").experiment_id], "tags.kind = 'fit'")
    assert (run.info.status, waiting()) == ("KILLED", [])


@pytest.mark.slow
def test_two_syncs_at_once_share_the_work(make_run_folder, store: str, tmp_path: Path):
    folders = spool_runs(make_run_folder, store, 10)

    both = [subprocess.Popen([COMMAND, "sync"], stdout=subprocess.DEVNULL, cwd=tmp_path) for _ in range(2)]
    for process in both:
        process.wait()
    list(sync())

    assert_delivered_once(store, folders)


@pytest.mark.slow
def test_eight_processes_track_in_a_new_store_at_once(make_run_folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))  # no store was ever made on this machine
    folders = [make_run_folder(f"run-{number}") for number in range(8)]
    track = (
        "import sys; from pathlib import Path; from forecastr.tracking import track_run; track_run(Path(sys.argv[1]))"
    )

    processes = [subprocess.Popen([sys.executable, "-c", track, str(folder)], cwd=tmp_path) for folder in folders]

    assert [process.wait(timeout=300) for process in processes] == [0] * 8
    assert_delivered_once(f"sqlite:///{tmp_path}/mlflow.db", folders)
