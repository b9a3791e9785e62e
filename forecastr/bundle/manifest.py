"""What a bundle consists of, with a sha256 of every file."""

import hashlib
import json
from pathlib import Path
from typing import Any

from forecastr.errors import BundleError
from forecastr.files import write_json

FORMAT = 1
MANIFEST = "manifest.json"


def write_manifest(folder: Path, **about: Any) -> None:
    """Write the manifest of everything that lies in ``folder``: last, so that a bundle is whole or none."""
    files = {path.name: sha256_of(path) for path in sorted(folder.iterdir()) if path.name != MANIFEST}
    write_json(folder / MANIFEST, {"format": FORMAT, **about, "files": files})


def check_manifest(folder: Path) -> dict[str, Any]:
    """Return a bundle's manifest after comparing every file with its sha256.

    Raises
    ------
    BundleError
        If there is no manifest, its format is unknown, or a file is missing or altered.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise BundleError(f"{folder} holds no bundle. Give a run folder of `forecastr fit`, or its bundle/ folder.")
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        files, version = dict(manifest["files"]), manifest["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError(f"{path} is damaged: {error}. Fit again, or restore the bundle from a copy.") from error
    if version != FORMAT:
        raise BundleError(f"{path}: format {version} is not one this release reads ({FORMAT}). Fit again.")
    for name, expected in files.items():
        if Path(name).name != name:
            raise BundleError(f"{path} names '{name}', which is outside its folder.")
        file = folder / name
        if not file.is_file():
            raise BundleError(f"{file} is missing. Restore the bundle from a copy, or fit again.")
        if sha256_of(file) != expected:
            raise BundleError(f"{file} is not the file that was written. Restore the bundle from a copy, or fit again.")
    return manifest


def require_files(manifest: dict[str, Any], names: list[str]) -> None:
    """Raise a BundleError unless a checked manifest lists all of these files."""
    for name in names:
        if name not in manifest["files"]:
            raise BundleError(f"The bundle's manifest does not list '{name}'. Fit again, or restore it from a copy.")


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
