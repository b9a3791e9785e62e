"""What is shipped, and what the folders at the root of the repository do to imports."""

import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import version
from pathlib import Path
from shutil import copytree, ignore_patterns

import forecastr

ROOT = Path(__file__).parents[1]
NOT_SOURCE = ignore_patterns(".*", "*.egg-info", "build", "dist", "demo", "runs", "mlruns", "__pycache__", "mlflow.db*")


def test_the_wheel_holds_the_package_and_nothing_else(tmp_path):
    source = copytree(ROOT, tmp_path / "source", ignore=NOT_SOURCE)
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *offline, "--wheel-dir", str(tmp_path), str(source)],
        check=True,
        capture_output=True,
    )

    [wheel] = tmp_path.glob("*.whl")
    names = [name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name]
    expected = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "forecastr").rglob("*")
        if path.suffix in {".py", ".j2", ".typed", ".npz"} and "__pycache__" not in path.parts
    }
    assert set(names) == expected
    assert "forecastr/py.typed" in names
    assert any(name.endswith(".j2") for name in names)


def test_the_mlflow_folder_does_not_hide_the_installed_package():
    found = subprocess.run(
        [sys.executable, "-c", "import mlflow; print(mlflow.__file__)"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip

    assert "site-packages" in found
    assert not list((ROOT / "mlflow").rglob("*.py"))


def test_the_version_is_the_same_everywhere():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

    assert forecastr.__version__ == version("forecastr") == declared
    assert f"## {declared}" in (ROOT / "CHANGELOG.md").read_text()


def test_importing_forecastr_loads_nothing_heavy():
    code = "import sys, forecastr; print([m for m in ('keras', 'pandas', 'numpy', 'mlflow') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
