"""SIGTERM and Ctrl-C: a quick end, nothing lost; `tests/cli/test_terminal.py` presses Ctrl-C at a terminal."""

import os
import signal
import time

import pandas as pd
import pytest

from forecastr.search.ledger import read_ledger


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
    assert told.endswith(f"kept in {fit.folder}; the same command goes on from there")
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
