"""The simulation: nights with faults, from the first search to a page."""

import html
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from forecastr.tracking.client import open_store

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_nights_with_faults_end_in_a_page_that_tells_of_them(tmp_path, command_environment):
    done = subprocess.run(
        [sys.executable, str(ROOT / "pipelines" / "demo_nightly.py"), "--nights", "19", "--folder", "demo"],
        cwd=tmp_path, env=command_environment, capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    nights = [line.split(maxsplit=2) for line in done.stdout.splitlines()[:19]]
    assert [number for number, night in enumerate(nights) if night[1] == "refused"] == [6, 9]
    assert nights[0][2].startswith("search")
    faults = [number for number, night in enumerate(nights) if not night[2].endswith(" s")]
    assert faults == [3, 6, 9, 12, 13, 14, 17]

    journals = [json.loads(path.read_text()) for path in sorted(tmp_path.glob("demo/runs/nightly/nights/*/night.json"))]
    assert [journal["status"] for journal in journals] == [
        "refused" if number in (6, 9) else "done" for number in range(19)
    ]
    with open_store(f"sqlite:///{tmp_path}/demo/mlflow.db") as client:
        experiment = client.get_experiment_by_name("nightly").experiment_id
        tracked = client.search_runs([experiment], "tags.kind = 'night' and attributes.status = 'FINISHED'")
        assert client.get_model_version_by_alias("nightly", "champion").version
    endings = {"done": "", "refused": "/refused"}
    expected = [f"nightly/{journal['as_of']}{endings[journal['status']]}" for journal in journals]
    assert sorted(run.info.run_name for run in tracked) == sorted(expected)  # those of the outage too, each once

    page = (tmp_path / "demo" / "page.html").read_text()
    told = html.unescape(re.sub(r"<[^>]+>", "", page))
    for sentence in (
        "a missing day(predict|refit|search) Published", "delivered twice: the new series",
        "out of range: 'DCOILWTICO'",
        "the nights without a server waited, and were delivered when it was back", "the same command again ended",
    ):  # fmt: skip
        assert re.search(sentence, told), sentence
    assert page.count("<polyline") >= 2
    assert page.count("<rect") == 19
