"""The page of a run: one HTML file with everything in it, opened without a network."""

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from forecastr.files import to_json, write_text
from forecastr.report.charts import curves_chart, horizon_chart, series_chart
from forecastr.report.lines import MOST_STEPS, join_lines, pick_series
from forecastr.report.wording import (
    config_in_words,
    covariates_in_words,
    format_column,
    format_number,
    format_p_value,
    format_seconds,
    format_share,
    is_number,
    name_in_words,
    rank_by_error,
    value_in_words,
    verdict_headline,
)
from forecastr.schema import ID, LEVELS, MODEL

_MOST_SERIES = 20
_MOST_STEPS = 20_000  # of all series that are drawn together


def write_page(
    path: Path,
    *,
    summary: Mapping[str, Any],
    data_report: Mapping[str, Any],
    leaderboard: pd.DataFrame,
    backtest: pd.DataFrame,
    forecast: pd.DataFrame,
    history: pd.DataFrame,
    events: Sequence[Mapping[str, Any]],
) -> None:
    """Write the run's page: the verdict on top, then charts that zoom, the data, the trials, what to do next.

    The page is one file of about five megabytes (plotly's script is inside) and asks no network for anything.

    Parameters
    ----------
    path : Path
        The HTML file to write, in the run folder: its commands name the bundle beside it.
    summary, data_report : dict
        As in ``summary.json`` and ``data_report.json``.
    leaderboard, backtest, forecast : DataFrame
        Rows as in the files of these names, with real timestamps (or integers) as times.
    history : DataFrame
        ``unique_id, ds, y``; what came before the test part is drawn from it.
    events : sequence of dict
        The ledger's events, oldest first.
    """
    from plotly.offline import get_plotlyjs

    baseline = summary["baseline"]
    listed = forecast if len(forecast) else backtest
    picked = pick_series(listed[ID], most=_MOST_SERIES)
    most = min(MOST_STEPS, _MOST_STEPS // len(picked))
    lines = [
        join_lines(name, backtest=backtest, forecast=forecast, history=history, most_steps=most) for name in picked
    ]
    charts = {
        "series": [series_chart(one, baseline_name=baseline) for one in lines],
        "curves": curves_chart(events),
        "horizon": horizon_chart(summary["horizon_errors"], baseline_name=baseline),
    }
    text = _environment().get_template("page.html.j2").render(
        summary=summary,
        headline=verdict_headline(summary["verdict"]["kind"]),
        covariates=covariates_in_words(summary),
        key_figures=key_figures(summary),
        series_names=[one.unique_id for one in lines],
        n_series=listed[ID].nunique(),
        cut=any(one.n_left_out for one in lines),
        metrics=metric_rows(summary),
        data_report=data_report,
        file_rows=file_rows(data_report),
        leaderboard=leaderboard_rows(leaderboard, best_baseline=baseline),
        settings=[{**member, "rows": member["config"].items()} for member in summary["chosen"]["members"]],
        commands=next_commands(path.parent / "bundle"),
        charts_json=json_for_script(charts),
        plotly_script=get_plotlyjs(),
    )  # fmt: skip
    write_text(path, text)


def json_for_script(document: Any) -> str:
    r"""Return JSON that is safe inside a script element: nothing in it can close the element.

    Examples
    --------
    >>> json_for_script("</script>")
    '"\\u003c/script\\u003e"'
    """
    text = to_json(document)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def key_figures(summary: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the figures under the verdict, each with its name, value and one line to read it by."""
    verdict, metrics = summary["verdict"], summary["metrics"]
    model, baseline = metrics[MODEL], metrics.get(summary["baseline"], {})
    rival = name_in_words(summary["baseline"]) or "none"  # nothing could be scored
    ours, theirs = format_column([model.get("mase"), baseline.get("mase")])
    our_mae, their_mae = format_column([model.get("mae"), baseline.get("mae")])
    skill = verdict["skill"]
    figures = [
        {"name": "Skill score", "value": f"{100 * skill:+.1f} %" if is_number(skill) else "–",
         "note": f"error saved against {rival}, the best baseline"},
        {"name": "MASE", "value": ours, "note": f"{rival}: {theirs}. Lower is better"},
        {"name": "Mean absolute error", "value": our_mae, "note": f"{rival}: {their_mae}"},
        {"name": "p-value", "value": format_p_value(verdict["p_value"]),
         "note": "chance of such a difference between equals"},
    ]  # fmt: skip
    for level in LEVELS:
        share = format_share(model.get(f"coverage_{level}"))
        figures.append({"name": f"{level} % interval", "value": share, "note": "of actual values fell inside"})
    return figures


def metric_rows(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Return the model and every baseline by every metric: headings, and rows ready to show."""
    metrics, names = summary["metrics"], rank_by_error(summary["metrics"])
    columns = {
        title: format_column(metrics[name].get(key) for name in names)
        for title, key in {
            "MASE": "mase",
            "MAE": "mae",
            "RMSE": "rmse",
            "sMAPE": "smape",
            "WQL": "wql",
        }.items()
    }
    for level in LEVELS:
        columns[f"in {level} %"] = [format_share(metrics[name].get(f"coverage_{level}"), 1) for name in names]
    columns["direction"] = [format_share(metrics[name].get("direction"), 1) for name in names]
    rows = [
        {"name": name_in_words(name), "style": _row_style(name, summary["baseline"]), "cells": cells}
        for name, cells in zip(names, zip(*columns.values(), strict=True), strict=True)
    ]
    return {"columns": list(columns), "rows": rows}


def leaderboard_rows(leaderboard: pd.DataFrame, *, best_baseline: str) -> dict[str, Any]:
    """Return the leaderboard ready to show; each number comes with its full value, to sort by."""
    titles = {
        "validation_mase": "validation MASE", "test_mase": "test MASE",
        "test_mae": "test MAE", "seconds": "seconds", "updates": "updates", "parameters": "parameters",
    }  # fmt: skip
    decimals = {"seconds": 1, "updates": 0, "parameters": 0}
    table = leaderboard.astype(object).where(leaderboard.notna(), None)
    columns = []
    for key in titles:
        values = list(table[key])
        shown = [format_number(v, decimals[key]) for v in values] if key in decimals else format_column(values)
        columns.append(list(zip(shown, values, strict=True)))
    rows = []
    for position, row in enumerate(table.to_dict("records")):
        style = "ours" if row["kind"] == "ensemble" else _row_style(row["name"], best_baseline)
        if row["kind"] == "trial":
            style = "failed" if row["status"] == "failed" else ""
        note = config_in_words(json.loads(row["config"])) if row["config"] else ""
        rows.append({
            "name": name_in_words(str(row["name"])), "kind": row["kind"], "style": style,
            "cells": [column[position] for column in columns], "note": note,
            "reason": f"failed: {row['reason']}" if row["status"] == "failed" else "",
        })  # fmt: skip
    return {"columns": list(titles.values()), "rows": rows}


def file_rows(data_report: Mapping[str, Any]) -> dict[str, str]:
    """Return how the file was read, as names and values; what does not apply is left out."""
    names = {
        ("dates", "format"): "date format", ("dates", "start"): "first date", ("dates", "end"): "last date",
        ("calendar", "name"): "frequency",
    }  # fmt: skip
    marks = {"\t": "tab", " ": "space"}
    return {
        names.get((part, key), f"{part} {key}" if part == "calendar" else key): marks.get(value, str(value))
        for part in ("dialect", "dates", "calendar")
        for key, value in (data_report[part] or {}).items()
        if value is not None and not isinstance(value, dict)
    }


def next_commands(bundle: Path) -> dict[str, str]:
    """Return what to type next: shell commands and Python lines that name this bundle."""
    folder = shlex.quote(str(bundle))
    return {
        "Forecast again, with newer rows": f"forecastr predict {folder} --data NEW.csv",
        "Score it on rows it has not seen": f"forecastr backtest {folder} NEW.csv",
        "From Python": (
            "from forecastr import Forecaster\n\n"
            f"model = Forecaster.load({str(bundle)!r})\n"
            "forecast = model.predict()\n"
            'scores = model.backtest("NEW.csv")'
        ),
    }


def _row_style(name: str, best_baseline: str) -> str:
    if name == MODEL:
        return "ours"
    return "baseline best" if name == best_baseline else "baseline"


def _environment() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("forecastr.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(seconds=format_seconds, number=format_number, words=value_in_words, share=format_share)
    return environment
