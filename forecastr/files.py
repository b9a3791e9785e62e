"""Files written whole or not at all: the one place that creates them."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from forecastr.errors import ConfigError, StorageError

TABLE_FORMATS = (".csv", ".csv.gz", ".parquet")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that takes its place only if the block succeeds.

    The temporary file keeps the suffix, so that writers which choose a format by it still do.

    Raises
    ------
    StorageError
        If it cannot be written; ``path`` is as it was.
    """
    with naming(path):
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix="".join(path.suffixes))
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            _sync(temporary)
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(path)
            _sync(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Raise a StorageError that names ``path`` if the block, which writes there, cannot."""
    try:
        yield
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise StorageError(
            f"{path} cannot be written: {why}. Make room, or see to the permissions, and run the same command again."
        ) from error


def size_of(folder: Path) -> int:
    """Return the bytes of all files below a folder; one that has several names there counts once."""
    sizes = {}
    for path, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):  # a temporary file, gone again
                found = (Path(path) / name).lstat()
                sizes[found.st_dev, found.st_ino] = found.st_size
    return sum(sizes.values())


def cache_folder() -> Path:
    """Return the folder for what can be made again: below ``XDG_CACHE_HOME``, or ``~/.cache``."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "forecastr"


def require_table_format(path: Path) -> None:
    """Raise a ConfigError unless the file's name says CSV or Parquet and its folder is there."""
    if not path.name.endswith(TABLE_FORMATS):
        raise ConfigError(f"{path}: write to a file that ends in {', '.join(TABLE_FORMATS)}.")
    if not path.parent.is_dir():
        raise ConfigError(f"{path}: there is no folder {path.parent}. Create it first.")


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` as UTF-8, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_array(path: Path, array: Any) -> None:
    """Write an array as a ``.npy`` file.

    ``numpy.save`` hands the values to C's buffers, and a disk that is full when these are emptied goes unnoticed.
    """
    import numpy as np

    with path.open("wb") as file:
        np.save(cast("Any", SimpleNamespace(write=file.write)), array)


def write_json(path: Path, document: Any) -> None:
    """Write ``document`` to ``path`` as indented JSON; what is not finite becomes null."""
    write_text(path, to_json(document, indent=2) + "\n")


def to_json(document: Any, *, indent: int | None = None) -> str:
    """Return strict JSON of ``document``: numpy values become plain ones, NaN and infinity null.

    Examples
    --------
    >>> to_json({"error": float("nan"), "steps": (1, 2)})
    '{"error": null, "steps": [1, 2]}'
    """
    return json.dumps(_plain(document), indent=indent, ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_plain(inner) for inner in value]
    if hasattr(value, "tolist"):  # numpy scalars and arrays
        return _plain(value.tolist())
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):
        return None
    if value is None or isinstance(value, (str, int, float)):
        return value
    return str(value)


def _sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
