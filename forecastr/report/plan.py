"""What a fit will do, in words, before anything is trained."""

from collections.abc import Mapping
from typing import Any


def plan_line(plan: Mapping[str, Any]) -> str:
    """Return one line on what was understood of the table."""
    data, task, splits = plan["data"], plan["task"], plan["splits"]
    series = f"{data['series']:,} series" if data["series"] > 1 else "one series"
    season = " and ".join(map(str, task["season_lengths"])) if task["season_lengths"][0] > 1 else "none"
    return (
        f"{data['path']}: {data['rows']:,} rows of '{data['target']}', {series}, {task['frequency']}; "
        f"horizon {task['horizon']}, season {season}; "
        f"test {splits['test']['start']} to {splits['test']['end']}, {_cutoffs(splits['test'])}"
    )


def _cutoffs(part: Mapping[str, Any]) -> str:
    return "1 cutoff" if part["cutoffs"] == 1 else f"{part['cutoffs']:,} cutoffs"


def plan_text(document: Mapping[str, Any]) -> str:
    """Return the whole plan, a fact a line: columns and why, dates, calendar, parts, search, repairs, warnings.

    Parameters
    ----------
    document : dict
        The plan as ``summary.json`` begins, and the ``data_report``.
    """
    report, task, budget = document["data_report"], document["task"], document["budget"]
    lines = [
        (
            "data",
            f"{document['data']['path']}, {document['data']['rows']:,} rows, {document['data']['series']:,} series",
        )
    ]
    for role in ("time", "target", "id"):
        column = report["columns"][role]
        if column:
            lines.append((role, f"{column['name']} ({column['why']})"))
    if report["columns"]["unused"]:
        lines.append(("not used", ", ".join(report["columns"]["unused"])))
    lines += [
        ("dates", f"{report['dates']['start']} to {report['dates']['end']} ({report['dates']['format']})"),
        ("frequency", f"{task['frequency']}, season {' and '.join(map(str, task['season_lengths']))}"),
        ("horizon", f"{task['horizon']} steps"),
        ("context", f"{task['context_length']} steps" if task["context_length"] else "60 steps, longer ones tried"),
    ]
    for name, part in document["splits"].items():
        cutoffs = f", {_cutoffs(part)}" if "cutoffs" in part else ""
        lines.append((name, f"{part['start']} to {part['end']}, {part['rows']:,} rows{cutoffs}"))
    trials = f", {budget['max_trials']} trials at most" if budget["max_trials"] else ""
    lines.append(("search", f"preset {task['preset']}, {budget['time_limit']:g} s in all{trials}, seed {task['seed']}"))
    for repair in report["repairs"]:
        where = f", first in line {repair['first_line']}" if repair["first_line"] else ""
        lines.append(("repair", f"{repair['what']}: {repair['count']:,}{where}"))
    lines += [("warning", text) for text in document["warnings"]]
    return "\n".join(f"{name:<11} {text}" for name, text in lines)
