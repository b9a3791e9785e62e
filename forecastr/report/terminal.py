"""What the command prints at the end: plain text, the same in a terminal and in a file."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecastr.report.wording import (
    covariates_in_words,
    format_column,
    format_number,
    format_share,
    name_in_words,
    rank_by_error,
)
from forecastr.schema import LEVELS

if TYPE_CHECKING:
    import pandas as pd


def verdict_text(summary: Mapping[str, Any]) -> str:
    """Return the verdict's sentence, and the model beside every baseline as a small table.

    Parameters
    ----------
    summary : dict
        As in ``summary.json``.

    Returns
    -------
    str
        Lines of at most 100 characters, without colour.
    """
    metrics = summary["metrics"]
    names = rank_by_error(metrics)
    best = summary["baseline"]
    columns = [["", *(name_in_words(name) + (" *" if name == best else "") for name in names)]]
    for title, key in (("MAE", "mae"), ("MASE", "mase"), ("sMAPE", "smape"), ("WQL", "wql")):
        columns.append([title, *format_column(metrics[name].get(key) for name in names)])
    for level in LEVELS:
        columns.append([f"in {level} %", *(format_share(metrics[n].get(f"coverage_{level}")) for n in names)])
    left = exceptions_text(summary)
    return "\n".join(
        [
            *textwrap.wrap(summary["verdict"]["sentence"], 100),
            *(line for sentence in covariates_in_words(summary) for line in textwrap.wrap(sentence, 100)),
            *([f"Series that are not like the others: {left}."] if left else []),
            "",
            *_align(columns),
            "",
            "* best baseline. WQL: weighted quantile loss, the error of point and intervals together.",
            f"In {LEVELS[0]} %: how often the {LEVELS[0]} % interval held the actual value.",
        ]
    )


def exceptions_text(summary: Mapping[str, Any]) -> str:
    """Return how many series are left out, constant, short or ended early; nothing where none is.

    Examples
    --------
    >>> exceptions_text({"exceptions": {"left out": 100, "short": 2}, "data": {"series": 9900}})
    '100 left out, 2 short'
    """
    return ", ".join(f"{count:,} {status}" for status, count in summary.get("exceptions", {}).items())


def where_to_look(run_folder: Path, tracking_uri: str | None, *, forecast: bool = True) -> str:
    """Return where the results are and which command opens them.

    Without a ``forecast``, for want of known covariates, that line is left out.

    Examples
    --------
    >>> print(where_to_look(Path("runs/prices"), None))
    forecast   runs/prices/forecast.csv
    report     runs/prices/report.html
    bundle     runs/prices/bundle
    """
    places: list[tuple[str, object]] = [
        *([("forecast", run_folder / "forecast.csv")] if forecast else []),
        ("report", run_folder / "report.html"),
        ("bundle", run_folder / "bundle"),
    ]
    if tracking_uri is not None:
        places.append(("runs", f"{tracking_uri}  (forecastr ui opens it)"))
    return "\n".join(f"{name:<9}  {place}" for name, place in places)


def leaderboard_text(leaderboard: "pd.DataFrame", *, n: int = 10) -> str:
    """Return the first ``n`` rows of a leaderboard as a table, with a line saying how many were left out.

    Parameters
    ----------
    leaderboard : DataFrame
        Rows as in ``leaderboard.csv``, best first.
    n : int
        Rows to show.
    """
    shown = leaderboard.head(n)
    columns = [
        ["name", *(name_in_words(str(name)) for name in shown["name"])],
        ["kind", *map(str, shown["kind"])],
    ]
    for key in ("validation_mase", "test_mase", "test_mae"):
        set_name, metric = key.split("_")
        columns.append([f"{set_name} {metric.upper()}", *format_column(shown[key].tolist())])
    columns.append(["seconds", *(format_number(value, 1) for value in shown["seconds"])])
    columns.append(["status", *map(str, shown["status"])])
    rest = len(leaderboard) - len(shown)
    return "\n".join([*_align(columns, text={0, 1, 6}), *([f"... and {rest:,} more"] if rest else [])])


def runs_text(runs: "pd.DataFrame") -> str:
    """Return tracked runs as a table, in the order they come.

    Parameters
    ----------
    runs : DataFrame
        As from ``forecastr.tracking.list_runs``.
    """
    if runs.empty:
        return "No runs yet."
    columns = [
        ["started", *(f"{moment:%Y-%m-%d %H:%M}" for moment in runs["started"])],
        ["name", *map(str, runs["name"])],
        ["experiment", *map(str, runs["experiment"])],
        ["verdict", *map(str, runs["verdict"])],
        ["MASE", *format_column(runs["test_mase"].tolist())],
        ["baseline", *(name_in_words(str(name)) for name in runs["baseline"])],
        ["its MASE", *format_column(runs["baseline_mase"].tolist())],
        ["skill", *(format_share(value, 1) for value in runs["skill"])],
        ["trials", *(format_number(value, 0) for value in runs["trials"])],
        ["seconds", *(format_number(value, 0) for value in runs["seconds"])],
        ["run", *(str(run)[:8] for run in runs["run_id"])],
    ]
    return "\n".join(_align(columns, text={0, 1, 2, 3, 5, 10}))


def _align(columns: Sequence[Sequence[str]], *, text: frozenset[int] | set[int] = frozenset({0})) -> list[str]:
    """Return the lines of a table: text columns to the left, numbers to the right."""
    padded = []
    for index, column in enumerate(columns):
        width = max(len(cell) for cell in column)
        padded.append([cell.ljust(width) if index in text else cell.rjust(width) for cell in column])
    return ["  ".join(row).rstrip() for row in zip(*padded, strict=True)]
