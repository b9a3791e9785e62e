"""Addresses of tracked models, and the bundle behind each as a folder on this machine."""

import hashlib
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from forecastr.bundle.manifest import MANIFEST, read_bundle
from forecastr.errors import BundleError, TrackingError
from forecastr.files import cache_folder
from forecastr.tracking.address import absolute_store, resolve_store
from forecastr.tracking.client import open_store
from forecastr.tracking.model import MODEL_NAME
from forecastr.tracking.registry import find_model, model_of_run

if TYPE_CHECKING:
    from mlflow import MlflowClient

_BUNDLE = Path("artifacts") / "bundle"  # inside an MLflow model of ours
_REGISTERED = re.compile(r"models:/(?P<name>[^/@]+)(@(?P<alias>[^/@]+)|/(?P<version>[0-9]+))")
_LOGGED = re.compile(r"models:/(?P<model>m-[0-9a-z]+)")
_RUN = re.compile(rf"runs:/(?P<run>[0-9a-zA-Z]+)/{MODEL_NAME}")


def is_model_address(text: str) -> bool:
    """Return whether ``text`` names a model in a store rather than a folder.

    Examples
    --------
    >>> is_model_address("models:/prices@champion"), is_model_address("runs/prices")
    (True, False)
    """
    return text.startswith(("models:", "runs:"))


def fetch_model(address: str, tracking_uri: str | None = None) -> Path:
    """Return the folder of the bundle that a model's address names, downloaded if it is not on this machine.

    Parameters
    ----------
    address : str
        ``models:/NAME@ALIAS``, ``models:/NAME/VERSION`` or ``runs:/ID/model``.
    tracking_uri : str or None
        The store; see `resolve_store`.

    Returns
    -------
    Path
        A bundle, to be read and not written: the store's own folder where that is on this machine, else a
        copy in the cache, which is made once for each model.

    Raises
    ------
    TrackingError
        If the address names no model of forecastr, or the store cannot be reached.
    """
    uri = resolve_store(tracking_uri)
    with open_store(uri) as client:
        location = _location(client, address)
        folder = _local(location) or _copy(location, absolute_store(uri))
    if not (folder / MANIFEST).is_file():
        raise TrackingError(f"{address} holds no bundle of forecastr: there is no {folder / MANIFEST} on this machine.")
    return folder


def _location(client: "MlflowClient", address: str) -> str:
    """Return where the store keeps the files of the model behind an address."""
    if found := _LOGGED.fullmatch(address):
        return str(client.get_logged_model(found["model"]).artifact_location)
    if found := _RUN.fullmatch(address):
        return str(client.get_logged_model(model_of_run(client.get_run(found["run"]))).artifact_location)
    found = _REGISTERED.fullmatch(address)
    if found is None:
        raise TrackingError(
            f"'{address}' is not a model's address. Write models:/NAME@ALIAS, models:/NAME/VERSION or runs:/ID/model."
        )
    name, alias = found["name"], found["alias"]
    model = find_model(client, name)
    if model is None:
        known = ", ".join(each.name for each in client.search_registered_models()) or "none yet"
        raise TrackingError(f"{address}: no model '{name}' is registered. Those there are: {known}.")
    if alias is not None and alias not in model.aliases:
        known = ", ".join(sorted(model.aliases)) or "none yet"
        raise TrackingError(f"{address}: the model has no alias '{alias}'. Those there are: {known}.")
    version = str(model.aliases[alias]) if alias else found["version"]
    sources = {str(each.version): str(each.source) for each in client.search_model_versions(f"name = '{name}'")}
    if version not in sources:
        known = ", ".join(sorted(sources, key=int)) or "none yet"
        raise TrackingError(f"{address}: the model has no version {version}. Those there are: {known}.")
    return sources[version]


def _local(location: str) -> Path | None:
    """Return the bundle where it lies, if the store's artifacts are files that this machine may see."""
    if not location.startswith(("file:", "/")):
        return None
    return Path(url2pathname(urlsplit(location).path)) / _BUNDLE


def _copy(location: str, uri: str) -> Path:
    """Return the copy of the model's bundle in the cache, made whole or not at all."""
    from mlflow.artifacts import download_artifacts

    kept = cache_folder() / "models" / hashlib.sha256(f"{uri} {location}".encode()).hexdigest()[:32]
    if _is_whole(kept):
        return kept
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent, prefix=".") as temporary:
        found = Path(download_artifacts(f"{location}/{_BUNDLE}", dst_path=temporary, tracking_uri=uri))
        try:
            if kept.exists():  # damaged
                shutil.rmtree(kept)
            found.rename(kept)
        except OSError:
            if not _is_whole(kept):  # else another process was faster
                raise
    return kept


def _is_whole(kept: Path) -> bool:
    try:
        read_bundle(kept)
    except BundleError:
        return False
    return True
