"""A fit at a real terminal: the live display, and Ctrl-C."""

import io
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from forecastr.cli.progress import Progress

COMMAND = str(Path(sys.executable).parent / "forecastr")


def workers(parent: int) -> list[int]:
    """Return the processes below ``parent``."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                status = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(status[1]) == parent and status[0] != "Z":
                found.append(int(folder.name))
    return found


def is_running(process: int) -> bool:
    try:
        return (Path("/proc") / str(process) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until_gone(processes: list[int], seconds: float) -> list[int]:
    deadline = time.monotonic() + seconds
    while any(map(is_running, processes)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return [process for process in processes if is_running(process)]


class Terminal:
    """A fit whose standard error is a terminal of 100 columns."""

    def __init__(self, table: Path, cwd: Path, environment: dict[str, str]) -> None:
        ours, theirs = pty.openpty()
        self.shown, self._descriptor = "", ours
        self.process = subprocess.Popen(
            [COMMAND, "fit", str(table), "--output", "run", "--horizon", "5", "--context", "20"],
            cwd=cwd,
            env={**environment, "TERM": "xterm", "COLUMNS": "100"},
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def read_until(self, text: str, seconds: float) -> None:
        """Collect what is shown until ``text`` is."""
        deadline = time.monotonic() + seconds
        while text not in self.shown:
            if time.monotonic() > deadline or not self.read():
                pytest.fail(f"{text!r} was not shown:\n{self.shown}")

    def read(self) -> bool:
        try:
            data = os.read(self._descriptor, 4096).decode(errors="replace")
        except OSError:  # the other end is closed
            return False
        self.shown += data
        return bool(data)

    def end(self) -> str:
        """Wait for the process and return its standard output."""
        while self.read():
            pass
        return self.process.communicate(timeout=30)[0].decode()

    def close(self) -> None:
        """Leave nothing behind, whatever the test found."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
        if self.process.stdout:
            self.process.stdout.close()
        os.close(self._descriptor)


@pytest.fixture
def terminal(fit, tmp_path, command_environment):
    started = Terminal(fit.table, tmp_path, command_environment)
    yield started
    started.close()


def test_a_terminal_shows_trials_the_best_score_and_seconds_left_until_ctrl_c(terminal, tmp_path):
    terminal.read_until("best validation MASE", seconds=90)
    helpers = workers(terminal.process.pid)
    assert len(helpers) >= 2

    os.kill(terminal.process.pid, signal.SIGINT)
    started = time.monotonic()
    output = terminal.end()

    assert time.monotonic() - started < 5
    assert terminal.process.returncode == 130
    assert output == ""
    assert "searching · " in terminal.shown
    assert "s left" in terminal.shown
    assert "updates, validation loss" in terminal.shown
    assert "\x1b[" in terminal.shown  # the line is drawn again in place
    assert "the same command goes on from there" in " ".join(terminal.shown.split())
    assert "Traceback" not in terminal.shown
    assert not wait_until_gone(helpers, 5)
    assert [path.name for path in (tmp_path / "run").iterdir()] == [".search"]
    assert '"event": "interrupted"' in (tmp_path / "run" / ".search" / "ledger.jsonl").read_text().splitlines()[-1]


@pytest.mark.slow  # Ctrl-C, above, leaves none either
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_no_worker_outlives_a_fit_that_is_ended(terminal, number, code):
    terminal.read_until("updates, validation loss", seconds=90)
    helpers = workers(terminal.process.pid)

    os.kill(terminal.process.pid, number)
    terminal.end()

    assert terminal.process.returncode == code
    assert len(helpers) >= 2
    assert not wait_until_gone(helpers, 20)


def test_plain_lines_tell_the_best_trial_so_far():
    stream = io.StringIO()
    progress = Progress(time_limit=60, started=time.monotonic(), stream=stream)

    for event in (
        {"event": "phase", "name": "search", "seconds_left": -2.0},
        {"event": "trial_started", "trial": "0000"},
        {"event": "epoch", "trial": "0000", "updates": 50, "validation_loss": 1.25},
        {"event": "trial_completed", "trial": "0000", "score": 0.9},
        {"event": "trial_completed", "trial": "0001", "score": 1.5},
        {"event": "trial_failed", "trial": "0002", "reason": "died of signal 9"},
        {"event": "search_ended", "ended_by": "time limit"},
    ):
        progress.watch(event)

    assert stream.getvalue().splitlines() == [
        "searching (0 s left)",
        "trial 0000: validation MASE 0.9000, best so far 0.9000 (trial 0000), 60 s left",
        "trial 0001: validation MASE 1.5000, best so far 0.9000 (trial 0000), 60 s left",
        "trial 0002 failed: died of signal 9",
    ]
    assert progress.status() == (
        "searching · 60 s left · 1 trial, 2 done, 1 failed · best validation MASE 0.9000 (trial 0000)"
    )
