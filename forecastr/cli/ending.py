"""Ctrl-C and SIGTERM: an orderly end, soon; a second one ends at once."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

ORDERLY = 4.0  # seconds for an orderly end, before there is another one


@contextmanager
def ending_soon() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the block within seconds, whatever it is in the middle of."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:  # as in a shell's background job
            signal.signal(number, _end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


def _end(number: int, _: object) -> NoReturn:
    for again in (signal.SIGINT, signal.SIGTERM):
        signal.signal(again, _end_now)
    last = threading.Timer(ORDERLY, _end_now, [number, None])
    last.daemon = True
    last.start()
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)


def _end_now(number: int, _: object) -> NoReturn:
    os._exit(128 + number)  # workers end with their parent
