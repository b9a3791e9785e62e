"""The lines that pictures and page draw, shaped once for both: series over time, and curves of training."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from forecastr.report.wording import is_number
from forecastr.schema import BASELINE, CUTOFF, ID, TARGET, TIME, forecast_columns

_LONGEST_BRIDGE = 3
_FEWEST_STEPS = 30
MOST_STEPS = 5000  # of a test part that are drawn: more than a screen has pixels


@dataclass(frozen=True, kw_only=True)
class SeriesLines:
    """One series as drawn.

    Parameters
    ----------
    unique_id : str
        The series.
    actual : DataFrame
        ``ds, y``: some history and the test part. A gap of more than three values stays a gap.
    forecast : DataFrame
        ``ds``, the model's point and interval columns, ``baseline``: the test part, each piece from its
        own cutoff, then the steps beyond the data.
    cutoffs : list
        Where each piece starts, oldest first.
    end : Timestamp or int
        The last time in the data.
    close_up : Timestamp or int or None
        Where the last few horizons start; None where the whole test part is no longer than that.
    n_left_out : int
        Steps of the test part that lie before what is drawn.
    """

    unique_id: str
    actual: pd.DataFrame
    forecast: pd.DataFrame
    cutoffs: list[Any]
    end: Any
    close_up: Any
    n_left_out: int


def pick_series(unique_ids: Iterable[Any], *, most: int) -> list[Any]:
    """Return at most ``most`` ids in their order of appearance, picked evenly, first and last among them.

    Examples
    --------
    >>> pick_series(["a", "a", "b", "c", "d", "e"], most=3)
    ['a', 'c', 'e']
    """
    distinct = list(dict.fromkeys(unique_ids))
    if len(distinct) <= most:
        return distinct
    return [distinct[index] for index in np.linspace(0, len(distinct) - 1, most).round().astype(int)]


def join_lines(
    unique_id: Any,
    *,
    backtest: pd.DataFrame,
    forecast: pd.DataFrame,
    history: pd.DataFrame,
    most_steps: int = MOST_STEPS,
) -> SeriesLines:
    """Return the lines of one series: its test part, what came shortly before, and the forecast beyond.

    The forecast's length is taken as the horizon; without rows, that of a tested piece. Of a test part longer than
    ``most_steps`` the last pieces are drawn. Where pieces lie apart, a row without values breaks their lines.
    """
    tested, beyond, past = (_rows_of(unique_id, table) for table in (backtest, forecast, history))
    horizon = len(beyond) or len(tested) // max(1, tested[CUTOFF].nunique())
    cutoffs = sorted(tested[CUTOFF].unique())
    n_tested = len(tested)
    if len(past) > most_steps and cutoffs:
        earliest = past[TIME].iloc[-most_steps]
        cutoffs = [cutoff for cutoff in cutoffs if cutoff >= earliest] or cutoffs[-1:]
        tested = tested[tested[CUTOFF] >= cutoffs[0]]
    n_left_out = n_tested - len(tested)
    begin = int(past[TIME].searchsorted(tested[TIME].min()))
    known = pd.concat([past.iloc[begin:][[TIME, TARGET]], tested[[TIME, TARGET]]])
    known = known.drop_duplicates(TIME, keep="last").sort_values(TIME, ignore_index=True)
    n_before = max(4 * horizon, len(known) // 6, _FEWEST_STEPS)
    shown = pd.concat([past.iloc[max(0, begin - n_before) : begin][[TIME, TARGET]], known], ignore_index=True)
    n_close = max(5 * horizon, 2 * _FEWEST_STEPS)
    columns = [TIME, *forecast_columns(), BASELINE]
    return SeriesLines(
        unique_id=str(unique_id),
        actual=_bridge_short_gaps(shown).reset_index(drop=True),
        forecast=pd.concat([_broken_where_apart(tested)[columns], beyond[columns]], ignore_index=True),
        cutoffs=cutoffs,
        end=shown[TIME].iloc[-1],
        close_up=shown[TIME].iloc[-n_close] if len(shown) > 2 * n_close else None,
        n_left_out=n_left_out,
    )


def _rows_of(unique_id: Any, table: pd.DataFrame) -> pd.DataFrame:
    ours = table[ID] == unique_id
    rows = table if ours.all() else table[ours]
    if not rows[TIME].is_monotonic_increasing:
        rows = rows.sort_values(TIME, kind="stable")
    if isinstance(rows[TIME].dtype, pd.DatetimeTZDtype):  # axes show the clock the user knows
        times = {column: rows[column].dt.tz_localize(None) for column in (TIME, CUTOFF) if column in rows}
        rows = rows.assign(**times)
    return rows


def _broken_where_apart(tested: pd.DataFrame) -> pd.DataFrame:
    """Return the test part with a row of nothing after each piece that the next one does not follow at once."""
    ends = tested.groupby(CUTOFF)[TIME].max()
    apart = ends.index[1:] > ends.to_numpy()[:-1]
    if not apart.any():
        return tested
    breaks = pd.DataFrame({TIME: ends.to_numpy()[:-1][apart]})
    return pd.concat([tested, breaks]).sort_values(TIME, kind="stable", ignore_index=True)


def _bridge_short_gaps(values: pd.DataFrame) -> pd.DataFrame:
    """Drop missing values, so that a holiday is no hole in the line; longer gaps stay."""
    missing = values[TARGET].isna()
    run = (missing != missing.shift()).cumsum()
    kept: pd.DataFrame = values[~missing | (missing.groupby(run).transform("size") > _LONGEST_BRIDGE)]
    return kept


@dataclass(kw_only=True)
class Curve:
    """One trial's training, a value per epoch.

    Parameters
    ----------
    trial : str
        The trial's name.
    status : {"running", "completed", "failed"}
        How it ended, if it did.
    score : float or None
        Validation score of a completed trial; lower is better.
    config : dict
        Its hyperparameters.
    updates, loss, validation_loss, gradient_norm : list of float
        By epoch; NaN where the value is not finite or was not recorded.
    """

    trial: str
    config: Mapping[str, Any]
    status: str = "running"
    score: float | None = None
    updates: list[float] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    gradient_norm: list[float] = field(default_factory=list)


def read_curves(events: Sequence[Mapping[str, Any]]) -> list[Curve]:
    """Return the curve of every trial in the ledger's events, in the order they first started.

    A trial that was interrupted and started again is drawn as it ran the last time.
    """
    curves: dict[str, Curve] = {}
    for event in events:
        kind = event["event"]
        if kind == "trial_started":
            curves[event["trial"]] = Curve(trial=event["trial"], config=event["config"])
        elif kind == "epoch":
            curve = curves[event["trial"]]
            for name in ("updates", "loss", "validation_loss", "gradient_norm"):
                value = event.get(name)
                getattr(curve, name).append(float(value) if is_number(value) else float("nan"))
        elif kind == "trial_completed":
            curves[event["trial"]].status = "completed"
            curves[event["trial"]].score = event["score"]
        elif kind == "trial_failed":
            curves[event["trial"]].status = "failed"
    return list(curves.values())


def find_best(curves: Iterable[Curve]) -> Curve | None:
    """Return the completed curve with the lowest score; None when no trial was completed."""
    scored = [curve for curve in curves if curve.status == "completed" and is_number(curve.score)]
    return min(scored, key=lambda curve: curve.score or 0.0, default=None)


def group_curves(curves: Sequence[Curve]) -> dict[str, list[Curve]]:
    """Return the curves by the part they play in a picture, the best trial last and so on top."""
    best = find_best(curves)
    return {
        "other completed trials": [c for c in curves if c.status == "completed" and c is not best],
        "failed or unfinished trials": [c for c in curves if c.status != "completed"],
        "best trial": [best] if best else [],
    }


def wants_log_scale(values: Iterable[float], *, name: str) -> bool:
    """Return whether values span more than a factor of ten, all positive; gradient norms always want it."""
    finite = [value for value in values if is_number(value)]
    if name == "gradient_norm":
        return any(value > 0 for value in finite)
    return bool(finite) and min(finite) > 0 and max(finite) > 10 * min(finite)


def beyond(lines: SeriesLines) -> pd.DataFrame:
    """Return the rows of the forecast after the end of the data."""
    rows: pd.DataFrame = lines.forecast[lines.forecast[TIME] > lines.end]
    return rows


def value_range(lines: SeriesLines, start: Any) -> tuple[float, float]:
    """Return the lowest and highest value drawn from ``start`` on."""
    actual = lines.actual.loc[lines.actual[TIME] >= start, TARGET]
    rows = lines.forecast[lines.forecast[TIME] >= start]
    values = np.concatenate([actual.to_numpy(float), rows[[*forecast_columns(), BASELINE]].to_numpy(float).ravel()])
    values = values[np.isfinite(values)]
    return (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
