"""The page's charts as plain plotly figures: dicts of data and layout that become JSON.

No text from a user enters a figure: plotly reads markup in it. The page writes such text around the charts.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from forecastr.report.lines import (
    Curve,
    SeriesLines,
    beyond,
    group_curves,
    read_curves,
    value_range,
    wants_log_scale,
)
from forecastr.report.wording import is_number, name_in_words
from forecastr.schema import BASELINE, LEVELS, MODEL, TARGET, TIME

# What is "ink" is drawn in the page's own text colour, which follows the light or dark theme.
INK, GREY, BLUE, ORANGE, RED = "ink", "#8c959f", "#2b7fc4", "#D55E00", "#d1453b"
OTHERS = ("#009E73", "#CC79A7", "#E69F00", "#56B4E9", GREY)

Figure = dict[str, Any]


def series_chart(lines: SeriesLines, *, baseline_name: str) -> Figure:
    """Return predicted against actual for one series, with intervals, baseline and the end of the data.

    ``layout["meta"]`` holds the ranges of the close-up, for the page's buttons.
    """
    rows, times = lines.forecast, _times(lines.forecast[TIME])
    traces: list[Figure] = []
    for level, color in ((95, "rgba(43,127,196,0.16)"), (80, "rgba(43,127,196,0.26)")):
        name = f"{level} % interval"
        edge = {"x": times, "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "legendgroup": name}
        traces.append({**edge, "y": _values(rows[f"{MODEL}-lo-{level}"]), "showlegend": False})
        high = _values(rows[f"{MODEL}-hi-{level}"])
        traces.append({**edge, "y": high, "fill": "tonexty", "fillcolor": color, "name": name})
    traces.append(
        _line(
            times,
            _values(rows[BASELINE]),
            f"best baseline: {name_in_words(baseline_name)}",
            ORANGE,
            1.3,
            dash="dash",
        )
    )
    few = len(beyond(lines)) <= 3
    traces.append(
        _line(times, _values(rows[MODEL]), "forecast", BLUE, 2)
        | {"customdata": _interval_texts(rows), "hovertemplate": "%{y:.5g}%{customdata}"}
        | ({"mode": "lines+markers", "marker": {"size": [0] * (len(rows) - 1) + [7]}} if few else {})
    )
    traces.append(_line(_times(lines.actual[TIME]), _values(lines.actual[TARGET]), "actual", INK, 1.6))
    return {"data": traces, "layout": _series_layout(lines)}


def curves_chart(events: Sequence[Mapping[str, Any]]) -> Figure:
    """Return training loss, validation loss and gradient norm of every trial by updates."""
    curves = read_curves(events)
    styles: list[Figure] = [
        {"color": GREY, "width": 1},
        {"color": RED, "width": 1, "dash": "dot"},
        {"color": BLUE, "width": 2.8},
    ]
    last = max((update for curve in curves for update in curve.updates), default=1.0)
    layout: Figure = {
        "grid": {"rows": 3, "columns": 1, "pattern": "coupled"},
        "hovermode": "closest",
        "xaxis": {"title": {"text": "updates"}, "range": [0, 1.02 * last]},
    }
    data = []
    for row, name in enumerate(("loss", "validation_loss", "gradient_norm")):
        axis = f"{row + 1}" if row else ""
        for (label, group), style in zip(group_curves(curves).items(), styles, strict=True):
            if group:
                legend = {"name": label, "legendgroup": label, "showlegend": row == 0}
                data.append(_joined_curves(group, name) | legend | {"yaxis": f"y{axis}", "line": style})
        layout[f"yaxis{axis}"] = _curve_axis(name, [v for curve in curves for v in getattr(curve, name)])
    return {"data": data, "layout": layout}


def horizon_chart(horizon_errors: Mapping[str, Sequence[Any]], *, baseline_name: str) -> Figure:
    """Return the mean absolute error by step: lines, or bars where the horizon is one step."""
    steps = list(horizon_errors["step"])
    others = [name for name in horizon_errors if name not in ("step", MODEL, baseline_name)]
    styles = {name: (OTHERS[index % len(OTHERS)], 1.2) for index, name in enumerate(others)}
    if baseline_name in horizon_errors:
        styles[baseline_name] = (ORANGE, 2.0)
    styles[MODEL] = (BLUE, 3.0)
    data = []
    for name, (color, width) in styles.items():
        label = name_in_words(name) + (" (best baseline)" if name == baseline_name else "")
        values = _values(horizon_errors[name])
        if len(steps) == 1:
            data.append(_bar(label, values, color))
        else:
            line = _line(steps, values, label, color, width)
            data.append(line | {"mode": "lines+markers", "marker": {"size": 4}})
    if len(steps) == 1:
        data.sort(key=lambda bar: -(bar["x"][0] or 0.0))  # plotly draws from the bottom: the best on top
        axis = {"title": {"text": "mean absolute error, one step ahead"}}
        return {"data": data, "layout": {"xaxis": axis, "yaxis": {}, "hovermode": "closest"}}
    layout = {
        "xaxis": {"title": {"text": "steps ahead"}, "tickformat": "d", "range": [0.6, steps[-1] + 0.4]},
        "yaxis": {"title": {"text": "mean absolute error"}, "rangemode": "tozero"},
        "hovermode": "x unified",
    }
    return {"data": data, "layout": layout}


def _series_layout(lines: SeriesLines) -> Figure:
    end, last = _times(pd.Series([lines.end, lines.forecast[TIME].max()]))
    layout: Figure = {
        "hovermode": "x unified",
        "xaxis": {"type": "date" if isinstance(end, str) else "linear"},
        "yaxis": {"exponentformat": "B", "separatethousands": True},
        "shapes": [
            {"type": "line", "xref": "x", "yref": "paper", "x0": end, "x1": end, "y0": 0, "y1": 1,
             "line": {"color": GREY, "width": 1.5, "dash": "dot"}},
            {"type": "rect", "xref": "x", "yref": "paper", "x0": end, "x1": last, "y0": 0, "y1": 1,
             "layer": "below", "fillcolor": "rgba(140,149,159,0.14)", "line": {"width": 0}},
        ],
        "annotations": [{"x": end, "xref": "x", "y": 1, "yref": "paper", "yanchor": "top", "xanchor": "right",
                         "text": "end of data", "showarrow": False, "font": {"size": 11}}],
    }  # fmt: skip
    if lines.close_up is not None:
        low, high = value_range(lines, lines.close_up)
        margin = 0.06 * (high - low or 1.0)
        [start] = _times(pd.Series([lines.close_up]))
        layout["meta"] = {"close_up": {"x": [start, last], "y": [low - margin, high + margin]}}
    return layout


def _line(x: list[Any], y: list[Any], name: str, color: str, width: float, *, dash: str = "solid") -> Figure:
    return {
        "x": x, "y": y, "name": name, "mode": "lines", "line": {"color": color, "width": width, "dash": dash},
        "hovertemplate": "%{y:.5g}",
    }  # fmt: skip


def _bar(label: str, values: list[float | None], color: str) -> Figure:
    return {
        "type": "bar", "orientation": "h", "x": values, "y": [label], "name": label, "showlegend": False,
        "marker": {"color": color}, "texttemplate": "%{x:.4g}", "hovertemplate": "%{x:.4g}<extra></extra>",
    }  # fmt: skip


def _curve_axis(name: str, values: Sequence[float]) -> Figure:
    titles = {"loss": "training loss", "validation_loss": "validation loss", "gradient_norm": "gradient norm"}
    axis: Figure = {"title": {"text": titles[name]}}
    if wants_log_scale(values, name=name):
        axis |= {"type": "log", **_log_ticks(values)}
    return axis


def _joined_curves(curves: Sequence[Curve], name: str) -> Figure:
    """Return many curves as one trace with gaps between: hundreds of trials stay quick to draw."""
    x: list[Any] = []
    y: list[Any] = []
    labels: list[str] = []
    for curve in curves:
        x += [*curve.updates, None]
        y += [*getattr(curve, name), None]
        labels += [curve.trial] * (len(curve.updates) + 1)
    single = all(len(curve.updates) == 1 for curve in curves)
    return {
        "x": _values(x), "y": _values(y), "customdata": labels, "mode": "markers" if single else "lines",
        "hovertemplate": "trial %{customdata}<br>update %{x}: %{y:.4g}<extra></extra>",
    }  # fmt: skip


def _log_ticks(values: Sequence[float]) -> Figure:
    """Return ticks at 1, 2 and 5 of each decade, or at 1 alone where there are many decades."""
    positive = [value for value in values if is_number(value) and value > 0]
    decades = range(int(np.floor(np.log10(min(positive)))), int(np.ceil(np.log10(max(positive)))) + 1)
    ticks = [step * 10.0**decade for decade in decades for step in ((1, 2, 5) if len(decades) <= 4 else (1,))]
    return {"tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]}


def _interval_texts(rows: pd.DataFrame) -> list[str]:
    texts = [""] * len(rows)
    for level in LEVELS:
        bounds = rows[[f"{MODEL}-lo-{level}", f"{MODEL}-hi-{level}"]].to_numpy(float)
        texts = [
            text + (f"<br>  {level} %: {low:.5g} to {high:.5g}" if low == low else "")
            for text, (low, high) in zip(texts, bounds, strict=True)
        ]
    return texts


def _times(times: pd.Series) -> list[Any]:
    if not pd.api.types.is_datetime64_any_dtype(times):
        return [value.item() if isinstance(value, np.generic) else value for value in times]
    whole_days = (times == times.dt.normalize()).all()
    written: list[Any] = times.dt.strftime("%Y-%m-%d" if whole_days else "%Y-%m-%d %H:%M:%S").tolist()
    return written


def _values(values: Any) -> list[float | None]:
    """Return numbers with seven figures, which no screen shows, and None for what is not finite."""
    return [float(f"{value:.7g}") if is_number(value) else None for value in list(values)]
