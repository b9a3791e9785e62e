"""Delivering what waits in the spool."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from forecastr.errors import ConfigError, TrackingError
from forecastr.tracking.client import open_store
from forecastr.tracking.delivering import deliver_entry
from forecastr.tracking.spool import Entry, claimed, digest_of, forget, waiting

DELIVERED, WAITING, BUSY, GONE, DROPPED = "delivered", "waiting", "busy", "gone", "dropped"


@dataclass(frozen=True)
class Outcome:
    """What became of one entry.

    Parameters
    ----------
    entry : Entry
        What was to be delivered.
    state : str
        ``delivered``; ``waiting``: it stays; ``busy``: another process delivers it; ``gone``: there is nothing
        to deliver any more; ``dropped``: nor is it in the spool any more.
    text : str
        The run's id, or why not.
    """

    entry: Entry
    state: str
    text: str


def sync(moved: Iterable[Path] = (), *, drop: bool = False) -> Iterator[Outcome]:
    """Deliver every run of the spool, each exactly once, and yield what became of it.

    Each is one run in its store at the end, also when this process, an earlier one or the server was killed
    half-way. Several processes may do this at once.

    Parameters
    ----------
    moved : iterable of Path
        Run folders that have been moved since: entries whose folder is gone are looked for here.
    drop : bool
        Forget entries whose run folder is gone or holds another run.

    Raises
    ------
    ConfigError
        If nothing waits for a folder of ``moved``.
    TrackingError
        If the spool cannot be read.
    """
    entries = _found(waiting(), list(moved))
    dead: dict[str, str] = {}  # stores, and why they are not tried again
    for entry in entries:
        problem = entry.problem()
        if problem is not None:
            yield _gone(entry, problem, drop=drop or entry.stopped)
        elif entry.uri in dead:
            yield Outcome(entry, WAITING, dead[entry.uri])
        else:
            outcome = _deliver(entry)
            if outcome.state == WAITING and not _answers(entry.uri):
                dead[entry.uri] = outcome.text
            yield outcome


def _found(entries: list[Entry], moved: list[Path]) -> list[Entry]:
    """Return the entries, those of moved folders with the new place."""
    places = {digest_of(folder): folder for folder in moved}
    known = {entry.digest for entry in entries}
    for digest, folder in places.items():
        if digest is None or digest not in known:
            raise ConfigError(f"{folder}: no run of this folder waits to be delivered. Run `forecastr sync` alone.")
    return [
        entry.moved_to(places[entry.digest]) if entry.digest in places and entry.problem() else entry
        for entry in entries
    ]


def _deliver(entry: Entry) -> Outcome:
    try:
        run = deliver_entry(entry)
    except TrackingError as error:
        return Outcome(entry, WAITING, str(error))
    return Outcome(entry, DELIVERED, run.run_id) if run else Outcome(entry, BUSY, "another process delivers it")


def _gone(entry: Entry, problem: str, *, drop: bool) -> Outcome:
    with claimed(entry) as mine:
        if not (drop and mine):
            return Outcome(entry, GONE, problem)
        forget(entry)
    return Outcome(entry, DROPPED, problem)


def _answers(uri: str) -> bool:
    try:
        with open_store(uri) as client:
            client.search_experiments(max_results=1)
    except TrackingError:
        return False
    return True
