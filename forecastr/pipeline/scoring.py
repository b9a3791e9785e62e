"""How good a champion has been since it was made, and whether a challenger is better on the same windows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecastr.bundle.bundle import Bundle
from forecastr.data import Panel
from forecastr.evaluation.significance import MINIMUM_CUTOFFS, diebold_mariano
from forecastr.pipeline.gate import step_distance
from forecastr.schema import CUTOFF, ID, MODEL, TARGET, TIME


@dataclass(frozen=True)
class Comparison:
    """A challenger beside the champion on windows that neither was trained on.

    Parameters
    ----------
    challenger, champion : float
        Mean absolute error in units of each series' usual step; in plain units where a series has none.
    p_value : float
        Diebold-Mariano, two-sided; NaN where the cutoffs are too few.
    cutoffs : int
        Cutoffs that both were scored at.
    """

    challenger: float
    champion: float
    p_value: float
    cutoffs: int


def count_new_rows(bundle: Bundle, panel: Panel) -> int:
    """Return the rows since the last that a bundle has seen, of the series that has most."""
    ended = bundle.context.groupby(ID)[TIME].last()
    frame = panel.frame[panel.frame[ID].isin(ended.index) & panel.frame[TARGET].notna()]
    new = frame[frame[TIME].to_numpy() > ended.reindex(frame[ID]).to_numpy()]
    return int(new.groupby(ID).size().max()) if len(new) else 0


def rolling_error(bundle: Bundle, panel: Panel, *, rolling: int) -> dict[str, Any] | None:
    """Return the errors of a bundle and of the best baseline at the latest cutoffs; None with less than half."""
    if count_new_rows(bundle, panel) < bundle.task.horizon - 1 + max(1, rolling // 2):
        return None
    table = scaled_errors(bundle, bundle.hindcast(panel))
    latest = np.sort(table[CUTOFF].unique())[-rolling:]
    table = table[table[CUTOFF].isin(latest)].set_index(ID).drop(columns=[TIME, CUTOFF])
    errors = table.groupby(ID).mean().mean()
    baseline = float(errors.drop(MODEL).min())
    return {"champion": float(errors[MODEL]), "baseline": baseline, "cutoffs": len(latest)}


def scaled_errors(bundle: Bundle, table: pd.DataFrame) -> pd.DataFrame:
    """Return a hindcast with absolute errors, in units of each series' usual step, in place of forecasts."""
    scale = pd.Series(bundle.scale, index=bundle.ids).reindex(table[ID]).to_numpy()
    unit = np.where(scale > 0, scale, 1.0)
    names = [str(name) for name in table if name not in (ID, TIME, CUTOFF, TARGET)]
    errors = {name: (table[name] - table[TARGET]).abs().to_numpy() / unit for name in names}
    return table[[ID, TIME, CUTOFF]].assign(**errors).dropna()


def compare_bundles(challenger: Bundle, champion: Bundle, panel: Panel) -> Comparison:
    """Return both bundles' errors at the cutoffs that are newer than what either was trained on."""
    tables = [scaled_errors(champion, bundle.hindcast(panel)) for bundle in (challenger, champion)]
    both = tables[0].merge(tables[1], on=[ID, TIME, CUTOFF], suffixes=("_challenger", "_champion"))
    by_cutoff = both.groupby([CUTOFF, ID]).mean(numeric_only=True).groupby(CUTOFF).mean().sort_index()
    ours, theirs = (by_cutoff[f"{MODEL}_{name}"].to_numpy() for name in ("challenger", "champion"))
    if len(by_cutoff) < MINIMUM_CUTOFFS:
        return Comparison(_mean(ours), _mean(theirs), float("nan"), len(by_cutoff))
    p_value = diebold_mariano(ours, theirs, horizon=champion.task.horizon)
    return Comparison(_mean(ours), _mean(theirs), p_value, len(by_cutoff))


def drift_since(bundle: Bundle, panel: Panel) -> float | None:
    """Return the largest distance between the distributions of steps before and since a bundle was made.

    Of changes in units of each series' usual one; see `step_distance`.
    """
    ended = bundle.context.groupby(ID)[TIME].last()
    frame = panel.frame[panel.frame[ID].isin(ended.index)]
    new = frame[frame[TIME].to_numpy() > ended.reindex(frame[ID]).to_numpy()]
    return step_distance(_steps(bundle, bundle.context), _steps(bundle, new))


def _steps(bundle: Bundle, frame: pd.DataFrame) -> np.ndarray:
    scale = pd.Series(bundle.scale, index=bundle.ids).reindex(frame[ID]).to_numpy()
    return frame.groupby(ID, sort=False)[TARGET].diff().to_numpy() / np.where(scale > 0, scale, 1.0)


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")
