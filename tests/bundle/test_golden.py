"""A bundle of today, which every later release loads and forecasts alike: moved, read-only, by anyone."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecastr.schema import BASELINE, forecast_columns

GOLDEN = Path(__file__).with_name("golden")
NUMBERS = [*forecast_columns(), BASELINE]
# A stranger may read everything, for Python may lie in someone's home, and write nothing.
STRANGER = [
    "setpriv",
    "--reuid=65534",
    "--clear-groups",
    "--inh-caps=+dac_read_search",
    "--ambient-caps=+dac_read_search",
]


@pytest.fixture
def bundle(tmp_path) -> Path:
    """The bundle in a folder of another name, which nobody may write to."""
    bundle = tmp_path / "moved here" / "bundle"
    with zipfile.ZipFile(GOLDEN / "format-1.zip") as archive:
        archive.extractall(bundle)
    for path in (*bundle.iterdir(), bundle, bundle.parent):
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield bundle
    for path in (bundle.parent, bundle):
        path.chmod(0o755)


def as_stranger() -> list[str]:
    """Return what makes a command one of a user who owns nothing, where that can be done."""
    return STRANGER if os.geteuid() == 0 and shutil.which("setpriv") else []


@pytest.mark.parametrize("backend", ["auto", "jax", "tensorflow"])
def test_the_bundle_of_format_1_forecasts_as_it_did_for_a_stranger_without_a_home(backend, bundle, command_environment):
    done = subprocess.run(
        [
            *as_stranger(),
            sys.executable,
            "-m",
            "forecastr.cli.main",
            "predict",
            bundle.parent.name,
            "--backend",
            backend,
        ],
        cwd=bundle.parents[1],
        env={**command_environment, "HOME": "/proc/nowhere", "XDG_CACHE_HOME": "/proc/nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "cache" not in done.stderr
    (bundle.parents[1] / "forecast.csv").write_text(done.stdout)
    forecast, before = pd.read_csv(bundle.parents[1] / "forecast.csv"), pd.read_csv(GOLDEN / "format-1.csv")
    assert forecast[["unique_id", "ds"]].equals(before[["unique_id", "ds"]])
    np.testing.assert_allclose(forecast[NUMBERS], before[NUMBERS], rtol=1e-4)
