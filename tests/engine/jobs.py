"""Work for the pool's tests: what workers do well, badly and not at all."""

import os
import signal
import time
from collections.abc import Callable
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
