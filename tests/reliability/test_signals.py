"""SIGTERM and Ctrl-C: a quick end, nothing lost; `tests/cli/test_terminal.py` presses Ctrl-C at a terminal."""

import json
import os
import signal
import time
from dataclasses import replace

import pandas as pd
import pytest

from forecastr.fitting.folder import kept_trials
from forecastr.search.ledger import read_ledger
from forecastr.tracking.client import open_store
from forecastr.tracking.sync import sync


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize("whole_group", [True, False])
def test_a_signal_ends_a_fit_in_seconds_and_the_same_command_goes_on(
    small_fit, undisturbed, orphans, tmp_path, number, code, whole_group
):
    fit = small_fit(tmp_path / "run")
    process = fit.start()
    fit.wait_for("trial_completed")

    (os.killpg if whole_group else os.kill)(process.pid, number)
    sent = time.monotonic()
    _, shown = process.communicate(timeout=60)

    assert time.monotonic() - sent < 5
    assert process.returncode == code
    [told] = [line for line in shown.splitlines() if line.startswith("interrupted: ")]
    assert f"kept in {fit.folder}; the same command goes on from there" in told
    assert "Traceback" not in shown
    assert not orphans(process.pid)
    assert read_ledger(fit.ledger)[-1]["event"] == "interrupted"
    assert all(event["event"] != "trial_failed" for event in read_ledger(fit.ledger))
    assert fit.run().returncode == 0
    pd.testing.assert_frame_equal(fit.leaderboard(), undisturbed.leaderboard(), check_exact=True)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.4, 1.0, 2.0, 4.0, 6.0, 8.0])
def test_a_signal_ends_a_fit_in_seconds_at_any_moment(small_fit, orphans, tmp_path, seconds):
    fit = small_fit(tmp_path / "run")
    process = fit.start()
    time.sleep(seconds)

    process.send_signal(signal.SIGTERM)
    sent = time.monotonic()
    process.communicate(timeout=60)

    assert time.monotonic() - sent < 5
    assert process.returncode in (143, -signal.SIGTERM)  # the latter before there was a command to speak of
    assert not orphans(process.pid)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_fit_is_killed_in_its_store_and_its_best_is_refitted_when_asked_for(
    small_fit, tmp_path, number, monkeypatch
):
    """A second command with seconds of time limit: the trials that are kept, refitted, and a forecast."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    fit = small_fit(tmp_path / "run")
    fit = replace(fit, environment={**fit.environment, "XDG_STATE_HOME": str(tmp_path / "state")})
    store = f"sqlite:///{tmp_path}/mlflow.db"
    tracked = ("--tracking-uri", store, "--experiment", "oil", "--max-trials", "400")
    process = fit.start(*tracked)
    fit.wait_for("trial_completed")
    time.sleep(1)

    process.send_signal(number)
    sent = time.monotonic()
    process.communicate(timeout=60)
    assert time.monotonic() - sent < 5
    assert all(outcome.state == "delivered" for outcome in sync())  # what five seconds did not suffice for
    interrupted = kept_trials(fit.folder)
    done = fit.run(*tracked, "--time-limit", "20s")

    assert done.returncode == 0, done.stderr
    summary = json.loads((fit.folder / "summary.json").read_text())
    assert summary["search"]["ended_by"] == "time limit"
    assert summary["search"]["completed"] >= interrupted >= 1
    assert (fit.folder / "forecast.csv").exists()
    assert all(outcome.state == "delivered" for outcome in sync())
    with open_store(store) as client:
        runs = client.search_runs([client.get_experiment_by_name("oil").experiment_id], "tags.kind = 'fit'")
    assert sorted(run.info.status for run in runs) == ["FINISHED", "KILLED"]
