"""What a night has done so far, step by step on disk, so that the next attempt goes on where this one ended."""

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from forecastr.errors import ServiceError
from forecastr.files import whole_file, write_json

RUNNING, REFUSED, FORECAST, DONE = "running", "refused", "forecast", "done"
GOOD = (FORECAST, DONE)
NIGHTS, FITS = "nights", "fits"


class Journal:
    """The journal of one night of one group.

    Parameters
    ----------
    state : Path
        State folder; the night's own is below it, named after its date.
    as_of : str
        The night's date.

    Attributes
    ----------
    status : {"running", "refused", "forecast", "done"}
        "forecast": made, and not published yet.
    steps : dict
        What each step that is over came to.
    """

    def __init__(self, state: Path, as_of: str) -> None:
        self.state, self.as_of = state, as_of
        self.folder = state / NIGHTS / as_of.replace(":", "")
        self.path = self.folder / "night.json"
        self._take(_read(self.path) if self.path.exists() else {})

    @classmethod
    def at(cls, path: Path) -> "Journal":
        """Return the journal in a file."""
        journal, document = cls.__new__(cls), _read(path)
        journal.state, journal.as_of = path.parents[2], document["as_of"]
        journal.folder, journal.path = path.parent, path
        journal._take(document)
        return journal

    def _take(self, document: dict[str, Any]) -> None:
        self.status: str = document.get("status", RUNNING)
        self.steps: dict[str, Any] = document.get("steps", {})

    def step(self, name: str, work: Callable[[], Any]) -> Any:
        """Return what a step came to: now, or in an earlier attempt."""
        if name not in self.steps:
            self.steps[name] = work()
            self.write()
            self.steps = _read(self.path)["steps"]  # as a later attempt reads it
        return self.steps[name]

    def begin_again(self) -> None:
        """Forget the steps of an earlier attempt, whose rows were others."""
        self.status, self.steps = RUNNING, {}

    def end(self, status: str) -> None:
        """Write how the night ended."""
        self.status = status
        self.write()

    def write(self) -> None:
        """Write everything, whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(self.path, {"as_of": self.as_of, "status": self.status, "steps": self.steps})

    def write_table(self, name: str, table: pd.DataFrame) -> None:
        """Write a table beside the journal."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with whole_file(self.folder / name) as temporary:
            table.to_parquet(temporary, index=False)

    def read_table(self, name: str) -> pd.DataFrame:
        """Return a table beside the journal."""
        return pd.read_parquet(self.folder / name)


def read_nights(state: Path, *, before: str | None = None) -> list[Journal]:
    """Return the journals of a state folder, oldest first; of nights before a date if one is given."""
    nights = [Journal.at(path) for path in (state / NIGHTS).glob("*/night.json")]
    earlier = [night for night in nights if before is None or _moment(night.as_of) < _moment(before)]
    return sorted(earlier, key=lambda night: _moment(night.as_of))


def last_good(state: Path, *, before: str | None = None) -> Journal | None:
    """Return the latest journal of a night that ended with a forecast; before a date if one is given."""
    folders = sorted((state / NIGHTS).glob("*/night.json"), key=lambda path: _moment(path.parent.name), reverse=True)
    nights = (Journal.at(path) for path in folders)
    good = (night for night in nights if night.status in GOOD)
    return next((night for night in good if before is None or _moment(night.as_of) < _moment(before)), None)


def _moment(as_of: str) -> str:
    """Return what tells which of two nights is later: a date is the end of its day."""
    return as_of if "T" in as_of else f"{as_of}T24"


def _read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


@contextmanager
def only_run(state: Path) -> Iterator[None]:
    """Hold a state folder for this process; the lock ends with it, however it ends.

    Raises
    ------
    ServiceError
        If another run holds it.
    """
    state.mkdir(parents=True, exist_ok=True)
    with (state / ".lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise ServiceError(
                f"{state}: another run is at work here (process {file.read().strip() or 'unknown'}). "
                "Nothing was done; wait for it to end."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def folder_name(group: str) -> str:
    """Return a group's folder: its name, where that can be one.

    Examples
    --------
    >>> folder_name("north"), folder_name("a/b")
    ('north', 'a-b-c14cddc0')
    """
    plain = re.sub(r"[^\w-]+", "-", group)
    return plain if plain == group and plain else f"{plain}-{hashlib.sha256(group.encode()).hexdigest()[:8]}"
