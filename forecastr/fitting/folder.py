"""The run folder: an unfinished search in it goes on, and an earlier run in it is lost only to a finished one.

While a fit works, all it writes lies in ``.search/``: the ledger, the trials' files, and what will be the run. The run
takes its place when it is whole, and ``.search/`` goes.
"""

import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forecastr.errors import ConfigError, StorageError
from forecastr.files import naming, to_json, whole_file
from forecastr.fitting.lock import locked, require_unlocked
from forecastr.search.ledger import Ledger, read_ledger
from forecastr.search.resume import replay_trials

SUMMARY, LEDGER = "summary.json", "ledger.jsonl"
OURS = (SUMMARY, LEDGER, "bundle")
WORK, LOCK = ".search", "lock"
Watcher = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, eq=False)
class Workplace:
    """Where a fit works until it is finished.

    Parameters
    ----------
    folder : Path
        The run folder.
    events : list of dict
        The ledger of a search to go on with; empty where one begins.
    """

    folder: Path
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def scratch(self) -> Path:
        """What goes when the fit is finished."""
        return self.folder / WORK

    @property
    def ledger(self) -> Path:
        """The search's ledger."""
        return self.scratch / LEDGER

    @property
    def run(self) -> Path:
        """Where the finished run is put together."""
        return self.scratch / "run"

    def publish(self) -> None:
        """Let the run, which is whole, take its place; what a kill leaves half done is done by the next start."""
        with whole_file(self.run / LEDGER) as temporary:
            shutil.copyfile(self.ledger, temporary)
        with naming(self.folder):
            self.run.rename(self.scratch / "whole")
            self.put_in_place()
            self.ledger.unlink()  # from here on there is nothing to go on with
            shutil.rmtree(self.scratch)

    def put_in_place(self) -> None:
        """Move a run that is whole into the folder: what was there out of the way, then all of the run in."""
        whole, moving, earlier = (self.scratch / name for name in ("whole", "moving", "earlier"))
        if whole.exists():
            if holds_run(self.folder) or earlier.exists():
                earlier.mkdir(exist_ok=True)
                for path in self.folder.iterdir():
                    if path != self.scratch:
                        path.rename(earlier / path.name)
            whole.rename(moving)
        if moving.exists():  # the ledger first, which tells whose run it is; the summary last, for it is whole then
            for path in sorted(moving.iterdir(), key=lambda path: (path.name == SUMMARY, path.name != LEDGER)):
                path.rename(self.folder / path.name)
            moving.rmdir()

    def clear(self, *, keep: bool) -> None:
        """Remove what a kill has left, but for the lock; of a search to keep, leave its ledger and trials."""
        for path in self.scratch.iterdir():
            if path.name == LOCK or (keep and (path.name == LEDGER or path.name.isdigit())):
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    def remove(self) -> None:
        """Leave the folder as it was before there was a search in it."""
        with suppress(OSError):  # what cannot be written cannot be removed either
            self.ledger.unlink(missing_ok=True)
            shutil.rmtree(self.scratch)
            if not any(self.folder.iterdir()):
                self.folder.rmdir()


def holds_run(folder: Path) -> bool:
    """Tell whether a run is in a folder."""
    return any((folder / name).exists() for name in OURS)


def kept_trials(folder: Path) -> int:
    """Return how many completed trials an unfinished search in a folder has."""
    trials = replay_trials(read_ledger(folder / WORK / LEDGER))
    return sum(trial.status == "completed" for trial in trials)


def require_usable(folder: Path, *, overwrite: bool, resume: bool) -> None:
    """Raise a ConfigError if a run folder cannot be made here, nor a search in it gone on with."""
    if overwrite and resume:
        raise ConfigError("Pass --resume to go on with a search, or --overwrite to replace a run, not both.")
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file. Name a folder with --output.")
    if not folder.exists() or not any(path.name != WORK for path in folder.iterdir()):
        return
    begun = read_ledger(folder / WORK / LEDGER)[:1]
    if not holds_run(folder) and not begun:
        raise ConfigError(f"{folder} is not empty and holds no run of forecastr. Name another folder with --output.")
    published = begun and begun == read_ledger(folder / LEDGER)[:1]  # by a fit that was killed in its last moment
    if holds_run(folder) and not (overwrite or resume or published):
        raise ConfigError(f"{folder} holds another run. Name another folder with --output, or pass --overwrite.")


def require_unused(folder: Path) -> None:
    """Raise a ConfigError if another fit works in a folder; what a kill in a fit's last moment has left there goes."""
    require_unlocked(folder / WORK / LOCK, what=folder)
    work = Workplace(folder)
    if work.scratch.exists() and not work.ledger.exists():
        with locked(work.scratch / LOCK, what=folder):
            work.remove()


def find_search(folders: Iterable[Path], identity: dict[str, Any], *, finished: bool) -> Path | None:
    """Return the first of these folders that holds this search and is not in use; ``finished`` runs may count."""
    for folder in folders:
        with suppress(ConfigError):
            require_unlocked(folder / WORK / LOCK, what=folder)
            events = _events(folder, finished=finished)
            if events and not _differences(_identity(events), _plain(identity)):
                return folder
    return None


@contextmanager
def open_folder(
    folder: Path, identity: dict[str, Any], *, overwrite: bool, resume: bool, watch: Watcher
) -> Iterator[Workplace]:
    """Yield the workplace of a fit, for itself alone, with the events of a search to go on with if there is one.

    If the block fails, a search with completed trials stays, and ``watch`` hears of it in an event ``kept``; one
    without is removed.

    Parameters
    ----------
    folder : Path
        The run folder.
    identity : dict
        What makes two searches the same, as plain values.
    overwrite : bool
        Begin anew where the folder holds a run or another search.
    resume : bool
        Go on with the search of a finished run.
    watch : callable
        Hears what is kept.

    Raises
    ------
    ConfigError
        If another fit works there, or the search there is another one: what differs.
    StorageError
        If the folder cannot be written.
    """
    require_usable(folder, overwrite=overwrite, resume=resume)
    work = Workplace(folder)
    with locked(work.scratch / LOCK, what=folder):
        try:
            with naming(folder):
                work.put_in_place()
            require_usable(folder, overwrite=overwrite, resume=resume)
            events = _admitted(folder, _plain(identity), overwrite=overwrite, resume=resume)
            with naming(folder):
                work.clear(keep=bool(events))
            if events and not work.ledger.exists():  # of a finished run
                with whole_file(work.ledger) as temporary:
                    shutil.copyfile(folder / LEDGER, temporary)
            yield Workplace(folder, events)
        except BaseException as error:
            _end_early(work, error, watch)
            raise


def _admitted(folder: Path, identity: dict[str, Any], *, overwrite: bool, resume: bool) -> list[dict[str, Any]]:
    """Return the events of the search in a folder if it is this one; an error if another must not be lost."""
    events = _events(folder, finished=resume)
    if resume and not events:
        raise ConfigError(f"{folder} holds no search to go on with. Run the command without --resume.")
    differences = _differences(_identity(events), identity) if events else []
    if differences and not overwrite and (resume or kept_trials(folder)):
        raise ConfigError(
            f"{folder} holds another search: {'; '.join(differences)}. Repeat the command that began it, pass "
            "--overwrite to begin anew, or name another folder with --output."
        )
    return [] if differences else events


def _end_early(work: Workplace, error: BaseException, watch: Watcher) -> None:
    """Keep what is of worth, and say so."""
    interrupted, kept = isinstance(error, (KeyboardInterrupt, SystemExit)), kept_trials(work.folder)
    if kept and interrupted:
        with suppress(StorageError), Ledger(work.ledger) as ledger:
            ledger.append("interrupted", kept=kept)
    if not kept:
        work.remove()
    if not isinstance(error, ConfigError):
        watch({"event": "kept", "kept": kept, "folder": str(work.folder), "interrupted": interrupted})


def _events(folder: Path, *, finished: bool) -> list[dict[str, Any]]:
    """Return the ledger of an unfinished search in a folder, or else of a finished one if that counts."""
    return read_ledger(folder / WORK / LEDGER) or (read_ledger(folder / LEDGER) if finished else [])


def _identity(events: list[dict[str, Any]]) -> dict[str, Any]:
    return dict(events[0].get("search", {}))


def _plain(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document as it comes back from JSON."""
    return dict(json.loads(to_json(document)))


def _differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return where two documents differ, in words.

    Examples
    --------
    >>> _differences({"task": {"horizon": 5}, "jobs": 2}, {"task": {"horizon": 7}, "jobs": 2})
    ['horizon is 7, was 5']
    """
    found = []
    for name in dict.fromkeys([*before, *now]):
        old, new = before.get(name), now.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            found += _differences(old, new)
        elif old != new:
            found.append("its table is another" if name == "table" else f"{name} is {new}, was {old}")
    return found
