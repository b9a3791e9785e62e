"""What a bundle consists of, with a sha256 of every file; nothing is looked into before all of them agree."""

import hashlib
import re
from pathlib import Path
from typing import Any

from forecastr.bundle.documents import parse_json
from forecastr.errors import BundleError, quoted
from forecastr.files import write_json

FORMAT = 1
MANIFEST = "manifest.json"
NAME = re.compile(r"[\w-]+\.(json|keras|parquet)")
MOST_MANIFEST = 1 << 20
AGAIN = "Restore the bundle from a copy, or fit again."


def write_manifest(folder: Path, **about: Any) -> None:
    """Write the manifest of everything that lies in ``folder``: last, so that a bundle is whole or none."""
    files = {path.name: sha256_of(path.read_bytes()) for path in sorted(folder.iterdir()) if path.name != MANIFEST}
    write_json(folder / MANIFEST, {"format": FORMAT, **about, "files": files})


def check_manifest(folder: Path) -> dict[str, str]:
    """Return the files of a bundle with their sha256, or raise a BundleError as ``read_bundle`` does."""
    return {name: sha256_of(content) for name, content in read_bundle(folder).items()}


def read_bundle(folder: Path) -> dict[str, bytes]:
    """Return the bytes of a bundle's files by name, each read once and equal to its sha256.

    Whoever uses them uses what was checked: a file that is exchanged meanwhile changes nothing.

    Raises
    ------
    BundleError
        If there is no manifest, its format is unknown, it names what lies outside its folder, or a file is missing,
        altered or not named in it.
    """
    listed = _listed_files(folder)
    here = {path.name for path in folder.iterdir() if not path.name.startswith(".")} - {MANIFEST}
    if extra := sorted(here - set(listed)):
        raise BundleError(
            f"{folder} holds {quoted(extra[0])}, which its {MANIFEST} does not list. Move it elsewhere: a bundle is "
            "used as it was written, or not at all."
        )
    contents = {}
    for name, expected in listed.items():
        contents[name] = _read(folder, name)
        if sha256_of(contents[name]) != expected:
            raise BundleError(f"{folder / name} is not the file that was written. {AGAIN}")
    return contents


def _listed_files(folder: Path) -> dict[str, str]:
    """Return a bundle's files and their sha256 as the manifest has them."""
    path = folder / MANIFEST
    if not path.is_file():
        raise BundleError(
            f"{folder} holds no bundle. Give a run folder of `forecastr fit`, its bundle/ folder, or the address of a "
            "tracked model, models:/NAME@ALIAS."
        )
    if path.stat().st_size > MOST_MANIFEST:
        raise BundleError(f"{path} is damaged: it has {path.stat().st_size:,} bytes. {AGAIN}")
    manifest = parse_json(_read(folder, MANIFEST), path)
    files, version = manifest.get("files"), manifest.get("format")
    if type(version) is not int:
        raise BundleError(f"{path} is damaged: it says no format. {AGAIN}")
    if version != FORMAT:
        remedy = "Install a newer forecastr" if version > FORMAT else "Fit again with this release"
        raise BundleError(f"{path}: format {version} is not one this release reads ({FORMAT}). {remedy}.")
    if not isinstance(files, dict) or not all(isinstance(text, str) for text in files.values()):
        raise BundleError(f"{path} is damaged: its files are not listed with a sha256 each. {AGAIN}")
    for name in files:
        if not NAME.fullmatch(name):
            raise BundleError(f"{path} names {quoted(name)}, which no bundle holds or is outside its folder. {AGAIN}")
    return files


def _read(folder: Path, name: str) -> bytes:
    """Return a file of a folder, reached without leaving it."""
    try:
        file = (folder / name).resolve(strict=True)
        if not file.is_relative_to(folder.resolve()):
            raise BundleError(f"{folder / name} is a link to {file}, outside its folder. {AGAIN}")
        if not file.is_file():
            raise BundleError(f"{folder / name} is not a file. {AGAIN}")
        return file.read_bytes()
    except FileNotFoundError as error:
        raise BundleError(f"{folder / name} is missing. {AGAIN}") from error
    except (OSError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or error  # RuntimeError: links in a circle
        raise BundleError(
            f"{folder / name} cannot be read: {why}. Look at its permissions, or copy it again."
        ) from error


def sha256_of(content: bytes) -> str:
    """Return the sha256 of a file's bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
