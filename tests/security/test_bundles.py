"""Hostile bundles: each is refused in one sentence, runs nothing, leaves its folder alone, and stays small."""

import importlib.util
import shutil
import zipfile
from pathlib import Path

import pytest

from forecastr.bundle import load_bundle
from forecastr.engine.backend import use_backend
from forecastr.errors import BundleError
from forecastr.tracking import register_model, track_run

_spec = importlib.util.spec_from_file_location("hostile_bundles", Path(__file__).with_name("hostile_bundles.py"))
hostile = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(hostile)

use_backend("jax")
GIB = 1 << 30
GOLDEN = Path(__file__).parents[1] / "bundle" / "golden" / "format-1.zip"
LARGE = {
    *(
        "a decompression bomb as config.json",
        "a decompression bomb as weights",
        "a billion rows in a small Parquet file",
    ),
    *("Parquet pages that unpack to a gigabyte", "JSON of forty million lists", "a manifest of 100 MB"),
    *("one long text in every row", "compressed weights of 16 GiB"),
}  # which take seconds to make
COMMANDS = {"a Lambda layer with bytecode, saved by Keras", "an HDF5 external link", "a pickle named .keras"}


@pytest.fixture
def folder(tmp_path) -> Path:
    """A good bundle, to be spoilt."""
    folder = tmp_path / "home" / "bundle"
    with zipfile.ZipFile(GOLDEN) as archive:
        archive.extractall(folder)
    return folder


def files_around(folder: Path) -> set[Path]:
    return {path for path in folder.parents[1].rglob("*") if folder not in path.parents}


@pytest.mark.parametrize("name", [name for name in hostile.CASES if name not in LARGE])
def test_a_hostile_bundle_is_not_loaded(name, folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    hostile.spoil(folder, name)
    before = files_around(folder)

    with pytest.raises(BundleError, match=hostile.CASES[name][1]) as refusal:
        load_bundle(folder)

    assert len(str(refusal.value)) < 600
    assert files_around(folder) == before


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in COMMANDS else pytest.mark.slow) for name in hostile.CASES]
)
def test_the_command_refuses_it_with_one_sentence_in_little_memory(name, folder, measured):
    hostile.spoil(folder, name)
    before = files_around(folder)

    code, errors, memory = measured("predict", folder.name, cwd=folder.parent)

    print(f"\n| {name} | {memory / GIB:.2f} | {errors.strip()} |")
    assert code == 2, errors[-500:]
    assert errors.startswith("error: ")
    assert len(errors.splitlines()) == 1
    assert len(errors) < 800
    assert memory < 2 * GIB
    assert files_around(folder) == before


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a Lambda layer with bytecode, saved by Keras", "a manifest that names .."])
def test_a_tracked_model_is_read_like_any_bundle_and_the_program_beside_it_is_not_run(
    name, folder, fit, tmp_path, measured
):
    shutil.copytree(fit.folder, tmp_path / "run", ignore=shutil.ignore_patterns("bundle"))
    folder.rename(tmp_path / "run" / "bundle")
    store = f"sqlite:///{tmp_path}/mlflow.db"
    tracked = track_run(tmp_path / "run", tracking_uri=store)
    register_model(store, tracked.run_id, "prices", alias="champion")
    [model] = tmp_path.glob("mlruns/*/models/*/artifacts")
    [program] = model.glob("*.py")
    program.write_text("import pathlib; pathlib.Path('canary').touch()")
    hostile.spoil(model / "artifacts" / "bundle", name)
    before = set(tmp_path.rglob("*"))

    code, errors, memory = measured("predict", "models:/prices@champion", cwd=tmp_path)

    print(f"\n| tracked: {name} | {memory / GIB:.2f} | {errors.strip()} |")
    assert code == 2, errors[-500:]
    assert errors.startswith("error: ")
    assert len(errors.splitlines()) == 1
    assert memory < 2 * GIB
    assert set(tmp_path.rglob("*")) - before <= {tmp_path / "mlflow.db.lock"}
