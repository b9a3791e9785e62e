import json
import shutil
import zipfile
from pathlib import Path

import pytest

from forecastr.bundle import load_bundle
from forecastr.bundle.manifest import write_manifest
from forecastr.errors import BundleError


@pytest.fixture
def copy(bundle, tmp_path) -> Path:
    """A copy of the bundle, to be damaged."""
    return Path(shutil.copytree(bundle.folder, tmp_path / "bundle"))


def edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_nothing_in_a_bundle_is_a_pickle(bundle):
    files = {path.name for path in bundle.folder.iterdir()}
    assert files == {
        *("manifest.json", "task.json", "series.json", "context.parquet"),
        *("0000.keras", "0001.keras", "0002.keras"),
    }
    for member in bundle.members:
        with zipfile.ZipFile(bundle.folder / member.file) as archive:
            assert {Path(name).suffix for name in archive.namelist()} == {".json", ".h5"}


def test_a_bundle_holds_no_more_rows_than_it_needs(bundle):
    assert bundle.context.groupby("unique_id").size().tolist() == [100, 80]


@pytest.mark.parametrize("name", ["task.json", "series.json", "context.parquet", "0001.keras"])
def test_an_altered_or_missing_file_is_an_error_that_names_it(copy, name):
    file = copy / name
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(BundleError, match=f"{name} is not the file that was written"):
        load_bundle(copy)
    file.unlink()
    with pytest.raises(BundleError, match=f"{name} is missing"):
        load_bundle(copy)


def test_a_folder_without_a_manifest_is_no_bundle(copy):
    (copy / "manifest.json").unlink()
    with pytest.raises(BundleError, match="holds no bundle"):
        load_bundle(copy)
    with pytest.raises(BundleError, match="holds no bundle"):
        load_bundle(copy / "nowhere")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 1, "files": 3}'])
def test_a_damaged_manifest_is_an_error(copy, text):
    (copy / "manifest.json").write_text(text)
    with pytest.raises(BundleError, match="is damaged"):
        load_bundle(copy)


def test_another_format_is_refused(copy):
    edit(copy / "manifest.json", format=2)
    with pytest.raises(BundleError, match="format 2 is not one this release reads"):
        load_bundle(copy)


@pytest.mark.parametrize("name", ["../secret.keras", "/etc/hostname", "sub/0000.keras", ".."])
def test_a_manifest_cannot_name_what_lies_outside(copy, name):
    (copy.parent / "secret.keras").write_text("not yours")
    edit(copy / "manifest.json", files={name: "0" * 64})
    with pytest.raises(BundleError, match=r"outside its folder|is missing"):
        load_bundle(copy)


@pytest.mark.parametrize("name", ["../secret.keras", "unlisted.keras"])
def test_a_member_must_be_listed_in_the_manifest(copy, name):
    """A whole manifest is no use if the task may send the loader to a file that nobody checked."""
    shutil.copyfile(copy / "0000.keras", copy.parent / "secret.keras")
    document = json.loads((copy / "task.json").read_text())
    document["members"][0]["file"] = name
    (copy / "task.json").write_text(json.dumps(document))
    write_manifest(copy)
    shutil.copyfile(copy / "0000.keras", copy / "unlisted.keras")
    with pytest.raises(BundleError, match="does not list"):
        load_bundle(copy)


def test_a_task_of_another_shape_is_an_error(copy):
    edit(copy / "task.json", members=[{"file": "0000.keras"}])
    write_manifest(copy)
    with pytest.raises(BundleError, match=r"task\.json or series\.json is not what this release writes"):
        load_bundle(copy)
