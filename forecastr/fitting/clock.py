"""The time limit of a whole fit, and where the seconds went."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

# What follows the search: judging, writing, pictures and tracking, in seconds; refitting comes on top.
TELLING = 12.0
TELLING_SHARE = 0.4
MOST_TELLING_SHARE = 0.6  # on a slow machine
TOLD_LAST = 0.8  # of telling, the part that comes after refitting
REFIT_SHARE = 0.35
REFIT_OF_TRIAL = 0.4  # of a trial's seconds, at most
WORKER_START = 2.5  # seconds a worker takes to load Keras on a core of its own
LEAST_SLOWNESS = 0.6  # on a fast machine: what is written and sent takes no less there


class Clock:
    """Counts a fit's seconds from its start.

    Parameters
    ----------
    time_limit : float
        Seconds for everything.
    started : float or None
        ``time.monotonic()`` at the command's start; now, if not given.
    """

    def __init__(self, time_limit: float, *, started: float | None = None) -> None:
        self.started = time.monotonic() if started is None else started
        self.time_limit = time_limit
        self.phases: dict[str, float] = {}
        self.slowness = 1.0

    def learn(self, worker_start: float) -> None:
        """Take from the seconds that the first worker needed to load how much longer or shorter all else will take."""
        self.slowness = max(LEAST_SLOWNESS, worker_start / WORKER_START)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Add the seconds of a block to a phase."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self.phases[name] = self.phases.get(name, 0.0) + time.monotonic() - begun

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    @property
    def left(self) -> float:
        """Seconds until the time limit."""
        return self.time_limit - self.elapsed

    @property
    def telling(self) -> float:
        """Seconds kept for what comes after refitting."""
        usual = min(TELLING, TELLING_SHARE * self.time_limit)
        return min(usual * self.slowness, MOST_TELLING_SHARE * self.time_limit)

    def left_to_search(self, refit_seconds: float) -> float:
        """Seconds until the search must end so that a refit of this length can follow in time.

        A longer one than ``REFIT_SHARE`` of the whole is not waited for: the ensemble gets fewer members.
        """
        return self.left - self.telling - min(refit_seconds, REFIT_SHARE * self.time_limit)

    def left_to_train(self) -> float:
        """Seconds that one trial may take, so that it could still be refitted."""
        return (self.left - self.telling) / (1 + REFIT_OF_TRIAL)

    def left_to_refit(self) -> float:
        """Seconds until refitting must end."""
        return self.left - TOLD_LAST * self.telling

    def left_to_choose(self) -> float:
        """Seconds that refitting will have when the ensemble has been judged."""
        return self.left - self.telling
