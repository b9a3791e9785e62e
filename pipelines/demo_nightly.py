"""Nights of the oil prices, replayed with what goes wrong in a year, and a page of what the pipeline made of them.

Run it with ``make demo-nightly``, or ``python pipelines/demo_nightly.py --nights 250``.
"""

import argparse
import html
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

from forecastr.pipeline.load import load_pipeline
from forecastr.pipeline.run import run_pipeline

PRICES = Path(__file__).parents[1] / "examples" / "prices.csv"
HISTORY = 500  # rows before the first night
START = 5500  # row of the first night: early 2007, and 250 nights later the crash of 2008 is near
EVERY = 20  # nights from one fault to the next of its kind
FAULTS = {
    4: "a missing day", 7: "a file delivered twice", 10: "another unit (x100)", 13: "tracking server gone",
    16: "killed (kill -9), run again",
}  # fmt: skip
PIPELINE = """\
source:
  glob: inbox/*.csv
reading: {{target: DCOILWTICO, time: Date}}
task: {{horizon: 5, context: 20, season: 1}}
budget: {{time_limit: 30s, max_trials: 2}}
triggers: {{refit_after: 10, pause: 10, rolling: 10, significance: 0.1}}
outputs: {{forecast: out/forecast.csv}}
tracking: {{uri: '{uri}', experiment: nightly, model: nightly}}
"""
CSS = """body{font:14px/1.5 system-ui;margin:2em auto;max-width:1100px;color:#222}table{border-collapse:collapse;
width:100%}td,th{text-align:left;padding:.2em .6em;border-bottom:1px solid #ddd;vertical-align:top}
.refused{background:#fdecea}.promoted{background:#e8f5e9}.fault{color:#b3261e}svg{width:100%;height:auto}"""


def main() -> None:
    """Replay the nights and write the page."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--nights", type=int, default=20)
    options.add_argument("--folder", type=Path, default=Path("demo-nightly"))
    given = options.parse_args()
    shutil.rmtree(given.folder, ignore_errors=True)
    (given.folder / "inbox").mkdir(parents=True)
    begun = time.monotonic()
    nights = [replay(given.folder.absolute(), number) for number in range(given.nights)]
    seconds = time.monotonic() - begun
    (given.folder / "page.html").write_text(page(nights, seconds), encoding="utf-8")
    print(f"{len(nights)} nights in {seconds:.0f} s: {given.folder / 'page.html'}")


def replay(folder: Path, number: int) -> dict:
    """Deliver a night's file, with its fault if it has one, run the night, and return what came of it."""
    header, *rows = PRICES.read_text().splitlines()
    last = START + number
    fault = FAULTS.get(number % EVERY)
    delivered = rows[last - HISTORY : last + 1]
    as_of = iso(delivered[-1])
    if fault == "a missing day":
        delivered = delivered[:-1]
    if fault == "another unit (x100)":
        date, price = next(row for row in reversed(delivered) if row.split(",")[1] != ".").split(",")
        delivered = [row if row.split(",")[0] != date else f"{date},{100 * float(price):g}" for row in delivered]
    for old in (folder / "inbox").iterdir():
        old.unlink()
    (folder / "inbox" / "prices.csv").write_text("\n".join([header, *delivered]) + "\n")
    if fault == "a file delivered twice":
        shutil.copyfile(folder / "inbox" / "prices.csv", folder / "inbox" / "prices (1).csv")
    uri = "http://127.0.0.1:9" if fault == "tracking server gone" else f"sqlite:///{folder}/mlflow.db"
    (folder / "nightly.yaml").write_text(PIPELINE.format(uri=uri))
    if fault and fault.startswith("killed"):
        kill_a_night(folder, as_of)
    begun = time.monotonic()
    outcome = run_pipeline(load_pipeline(folder / "nightly.yaml"), as_of)
    journal = json.loads((folder / "runs" / "nightly" / "nights" / as_of / "night.json").read_text())
    situation = journal["steps"].get("decide", {}).get("situation", {})
    night = {**outcome.groups[""], "fault": fault, "seconds": time.monotonic() - begun, **situation}
    print(
        f"{as_of}  {night['status']:<8} {night['action'] or '':<8} {night['seconds']:5.1f} s  {fault or ''}", flush=True
    )
    return {**night, "champion": outcome.groups[""]["champion"]}


def kill_a_night(folder: Path, as_of: str) -> None:
    """Start the night as a scheduler does, and kill it as soon as it has decided what to do."""
    command = [str(Path(sys.executable).with_name("forecastr")), "run", "nightly.yaml", "--as-of", as_of]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as night:
        for line in night.stderr or ():
            if '"decided"' in line:
                night.kill()
                break


def iso(row: str) -> str:
    """Return the date of a row, which is written month first, as ISO."""
    month, day, year = row.split(",")[0].split("/")
    return f"{year}-{int(month):02d}-{int(day):02d}"


def page(nights: list[dict], seconds: float) -> str:
    """Return the page: counts, the rolling errors as a picture, and a row for every night."""
    counts = {name: sum(night["action"] == name for night in nights) for name in ("predict", "refit", "search")}
    refused = sum(night["status"] == "refused" for night in nights)
    promoted = sum(night["promoted"] for night in nights)
    shown = ("as_of", "status", "action", "reason", "fault", "champion", "promotion")
    rows = "".join(
        f"<tr class='{'refused' if night['status'] == 'refused' else 'promoted' if night['promoted'] else ''}'>"
        + "".join(f"<td class={name}>{html.escape(str(night.get(name) or ''))}</td>" for name in shown)
        + "</tr>"
        for night in nights
    )
    return f"""<!doctype html><meta charset=utf-8><title>{len(nights)} nights</title><style>{CSS}</style>
<h1>{len(nights)} nights of oil prices</h1>
<p>{counts["predict"]} predicted, {counts["refit"]} refits, {counts["search"]} searches, {refused} refused,
{promoted} promotions; {seconds:.0f} seconds in all.</p>
<h2>Rolling error: <span style="color:#1565c0">champion</span> and <span style="color:#999">its baseline</span>,
<span style="color:#2e7d32">promotions</span></h2>
{picture(nights)}
<h2>Decisions</h2><table><tr><th>night<th>status<th>decision<th>reason<th>fault<th>champion<th>promotion</tr>{rows}</table>
"""


def picture(nights: list[dict]) -> str:
    """Return the rolling errors of champion and baseline as two lines, promotions as dashed ones."""
    known = [night[name] for night in nights for name in ("rolling", "baseline") if night.get(name)]
    if not known:
        return "<p>No night has a whole horizon of new rows yet.</p>"
    top = 1.1 * max(known)

    def at(number: int, value: float) -> str:
        return f"{1000 * (number + 0.5) / len(nights):.1f},{300 - 280 * value / top:.1f}"

    lines = "".join(
        f"<polyline fill=none stroke='{colour}' stroke-width=2 points='"
        + " ".join(at(number, night[name]) for number, night in enumerate(nights) if night.get(name))
        + "'/>"
        for name, colour in (("baseline", "#999"), ("rolling", "#1565c0"))
    )
    marks = "".join(
        f"<line x1={x} x2={x} y1=0 y2=300 stroke='#2e7d32' stroke-dasharray=4 />"
        for number, night in enumerate(nights)
        if night["promoted"] and (x := at(number, 0).split(",")[0])
    )
    return f"<svg viewBox='0 0 1000 310' role=img aria-label='Rolling errors'>{marks}{lines}</svg>"


if __name__ == "__main__":
    main()
