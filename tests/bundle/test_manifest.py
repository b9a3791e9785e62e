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


@pytest.mark.parametrize("widths", [[1.0], [1.0, 1.0, 1.0, 1.0, float("nan")], "wide!"])
def test_widths_must_be_numbers_one_for_each_quantile(copy, widths):
    edit(copy / "task.json", widths=widths)
    write_manifest(copy)
    with pytest.raises(BundleError, match=r"task\.json or series\.json is not what this release writes"):
        load_bundle(copy)


def test_a_task_of_another_shape_is_an_error(copy):
    edit(copy / "task.json", members=[{"file": "0000.keras"}])
    write_manifest(copy)
    with pytest.raises(BundleError, match=r"task\.json or series\.json is not what this release writes"):
        load_bundle(copy)


@pytest.mark.parametrize(("version", "remedy"), [(2, "Install a newer forecastr"), (0, "Fit again with this release")])
def test_another_format_says_what_reads_it(copy, version, remedy):
    edit(copy / "manifest.json", format=version)
    with pytest.raises(BundleError, match=remedy):
        load_bundle(copy)


def test_a_truncated_or_swapped_file_is_not_the_one_that_was_written(copy):
    (copy / "0000.keras").rename(copy / "swap")
    (copy / "0001.keras").rename(copy / "0000.keras")
    (copy / "swap").rename(copy / "0001.keras")
    with pytest.raises(BundleError, match=r"0000\.keras is not the file that was written"):
        load_bundle(copy)
    write_manifest(copy)  # and with checksums that fit, it is the wrong network
    with pytest.raises(BundleError, match=r"0000\.keras: its weights do not fit the network"):
        _ = load_bundle(copy).networks
    (copy / "series.json").write_bytes((copy / "series.json").read_bytes()[:-1])
    with pytest.raises(BundleError, match=r"series\.json is not the file that was written"):
        load_bundle(copy)


def test_a_file_that_the_manifest_does_not_list_is_an_error_unless_it_is_hidden(copy):
    (copy / ".DS_Store").write_text("of a file manager")
    load_bundle(copy)
    (copy / "notes.txt").write_text("mine")
    with pytest.raises(BundleError, match=r"holds 'notes\.txt', which its manifest\.json does not list"):
        load_bundle(copy)


def test_what_was_checked_is_what_is_used(copy, bundle):
    """A file that is exchanged after it was read changes nothing."""
    loaded = load_bundle(copy)
    for path in copy.iterdir():
        path.write_text("exchanged")
    assert loaded.predict().equals(bundle.predict())


def test_links_within_the_folder_are_followed(copy):
    """So do volumes of Kubernetes look."""
    (copy / ".data").mkdir()
    (copy / "task.json").rename(copy / ".data" / "task.json")
    (copy / "task.json").symlink_to(".data/task.json")
    load_bundle(copy)


def test_a_file_that_may_not_be_read_is_an_error(copy, monkeypatch):
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(BundleError, match=r"manifest\.json cannot be read: Permission denied"):
        load_bundle(copy)
