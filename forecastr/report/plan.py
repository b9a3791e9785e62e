"""What a fit understood of its table, in one line."""

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
