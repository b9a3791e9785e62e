"""Networks of a bundle: built from its configuration, and filled with the plain numbers of a ``.keras`` file.

Keras' loader builds whatever a file describes. A description is a program of sorts, and rules about which ones are
harmless have had holes. Here it is never followed: no file can ask for a layer, a module or a function.
"""

import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from forecastr.errors import BundleError
from forecastr.models.config import NetworkConfig, WindowShape, numbers_per_window

if TYPE_CHECKING:
    import keras

WEIGHTS = "model.weights.h5"
MEMBERS = ["config.json", "metadata.json", WEIGHTS]
MOST_BYTES = 1 << 27  # 32 million weights; no search of ours goes beyond one
MOST_NUMBERS = 1 << 28  # that one window's forecast may take
MOST_OBJECTS, MOST_DEPTH = 1000, 8
# Everything that describes a network of ours. Others would not be followed either, but say who wrote the file.
DESCRIBED = {
    *("Functional", "InputLayer", "GetItem", "Repeat", "__keras_tensor__", "__slice__", "__ellipsis__", "__tuple__"),
    *("CausalScaling", "KnownAhead", "QuantileHead", "DecoderHead", "GRU", "LSTM", "SimpleRNN", "Bidirectional"),
    *("Add", "Concatenate", "Dense", "Dropout", "MultiHeadAttention", "Reshape", "DTypePolicy"),
    *("Zeros", "Constant", "GlorotUniform", "Orthogonal", "OrthogonalInitializer", "Identity"),
}
# Layers with others inside, by the names that Keras' files have for them.
INSIDE = {
    **dict.fromkeys(("gru", "lstm", "simple_rnn"), ("cell",)),
    "bidirectional": ("forward_layer", "backward_layer"),
    "multi_head_attention": ("query_dense", "key_dense", "value_dense", "output_dense"),
    "decoder_head": ("decoder", "output_layer"),
}
Arrays = Mapping[str, np.ndarray]


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Say in a BundleError which file it is about, and what helps."""
    try:
        yield
    except BundleError as error:
        raise BundleError(f"{path}: {error}. Restore the bundle from a copy, or fit again.") from error


def read_arrays(content: bytes) -> dict[str, np.ndarray]:
    """Return the weights in a ``.keras`` file by their path in it, such as ``layers/gru/cell/vars/0``.

    Raises
    ------
    BundleError
        If it is damaged, or holds anything that ``Model.save`` does not write of a network of ours.
    """
    import h5py

    if len(content) > MOST_BYTES:
        raise BundleError(f"it has {len(content):,} bytes, more than any network of a bundle")
    try:
        parts = _members(content)
        _require_known(json.loads(parts["config.json"]))
        with h5py.File(BytesIO(parts[WEIGHTS]), "r") as file:
            return _Reader(len(content)).read(file)
    except BundleError:
        raise
    except Exception as error:  # whatever a flipped byte may cause in three parsers
        raise BundleError(f"it cannot be read: {error}") from error


def _members(content: bytes) -> dict[str, bytes]:
    """Return the parts of an archive, which are stored as they are: nothing unpacks to more than the file has."""
    with zipfile.ZipFile(BytesIO(content)) as archive:
        entries = archive.infolist()
        if sorted(entry.filename for entry in entries) != MEMBERS:
            raise BundleError("its parts are not those that Keras writes")
        if any(entry.compress_type != zipfile.ZIP_STORED or entry.file_size > len(content) for entry in entries):
            raise BundleError("its parts are compressed, which Keras' are not")
        return {entry.filename: archive.read(entry) for entry in entries}


def _require_known(description: Any) -> None:
    waiting = [description]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if "class_name" in part:
                name, home = part["class_name"], str(part.get("module") or "keras").partition(".")[0]
                registered = str(part.get("registered_name") or name).rpartition(">")[2]
                if name not in DESCRIBED or registered != name or home not in ("keras", "forecastr"):
                    raise BundleError(
                        f"it describes '{str(part.get('module'))[:40]}.{str(name)[:40]}', which is in no network of "
                        "forecastr: someone else wrote it, so do not load it with Keras either"
                    )
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)


class _Reader:
    """Reads plain arrays, at most as many bytes as the file has."""

    def __init__(self, size: int) -> None:
        self.left, self.objects = size, 0

    def read(self, group: Any, path: str = "", depth: int = 0) -> dict[str, np.ndarray]:
        import h5py

        found: dict[str, np.ndarray] = {}
        for name in group:
            self.objects += 1
            if self.objects > MOST_OBJECTS or depth > MOST_DEPTH:
                raise BundleError("its weights are nested deeper than those of any network")
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise BundleError(f"its weights hold a link, '{path}{name}', to somewhere else")
            entry = group[name]
            if isinstance(entry, h5py.Group):
                found |= self.read(entry, f"{path}{name}/", depth + 1)
            else:
                found[path + name] = self._array(entry, path + name)
        return found

    def _array(self, entry: Any, path: str) -> np.ndarray:
        """Return a dataset whose numbers lie in the file itself, one after the other."""
        plain = entry.dtype.kind in "fui" and entry.chunks is None and not entry.is_virtual and not entry.external
        if not plain or entry.nbytes != entry.id.get_storage_size():
            raise BundleError(f"'{path}' in its weights is no plain array")
        self.left -= entry.nbytes
        if self.left < 0:
            raise BundleError("its weights are larger than the file")
        array: np.ndarray = entry[()]
        return array


def require_sensible(config: NetworkConfig, shape: WindowShape, arrays: Arrays) -> None:
    """Raise a BundleError if the network would have other sizes than its weights, before any of it is made."""
    n_weights = sum(array.size for array in arrays.values())
    needed = config.layers * config.units**2 + (config.units * shape.horizon if config.head == "direct" else 0)
    if needed > n_weights:
        raise BundleError(f"it holds {n_weights:,} weights where task.json describes {needed:,} at least")
    if len(shape.season_lengths) > 20 or numbers_per_window(config, shape) > MOST_NUMBERS:
        raise BundleError("task.json describes a network that takes gigabytes for a single forecast")
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise BundleError("it holds weights that are no numbers")


def filled_network(config: NetworkConfig, shape: WindowShape, arrays: Arrays) -> "keras.Model":
    """Return the network of a configuration with the weights of a file.

    Raises
    ------
    BundleError
        If they are not those of this configuration.
    """
    from forecastr.models.network import build_forecaster

    with np.errstate(all="ignore"):  # on NumPy, Keras learns shapes by trying layers on numbers that nobody wrote
        network = build_forecaster(config, shape)
    taken = {path for path in arrays if "/seed_generator/" in path}  # of dropout, which forecasts do not use
    for path, variable in _variables(network):
        if path not in arrays or arrays[path].shape != variable.shape:
            raise BundleError(f"its weights do not fit the network that task.json describes: '{path}'")
        variable.assign(arrays[path])
        taken.add(path)
    if left := sorted(set(arrays) - taken):
        raise BundleError(f"its weights do not fit the network that task.json describes: '{left[0]}'")
    return network


def _variables(network: "keras.Model") -> Iterator[tuple[str, Any]]:
    """Yield the weights of a network with their paths in Keras' files: layers by kind, in order."""
    counts: dict[str, int] = {}
    for layer in network.layers:
        kind = _kind(layer)
        number = counts[kind] = counts.get(kind, -1) + 1
        yield from _layer_variables(layer, f"layers/{kind}" + (f"_{number}" if number else ""))


def _layer_variables(layer: Any, path: str) -> Iterator[tuple[str, Any]]:
    inside = INSIDE.get(_kind(layer), ())
    for name in inside:
        yield from _layer_variables(getattr(layer, name), f"{path}/{name}")
    if not inside:
        yield from ((f"{path}/vars/{n}", variable) for n, variable in enumerate(layer.weights))


def _kind(layer: Any) -> str:
    """Return the name of a layer's class as Keras' files have it: ``simple_rnn``."""
    return re.sub("(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", type(layer).__name__).lower()
