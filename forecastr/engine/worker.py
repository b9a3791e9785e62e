"""A worker process: takes one unit of work at a time from its parent, answers, and dies with it."""

import ctypes
import importlib
import os
import resource
import signal
import sys
import time
import traceback
from multiprocessing.connection import Connection

from forecastr.engine.backend import load_keras, spare_tensorflow
from forecastr.engine.memory import release_memory
from forecastr.errors import StorageError

PR_SET_PDEATHSIG = 1  # of Linux's prctl


def main() -> None:
    """Serve until the parent hangs up: ``python -m forecastr.engine.worker FD CORES PARENT``."""
    _die_with(int(sys.argv[3]))
    connection = Connection(int(sys.argv[1]))
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, [int(core) for core in sys.argv[2].split(",")])
    spare_tensorflow()
    load_keras(os.environ["KERAS_BACKEND"])  # while the parent still reads the table
    connection.send(("ready", time.monotonic()))
    while True:
        release_memory()  # of the work before, while there is none
        try:
            name, arguments = connection.recv()
        except EOFError:
            return
        module, _, attribute = name.partition(":")
        try:
            function = getattr(importlib.import_module(module), attribute)
            connection.send(("done", {**function(*arguments, **_reporter(function, connection)), **_usage()}))
        except (BrokenPipeError, ConnectionResetError):
            return
        except StorageError as error:  # not the work's fault
            connection.send(("unwritten", str(error)))
        except Exception as error:
            traceback.print_exc()
            connection.send(("failed", f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"))


def _die_with(parent: int) -> None:
    """End with the parent, however it ends, and leave signals meant for the whole group of processes to it.

    Elsewhere than on Linux a worker notices at its next word to the parent that there is none.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was gone before this was said
        sys.exit()


def _reporter(function: object, connection: Connection) -> dict[str, object]:
    """Give work that reports progress the means to do so."""
    takes_report = "report" in getattr(function, "__annotations__", {})
    return {"report": lambda event: connection.send(("event", event))} if takes_report else {}


def _usage() -> dict[str, float]:
    """Peak memory of this process so far, in MiB."""
    return {"peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


if __name__ == "__main__":
    main()
