"""Pictures for people who open a folder: predicted against actual, learning curves, error by step."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from forecastr.report.canvas import BLUE, GREY, INK, ORANGE, OTHERS, RED, open_figure, set_value_axis, shorten
from forecastr.report.lines import (
    Curve,
    SeriesLines,
    beyond,
    find_best,
    group_curves,
    join_lines,
    pick_series,
    read_curves,
    value_range,
    wants_log_scale,
)
from forecastr.report.wording import is_number, name_in_words
from forecastr.schema import BASELINE, ID, MODEL, TARGET, TIME

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_PANELS, _MOST_CUTOFF_MARKS = 6, 40


def draw_predicted_vs_actual(
    path: Path,
    *,
    backtest: pd.DataFrame,
    forecast: pd.DataFrame,
    history: pd.DataFrame,
    baseline_name: str,
    title: str,
    verdict: str,
) -> None:
    """Draw the test part as it was forecast and as it came, then the forecast beyond the data.

    One series gets the whole test part, and a close-up of the last horizons where that is long; a panel
    gets up to six series, picked evenly.

    Parameters
    ----------
    path : Path
        The PNG file to write.
    backtest, forecast : DataFrame
        Rows as in ``backtest.csv`` and ``forecast.csv``, with real timestamps (or integers) as times.
    history : DataFrame
        ``unique_id, ds, y``; what came before the test part is drawn from it.
    baseline_name : str
        The baseline in the column ``baseline``.
    title, verdict : str
        What was forecast, and the verdict's sentence.
    """
    listed = forecast if len(forecast) else backtest
    picked = pick_series(listed[ID], most=_MOST_PANELS)
    series = [join_lines(name, backtest=backtest, forecast=forecast, history=history) for name in picked]
    alone = len(series) == 1
    n_all = listed[ID].nunique()
    if n_all > len(series):
        title = f"{title} · {len(series)} of {n_all:,} series"
    if not alone and any(lines.n_left_out for lines in series):
        title = f"{title} · end of the test part"
    n_columns = {1: 1, 2: 2, 4: 2}.get(len(series), 3)
    n_rows = 1 + (series[0].close_up is not None) if alone else -(-len(series) // n_columns)
    height = 2.2 + (4.6 if n_rows == 1 else 3.6) * n_rows
    with open_figure(path, height=height, title=title, subtitle=verdict) as figure:
        panes = figure.subplots(n_rows, n_columns, squeeze=False)
        if alone:
            _draw_lone_series(panes[:, 0].tolist(), series[0], baseline_name)
        for pane, lines in zip(panes.ravel(), series if not alone else [], strict=False):
            _draw_series(pane, lines, baseline_name)
            pane.set_title(shorten(lines.unique_id, 40), loc="left", fontsize=11, parse_math=False)
        for pane in panes.ravel()[max(len(series), n_rows if alone else 0) :]:
            pane.set_visible(False)
        handles, labels = panes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))


def draw_learning_curves(path: Path, *, events: Sequence[Mapping[str, Any]]) -> None:
    """Draw loss, validation loss and gradient norm of every trial by updates, the best trial strong.

    Parameters
    ----------
    path : Path
        The PNG file to write.
    events : sequence of dict
        The ledger's events, oldest first.
    """
    curves = read_curves(events)
    best = find_best(curves)
    subtitle = "Each line is a trial" + (f"; the best one is {best.trial}" if best else "")
    with open_figure(path, height=8.4, title="Learning curves", subtitle=subtitle) as figure:
        grid = figure.add_gridspec(2, 2)
        training = figure.add_subplot(grid[0, 0])
        validation = figure.add_subplot(grid[0, 1], sharex=training)
        gradient = figure.add_subplot(grid[1, :])
        for pane, name in ((training, "loss"), (validation, "validation_loss"), (gradient, "gradient_norm")):
            _draw_curves(pane, curves, name)
        if curves:
            handles, labels = gradient.get_legend_handles_labels()
            figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))


def draw_error_by_horizon(
    path: Path, *, horizon_errors: Mapping[str, Sequence[float | None]], baseline_name: str
) -> None:
    """Draw the mean absolute error by step of the horizon, the model beside every baseline.

    Parameters
    ----------
    path : Path
        The PNG file to write.
    horizon_errors : dict
        ``step`` and, under each forecaster's name, its error at each step.
    baseline_name : str
        The best baseline, drawn stronger than the others.
    """
    from matplotlib.ticker import MaxNLocator

    errors = {
        name: np.array([value if is_number(value) else np.nan for value in values], float)
        for name, values in horizon_errors.items()
        if name != "step"
    }
    steps: list[Any] = list(horizon_errors["step"])
    subtitle = "Mean absolute error on the test part, in the target's unit; lower is better"
    with open_figure(path, height=6.4, title="Error by horizon step", subtitle=subtitle) as figure:
        pane = figure.subplots()
        if len(steps) == 1:
            _draw_error_bars(pane, errors, baseline_name)
            return
        for name, values in errors.items():
            pane.plot(steps, values, **_error_style(name, list(errors), baseline_name))
        pane.xaxis.set_major_locator(MaxNLocator(integer=True))
        pane.set_xlabel("steps ahead")
        pane.set_ylim(bottom=0)
        set_value_axis(pane)
        figure.legend(loc="outside lower center", ncols=len(errors))


def _draw_lone_series(panes: "list[Axes]", lines: SeriesLines, baseline_name: str) -> None:
    _draw_series(panes[0], lines, baseline_name)
    if len(panes) == 1:
        return
    shown = "The end of the test part" if lines.n_left_out else "The whole test part"
    panes[0].set_title(shown, loc="left", fontsize=11)
    close = panes[1]
    _draw_series(close, lines, baseline_name)
    close.set_title("The last horizons, and the forecast beyond the data", loc="left", fontsize=11)
    low, high = value_range(lines, lines.close_up)
    margin = 0.06 * (high - low or 1.0)
    last = lines.forecast[TIME].max()
    close.set_xlim(lines.close_up, last + 0.01 * (last - lines.close_up))
    close.set_ylim(low - margin, high + margin)


def _draw_series(pane: "Axes", lines: SeriesLines, baseline_name: str) -> None:
    rows, times = lines.forecast, lines.forecast[TIME].to_numpy()
    for level, opacity in ((95, 0.15), (80, 0.25)):
        low, high = (rows[f"{MODEL}-{side}-{level}"].to_numpy(float) for side in ("lo", "hi"))
        label = f"{level} % interval"
        pane.fill_between(times, low, high, color=BLUE, alpha=opacity, linewidth=0, label=label)
    n_points = len(rows)
    thin = 0.75 if n_points > 600 else 1.0
    pane.plot(
        lines.actual[TIME].to_numpy(),
        lines.actual[TARGET].to_numpy(float),
        color=INK,
        lw=1.6 * thin,
        label="actual",
    )
    label = f"best baseline: {name_in_words(baseline_name)}"
    baseline = rows[BASELINE].to_numpy(float)
    pane.plot(times, baseline, color=ORANGE, lw=1.2 * thin, linestyle=(0, (4, 2)), label=label)
    pane.plot(times, rows[MODEL].to_numpy(float), color=BLUE, lw=1.8 * thin, label="forecast")
    _draw_end_of_data(pane, lines)
    if 1 < len(lines.cutoffs) <= _MOST_CUTOFF_MARKS:
        heights = np.full(len(lines.cutoffs), 0.012)
        label = "cutoff: a new forecast starts"
        foot = pane.get_xaxis_transform()
        pane.plot(np.array(lines.cutoffs), heights, "|", color=GREY, markersize=8, transform=foot, label=label)
    pane.margins(x=0.01)
    _set_time_axis(pane, lines)
    set_value_axis(pane)


def _draw_end_of_data(pane: "Axes", lines: SeriesLines) -> None:
    future = beyond(lines)
    pane.axvline(lines.end, color=INK, lw=1, linestyle=(0, (1, 2)))
    if len(future):
        pane.axvspan(lines.end, future[TIME].max(), color=GREY, alpha=0.12, linewidth=0)
    if 0 < len(future) <= 3:
        pane.plot(future[TIME].to_numpy(), future[MODEL].to_numpy(float), "o", color=BLUE, markersize=5)
    pane.annotate(
        "end of data", (lines.end, 1), xycoords=("data", "axes fraction"), xytext=(-4, -2),
        textcoords="offset points", ha="right", va="top", fontsize=9, color="#57606a",
        bbox={"boxstyle": "square,pad=0.15", "facecolor": "white", "alpha": 0.7, "linewidth": 0},
    )  # fmt: skip


def _set_time_axis(pane: "Axes", lines: SeriesLines) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.ticker import MaxNLocator

    if pd.api.types.is_datetime64_any_dtype(lines.forecast[TIME]):
        locator = AutoDateLocator(minticks=3, maxticks=8)  # type: ignore[no-untyped-call]
        pane.xaxis.set_major_locator(locator)
        corner = ["", "%Y", "%Y", "%Y-%m-%d", "%Y-%m-%d", "%Y-%m-%d %H:%M"]
        formatter = ConciseDateFormatter(locator, offset_formats=corner)  # type: ignore[no-untyped-call]
        pane.xaxis.set_major_formatter(formatter)
    else:
        pane.xaxis.set_major_locator(MaxNLocator(8, integer=True))


def _draw_curves(pane: "Axes", curves: list[Curve], name: str) -> None:
    styles: list[dict[str, Any]] = [
        {"color": GREY, "lw": 0.8, "alpha": 0.7},
        {"color": RED, "lw": 0.9, "alpha": 0.7, "linestyle": (0, (3, 2))},
        {"color": BLUE, "lw": 2.4},
    ]
    for (label, group), style in zip(group_curves(curves).items(), styles, strict=True):
        for index, curve in enumerate(group):
            marker = "o" if len(curve.updates) == 1 else None
            pane.plot(
                curve.updates, getattr(curve, name), marker=marker, markersize=3, **style,
                label=label if index == 0 else "_",
            )  # fmt: skip
    values = [value for curve in curves for value in getattr(curve, name)]
    if wants_log_scale(values, name=name):
        pane.set_yscale("log")
    set_value_axis(pane)
    headings = {
        "loss": "Training loss",
        "validation_loss": "Validation loss",
        "gradient_norm": "Gradient norm",
    }
    pane.set_title(headings[name] + (", log scale" if pane.get_yscale() == "log" else ""), loc="left", fontsize=11)
    pane.set_xlabel("updates")
    if not any(is_number(value) for value in values):
        pane.text(0.5, 0.5, "nothing was recorded", transform=pane.transAxes, ha="center", color="#57606a")


def _error_style(name: str, names: list[str], baseline_name: str) -> dict[str, Any]:
    if name == MODEL:
        return {"color": BLUE, "lw": 2.8, "marker": "o", "markersize": 4, "zorder": 4, "label": MODEL}
    if name == baseline_name:
        label = f"{name_in_words(name)} (best baseline)"
        return {"color": ORANGE, "lw": 1.8, "marker": "s", "markersize": 3.5, "zorder": 3, "label": label}
    others = [other for other in names if other not in (MODEL, baseline_name)]
    color = OTHERS[others.index(name) % len(OTHERS)]
    return {"color": color, "lw": 1.1, "marker": ".", "markersize": 3, "label": name_in_words(name)}


def _draw_error_bars(pane: "Axes", errors: Mapping[str, np.ndarray], baseline_name: str) -> None:
    """Draw one bar per forecaster, for a horizon of one step."""
    ranked = sorted(errors, key=lambda name: (np.isnan(errors[name][0]), errors[name][0]), reverse=True)
    styles = [_error_style(name, list(errors), baseline_name) for name in ranked]
    values = [float(errors[name][0]) for name in ranked]
    bars = pane.barh(
        [style["label"] for style in styles],
        np.nan_to_num(values),
        color=[style["color"] for style in styles],
    )
    pane.bar_label(bars, [f"{value:.4g}" for value in values], padding=4)
    pane.grid(visible=False, axis="y")
    pane.margins(x=0.1)
    pane.set_xlabel("mean absolute error, one step ahead")
