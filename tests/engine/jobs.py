"""Work for the pool's tests: what workers do well, badly and not at all."""

import ctypes
import os
import resource
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def echo(value: int) -> dict[str, Any]:
    return {"value": value, "pid": os.getpid()}


def count(steps: int, report: Callable[[dict[str, int]], None]) -> dict[str, int]:
    for step in range(steps):
        report({"step": step})
    return {"steps": steps}


def fail(text: str) -> dict[str, Any]:
    raise ValueError(text)


def die() -> dict[str, Any]:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def hang(seconds: float) -> dict[str, Any]:
    time.sleep(seconds)
    return {}


def leave() -> dict[str, Any]:
    print("no memory left", flush=True)
    os._exit(3)


def crash() -> dict[str, Any]:
    ctypes.string_at(0)  # a segmentation fault
    return {}


def exhaust() -> dict[str, Any]:
    """Take more memory than a limit allows."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (2**30, before[1]))
    try:
        bytearray(2**32)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    return {}


def fill(path: str) -> dict[str, Any]:
    from forecastr.files import write_text

    write_text(Path(path), "no room")
    return {}
