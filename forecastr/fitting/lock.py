"""One fit at a time in a folder: a lock that the kernel releases, however its holder ends."""

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from forecastr.errors import ConfigError
from forecastr.files import naming

GLANCE = 0.2  # seconds
PATIENCE = 5.0


@contextmanager
def locked(path: Path, *, what: Path) -> Iterator[None]:
    """Hold the lock on a file, made if need be, until the block ends.

    Parameters
    ----------
    path : Path
        The file, in a folder that is made if need be; who holds it is written inside.
    what : Path
        The folder it stands for, as errors name it.

    Raises
    ------
    ConfigError
        If another process holds it: which one, where and since when.
    """
    end = time.monotonic() + PATIENCE
    while True:
        with naming(what):
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                file = path.open("a+", encoding="utf-8")
            except FileNotFoundError:  # its holder has just ended, and removed the folder
                if time.monotonic() > end:
                    raise
                continue
        with file:
            _take(file.fileno(), path, what)
            if not _is(file.fileno(), path):  # or the file
                continue
            with naming(path):
                file.truncate(0)
                file.write(f"process {os.getpid()} on {socket.gethostname()} since {datetime.now():%Y-%m-%d %H:%M:%S}")
                file.flush()
            yield
            return


def require_unlocked(path: Path, *, what: Path) -> None:
    """Raise a ConfigError if another process holds the lock on a file."""
    with suppress(FileNotFoundError, NotADirectoryError), path.open() as file:
        _take(file.fileno(), path, what)


def _take(descriptor: int, path: Path, what: Path) -> None:
    """Lock an open file; who only looks whether it is locked holds it for a moment, which is waited for."""
    end = time.monotonic() + GLANCE
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() < end:
                time.sleep(GLANCE / 10)
                continue
            holder = "another process"
            with suppress(FileNotFoundError):
                holder = path.read_text(encoding="utf-8") or holder
            raise ConfigError(
                f"{what} is in use: {holder} is fitting in it. Wait for its end, or name another folder with --output."
            ) from error


def _is(descriptor: int, path: Path) -> bool:
    """Tell whether an open file is still the one of that name."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
