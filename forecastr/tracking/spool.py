"""The spool: which run folders are on their way to a store, so that none is lost when the store is away."""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from forecastr.errors import ForecastrError, TrackingError
from forecastr.files import write_json
from forecastr.tracking.address import absolute_store, resolve_store


@dataclass(frozen=True)
class Entry:
    """One delivery that is not known to have arrived.

    Parameters
    ----------
    id : str
        Marks the run in the store: whatever is interrupted, one run carries it in the end.
    folder : str
        The run folder, absolute.
    uri : str
        The store, whatever the working directory.
    experiment : str or None
        As asked for; by default the name of the data.
    digest : str or None
        sha256 of the folder's ``summary.json``; None for a fit that was stopped.
    created : str
        When the fit was done.
    """

    id: str
    folder: str
    uri: str
    experiment: str | None
    digest: str | None
    created: str

    @property
    def path(self) -> Path:
        """The entry's own file; the oldest comes first by name."""
        return spool_folder() / f"{self.created.replace(':', '')}-{self.id}.json"

    @property
    def stopped(self) -> bool:
        """Whether the fit was stopped."""
        return self.digest is None

    def problem(self) -> str | None:
        """Return why the folder cannot be delivered any more, None if it can."""
        if not Path(self.folder).is_dir():
            return "the run folder is gone"
        if not self.stopped and digest_of(Path(self.folder)) != self.digest:
            return "the run folder holds another run now"
        if self.stopped and digest_of(Path(self.folder)):
            return "the fit went on and was finished"
        return None

    def moved_to(self, folder: Path) -> "Entry":
        """Return the entry for a folder that has been moved."""
        return replace(self, folder=str(folder.absolute()))


def spool_folder() -> Path:
    """Return the folder of the spool: below ``XDG_STATE_HOME``, or ``~/.local/state``."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "forecastr" / "spool"


def new_entry(folder: Path, tracking_uri: str | None, experiment: str | None, *, stopped: bool = False) -> Entry:
    """Return an entry for a run folder; nothing is written."""
    folder = Path(folder).absolute()
    return Entry(
        id=uuid4().hex,
        folder=str(folder),
        uri=absolute_store(resolve_store(tracking_uri)),
        experiment=experiment,
        digest=None if stopped else digest_of(folder),
        created=datetime.now(UTC).isoformat(timespec="microseconds"),
    )


def keep(entry: Entry) -> None:
    """Put an entry into the spool, on disk when this returns; readable for its user alone.

    Raises
    ------
    TrackingError
        If the spool cannot be written.
    """
    try:
        entry.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_json(entry.path, asdict(entry))
    except (OSError, RuntimeError, ForecastrError) as error:  # RuntimeError: no home folder
        raise TrackingError(f"Nor can it wait for `forecastr sync`: {error}") from error


def forget(entry: Entry) -> None:
    """Take an entry out of the spool."""
    with suppress(OSError, RuntimeError):
        entry.path.unlink(missing_ok=True)


def is_kept(entry: Entry) -> bool:
    """Return whether an entry is in the spool."""
    try:
        return entry.path.exists()
    except RuntimeError:  # no home folder
        return False


def waiting() -> list[Entry]:
    """Return the entries of the spool, oldest first.

    Raises
    ------
    TrackingError
        If an entry cannot be read.
    """
    entries = []
    for path in sorted(spool_folder().glob("*.json")):
        if path.name.startswith("."):
            continue  # being written
        try:
            entries.append(Entry(**json.loads(path.read_text(encoding="utf-8"))))
        except FileNotFoundError:  # delivered meanwhile
            continue
        except (OSError, ValueError, TypeError) as error:
            raise TrackingError(f"{path} is no entry of the spool: {error}. Remove it.") from error
    return entries


@contextmanager
def claimed(entry: Entry) -> Iterator[bool]:
    """Hold an entry for this process; yield False if another holds it, or has delivered it."""
    try:
        file = entry.path.open("rb")
    except (OSError, RuntimeError):
        yield False
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield entry.path.exists()  # the lock goes with the file, however this process ends


def digest_of(folder: Path) -> str | None:
    """Return the sha256 of a run folder's summary, None if there is none."""
    try:
        return hashlib.sha256((folder / "summary.json").read_bytes()).hexdigest()
    except OSError:
        return None
