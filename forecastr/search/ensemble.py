"""The ensemble of the best trials: members and weights picked on validation alone."""

from collections.abc import Mapping

import numpy as np

from forecastr.schema import MEDIAN

ROUNDS = 12


def choose_members(
    forecasts: Mapping[str, np.ndarray],
    y_true: np.ndarray,
    *,
    series: np.ndarray,
    scale: np.ndarray,
    max_members: int,
    baselines: Mapping[str, np.ndarray] | None = None,
) -> dict[str, float]:
    """Return weights, summing to 1, of the trials and baselines whose average has the lowest validation MASE.

    Greedy selection with replacement (Caruana et al. 2004): start from the best trial, add whichever
    lowers the error most, stop when none does. So at least one network is always among them.

    Parameters
    ----------
    forecasts : mapping of str to ndarray of shape (W, H, Q)
        Quantiles on the validation windows by trial.
    y_true : ndarray of shape (W, H)
        Actual values, NaN where missing.
    series : ndarray of shape (W,)
        Series of each window.
    scale : ndarray of shape (N,)
        MASE's denominators; windows of series without one are left out unless none has one.
    max_members : int
        Different trials at most.
    baselines : mapping of str to ndarray of shape (W, H, Q), optional
        Forecasts that may join the trials; they need no training, so they do not count.
    """
    window_scale = scale[series]
    observed = ~np.isnan(y_true).all(axis=1)
    usable = np.isfinite(window_scale) & (window_scale > 0) & observed
    if not usable.any():
        usable, window_scale = observed, np.ones(len(series))
    per_series = 1.0 / np.bincount(series[usable])[series[usable]] / len(np.unique(series[usable]))
    y = y_true[usable] / window_scale[usable, None]
    beside = baselines or {}
    medians = {
        name: cube[usable, :, MEDIAN] / window_scale[usable, None] for name, cube in {**forecasts, **beside}.items()
    }

    def error(point: np.ndarray) -> float:
        return float(np.nanmean(np.abs(y - point), axis=1) @ per_series)

    names = sorted(forecasts, key=lambda name: (error(medians[name]), name))
    picked = [names[0]]
    total, best = medians[names[0]].copy(), error(medians[names[0]])
    for _ in range(ROUNDS):
        trials = names if len(set(picked) - set(beside)) < max_members else sorted(set(picked) - set(beside))
        allowed = [*trials, *beside]
        errors = {name: error((total + medians[name]) / (len(picked) + 1)) for name in allowed}
        name = min(errors, key=lambda name: (errors[name], name))
        if errors[name] >= best * (1 - 1e-4):
            break
        best, total = errors[name], total + medians[name]
        picked.append(name)
    return {name: picked.count(name) / len(picked) for name in dict.fromkeys(picked)}


def average(cubes: Mapping[str, np.ndarray], weights: Mapping[str, float]) -> np.ndarray:
    """Return the weighted average of members' quantiles [W, H, Q]; averages of ordered values stay ordered."""
    return sum(weight * cubes[name] for name, weight in weights.items())  # type: ignore[return-value]
