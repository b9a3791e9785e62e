"""Supervised worker processes: one unit of work each, killed at its deadline, replaced when it dies."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from tempfile import TemporaryFile
from typing import IO, Any

from forecastr.engine.backend import available_cores, keras_environment
from forecastr.errors import SearchError, StorageError

SILENCE = 600.0  # seconds without a word from a worker before it counts as hung
START = 120.0  # seconds a worker may take to load its libraries
LINGER = 5.0  # seconds a worker that has hung up may take to end
RECYCLE_MIB = 3000.0  # a worker that has grown past this is replaced before its next job


@dataclass(frozen=True)
class Message:
    """What came of a job: ``kind`` is "event", "done" or "failed"; ``content`` a dict, or the reason."""

    job: Any
    kind: str
    content: Any


@dataclass(eq=False)
class _Worker:
    process: "subprocess.Popen[bytes]"
    connection: Connection
    cores: list[int]
    log: IO[bytes]
    ready: bool = False
    job: Any = None
    queued: tuple[Any, ...] | None = None
    deadline: float = float("inf")
    heard: float = field(default_factory=time.monotonic)
    known: set[Any] = field(default_factory=set)  # jobs it has had


class WorkerPool:
    """Processes that load Keras once and then run one job at a time each.

    Parameters
    ----------
    jobs : int
        Processes.
    backend : str
        Keras backend that they load.
    quick : bool
        Compile quickly rather than well.
    ready : callable
        Hears once, when the first of them is up, how many seconds that took.
    """

    def __init__(
        self,
        jobs: int,
        *,
        backend: str,
        quick: bool = False,
        ready: Callable[[float], None] = lambda seconds: None,
    ) -> None:
        cores = available_cores()
        self.backend, self.quick = backend, quick
        self._ready, self._begun = ready, time.monotonic()
        self._proven = False  # whether any worker has ever come up
        self.winding_down = False  # a worker that dies now is not replaced while there is another
        self._workers = [self._start(cores[n % len(cores) :: jobs] or cores) for n in range(jobs)]

    def __enter__(self) -> "WorkerPool":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def size(self) -> int:
        """Number of workers."""
        return len(self._workers)

    @property
    def idle(self) -> int:
        """Number of workers that are up and without a job."""
        return sum(worker.ready and worker.job is None for worker in self._workers)

    @property
    def busy(self) -> bool:
        """Whether any job is running."""
        return any(worker.job is not None for worker in self._workers)

    def submit(self, job: Any, function: str, *arguments: Any, seconds: float) -> None:
        """Give an idle worker ``module:function`` to call; it is killed if that takes longer than ``seconds``.

        One that had this job before may still have what it built for it.
        """
        free = [worker for worker in self._workers if worker.job is None]
        worker = max(free, key=lambda worker: (worker.ready, job in worker.known))
        worker.job, worker.queued = job, (function, arguments)
        worker.known.add(job)
        worker.deadline = time.monotonic() + seconds
        self._feed(worker)

    def poll(self, timeout: float) -> list[Message]:
        """Return what the workers say within ``timeout`` seconds, deaths and missed deadlines included."""
        messages = []
        sentinels: dict[Any, _Worker] = {worker.connection: worker for worker in self._workers}
        for source in wait(list(sentinels), timeout):
            messages += self._receive(sentinels[source])
        now = time.monotonic()
        for worker in list(self._workers):
            patience = SILENCE if worker.ready else START
            # What it has said is heard first: this process may be the late one, after a pause.
            waited_for = (worker.job is not None or not worker.ready) and not _has_spoken(worker)
            if waited_for and (now > worker.deadline or now > worker.heard + patience):
                why = "not done at its deadline" if now > worker.deadline else f"silent for {patience:.0f} s"
                messages += self._fail(worker, f"killed: {why}")
        return messages

    def hurry(self, seconds: float) -> None:
        """Bring the deadlines of all running jobs forward."""
        for worker in self._workers:
            worker.deadline -= seconds

    def run(self, jobs: Iterable[tuple[Any, ...]], *, seconds: float) -> dict[Any, Any]:
        """Run ``(key, function, *arguments)`` jobs to their end and return their results by key.

        Each job is taken from ``jobs`` when a worker is free for it; what is running already is waited for too.

        Raises
        ------
        SearchError
            If one of them fails, once the others are done.
        """
        waiting, more = iter(jobs), True
        results: dict[Any, Any] = {}
        failed = ""
        while True:
            while more and self.idle:
                job = next(waiting, None)
                more = job is not None
                if job is not None:
                    key, function, *arguments = job
                    self.submit(key, function, *arguments, seconds=seconds)
            if not (more or self.busy):
                break
            for message in self.poll(1.0):
                if message.kind == "failed":
                    failed = failed or f"{message.job}: {message.content}"
                if message.kind == "done":
                    results[message.job] = message.content
        if failed:
            raise SearchError(failed)
        return results

    def close(self) -> None:
        """End all processes at once; nothing they hold is of value."""
        for worker in self._workers:
            self._end(worker)
        self._workers = []

    def _start(self, cores: list[int]) -> _Worker:
        log = _unnamed_file()
        ours, theirs = socket.socketpair()
        arguments = [theirs.fileno(), ",".join(map(str, cores)), os.getpid()]
        process = subprocess.Popen(
            [sys.executable, "-m", "forecastr.engine.worker", *map(str, arguments)],
            env={**os.environ, **keras_environment(self.backend, quick=self.quick)},
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        theirs.close()
        return _Worker(process, Connection(ours.detach()), cores, log)

    def _feed(self, worker: _Worker) -> None:
        if worker.ready and worker.queued:
            with suppress(BrokenPipeError, ConnectionResetError):  # it died while idle: the next poll finds out
                worker.connection.send(worker.queued)
            worker.queued, worker.heard = None, time.monotonic()

    def _receive(self, worker: _Worker) -> list[Message]:
        try:
            kind, content = worker.connection.recv()
        except (EOFError, OSError):  # gone between two messages, or in the middle of one
            return self._fail(worker, self._cause_of_death(worker))
        worker.heard = time.monotonic()
        if kind == "ready":
            if not self._proven:
                self._ready(content - self._begun)
            worker.ready = self._proven = True
            self._feed(worker)
            return []
        if kind == "unwritten":  # the next would not be either
            worker.job, worker.deadline = None, float("inf")
            raise StorageError(content)
        message = Message(worker.job, kind, content)
        if kind != "event":
            worker.job, worker.deadline = None, float("inf")
            if kind == "done" and content["peak_mib"] > RECYCLE_MIB:
                self._replace(worker)
        return [message]

    def _fail(self, worker: _Worker, reason: str) -> list[Message]:
        """Replace a dead or late worker and report its job, if it had one.

        Where none has ever come up, the next one would only die again.
        """
        if not self._proven:
            raise SearchError(f"A worker process could not start ({reason}). `forecastr doctor` may tell why.")
        if self.winding_down and len(self._workers) > 1:
            self._end(worker)
            self._workers.remove(worker)
        else:
            self._replace(worker)
        return [] if worker.job is None else [Message(worker.job, "failed", reason)]

    def _end(self, worker: _Worker) -> None:
        worker.process.kill()
        worker.process.wait()
        worker.connection.close()
        worker.log.close()

    def _replace(self, worker: _Worker) -> None:
        self._end(worker)
        self._workers[self._workers.index(worker)] = self._start(worker.cores)

    def _cause_of_death(self, worker: _Worker) -> str:
        try:
            code = worker.process.wait(LINGER)
        except subprocess.TimeoutExpired:
            return "hung up without ending"
        worker.log.seek(0)
        printed = worker.log.read().decode(errors="replace")
        last = [line for line in printed.splitlines() if line.strip()][-1:]
        how = f"died of signal {-code}" if code < 0 else f"ended with exit code {code}"
        return ": ".join([how, *last])


def _unnamed_file() -> IO[bytes]:
    """Return a file for what a worker prints, gone with the last process that has it open."""
    try:
        return TemporaryFile()
    except OSError as error:  # everything that could hold one is full or read-only
        raise StorageError(
            f"No temporary file can be written: {error.strerror}. Make room, or name a folder with TMPDIR."
        ) from error


def _has_spoken(worker: _Worker) -> bool:
    try:
        return worker.connection.poll()
    except OSError:  # it is gone: so say the next words that are received
        return True
