"""A process that delivers one run, and is left behind at a deadline, whatever the store does to it."""

import json
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import IO, Any

from forecastr.errors import TrackingError
from forecastr.tracking.address import without_password
from forecastr.tracking.runs import TrackedRun
from forecastr.tracking.spool import Entry, keep

_PROGRAM = "forecastr.tracking.delivering"
SECONDS = 8.0  # what a store that does not answer may cost a fit
_SECONDS_A_STEP = 0.3  # a store that answers may be given a thousand trials
_SECONDS_TO_LOAD = 60.0  # MLflow takes two to five of them


class Courier:
    """Delivers one run from a process of its own, which gets ready while a search trains.

    MLflow's calls cannot be given one deadline, and some of them wait for minutes; a process can be ended.

    Parameters
    ----------
    uri : str
        The store; see `resolve_store`.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._ready = False

    @property
    def started(self) -> bool:
        """Whether the process is there."""
        return self._process is not None

    def prepare(self) -> None:
        """Start the process, if it is not there yet; it loads MLflow and creates a store on this machine."""
        if self._process is None:
            self._lines, self._ready = queue.SimpleQueue(), False
            with _shielded():
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-W", "ignore", "-m", _PROGRAM],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                )
            threading.Thread(target=_listen, args=(self._process.stdout, self._lines), daemon=True).start()
            self._send({"uri": self.uri})

    def get_ready(self, *, seconds: float = _SECONDS_TO_LOAD) -> None:
        """Wait until the process has loaded MLflow.

        Raises
        ------
        TrackingError
            If it takes longer.
        """
        self.prepare()
        if not self._ready:
            self._expect(time.monotonic() + seconds, f"MLflow could not be loaded in {seconds:.0f} s.")
            self._ready = True

    def deliver(
        self,
        entry: Entry,
        *,
        seconds: float = SECONDS,
        a_step: float = _SECONDS_A_STEP,
        to_load: float = _SECONDS_TO_LOAD,
    ) -> TrackedRun:
        """Deliver a run, and keep it in the spool until it has arrived.

        Parameters
        ----------
        entry : Entry
            The run.
        seconds : float
            How long to wait for a store that does not go on.
        a_step : float
            Seconds more in all for each step, such as a trial, that was done.
        to_load : float
            How long to wait for the process itself.

        Raises
        ------
        TrackingError
            If it was not delivered: why. The entry is in the spool then, if that can be written.
        """
        try:
            keep(entry)
        except TrackingError as error:
            kept, lost = False, f" {error}"
        else:
            kept, lost = True, ""
        try:
            self.get_ready(seconds=to_load)
            self._send({"entry": asdict(entry), "kept": kept})
            answer = self._answer(seconds, a_step)
        except TrackingError as error:
            raise TrackingError(f"{error}{lost}") from error
        finally:
            self.close()
        if "error" in answer:
            raise TrackingError(answer["error"] + lost)
        return TrackedRun(**answer["run"])

    def close(self) -> None:
        """End the process, whatever it is doing."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                with suppress(OSError):
                    if stream:
                        stream.close()
            self._process = None

    def _answer(self, seconds: float, a_step: float) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        missing = f"The tracking store {without_password(self.uri)} does not answer (waited {seconds:.0f} s)."
        while True:
            answer = self._expect(deadline, missing)
            if "step" not in answer:
                return answer
            deadline = min(deadline + a_step, time.monotonic() + seconds)

    def _expect(self, deadline: float, missing: str) -> dict[str, Any]:
        """Return the process's next message; a TrackingError if there is none by the deadline."""
        try:
            line = self._lines.get(timeout=max(deadline - time.monotonic(), 0))
        except queue.Empty:
            raise TrackingError(missing) from None
        if not line:
            raise TrackingError("The process that tracks was killed.")
        return dict(json.loads(line))

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it was killed: the next message that is expected will be missing
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()


@contextmanager
def _shielded() -> Iterator[None]:
    """Let processes that are started inside the block be deaf to signals that end a command: it decides for them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _listen(stream: IO[str], lines: "queue.SimpleQueue[str]") -> None:
    with suppress(OSError, ValueError):  # closed meanwhile
        for line in stream:
            lines.put(line)
    lines.put("")
