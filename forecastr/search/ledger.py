"""The truth about a search: one line per event, on disk before anything depends on it."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from forecastr.files import naming, to_json


class Ledger:
    """An append-only file of events, one JSON object a line; a tail that a kill has torn is cut off on opening.

    Parameters
    ----------
    path : Path
        Created if it is not there.

    Raises
    ------
    StorageError
        If it cannot be written, now or when an event is appended.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with naming(path):
            self._file = path.open("ab", buffering=0)
            whole = sum(len(line) + 1 for line in _whole_lines(path.read_bytes()))
            self._file.truncate(whole)

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def append(self, event: str, **content: Any) -> dict[str, Any]:
        """Write one event and return it; it is on disk when this returns, except for the epochs of a trial."""
        line = {"event": event, "time": datetime.now(UTC).isoformat(timespec="milliseconds"), **content}
        left = (to_json(line) + "\n").encode()
        with naming(self.path):
            while left:
                left = left[self._file.write(left) :]
            if event != "epoch":
                os.fsync(self._file.fileno())
        return line


def read_ledger(path: Path) -> list[dict[str, Any]]:
    """Return the events of a ledger, without a last line that a kill has torn; none where there is no ledger."""
    return [json.loads(line) for line in _whole_lines(path.read_bytes())] if path.exists() else []


def _whole_lines(content: bytes) -> list[bytes]:
    """Return the lines up to the last that is an event: what follows was being written when the power went."""
    *lines, _torn = content.split(b"\n")  # only a newline ends an event: texts hold other separators
    while lines and not _is_event(lines[-1]):
        lines.pop()
    return lines


def _is_event(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False
