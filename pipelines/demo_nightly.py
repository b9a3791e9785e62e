"""Nights of the oil prices, replayed with what goes wrong in a year, and a page of what the pipeline made of them.

Run it with ``make demo-nightly``, or ``python pipelines/demo_nightly.py --nights 250``.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from demo_page import page

from forecastr.pipeline.load import load_pipeline
from forecastr.pipeline.run import run_pipeline
from forecastr.tracking import prepare_store

PRICES = Path(__file__).parents[1] / "examples" / "prices.csv"
HISTORY = 500  # rows before the first night
START = 5500  # row of the first night: early 2007, the year in which the price of oil doubled
EVERY = 50  # nights from one fault to the next of its kind
MISSING, TWICE, UNIT, GONE, KILLED = "a missing day", "a file delivered twice", "another unit", "no server", "kill -9"
FAULTS = {3: MISSING, 6: TWICE, 9: UNIT, 12: GONE, 13: GONE, 14: GONE, 17: KILLED}
MOMENTS = ("decided", "rows", "champion", "published")  # after which a night is killed, in turn
PIPELINE = """\
source:
  glob: inbox/*.csv
reading: {{target: DCOILWTICO, time: Date}}
task: {{horizon: 5, context: 20, season: 1}}
budget: {{time_limit: 20s, max_trials: 2, jobs: 1}}
triggers: {{refit_after: 30, pause: 20, rolling: 20, significance: 0.1}}
outputs: {{forecast: out/forecast.csv}}
tracking: {{uri: '{uri}', experiment: nightly, model: nightly}}
"""


def main() -> None:
    """Replay the nights and write the page."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--nights", type=int, default=20)
    options.add_argument("--folder", type=Path, default=Path("demo-nightly"))
    given = options.parse_args()
    folder = given.folder.absolute()
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "inbox").mkdir(parents=True)
    begun = time.monotonic()
    server = Server(folder)
    (folder / "nightly.yaml").write_text(PIPELINE.format(uri=server.uri))
    try:
        nights = [replay(folder, number, server) for number in range(given.nights)]
    finally:
        server.stop()
    seconds = time.monotonic() - begun
    for night in nights:
        night["tracked"] = "track" in read_journal(folder, night["as_of"])["steps"]
    (folder / "page.html").write_text(page(nights, seconds), encoding="utf-8")
    print(f"{len(nights)} nights in {seconds:.0f} s: {given.folder / 'page.html'}")
    print(f"The same in MLflow: forecastr ui --tracking-uri sqlite:///{folder / 'mlflow.db'}")


class Server:
    """A tracking server as a team has one, which is there or not.

    Parameters
    ----------
    folder : Path
        For its database, artifacts and log.
    """

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        store = f"sqlite:///{folder / 'mlflow.db'}"
        prepare_store(store)
        self.uri, self.log = f"http://127.0.0.1:{port}", folder / "server.log"
        self.command = [
            *(sys.executable, "-P", "-m", "mlflow", "server", "--backend-store-uri", store, "--workers", "1"),
            *("--no-serve-artifacts", "--default-artifact-root", str(folder / "artifacts")),
            *("--host", "127.0.0.1", "--port", str(port)),
        ]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, unless it is there, and wait until it answers."""
        if self.process is not None:
            return
        environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                self.command, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        while self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.uri}/health", timeout=5):
                    return
            except OSError:
                time.sleep(0.1)
        raise SystemExit(f"The server did not start; see {self.log}.")

    def stop(self) -> None:
        """Kill it and its workers."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


def replay(folder: Path, number: int, server: Server) -> dict:
    """Deliver a night's file, with its fault if it has one, run the night, and return what came of it."""
    fault, killed_after = FAULTS.get(number % EVERY), None
    rows = deliver(folder / "inbox", START + number, fault)
    as_of, price = iso(rows[-1]), next(float(row.split(",")[1]) for row in reversed(rows) if row.split(",")[1] != ".")
    if fault == GONE:
        server.stop()
    else:
        server.start()
    begun = time.monotonic()
    if fault == KILLED:
        killed_after = kill_a_night(folder, as_of, MOMENTS[number // EVERY % len(MOMENTS)])
    outcome = run_pipeline(load_pipeline(folder / "nightly.yaml"), as_of)
    situation = read_journal(folder, as_of)["steps"].get("decide", {}).get("situation", {})
    night = {**situation, **outcome.groups[""], "fault": fault, "killed_after": killed_after, "price": price}
    night["seconds"] = time.monotonic() - begun
    what = night["action"] or ""
    print(f"{as_of}  {night['status']:<8} {what:<8} {night['seconds']:5.1f} s  {fault or ''}".rstrip(), flush=True)
    return night


def deliver(inbox: Path, last: int, fault: str | None) -> list[str]:
    """Write the rows up to one as they arrive on its night, and return them as they should be."""
    header, *rows = PRICES.read_text().splitlines()
    rows = rows[last - HISTORY : last + 1]
    arrived = rows[:-1] if fault == MISSING else list(rows)
    if fault == UNIT:
        newest = max(number for number, row in enumerate(rows) if not row.endswith(",."))
        date, price = rows[newest].split(",")
        arrived[newest] = f"{date},{100 * float(price):g}"
    for old in inbox.iterdir():
        old.unlink()
    (inbox / "prices.csv").write_text("\n".join([header, *arrived]) + "\n")
    if fault == TWICE:
        shutil.copyfile(inbox / "prices.csv", inbox / "prices (1).csv")
    return rows


def kill_a_night(folder: Path, as_of: str, moment: str) -> str:
    """Start the night as a scheduler does, kill it as soon as it says that it has come so far, and return how far."""
    command = [str(Path(sys.executable).with_name("forecastr")), "run", "nightly.yaml", "--as-of", as_of]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as night:
        for line in night.stderr or ():
            if line.startswith("{") and json.loads(line)["event"] == moment:
                night.kill()
                return moment
    raise SystemExit(f"The night of {as_of} ended before it could be killed.")


def read_journal(folder: Path, as_of: str) -> dict:
    """Return the journal of a night."""
    return dict(json.loads((folder / "runs" / "nightly" / "nights" / as_of / "night.json").read_text()))


def iso(row: str) -> str:
    """Return the date of a row, which is written month first, as ISO."""
    month, day, year = row.split(",")[0].split("/")
    return f"{year}-{int(month):02d}-{int(day):02d}"


if __name__ == "__main__":
    main()
