"""What was read of a table and what a fit would do, as text for a terminal."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from forecastr.report.terminal import exceptions_text
from forecastr.report.wording import format_seconds, printable

Lines = list[tuple[str, str]]
MARGIN = 12  # characters of a line's name
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "blank"}
MOST_NAMES = 8


def inspection_text(document: Mapping[str, Any], *, width: int = 80) -> str:
    """Return an inspection in lines of ``width`` characters, each with the name of its fact.

    Parameters
    ----------
    document : dict
        As from ``inspect_table``.
    width : int
        Characters of a line at most.
    """
    lines = [*_reading(document), *_series(document), *_troubles(document), *_plan(document)]
    return "\n".join(line for name, text in lines for line in _wrapped(name, text, width))


def _reading(document: Mapping[str, Any]) -> Lines:
    report = document["data_report"]
    series = f"{report['series']:,} series" if report["series"] != 1 else "one series"
    rows = f"{report['rows']:,} rows" if report["rows"] != 1 else "one row"
    lines = [("table", f"{report['path']}: {rows}, {series}")]
    if file := _file(report["dialect"]):
        lines.append(("file", file))
    for role in ("time", "target", "id"):
        if column := report["columns"][role]:
            lines.append((role, f"{column['name']} ({column['why']})"))
    for role, choices in report["covariates"].items():
        for why in dict.fromkeys(choice["why"] for choice in choices):
            lines.append((role, f"{_names([choice['name'] for choice in choices if choice['why'] == why])} ({why})"))
    if report["columns"]["unused"]:
        lines.append(("not used", _names(report["columns"]["unused"])))
    return lines


def _series(document: Mapping[str, Any]) -> Lines:
    report = document["data_report"]
    dates, lengths, gaps = report["dates"], report["lengths"], report["gaps"]
    written = "whole numbers" if dates["format"] == "integer" else f"written {dates['format']}"
    text = f"{dates['start']} to {dates['end']}, {written}"
    example = dates.get("example", {"text": "", "read_as": ""})
    if (plain := example["read_as"].removesuffix("T00:00:00").replace("T", " ")) != example["text"]:
        text += f": '{example['text']}' is {plain}"
    if dates.get("zone"):
        text += f", in {dates['zone']}"
    seasons = []
    for season in document["seasons"]:
        strength = "not found" if season["strength"] is None else f"strength {season['strength']:.2f}"
        seasons.append(f"{season['length']} steps ({strength})")
    lines = [("dates", text), ("frequency", report["calendar"]["name"])]
    lines.append(("seasons", ", ".join(seasons) or "none found"))
    if report["series"] > 1:
        span = f"{lengths['min']:,} to {lengths['max']:,} rows, median {lengths['median']:,}"
        same = f"{lengths['min']:,} rows each" if lengths["min"] == lengths["max"] else span
        lines.append(("lengths", same + (f"; short: {lengths['short']:,}" if lengths["short"] else "")))
    if gaps["count"]:
        lines.append(("gaps", f"{gaps['count']:,}, the widest {gaps['widest']:,} steps without a value"))
    return lines


def _troubles(document: Mapping[str, Any]) -> Lines:
    lines: Lines = []
    for repair in document["data_report"]["repairs"]:
        where = f", first in line {repair['first_line']:,}" if repair["first_line"] else ""
        lines.append(("repair", f"{repair['what']}: {repair['count']:,}{where}"))
    lines += [("warning", text) for text in document["warnings"]]
    if listed := exceptions_text(document):
        lines.append(("exceptions", f"{listed}; a fit lists them in exceptions.csv"))
    return lines


def _plan(document: Mapping[str, Any]) -> Lines:
    task, splits, budget, guess = (document[key] for key in ("task", "splits", "budget", "estimate"))
    if task is None:
        return []
    context = f"{task['context_length']} steps" if task["context_length"] else "60 steps, longer ones tried"
    lines = [("", ""), ("horizon", f"{task['horizon']} steps"), ("context", context)]
    for name, part in splits.items():
        windows = guess["windows"][name]
        lines.append((name, f"{part['start']} to {part['end']}, {part['rows']:,} rows, {windows:,} windows"))
    low, high = guess["trials"]
    trials = "one trial" if high == 1 else f"about {low:,} to {high:,} trials" if low < high else f"{high:,} trials"
    limit = f", {budget['max_trials']:,} at most" if budget["max_trials"] else ""
    workers = f"{guess['workers']} workers" if guess["workers"] > 1 else "one worker"
    lines.append(
        (
            "search",
            f"preset {task['preset']}, {format_seconds(budget['time_limit'])} in all, seed {task['seed']}: "
            f"{trials}{limit}, of up to {guess['updates']:,} updates, on {workers} (at "
            f"{guess['updates_a_second']:.0f} updates a second each, as measured on two CPU cores; yours may differ)",
        )
    )
    lines.append(("memory", f"about {guess['memory_mib'] / 1024:.1f} GiB, workers included"))
    return lines


def _file(dialect: Mapping[str, Any]) -> str:
    said = []
    if separator := dialect["separator"]:
        said.append(f"{SEPARATORS.get(separator, repr(separator))}-separated")
    if dialect["decimal"]:
        said.append("decimal comma" if dialect["decimal"] == "," else "decimal point")
    said += [dialect[key] for key in ("encoding", "compression") if dialect[key]]
    return ", ".join(said)


def _names(names: Sequence[str]) -> str:
    listed = ", ".join(names[:MOST_NAMES])
    return f"{listed} and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else listed


def _wrapped(name: str, text: str, width: int) -> list[str]:
    """Return a fact as lines with a hanging indent; long words such as paths stay whole."""
    filled = textwrap.wrap(
        printable(text), max(width - MARGIN, 30), break_long_words=False, break_on_hyphens=False
    ) or [""]  # fmt: skip
    return [f"{name if number == 0 else '':<{MARGIN}}{line}".rstrip() for number, line in enumerate(filled)]
