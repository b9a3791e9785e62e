"""Bundles made to hurt, each with a manifest that fits: whoever sends one can compute checksums too."""

import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
from pyarrow import parquet

from forecastr.bundle.manifest import write_manifest

GIB = 1 << 30
CANARY = "canary"


class Canary:
    """Unpickled, it writes a file: what code execution would look like."""

    def __reduce__(self) -> tuple:
        return os.system, (f"touch {CANARY}",)


def edit_json(path: Path, change: Callable[[dict], None]) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def parts_of(network: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(network) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write_parts(network: Path, parts: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(network, "w", compression) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def with_layer(layer: dict) -> Callable[[Path], None]:
    """Return what describes one more layer in a network, its weights as they were."""

    def write(folder: Path) -> None:
        parts = parts_of(folder / "0000.keras")
        description = json.loads(parts["config.json"])
        description["config"]["layers"].append({"name": "extra", "inbound_nodes": [], **layer})
        write_parts(folder / "0000.keras", {**parts, "config.json": json.dumps(description).encode()})

    return write


def lambda_by_keras(folder: Path) -> None:
    """A network that Keras itself saved, with Python's bytecode in it."""
    import keras

    given = keras.Input((4,))
    code = keras.layers.Lambda(lambda x, shell=os.system: [shell(f"touch {CANARY}"), x][1], output_shape=(4,))
    keras.Model(given, code(given)).save(folder / "0000.keras")


def with_part(name: str, content: Callable[[], bytes], compression: int = zipfile.ZIP_STORED) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        write_parts(folder / "0000.keras", {**parts_of(folder / "0000.keras"), name: content()}, compression)

    return write


def with_weights(change: Callable[[h5py.File, Path], None]) -> Callable[[Path], None]:
    """Return what changes the HDF5 file in a network."""

    def write(folder: Path) -> None:
        parts, buffer = parts_of(folder / "0000.keras"), io.BytesIO()
        buffer.write(parts["model.weights.h5"])
        with h5py.File(buffer, "r+") as file:
            change(file, folder)
        write_parts(folder / "0000.keras", {**parts, "model.weights.h5": buffer.getvalue()})

    return write


HEAD = "layers/quantile_head/vars/0"


def external_link(file: h5py.File, folder: Path) -> None:
    with h5py.File(folder.parent / "secret.h5", "w") as secret:
        secret["numbers"] = np.ones((4, 3), "float32")
    del file[HEAD]
    file[HEAD] = h5py.ExternalLink("../secret.h5", "/numbers")


def external_data(file: h5py.File, folder: Path) -> None:
    shape = file[HEAD].shape
    del file[HEAD]
    file.create_dataset(HEAD, shape, "float32", external=[("/etc/passwd", 0, 4 * int(np.prod(shape)))])


def virtual_data(file: h5py.File, folder: Path) -> None:
    external_link(file, folder)
    del file[HEAD]
    layout = h5py.VirtualLayout((4, 3), "float32")
    layout[:] = h5py.VirtualSource("../secret.h5", "numbers", (4, 3))
    file.create_virtual_dataset(HEAD, layout)


def soft_link(file: h5py.File, folder: Path) -> None:
    del file[HEAD]
    file[HEAD] = h5py.SoftLink("/layers/quantile_head/vars/1")


def circle(file: h5py.File, folder: Path) -> None:
    file["layers/again"] = file["/"]


def packed_zeros(file: h5py.File, folder: Path) -> None:
    del file[HEAD]
    data = file.create_dataset(HEAD, (1 << 20, 1 << 12), "float32", chunks=(1 << 14, 1 << 12), compression="gzip")
    data[: 1 << 14] = 0


def empty_gigabytes(file: h5py.File, folder: Path) -> None:
    del file[HEAD]
    file.create_dataset(HEAD, (1 << 20, 1 << 14), "float32", fillvalue=1.0)


def in_task(**values: object) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        edit_json(folder / "task.json", lambda document: document["task"].update(values))

    return write


def in_config(**values: object) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        edit_json(folder / "task.json", lambda document: document["members"][0]["config"].update(values))

    return write


def endless_sessions(folder: Path) -> None:
    day = [[0, 0, 86_400_000_000_000]]
    edit_json(
        folder / "task.json", lambda document: document["calendar"].update(step=1, sessions=day, name="in sessions")
    )


def pickled(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(pickle.dumps(Canary()))


def object_array(folder: Path) -> None:
    np.savez(folder / "weights.npz", np.array([Canary()], dtype=object))


def many_rows(folder: Path) -> None:
    """A billion equal rows in a few hundred kilobytes."""
    block = pa.table({"unique_id": pa.repeat("a", 1 << 22), "ds": pa.repeat(0, 1 << 22), "y": pa.repeat(1.0, 1 << 22)})
    with parquet.ParquetWriter(folder / "context.parquet", block.schema) as writer:
        for _ in range(256):
            writer.write_table(block, row_group_size=1 << 22)


def packed_pages(folder: Path) -> None:
    """A gigabyte of text that zstd packs into a hundred kilobytes."""
    table = pa.table({"unique_id": ["a" * (1 << 27)] * 8, "ds": [0] * 8, "y": [1.0] * 8})
    parquet.write_table(table, folder / "context.parquet", compression="zstd", use_dictionary=False)


def repeated_text(folder: Path) -> None:
    """One text of ten megabytes, in ten thousand rows: 100 GB once it is text in each."""
    table = pa.table({"unique_id": pa.repeat("a" * 10_000_000, 1), "ds": [0], "y": [1.0]})
    codes = pa.array(np.zeros(10_000, "int32"))
    column = pa.DictionaryArray.from_arrays(codes, table["unique_id"].chunk(0))
    table = pa.table({"unique_id": column, "ds": np.arange(10_000), "y": np.ones(10_000)})
    parquet.write_table(table, folder / "context.parquet", store_schema=False)


def nested_json(folder: Path) -> None:
    (folder / "series.json").write_text("[" * 1_000_000)


def million_lists(folder: Path) -> None:
    (folder / "series.json").write_text('{"ids": [' + "[]," * 40_000_000 + "[]]}")


NETWORKS: dict[str, tuple[Callable[[Path], None], str]] = {
    "a Lambda layer": (
        with_layer({"module": "keras.layers", "class_name": "Lambda", "config": {"function": "x"}}),
        "in no network of forecastr",
    ),
    "a Lambda layer with bytecode, saved by Keras": (lambda_by_keras, "in no network of forecastr"),
    "a module path to os.system": (
        with_layer({"module": "os", "class_name": "system", "config": {"command": f"touch {CANARY}"}}),
        "'os.system', which is in no network",
    ),
    "os.system as registered_name": (
        with_layer({"module": "builtins", "class_name": "function", "registered_name": "os>system"}),
        "in no network of forecastr",
    ),
    "a layer's name in another module": (
        with_layer({"module": "os", "class_name": "GRU", "config": {}}),
        "in no network of forecastr",
    ),
    "an archive member outside its folder": (with_part("../../escaped", lambda: b"x"), "parts are not those"),
    "a decompression bomb as config.json": (
        with_part("config.json", lambda: b" " * GIB, zipfile.ZIP_DEFLATED), "parts are compressed",
    ),
    "a decompression bomb as weights": (
        with_part("model.weights.h5", lambda: bytes(GIB), zipfile.ZIP_DEFLATED), "parts are compressed",
    ),
    "compressed weights of 16 GiB": (with_weights(packed_zeros), "is no plain array"),
    "weights of 64 GiB that are nowhere": (with_weights(empty_gigabytes), "is no plain array"),
    "an HDF5 external link": (with_weights(external_link), "to somewhere else"),
    "an HDF5 external dataset": (with_weights(external_data), "is no plain array"),
    "an HDF5 virtual dataset": (with_weights(virtual_data), "is no plain array"),
    "an HDF5 soft link": (with_weights(soft_link), "to somewhere else"),
    "HDF5 groups in a circle": (with_weights(circle), "nested deeper"),
    "noise as weights": (with_part("model.weights.h5", lambda: os.urandom(50_000)), "cannot be read"),
    "layers of a hundred million units": (in_config(units=100_000_000), "weights where task.json describes"),
    "a context of a billion steps": (in_config(context_length=10**9), "takes gigabytes"),
    "seasons of a billion steps": (in_task(season_lengths=[10**9]), "takes gigabytes"),
    "a million seasons": (in_task(season_lengths=[7] * 1_000_000), "takes gigabytes"),
    "a horizon of a billion steps": (in_task(horizon=10**9), "do not fit a horizon"),
    "text as a number": (in_config(units="__import__('os').system('touch canary')"), "'units' is"),
    "sessions of a nanosecond": (endless_sessions, "too many steps"),
}  # fmt: skip
FILES: dict[str, tuple[Callable[[Path], None], str]] = {
    "a pickle named .keras": (pickled("0000.keras"), "cannot be read"),
    "a pickle named .json": (pickled("task.json"), "is damaged"),
    "a pickle named .parquet": (pickled("context.parquet"), "cannot be read"),
    "a pickle beside the rest": (pickled("extra.pkl"), "which no bundle holds"),
    "an .npz of objects": (object_array, "which no bundle holds"),
    "a billion rows in a small Parquet file": (many_rows, "unpack to"),
    "Parquet pages that unpack to a gigabyte": (packed_pages, "was not written by forecastr"),
    "one long text in every row": (repeated_text, "unpack to"),
    "JSON nested a million deep": (nested_json, "is damaged"),
    "JSON of forty million lists": (million_lists, "holds more values than any bundle needs"),
}


def in_manifest(name: str) -> Callable[[Path], None]:
    return lambda folder: edit_json(folder / "manifest.json", lambda document: document["files"].update({name: "0"}))


def leaving_link(folder: Path) -> None:
    """A checksum that fits, of a file elsewhere."""
    (folder / "series.json").rename(folder.parent / "secret.json")
    (folder / "series.json").symlink_to(folder.parent / "secret.json")


def huge_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text('{"format": 1, "files": {' + '"a": "b",' * 10_000_000 + '"c": "d"}}')


def pipe(folder: Path) -> None:
    (folder / "series.json").unlink()
    os.mkfifo(folder / "series.json")


MANIFESTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "a manifest that names an absolute path": (in_manifest("/etc/passwd"), "outside its folder"),
    "a manifest that names ..": (in_manifest("../secret.json"), "outside its folder"),
    "a link that leaves the folder": (leaving_link, "is a link to"),
    "a manifest of 100 MB": (huge_manifest, "is damaged"),
    "a pipe that never ends": (pipe, "is not a file"),
}
CASES = {**NETWORKS, **FILES, **MANIFESTS}


def spoil(folder: Path, name: str) -> None:
    """Make one of the cases of a good bundle, in its folder."""
    write, _ = CASES[name]
    write(folder)
    if name not in MANIFESTS:
        write_manifest(folder)
