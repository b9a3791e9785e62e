"""A fit that is killed, with all its processes, again and again, until it is left alone."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Story:
    """What became of a fit.

    Parameters
    ----------
    kills : int
        How many attempts were killed.
    errors : list of str
        What attempts that ended by themselves, but not well, wrote last.
    shown : str
        What the last attempt wrote on standard error.
    """

    kills: int = 0
    errors: list[str] = field(default_factory=list)
    shown: str = ""


def fit_through_kills(
    command: Sequence[str], folder: Path, *, kills: int, longest: float, seed: int, environment: dict[str, str]
) -> Story:
    """Run a fit, kill it at a random moment, run it again, until it was killed so often; then to its end.

    An attempt that ends before it is killed ends the story.

    Parameters
    ----------
    command : list of str
        The fit, with ``--output`` naming ``folder``.
    folder : Path
        Its run folder.
    kills : int
        How often to kill it.
    longest : float
        Seconds that an attempt is given at most before it is killed.
    seed : int
        Of the moments.
    environment : dict
        Of the processes.
    """
    story, rng = Story(), random.Random(seed)
    while True:
        last = story.kills == kills
        process = subprocess.Popen(
            command,
            cwd=folder.parent,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            _, story.shown = process.communicate(timeout=300 if last else rng.uniform(0, longest))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            story.kills += 1
            assert not _living(process.pid), "a worker outlived its fit"
            continue
        if process.returncode:
            story.errors.append(story.shown.splitlines()[-1])
        return story


def _living(group: int) -> list[int]:
    """Return the processes of a group that are still there a second after its end."""
    end = time.monotonic() + 1
    while (found := list(_members(group))) and time.monotonic() < end:
        time.sleep(0.02)
    return found


def _members(group: int) -> Iterator[int]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                state, _, its_group = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
                if int(its_group) == group and state != "Z":
                    yield int(folder.name)
