#!/usr/bin/env python3
"""Seconds that tracking adds to a fit: in good stores, and in stores that are gone, fail or hang.

    python benchmarks/tracking_outages.py RUN_FOLDER [--repeats 3]

RUN_FOLDER is what a fit wrote. Measured is what a fit does when its search has ended: from the whole run folder to the
run in the store, or to the warning that it waits for `forecastr sync`. At the end the spool is delivered and counted.
Medians and the largest.
"""

import argparse
import os
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "tracking"))
import servers

from forecastr.cli.track import Tracking
from forecastr.tracking import prepare_store
from forecastr.tracking.client import open_store
from forecastr.tracking.sync import sync

ROW = "{:<44}{:>10}{:>10}{:>12}"
EXPERIMENT = "outages"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="RUN_FOLDER")
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        measure_all(Path(name), shutil.copytree(asked.folder, Path(name) / "run"), asked.repeats)


def measure_all(place: Path, folder: Path, repeats: int) -> None:
    """Print a row for each kind of day that a store may have."""
    os.environ.update(XDG_STATE_HOME=str(place / "state"), MLFLOW_DISABLE_TELEMETRY="true")
    local, backend = f"sqlite:///{place}/mlflow.db", f"sqlite:///{place}/server.db"
    for store in (local, backend):
        prepare_store(store)
    server = servers.MlflowServer(backend, place).start()
    gate = servers.Gate(server.uri)

    def row(text: str, uri: str, before: Callable[[], object] = lambda: None) -> None:
        found = []
        for _ in range(repeats):
            before()
            found.append(deliver_seconds(folder, uri))
        seconds, arrived = zip(*found, strict=True)
        cells = [f"{statistics.median(seconds):.1f} s", f"{max(seconds):.1f} s", f"{sum(arrived)} of {repeats}"]
        print(ROW.format(text, *cells), flush=True)

    print(ROW.format("the store", "median", "largest", "delivered"))
    row("SQLite file", local)
    row("server", server.uri)
    row("no server: connection refused", f"http://127.0.0.1:{servers.free_port()}")
    row("answers 500", gate.uri, lambda: gate.open(0, "500"))
    row("accepts, and never answers", gate.uri, lambda: gate.open(0, "hang"))
    row("answers 500 half-way", gate.uri, lambda: gate.open(20, "500"))
    row("never answers half-way", gate.uri, lambda: gate.open(20, "hang"))
    row("does what it is asked, the answer is lost", gate.uri, lambda: gate.open(20, "lose"))
    locking = sqlite3.connect(place / "mlflow.db", isolation_level=None)
    locking.execute("BEGIN EXCLUSIVE")
    row("SQLite file, locked", local)
    locking.close()
    gate.open()
    outcomes = [outcome.state for outcome in sync(drop=True)]
    with open_store(server.uri) as client:
        experiment = client.get_experiment_by_name(EXPERIMENT).experiment_id
        runs = client.search_runs([experiment], "tags.kind = 'fit'", max_results=1000)
    print(f"\nsync: {outcomes.count('delivered')} delivered of {len(outcomes)} that waited")
    print(f"runs of the server: {len(runs)}, FINISHED {sum(run.info.status == 'FINISHED' for run in runs)}")
    server.stop()


def deliver_seconds(folder: Path, uri: str) -> tuple[float, bool]:
    """Return how long it takes once the courier is ready, and whether the run arrived."""
    tracking = Tracking(uri, EXPERIMENT)
    tracking.courier.get_ready()
    begun = time.perf_counter()
    run = tracking.deliver(folder, say=lambda text: None)
    return time.perf_counter() - begun, run is not None


if __name__ == "__main__":
    main()
