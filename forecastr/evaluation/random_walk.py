"""The volatility-scaled random walk: the last value, and intervals as wide as the market is nervous.

For prices it is hard to beat. What changes of the logarithm over h steps were in the past, in units of
the volatility at their start, they may be again in units of today's.
"""

import numpy as np
import numpy.typing as npt

from forecastr.evaluation.panel_cutoffs import Block, PanelCutoffs, dot_columns
from forecastr.schema import MEDIAN, QUANTILE_LEVELS

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
VOLATILITY_STEPS = 60
_FEWEST_CHANGES = 20  # a volatility of fewer is no unit for what follows
_FEWEST_PAST = 30  # past changes over h steps to take quantiles of; one step ahead every price has them
_MOST_PAST = 20_000  # more of them, overlapping as they do, say nothing new
_MOST_GROWTH = 50.0  # of the logarithm: keeps nonsense finite
_MOST_CORRELATED = 0.2
_STRONGEST_PULL = 0.03  # back to the mean with each step: half of the way in 23
_UNIT_ROOT_CRITICAL = -3.43  # the 1 % point of Dickey and Fuller's t, with a constant


def forecast_random_walk(cutoffs: PanelCutoffs) -> FloatArray:
    """The last value, with quantiles of past changes scaled by the volatility of the last 60 steps: [W, H, Q].

    With r(t, h) = log y(t + h) - log y(t), and v(t) the root mean square of the last 60 changes r(., 1) up to t,
    the quantile p of step h is y(t) exp(v(t) q(h, p)). Here q(h, p) is the empirical quantile of r(t, h) / v(t)
    over all series and all steps up to the first cutoff of each; for the median it is 0, the last value.
    Steps with fewer than 30 such changes take the quantiles of the last step that has as many, times the
    square root of the time. A value that is not positive, or has never changed, is forecast as it is.
    """
    past = _past_quantiles(cutoffs)  # [H, Q]
    forecast = np.tile(cutoffs.level[:, None, None], (1, *past.shape))
    for block in cutoffs.blocks():
        volatility = _volatility(_logarithm(block.y))[block.steps, block.columns]
        moves = np.isfinite(volatility) & (block.y[block.steps, block.columns] > 0)
        growth = np.where(moves, volatility, 0.0)[:, None, None] * past
        forecast[block.windows] *= np.exp(np.clip(growth, -_MOST_GROWTH, _MOST_GROWTH))
    return forecast


def looks_like_prices(cutoffs: PanelCutoffs) -> bool:
    """Whether most series look like prices up to their first cutoff, and the data have no season.

    A price is positive, and knows next to nothing of its next change. Of its changes (of the logarithm, more
    than 60 of them) neighbours are correlated by less than 0.2 either way, and they do not lead back to a mean:
    in the regression of each change on the level before it, the pull is weaker than 3 % a step, or Dickey and
    Fuller's t is above its 1 % point.

    References
    ----------
    Dickey and Fuller (1979), Distribution of the estimators for autoregressive time series with a unit root.
    """
    if cutoffs.season_length > 1:
        return False
    walks = [_walks(block) for block in cutoffs.blocks()]
    return bool(walks) and bool(np.concatenate(walks).mean() > 0.5)


def _walks(block: Block) -> BoolArray:
    """Whether each series [N] looks like a price."""
    known = block.known
    long = block.n_fit > VOLATILITY_STEPS + 1
    y = np.where(known, block.y[: len(known)], 1.0)
    candidates = long & (y > 0).all(axis=0)
    walks = np.zeros_like(candidates)
    log, inside = np.log(y[:, candidates]), known[1:, candidates]
    change, level = _centred(np.diff(log, axis=0), inside), _centred(log[:-1], inside)
    size, spread = dot_columns(change, change), dot_columns(level, level)
    moves = (size > 0) & (spread > 0)
    size, spread = np.where(moves, size, 1.0), np.where(moves, spread, 1.0)
    correlation = dot_columns(change[1:], change[:-1]) / size
    pull = dot_columns(change, level) / spread
    unexplained = np.maximum(size - pull**2 * spread, 1e-12 * size) / (inside.sum(axis=0) - 2)
    t = pull / np.sqrt(unexplained / spread)
    returns = (pull < -_STRONGEST_PULL) & (t < _UNIT_ROOT_CRITICAL)
    walks[candidates] = moves & (np.abs(correlation) < _MOST_CORRELATED) & ~returns
    return walks


def _past_quantiles(cutoffs: PanelCutoffs) -> FloatArray:
    """Return the quantiles of past changes in units of the volatility at their start [H, Q]; 0 for the median."""
    past = _past_changes(cutoffs)
    quantiles = np.zeros((cutoffs.horizon, len(QUANTILE_LEVELS)))
    for step, changes in enumerate(past):
        if len(changes) >= _FEWEST_PAST:
            quantiles[step] = np.quantile(changes, QUANTILE_LEVELS)
        elif step:  # as many steps further as the square root of the time has it
            quantiles[step] = quantiles[step - 1] * np.sqrt((step + 1) / step)
    quantiles[:, :MEDIAN] = np.minimum(quantiles[:, :MEDIAN], 0.0)
    quantiles[:, MEDIAN] = 0.0
    quantiles[:, MEDIAN + 1 :] = np.maximum(quantiles[:, MEDIAN + 1 :], 0.0)
    return quantiles


def _past_changes(cutoffs: PanelCutoffs) -> list[FloatArray]:
    """Return for each step of the horizon the changes over so many steps that the first cutoffs know."""
    blocks = list(cutoffs.blocks())
    every = 1 + sum(int(block.n_fit.sum()) for block in blocks) // _MOST_PAST
    past: list[list[FloatArray]] = [[] for _ in range(cutoffs.horizon)]
    for block in blocks:
        log = _logarithm(block.y[: len(block.known)])
        starts = np.arange(_FEWEST_CHANGES, len(log), every)
        level, volatility = log[starts], _volatility(log)[starts]
        for step in range(1, cutoffs.horizon + 1):
            ends = starts + step
            n_inside = int(np.searchsorted(ends, len(log)))
            ends = ends[:n_inside]
            changes = (log[ends] - level[:n_inside]) / volatility[:n_inside]
            past[step - 1].append(changes[np.isfinite(changes) & (ends[:, None] < block.n_fit)])
    return [np.concatenate([np.zeros(0), *changes]) for changes in past]


def _logarithm(y: FloatArray) -> FloatArray:
    """Return the logarithm, NaN where a value is not positive."""
    return np.asarray(np.log(y, out=np.full_like(y, np.nan), where=y > 0))


def _volatility(log: FloatArray) -> FloatArray:
    """Return the root mean square of the last 60 changes at each step, all so far where they are fewer [L, N].

    NaN where nothing has changed. What is missing is left out.
    """
    change = np.diff(log, axis=0, prepend=np.nan)
    exists = np.isfinite(change)
    total = np.cumsum(np.where(exists, change, 0.0) ** 2, axis=0)
    count = np.cumsum(exists, axis=0)
    total[VOLATILITY_STEPS:] -= total[:-VOLATILITY_STEPS].copy()
    count[VOLATILITY_STEPS:] -= count[:-VOLATILITY_STEPS].copy()
    return np.sqrt(total / np.maximum(count, 1), out=np.full_like(total, np.nan), where=total > 0)


def _centred(values: FloatArray, inside: BoolArray) -> FloatArray:
    """Return each series [L, N] less its mean where the mask says so, 0 elsewhere."""
    values = np.where(inside, values, 0.0)
    return np.where(inside, values - values.sum(axis=0) / inside.sum(axis=0), 0.0)
