"""Going on with a search: in the folder it is found in, on request, and never in two places."""

import json
import shutil
from dataclasses import replace

import pandas as pd
import pytest

pytestmark = pytest.mark.slow


def test_without_an_output_the_unfinished_run_is_found(small_fit, undisturbed, kill, tmp_path):
    fit = replace(small_fit(tmp_path / "run"), named=False)
    process = fit.start()
    while not (ledgers := list(tmp_path.glob("runs/oil-*/.search/ledger.jsonl"))):
        assert process.poll() is None
    found = replace(fit, folder=ledgers[0].parents[1])
    found.wait_for("trial_completed")
    kill(process)

    done = fit.run()

    assert done.returncode == 0, done.stderr
    assert f"going on in runs/{found.folder.name}: " in done.stderr
    assert list((tmp_path / "runs").iterdir()) == [found.folder]
    pd.testing.assert_frame_equal(found.leaderboard(), undisturbed.leaderboard(), check_exact=True)


def test_a_finished_search_goes_on_with_more_trials(small_fit, undisturbed, tmp_path):
    fit = small_fit(tmp_path / "run")
    shutil.copytree(undisturbed.folder, fit.folder)
    again = fit.run("--max-trials", "5")
    assert again.returncode == 2
    assert "holds another run" in again.stderr.splitlines()[-1]

    done = fit.run("--resume", "--max-trials", "5")

    assert done.returncode == 0, done.stderr
    measured = ["name", "validation_mase", "validation_mae", "updates", "config"]
    before, after = (
        board[board["kind"] == "trial"][measured].sort_values("name", ignore_index=True)
        for board in (undisturbed.leaderboard(), fit.leaderboard())
    )
    pd.testing.assert_frame_equal(after.head(4), before, check_exact=True)
    assert after["name"].tolist()[4:] == ["0004"]


def test_another_time_limit_goes_on_and_another_horizon_does_not(small_fit, undisturbed, kill, tmp_path):
    fit = small_fit(tmp_path / "run")
    process = fit.start()
    fit.wait_for("trial_completed")
    kill(process)

    other = fit.run("--horizon", "4")
    done = fit.run("--time-limit", "4m")

    assert other.returncode == 2
    assert "run holds another search: horizon is 4, was 3" in other.stderr.splitlines()[-1]
    assert done.returncode == 0, done.stderr
    pd.testing.assert_frame_equal(fit.leaderboard(), undisturbed.leaderboard(), check_exact=True)
    assert json.loads((fit.folder / "summary.json").read_text())["budget"]["time_limit"] == 240.0


def test_a_second_fit_in_a_folder_says_who_is_there(small_fit, kill, tmp_path):
    fit = small_fit(tmp_path / "run")
    process = fit.start()
    fit.wait_for("trial_started")

    second = fit.run()

    assert second.returncode == 2
    assert f"run is in use: process {process.pid} on " in second.stderr.splitlines()[-1]
    assert process.poll() is None
    kill(process)
