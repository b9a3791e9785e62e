"""The ensemble of the best trials: members and weights picked on validation alone."""

from collections.abc import Mapping

import numpy as np

from forecastr.schema import QUANTILE_LEVELS, QUANTILE_WEIGHTS

ROUNDS = 12
FAR = 0.25  # above the lowest error: no even weight from there on
LEAST = 0.01  # weight that is worth a forecast
CLOSE = 0.03  # of the best trial's error: that much more is no difference on one or two horizons
LEVELS, WEIGHTS = np.array(QUANTILE_LEVELS), np.array(QUANTILE_WEIGHTS)


def choose_members(
    forecasts: Mapping[str, np.ndarray],
    y_true: np.ndarray,
    *,
    series: np.ndarray,
    scale: np.ndarray,
    max_members: int,
    baselines: Mapping[str, np.ndarray] | None = None,
    evened: float = 0.0,
) -> dict[str, float]:
    """Return weights, summing to 1, of the trials and baselines whose average has the lowest validation error.

    The error is what networks are trained on: the scaled pinball loss, the median weighing as much as the
    interval limits together; of equal quantiles it is their MASE.

    Greedy selection with replacement (Caruana et al. 2004): start from the best trial and those that are as good,
    baselines too; add whichever lowers the error most, stop when none does. So at least one network is among them.
    Few horizons tell little about weights, and even ones are hard to beat then (Stock and Watson 2004, Combination
    forecasts of output growth in a seven-country data set): weights may be drawn towards these.

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
    evened : float
        How far to draw the weights towards even ones, from 0 to 1: half to the picked networks together, half to the
        baselines, less to what has a larger error and none to what is a quarter worse than the best.
    """
    window_scale = scale[series]
    observed = ~np.isnan(y_true).all(axis=1)
    usable = np.isfinite(window_scale) & (window_scale > 0) & observed
    if not usable.any():
        usable, window_scale = observed, np.ones(len(series))
    per_series = 1.0 / np.bincount(series[usable])[series[usable]] / len(np.unique(series[usable]))
    unit = window_scale[usable, None, None]
    y, beside = np.nan_to_num(y_true[usable, :, None]) / unit, baselines or {}
    seen = ~np.isnan(y_true[usable])
    weight = (seen * (per_series / seen.sum(axis=1))[:, None])[..., None] * (2 * WEIGHTS)  # [W, H, Q]
    scaled = {name: cube[usable] / unit for name, cube in {**forecasts, **beside}.items()}

    def error(quantiles: np.ndarray) -> float:
        above = quantiles - y
        return float(np.vdot(weight, np.maximum(above, 0.0) - LEVELS * above))

    alone = {name: error(cube) for name, cube in scaled.items()}
    names = sorted(forecasts, key=lambda name: (alone[name], name))
    close = (1 + CLOSE) * alone[names[0]]
    picked = [name for name in [*names[:max_members], *sorted(beside)] if alone[name] <= close]
    total = sum(scaled[name] for name in picked)
    best = error(total / len(picked))
    for _ in range(ROUNDS):
        trials = names if len(set(picked) - set(beside)) < max_members else sorted(set(picked) - set(beside))
        allowed = [*trials, *beside]
        errors = {name: error((total + scaled[name]) / (len(picked) + 1)) for name in allowed}
        name = min(errors, key=lambda name: (errors[name], name))
        if errors[name] >= best * (1 - 1e-4):
            break
        best, total = errors[name], total + scaled[name]
        picked.append(name)
    weights = {name: picked.count(name) / len(picked) for name in dict.fromkeys(picked)}
    share = sum(weight for name, weight in weights.items() if name in forecasts)
    networks = {name: weight / share for name, weight in weights.items() if name in forecasts}
    even = _even_shares(error(average(scaled, networks)), {name: alone[name] for name in beside})
    rest = 1 - sum(even.values())
    even |= {name: rest * weight for name, weight in networks.items()}
    drawn = {name: (1 - evened) * weights.get(name, 0.0) + evened * even[name] for name in even}
    total = sum(weight for weight in drawn.values() if weight >= LEAST)
    return {name: weight / total for name, weight in drawn.items() if weight >= LEAST}


def _even_shares(networks: float, baselines: Mapping[str, float]) -> dict[str, float]:
    """Return even weights of baselines, from their errors and that of the networks together, which get the rest.

    Of equal errors, half. Each gets the less the larger its error is, and nothing from ``FAR`` above the lowest on.
    """
    lowest = min([networks, *baselines.values()])

    def near(error: float) -> float:
        return max(0.0, 1 - (error - lowest) / (FAR * lowest + np.finfo(float).tiny))

    shares = {name: near(error) for name, error in baselines.items()}
    total = sum(shares.values())
    everything = total + near(networks) * max(1.0, total)
    return {name: share / everything for name, share in shares.items()}


def average(cubes: Mapping[str, np.ndarray], weights: Mapping[str, float]) -> np.ndarray:
    """Return the weighted average of members' quantiles [W, H, Q]; averages of ordered values stay ordered."""
    return sum(weight * cubes[name] for name, weight in weights.items())  # type: ignore[return-value]
