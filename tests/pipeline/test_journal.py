"""A journal goes on where it ended, and two runs stay apart."""

import os
import subprocess
import sys

import pytest

from forecastr.errors import ServiceError
from forecastr.pipeline.journal import Journal, last_good, only_run, read_nights

HOLD = """
import sys, time
from pathlib import Path
from forecastr.pipeline.journal import only_run
with only_run(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_step_that_is_over_is_not_done_again(tmp_path):
    journal = Journal(tmp_path, "2024-01-01")
    assert journal.step("rows", lambda: {"n": 3}) == {"n": 3}

    again = Journal(tmp_path, "2024-01-01")
    assert again.step("rows", lambda: pytest.fail("done twice")) == {"n": 3}


def test_nights_are_read_oldest_first_and_those_of_moments_too(tmp_path):
    for as_of in ("2024-01-10", "2024-01-02T06:00", "2024-01-02"):
        Journal(tmp_path, as_of).end("done")

    assert [night.as_of for night in read_nights(tmp_path)] == ["2024-01-02T06:00", "2024-01-02", "2024-01-10"]
    assert [night.as_of for night in read_nights(tmp_path, before="2024-01-02")] == ["2024-01-02T06:00"]
    assert [night.as_of for night in read_nights(tmp_path, before="2024-01-02T06:00")] == []


def test_the_last_good_night_is_no_refused_one(tmp_path):
    assert last_good(tmp_path) is None
    for as_of, status in (("2024-01-02T06:00", "done"), ("2024-01-02", "forecast"), ("2024-01-03", "refused")):
        Journal(tmp_path, as_of).end(status)

    assert last_good(tmp_path).as_of == "2024-01-02"
    assert last_good(tmp_path, before="2024-01-02").as_of == "2024-01-02T06:00"


def test_a_lock_keeps_two_runs_apart_and_ends_with_a_killed_one(tmp_path):
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        with (
            pytest.raises(ServiceError, match=rf"another run is at work here \(process {other.pid}\)"),
            only_run(tmp_path),
        ):
            pytest.fail("two at once")
        os.kill(other.pid, 9)
        other.wait()

    with only_run(tmp_path):
        pass
