"""A disk that is full or read-only, and a limit to what a run folder may take."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecastr.errors import ConfigError, StorageError
from forecastr.files import size_of, whole_file, write_array
from forecastr.schema import parse_bytes
from forecastr.search.ledger import Ledger, read_ledger

mounts = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file system")


@pytest.fixture
def disk(tmp_path) -> Iterator[Path]:
    """Return a folder that is a disk of its own, of 64 KiB until it is made larger."""
    (tmp_path / "disk").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(tmp_path / "disk")], check=True)
    yield tmp_path / "disk"
    subprocess.run(["umount", "--lazy", str(tmp_path / "disk")], check=True)


def remount(disk: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(disk)], check=True)


@mounts
def test_a_file_that_finds_no_room_is_named_and_the_one_before_stays(disk):
    (disk / "summary.json").write_text("before")
    with (
        pytest.raises(StorageError, match=r"summary\.json cannot be written: No space left on device\. Make room"),
        whole_file(disk / "summary.json") as temporary,
    ):
        temporary.write_bytes(bytes(100_000))
    assert {path.name: path.read_text() for path in disk.iterdir()} == {"summary.json": "before"}


@mounts
def test_a_ledger_that_finds_no_room_keeps_what_it_has_and_goes_on_when_there_is_some(disk):
    with Ledger(disk / "ledger.jsonl") as ledger:
        ledger.append("trial_started", trial="0000")
        with pytest.raises(StorageError, match=r"ledger\.jsonl cannot be written: No space left"):
            ledger.append("trial_failed", trial="0000", reason="x" * 100_000)
    assert [event["event"] for event in read_ledger(disk / "ledger.jsonl")] == ["trial_started"]
    with Ledger(disk / "ledger.jsonl") as ledger:
        ledger.append("trial_failed", trial="0000", reason="short")
    assert [event["event"] for event in read_ledger(disk / "ledger.jsonl")] == ["trial_started", "trial_failed"]


@mounts
def test_an_array_that_finds_no_room_is_an_error_however_small(disk):
    (disk / "filler").write_bytes(bytes(61_440))  # a page is left
    array = np.arange(500.0)
    with pytest.raises(StorageError, match="No space left on device"), whole_file(disk / "array.npy") as temporary:
        write_array(temporary, array)
    (disk / "filler").unlink()
    write_array(disk / "array.npy", array)
    np.testing.assert_array_equal(np.load(disk / "array.npy"), array)


@mounts
@pytest.mark.slow
@pytest.mark.parametrize("size", ["48k", "160k", "256k", "384k", "512k", "768k"])
def test_a_fit_that_finds_no_room_names_the_file_and_goes_on_when_there_is_some(small_fit, undisturbed, disk, size):
    fit = small_fit(disk / "run")
    fit.folder.mkdir()
    (fit.folder / "summary.json").write_text(json.dumps({"an earlier": "run"}))
    remount(disk, f"size={size}")

    failed = fit.run("--overwrite")

    assert failed.returncode == 1, failed.stderr
    last = failed.stderr.splitlines()[-1]
    assert last.startswith(f"error: {fit.folder}/")
    assert "cannot be written: No space left on device. Make room" in last
    assert "Traceback" not in failed.stderr
    assert json.loads((fit.folder / "summary.json").read_text()) == {"an earlier": "run"}
    remount(disk, "size=20m")
    done = fit.run("--overwrite")
    assert done.returncode == 0, done.stderr
    pd.testing.assert_frame_equal(fit.leaderboard(), undisturbed.leaderboard(), check_exact=True)


@mounts
@pytest.mark.slow
def test_a_folder_that_turns_read_only_ends_a_fit_that_goes_on_later(small_fit, undisturbed, tmp_path):
    fit = small_fit(tmp_path / "run")
    process = fit.start()
    fit.wait_for("trial_completed")
    subprocess.run(["mount", "--bind", fit.folder, fit.folder], check=True)
    try:  # a busy file system does not turn read-only, but every new file is now looked for in another mount of it
        subprocess.run(["mount", "-o", "remount,bind,ro", fit.folder], check=True)
        _, shown = process.communicate(timeout=300)
    finally:
        subprocess.run(["umount", "--lazy", fit.folder], check=True)

    assert process.returncode == 1, shown
    assert "cannot be written: Read-only file system" in shown.splitlines()[-1]
    assert fit.run().returncode == 0
    pd.testing.assert_frame_equal(fit.leaderboard(), undisturbed.leaderboard(), check_exact=True)


@pytest.mark.slow
def test_the_disk_limit_ends_a_search_and_holds(small_fit, tmp_path):
    fit = small_fit(tmp_path / "run")
    limit, most = 24_500_000, 0  # hardly more than a single trial may need
    process = fit.start("--disk-limit", str(limit), "--max-trials", "400")
    while process.poll() is None:
        if fit.folder.exists():
            most = max(most, size_of(fit.folder))
    _, shown = process.communicate()
    assert process.returncode == 0, shown
    summary = json.loads((fit.folder / "summary.json").read_text())
    assert summary["search"]["ended_by"] == "disk limit"
    assert most <= limit


def test_a_disk_limit_without_room_for_one_trial_is_an_error(forecastr_here, fit, tmp_path):
    done = forecastr_here("fit", fit.table, "--disk-limit", "1MB", "--output", "run", cwd=tmp_path)

    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: --disk-limit is 1.0 MB; run may need ")
    assert not list(tmp_path.iterdir())


def test_sizes_are_written_as_people_write_them():
    assert [parse_bytes(text) for text in (5, "5", "5KB", "1.5mb", "2 GB")] == [5, 5, 5000, 1_500_000, 2_000_000_000]
    with pytest.raises(ConfigError, match="'many' is not a size"):
        parse_bytes("many")


def test_a_file_with_two_names_takes_its_room_once(tmp_path):
    (tmp_path / "below").mkdir()
    (tmp_path / "one").write_bytes(bytes(1000))
    os.link(tmp_path / "one", tmp_path / "below" / "two")
    assert size_of(tmp_path) == 1000
