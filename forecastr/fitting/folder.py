"""The run folder: free to begin with, and an earlier run in it lost only to a finished one."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from forecastr.errors import ConfigError

OURS = ("summary.json", "ledger.jsonl", "bundle")


def require_free(folder: Path, *, overwrite: bool) -> None:
    """Raise a ConfigError if a run folder cannot be made here."""
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file. Name a folder with --output.")
    if not folder.exists() or not any(folder.iterdir()):
        return
    is_run = any((folder / name).exists() for name in OURS)
    if not is_run:
        raise ConfigError(f"{folder} is not empty and holds no run of forecastr. Name another folder with --output.")
    if not overwrite:
        raise ConfigError(f"{folder} holds another run. Name another folder with --output, or pass --overwrite.")


@contextmanager
def new_folder(folder: Path) -> Iterator[None]:
    """Make an empty run folder; if the block fails, put back what was there before.

    Half a run would only stand in the next one's way, and the error says what went wrong.
    """
    earlier = folder.with_name(f".{folder.name}.earlier")
    shutil.rmtree(earlier, ignore_errors=True)
    if folder.exists():
        folder.rename(earlier)
    folder.mkdir(parents=True)
    try:
        yield
    except BaseException:
        shutil.rmtree(folder)
        if earlier.exists():
            earlier.rename(folder)
        raise
    shutil.rmtree(earlier, ignore_errors=True)
