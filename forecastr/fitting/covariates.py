"""What covariates were worth, as validation saw it."""

from collections.abc import Callable
from typing import Any

import numpy as np

from forecastr.evaluation.significance import diebold_mariano
from forecastr.fitting.scores import Part
from forecastr.schema import MEDIAN
from forecastr.search.trials import Trial
from forecastr.windows.covariates import CovariateInputs

WORTH = 0.99  # of the error without them: what gains less than a hundredth has not helped
CHANCE = 0.05
MOST_NAMES = 6
FEWEST_SERIES = 10
Forecasts = Callable[[Trial], np.ndarray]


def level_of(trial: Trial) -> str:
    """Return what a trial reads besides the target: ``none``, ``calendar``, ``known`` or ``all``."""
    config = trial.config
    return "calendar" if config.covariates == "none" and config.calendar else config.covariates


def compare_covariates(
    completed: list[Trial], chosen: list[Trial], inputs: CovariateInputs, part: Part, forecasts: Forecasts
) -> dict[str, Any]:
    """Return the best validation score of trials that read no covariates, the calendar, known ones, all.

    Parameters
    ----------
    completed : list of Trial
        Best first.
    chosen : list of Trial
        The ensemble.
    inputs : CovariateInputs
        Those of the panel.
    part : Part
        The validation part.
    forecasts : callable
        A trial's quantiles there.

    Returns
    -------
    dict
        A score by level, lower is better, as far as one was tried; and ``sentences`` for a reader.
    """
    found: dict[str, Any] = {}
    for trial in completed:
        found.setdefault(level_of(trial), trial.score)
    static = tuple(column.name for column in inputs.static)
    kinds = [
        ("known" if inputs.known else "static", (*inputs.known, *static), ("known", "all")),
        ("past", inputs.past, ("all",)),
    ]
    found["sentences"] = []
    for kind, names, levels in kinds:
        if not names:
            continue
        reads, does_not = (
            next((t for t in completed if (t.config.covariates in levels) == wanted), None) for wanted in (True, False)
        )
        sentence = _judged(reads, does_not, part, forecasts)
        used = sum(trial.config.covariates in levels for trial in chosen)
        members = f"{used or 'none'} of {len(chosen)} chosen" if len(chosen) > 1 else "the chosen network"
        reading = (
            f"{members} read them" if len(chosen) > 1 else f"{members} {'reads' if used else 'does not read'} them"
        )
        found["sentences"].append(f"{kind.capitalize()} covariates ({_listed(names)}) {sentence}; {reading}.")
    return found


def _judged(reads: Trial | None, does_not: Trial | None, part: Part, forecasts: Forecasts) -> str:
    """Return whether covariates helped, as the best trials with and without them tell."""
    if reads is None or does_not is None:
        return f"were not compared: no trial {'with' if reads is None else 'without'} them was completed"
    assert reads.score is not None
    assert does_not.score is not None
    scores = f"validation MASE {reads.score:.3f} with them, {does_not.score:.3f} without"
    if reads.score >= WORTH * does_not.score:
        return f"did not help: {scores}"
    if not _chance(forecasts(reads), forecasts(does_not), part) < CHANCE:  # unknown where there is too little to tell
        return f"did not clearly help: {scores}, which may be chance"
    return f"helped: {scores}"


def _chance(one: np.ndarray, other: np.ndarray, part: Part) -> float:
    """Return how likely chance alone makes two forecasts of a part differ as much: NaN where too little tells.

    Series are independent; where they are few, every step of every window counts, as far as a horizon correlated.
    """
    scale = np.where(part.window_scale > 0, part.window_scale, np.nan)[:, None]
    with np.errstate(invalid="ignore"):
        losses = [np.abs(part.y_true - cube[..., MEDIAN]) / scale for cube in (one, other)]
    difference, horizon = losses[0] - losses[1], part.y_true.shape[1]
    seen, series = np.isfinite(difference), part.cutoffs.series
    count, total = seen.sum(axis=1), np.where(seen, difference, 0.0).sum(axis=1)
    if len(np.unique(series)) >= FEWEST_SERIES:
        count, total = (np.bincount(series, weights=values) for values in (count, total))
        horizon = 1
    elif len(count) == len(np.unique(series)):  # one window each
        count, total = seen.ravel(), difference.ravel()
    mean = np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)
    return diebold_mariano(mean, np.zeros(len(mean)), horizon=horizon)


def _listed(names: tuple[str, ...]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
