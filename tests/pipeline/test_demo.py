"""The simulation: nights with faults, from the first search to a page."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_nights_with_faults_end_in_a_page_that_tells_of_them(tmp_path, command_environment):
    done = subprocess.run(
        [sys.executable, str(ROOT / "pipelines" / "demo_nightly.py"), "--nights", "18", "--folder", "demo"],
        cwd=tmp_path, env=command_environment, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    nights = [line.split() for line in done.stdout.splitlines()[:-1]]
    assert len(nights) == 18
    assert [number for number, night in enumerate(nights) if night[1] == "refused"] == [7, 10]
    assert nights[0][2] == "search"
    page = (tmp_path / "demo" / "page.html").read_text()
    assert all(fault in page for fault in ("a missing day", "delivered twice", "kill -9", "<polyline"))
