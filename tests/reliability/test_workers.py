"""Workers that die, hang, run out of memory and lose their numbers, all in one fit."""

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

# Training is the sabotaged one, and the trial that hangs is due soon.
PROGRAM = """
import forecastr.search.trials
from forecastr.engine.pool import WorkerPool
forecastr.search.trials.TRAIN = "sabotage:train"
submit = WorkerPool.submit
def submit_soon(self, job, *work, seconds):
    submit(self, job, *work, seconds=15 if getattr(job, "name", "") == "0001" else seconds)
WorkerPool.submit = submit_soon
"""
REASONS = {
    "0001": "killed: not done at its deadline",
    "0002": "died of signal 9",
    "0003": "died of signal 11",
    "0004": "MemoryError: Unable to allocate 2.00 GiB",
    "0005": "SearchError: the loss is nan after",
    "0006": "SearchError: the loss is inf after",
    "0007": "ValueError: ",
}


@pytest.mark.slow
def test_every_way_to_lose_a_worker_is_a_failed_trial_with_its_reason_and_the_search_goes_on(small_fit, tmp_path):
    fit = small_fit(tmp_path / "run")
    python, option, program, *rest = fit.command
    command = (python, option, PROGRAM + program, *rest)
    helpers = f"{Path(__file__).parent}:{fit.environment['PYTHONPATH']}"
    fit = replace(fit, command=command, environment={**fit.environment, "PYTHONPATH": helpers})

    done = fit.run("--max-trials", "10", "--time-limit", "20m")

    assert done.returncode == 0, done.stderr
    board = pd.read_csv(fit.folder / "leaderboard.csv", dtype={"name": str}).set_index("name")
    trials = board[board["kind"] == "trial"]
    failed = trials[trials["status"] == "failed"]["reason"]
    print(failed.sort_index().to_string())
    assert sorted(failed.index) == sorted(REASONS)
    assert all(failed[name].startswith(reason) for name, reason in REASONS.items()), failed.to_dict()
    assert sorted(trials.index[trials["status"] == "completed"]) == ["0000", "0008", "0009"]
    for name, reason in failed.items():
        assert f"trial {name} failed: {reason}"[:60] in done.stderr
    assert json.loads((fit.folder / "summary.json").read_text())["search"]["failed"] == len(REASONS)
