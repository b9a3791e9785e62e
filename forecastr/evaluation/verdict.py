"""One sentence on whether a model is worth using, against the best of its baselines."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecastr.evaluation.metrics import evaluate
from forecastr.evaluation.significance import MINIMUM_CUTOFFS, diebold_mariano
from forecastr.schema import MEDIAN, MODEL

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class Verdict:
    """What the comparison with the best baseline came to.

    Parameters
    ----------
    kind : {"better", "not better", "copy", "undecided"}
        "copy": not better, and a repetition of the last value.
    sentence : str
        The verdict in plain language, with its numbers.
    skill : float
        1 - error / baseline error; above 0 beats the baseline. Minus infinity where the baseline
        makes no error and the model does; NaN if either cannot be scored.
    p_value : float
        Two-sided Diebold-Mariano p-value; NaN if there are too few cutoffs.
    baseline : str
        The best baseline; empty if none could be scored.
    """

    kind: str
    sentence: str
    skill: float
    p_value: float
    baseline: str


@dataclass(frozen=True)
class _Test:
    """A Diebold-Mariano test of two losses."""

    gain: float  # mean of the second loss minus mean of the first
    p_value: float
    sample: str  # what it rests on, as the sentence says it

    @property
    def won(self) -> bool:
        """Whether the first loss is lower, and not by chance."""
        return self.gain > 0 and self.p_value < SIGNIFICANCE


@dataclass(frozen=True)
class _Comparison:
    """The numbers behind a sentence."""

    measure: str  # "MASE" or "MAE"
    error: float
    baseline: str
    baseline_error: float
    test: "_Test"
    to_last: float  # one step ahead: mean distance of the forecast from the last value
    to_actual: float  # and from the actual value

    @property
    def skill(self) -> float:
        if self.baseline_error > 0:
            return 1 - self.error / self.baseline_error
        return 0.0 if self.error == self.baseline_error else -math.inf


def judge(
    y_true: FloatArray,
    forecasts: Mapping[str, FloatArray],
    *,
    series: IntArray,
    last: FloatArray,
    scale: FloatArray,
    model: str = MODEL,
    baselines: Sequence[str],
    errors: pd.DataFrame | None = None,
) -> Verdict:
    """Compare a model with the best of its baselines on the same windows.

    The best baseline has the lowest MASE here, or MAE where MASE is undefined; that it is chosen
    on the test windows favours it, not the model. The loss at a cutoff is the mean absolute error
    over the horizon, in units of the series' scale where there are several series.

    The Diebold-Mariano test runs over the cutoffs of a lone series; across series, taken as
    independent, where each has one cutoff; over cutoffs, each averaged across the series that
    have it, where each has at least twice the horizon of them. Between the two, each series'
    cutoffs are averaged and the test runs across series.

    A model is a *copy of yesterday* if it is not better than its baseline and one step ahead

    - its forecast is nearer to the last value than to the actual one: drawn one step early, its
      curve fits better than in its place;
    - it is nearer to the last value than the actual one is: it follows the last value, where a bad
      forecast of another kind strays from it;
    - and it does not beat the last value at that step (p < 0.05): it adds nothing to what it follows.

    Parameters
    ----------
    y_true, series, last, scale
        As in `evaluate`. The windows of each series are in time order.
    forecasts : mapping of str to ndarray of shape (W, H, Q)
        Holds the model and every baseline.
    model : str
        The model's name in ``forecasts``.
    baselines : sequence of str
        The baselines' names in ``forecasts``.
    errors : DataFrame, optional
        What `evaluate` returned for these forecasts, if that is known already.

    Returns
    -------
    Verdict
        "better" needs both skill above 0 and p < 0.05; "undecided" is skill that may be chance.
    """
    points = {name: forecasts[name] for name in (model, *baselines)}
    if errors is None:
        errors = evaluate(y_true, points, series=series, last=last, scale=scale)
    measure = "mase" if errors.loc[list(baselines), "mase"].notna().any() else "mae"
    ranked = errors.loc[list(baselines), measure].dropna().sort_values(kind="stable")
    if ranked.empty:
        sentence = "Undecided: no actual value that a baseline could be scored on."
        return Verdict("undecided", sentence, math.nan, math.nan, "")
    best = str(ranked.index[0])
    error = errors[measure].to_dict()
    if math.isnan(error[model]):
        sentence = f"Not better than {_spoken(best)}: the model's forecast has gaps: use the baseline."
        return Verdict("not better", sentence, math.nan, math.nan, best)
    windows = _Windows(y_true, series, last, _unit(series, scale, measure))
    candidate, baseline = points[model][..., MEDIAN], points[best][..., MEDIAN]
    comparison = _Comparison(
        measure=measure.upper(),
        error=error[model],
        baseline=best,
        baseline_error=error[best],
        test=windows.test(candidate, baseline),
        to_last=windows.distance(candidate[:, 0], last),
        to_actual=windows.distance(candidate[:, 0], y_true[:, 0]),
    )
    kind = _kind(comparison, windows, candidate)
    return Verdict(kind, _SENTENCES[kind](comparison), comparison.skill, comparison.test.p_value, best)


@dataclass(frozen=True, eq=False)
class _Windows:
    """What a forecast is held against: W windows of a panel."""

    y_true: FloatArray  # [W, H]
    series: IntArray  # [W]
    last: FloatArray  # [W]
    unit: FloatArray  # [W], what one is in the measure; NaN leaves the window out

    def loss(self, point: FloatArray) -> FloatArray:
        """Mean absolute error of each window over its known steps [W]; NaN if there is none."""
        error = np.abs(self.y_true - point)
        known = np.isfinite(error)
        n_known = known.sum(axis=1)
        total = np.where(known, error, 0.0).sum(axis=1)
        return np.where(n_known > 0, total / np.maximum(n_known, 1), np.nan) / self.unit

    def distance(self, one_step: FloatArray, other: FloatArray) -> float:
        """Mean absolute difference [W], [W] where the actual first step is known."""
        gap = np.abs(one_step - other) / self.unit
        gap = gap[np.isfinite(gap) & np.isfinite(self.y_true[:, 0] - self.last)]
        return float(gap.mean()) if len(gap) else math.nan

    def test(self, point_a: FloatArray, point_b: FloatArray) -> _Test:
        """Test the losses of two point forecasts [W, H] against each other."""
        losses = pd.DataFrame({"series": self.series, "a": self.loss(point_a), "b": self.loss(point_b)})
        losses["cutoff"] = losses.groupby("series").cumcount()
        losses = losses.dropna()
        n_series, n_cutoffs = losses["series"].nunique(), losses["cutoff"].nunique()
        horizon = self.y_true.shape[1]
        if n_series == 1:
            sample = f"{n_cutoffs:,} cutoff{'s' if n_cutoffs > 1 else ''}"
        elif n_cutoffs >= max(2 * horizon, MINIMUM_CUTOFFS):
            losses = losses.groupby("cutoff")[["a", "b"]].mean()
            sample = f"{n_cutoffs:,} cutoffs averaged across {n_series:,} series"
        else:
            losses, horizon = losses.groupby("series")[["a", "b"]].mean(), 1
            sample = f"{n_series:,} series"
        a, b = losses["a"].to_numpy(), losses["b"].to_numpy()
        return _Test(float((b - a).mean()), diebold_mariano(a, b, horizon=horizon), sample)


def _unit(series: IntArray, scale: FloatArray, measure: str) -> FloatArray:
    """One for a lone series, whose losses are best read in its own unit; else each series' scale."""
    if measure == "mae" or len(np.unique(series)) == 1:
        return np.ones(len(series))
    return np.where(scale > 0, scale, np.nan)[series]


def _kind(comparison: _Comparison, windows: _Windows, point: FloatArray) -> str:
    if comparison.skill > 0 and comparison.test.won:
        return "better"
    if _is_copy(comparison, windows, point):
        return "copy"
    return "undecided" if comparison.skill > 0 else "not better"


def _is_copy(comparison: _Comparison, windows: _Windows, point: FloatArray) -> bool:
    """Whether the forecast [W, H] follows the last value one step ahead and adds nothing to it, then or later."""
    moved = windows.distance(windows.y_true[:, 0], windows.last)
    if not comparison.to_last < min(comparison.to_actual, moved):
        return False
    first_step = replace(windows, y_true=windows.y_true[:, :1])
    gains = first_step.test(point[:, :1], windows.last[:, None]).won
    return not gains and not windows.test(point, np.repeat(windows.last[:, None], point.shape[1], axis=1)).won


def _say_better(c: _Comparison) -> str:
    return (
        f"Better than {_spoken(c.baseline)}, the best baseline: {_errors(c)}{_change(c)} "
        f"({_chance(c, 'Diebold-Mariano ')})."
    )


def _say_not_better(c: _Comparison) -> str:
    numbers = f"{_errors(c)}{_change(c)} ({_chance(c)})"
    return f"Not better than {_spoken(c.baseline)}: {numbers}: use the baseline."


def _say_undecided(c: _Comparison) -> str:
    return (
        f"Undecided against {_spoken(c.baseline)}, the best baseline: {_errors(c)}{_change(c)}, "
        f"but the difference may be chance ({_chance(c, 'Diebold-Mariano ')})."
    )


def _say_copy(c: _Comparison) -> str:
    return (
        f"A copy of yesterday: one step ahead the forecast lies {c.to_last:.3g} from the last value and "
        f"{c.to_actual:.3g} from the actual one, on average. Against {_spoken(c.baseline)}, the best "
        f"baseline: {_errors(c)}{_change(c)} ({_chance(c)}): use the baseline."
    )


_SENTENCES = {
    "better": _say_better,
    "not better": _say_not_better,
    "undecided": _say_undecided,
    "copy": _say_copy,
}


def _spoken(name: str) -> str:
    return name.replace("_", " ")


def _errors(c: _Comparison) -> str:
    form = ".3f" if c.measure == "MASE" else ".4g"
    return f"{c.measure} {c.error:{form}} against {c.baseline_error:{form}}"


def _change(c: _Comparison) -> str:
    if c.error == c.baseline_error:
        return ", the same"
    if not math.isfinite(c.skill):
        return ""
    percent = abs(100 * c.skill)
    amount = f"{percent:,.1f} %" if percent >= 0.05 else "less than 0.1 %"
    return f", {amount} {'lower' if c.skill > 0 else 'higher'}"


def _chance(c: _Comparison, test: str = "") -> str:
    p_value, sample = c.test.p_value, c.test.sample
    if math.isnan(p_value):
        return f"{sample}: too few for a p-value"
    shown = "p < 0.001" if p_value < 0.001 else f"p = {p_value:.{2 if p_value >= 0.1 else 3}f}"
    return f"{test}{shown}{' over ' if 'series' in sample else ', '}{sample}"
