"""A real fit small enough to be broken many times."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

# The command itself, but for trials of 50 and 100 updates, whatever the time limit.
PROGRAM = """
import forecastr.fitting.fit, forecastr.fitting.plan
forecastr.fitting.fit.trial_updates = forecastr.fitting.plan.trial_updates = lambda *_: (50, 50, 100, 100)
from forecastr.cli.main import main
main()
"""
OPTIONS = ("--horizon", "3", "--context", "10", "--max-trials", "4", "--jobs", "2", "--time-limit", "5m")
COMMAND = (sys.executable, "-c", PROGRAM, "fit", "oil.csv", *OPTIONS)
NO_STORE = ("--tracking-uri", "http://127.0.0.1:9")  # tracking has tests of its own


@dataclass(frozen=True)
class SmallFit:
    """A fit in a folder, of 300 rows unless another command is given.

    Parameters
    ----------
    folder : Path
        Its run folder.
    environment : dict
        Of its processes.
    command : tuple of str
        What starts it.
    named : bool
        Whether ``--output`` names the folder.
    """

    folder: Path
    environment: dict[str, str]
    command: tuple[str, ...] = COMMAND
    named: bool = True

    @property
    def ledger(self) -> Path:
        """The ledger of the search under way."""
        return self.folder / ".search" / "ledger.jsonl"

    def start(self, *options: str) -> "subprocess.Popen[str]":
        """Start it, as the leader of a group of processes."""
        output = ["--output", str(self.folder)] if self.named else []
        return subprocess.Popen(
            [*self.command, *output, *NO_STORE, *options],
            cwd=self.folder.parent,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *options: str) -> "subprocess.CompletedProcess[str]":
        """Run it to its end."""
        process = self.start(*options)
        _, shown = process.communicate(timeout=600)
        return subprocess.CompletedProcess(process.args, process.returncode, "", shown)

    def leaderboard(self) -> pd.DataFrame:
        """Return the leaderboard but for what depends on the clock."""
        return pd.read_csv(self.folder / "leaderboard.csv", dtype={"name": str}).drop(columns="seconds")

    def wait_for(self, event: str, *, seconds: float = 120) -> None:
        """Return when the ledger has an event."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with suppress(FileNotFoundError):
                if f'"event": "{event}"' in self.ledger.read_text():
                    return
            time.sleep(0.02)
        pytest.fail(f"no {event} in {seconds} s")


@pytest.fixture
def small_fit(tmp_path, command_environment) -> Callable[[Path], SmallFit]:
    """Return a function that prepares a small fit in a folder that need not be there yet."""
    prices = Path(__file__).parents[2] / "examples" / "prices.csv"

    def make(folder: Path) -> SmallFit:
        rows = prices.read_text().splitlines(keepends=True)[:301]
        (folder.parent / "oil.csv").write_text("".join(rows))
        return SmallFit(folder, {**command_environment, "PYTHONPATH": os.environ.get("PYTHONPATH", "")})

    return make


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory, command_environment) -> SmallFit:
    """Return the fit as it is when nobody disturbs it."""
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    prices = Path(__file__).parents[2] / "examples" / "prices.csv"
    (folder.parent / "oil.csv").write_text("".join(prices.read_text().splitlines(keepends=True)[:301]))
    fit = SmallFit(folder, {**command_environment, "PYTHONPATH": os.environ.get("PYTHONPATH", "")})
    done = fit.run()
    assert done.returncode == 0, done.stderr
    return fit


@pytest.fixture
def kill() -> Callable[..., None]:
    """Return a function that kills a fit, with or without its workers, and sees that none outlives it."""

    def kill_group(process: "subprocess.Popen[str]", *, workers: bool = True) -> None:
        (os.killpg if workers else os.kill)(process.pid, signal.SIGKILL)
        process.communicate()
        assert not living(process.pid)

    return kill_group


@pytest.fixture
def orphans() -> Callable[[int], list[int]]:
    """Return a function that tells which processes of a group are still there seconds later."""
    return living


def living(group: int) -> list[int]:
    """Return the processes of a group that are still there after the seconds that it takes to load MLflow.

    Workers go at once; what gets the tracking ready sees that its fit is gone when it has loaded, seconds later on a
    machine that is busy.
    """
    end = time.monotonic() + 60
    while (found := list(members(group))) and time.monotonic() < end:
        time.sleep(0.02)
    return found


def members(group: int) -> Iterator[int]:
    """Yield the living processes of a group."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                state, _, of_group = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
                if int(of_group) == group and state != "Z":
                    yield int(folder.name)
