"""`kill -9` at any instant: nothing that was completed is trained again, and the result is the same."""

import json
import random
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from forecastr.search.ledger import read_ledger

RUN = {
    *("bundle", "forecast.csv", "backtest.csv", "leaderboard.csv", "report.html", "data_report.json"),
    *("predicted_vs_actual.png", "learning_curves.png", "error_by_horizon.png", "summary.json", "ledger.jsonl"),
}


def kill_and_go_on(fit, kill, *, kills: int, seed: int, longest: float) -> int:
    """Run a fit, kill it at a random moment, run it again; once it was killed so often, to its end.

    Every other time its workers are left to notice by themselves.

    Return how many kills it survived: a fit that is quicker than its killer has none any more.
    """
    rng, survived = random.Random(seed), 0
    while survived < kills and (not (fit.folder / "summary.json").exists() or (fit.folder / ".search").exists()):
        process = fit.start()
        try:
            _, shown = process.communicate(timeout=rng.uniform(0, longest))
        except subprocess.TimeoutExpired:
            kill(process, workers=survived % 2 == 0)
            survived += 1
            continue
        assert process.returncode == 0, shown
    if not (fit.folder / "summary.json").exists() or (fit.folder / ".search").exists():
        done = fit.run()
        assert done.returncode == 0, done.stderr
    return survived


def check(fit, undisturbed) -> None:
    """Compare a fit with the one that nobody disturbed."""
    board = undisturbed.leaderboard()
    pd.testing.assert_frame_equal(fit.leaderboard(), board, check_exact=True)
    for name in ("forecast.csv", "backtest.csv"):
        assert (fit.folder / name).read_bytes() == (undisturbed.folder / name).read_bytes()
    assert {path.name for path in fit.folder.iterdir()} == RUN
    assert {path.name for path in fit.folder.parent.iterdir()} == {"oil.csv", "run"}
    events = read_ledger(fit.folder / "ledger.jsonl")
    completed = Counter(event["trial"] for event in events if event["event"] == "trial_completed")
    assert completed == dict.fromkeys(board["name"][board["kind"] == "trial"], 1)  # none was trained again


def test_a_fit_that_is_killed_five_times_gives_what_it_would_have_given(fit, small, small_fit, kill, tmp_path):
    command = (str(Path(sys.executable).parent / "forecastr"), "fit", str(fit.table), *small)
    again = replace(small_fit(tmp_path / "run"), command=command)

    assert kill_and_go_on(again, kill, kills=5, seed=3, longest=5.0) == 5

    check(again, replace(again, folder=fit.folder))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(15))
def test_a_hundred_kills_are_survived(small_fit, undisturbed, kill, tmp_path, seed):
    """Eight for each seed: early ones for the first, up to the last moment of a fit for the last."""
    fit, survived = small_fit(tmp_path / "run"), 0
    seconds = json.loads((undisturbed.folder / "summary.json").read_text())["seconds"]["total"]

    while survived < 8:
        survived += kill_and_go_on(
            fit, kill, kills=8 - survived, seed=10 * seed + survived, longest=seconds * (seed + 1) / 15
        )
        check(fit, undisturbed)
        shutil.rmtree(fit.folder)

    print(f"\n{survived} kills survived")


@pytest.mark.slow
@pytest.mark.parametrize("event", ["search_ended", "run", "whole"])
def test_a_kill_after_the_search_trains_no_trial_again(small_fit, undisturbed, kill, tmp_path, event):
    """Judging, refitting, and the moment when the run takes its place."""
    fit = small_fit(tmp_path / "run")
    process = fit.start()
    if event == "search_ended":
        fit.wait_for(event)
    else:
        while not (fit.folder / ".search" / event).exists() and process.poll() is None:
            pass
    kill(process)

    done = fit.run()

    assert done.returncode == 0, done.stderr
    assert "4 completed trials are kept, 0 to repeat" in done.stderr
    check(fit, undisturbed)


@pytest.mark.slow
def test_an_earlier_run_is_there_until_the_new_one_is(small_fit, undisturbed, kill, tmp_path):
    fit = small_fit(tmp_path / "run")
    fit.folder.mkdir()
    (fit.folder / "summary.json").write_text(json.dumps({"an earlier": "run"}))
    process = fit.start("--overwrite")
    fit.wait_for("trial_completed")
    kill(process)
    assert json.loads((fit.folder / "summary.json").read_text()) == {"an earlier": "run"}

    done = fit.run("--overwrite")

    assert done.returncode == 0, done.stderr
    check(fit, undisturbed)
