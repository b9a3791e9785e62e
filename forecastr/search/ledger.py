"""The truth about a search: one line per event, on disk before anything depends on it."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from forecastr.files import to_json


class Ledger:
    """An append-only file of events, one JSON object a line.

    Parameters
    ----------
    path : Path
        Created if it is not there.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def append(self, event: str, **content: Any) -> dict[str, Any]:
        """Write one event and return it; it is on disk when this returns, except for the epochs of a trial."""
        line = {"event": event, "time": datetime.now(UTC).isoformat(timespec="milliseconds"), **content}
        self._file.write(to_json(line) + "\n")
        self._file.flush()
        if event != "epoch":
            os.fsync(self._file.fileno())
        return line


def read_ledger(path: Path) -> list[dict[str, Any]]:
    """Return the events of a ledger, without a last line that a kill has torn."""
    *lines, _torn = path.read_bytes().split(b"\n")  # only a newline ends an event: texts hold other separators
    return [json.loads(line) for line in lines]
