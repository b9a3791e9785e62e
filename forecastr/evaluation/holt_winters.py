"""Holt-Winters' exponential smoothing with a damped trend, on all series at once.

Each series is smoothed in three ways: with a season that is added, the same of its logarithms (a season that
multiplies), and without a season. Their forecasts are averaged by Akaike weights: which of them suits a series shows
less clearly than forecasts of one alone would have it. In the words of state space models these are ETS(A,Ad,A),
that of logarithms, and ETS(A,Ad,N), with constants of least one-step squares and initial states by decomposition.

Arrays run down the steps, a column for each series: [L, N].
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from forecastr.evaluation.decomposition import fit_lines, moving_average, season_means
from forecastr.evaluation.panel_cutoffs import Block, PanelCutoffs, dot_columns

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
MINIMUM_LENGTH = 8  # there are five constants and states to learn without a season
FIT_SEASONS, FIT_STEPS, MOST_FIT_STEPS = 10, 100, 1000  # the last so many seasons are learned from, within these bounds
FIRST_SEASONS, FIRST_STEPS = 3, 10  # at least, and what the initial season and the initial trend come from
# Where the search for constants begins, as logits: 0.27 of the level, 0.12 of trend and season, a damping of 0.89.
_BEGIN, _STRIDE, _ROUNDS, _FARTHEST = (-1.0, -2.0, -2.0, 0.0), 1.5, 4, 7.0
_LEAST_DAMPING, _MOST_DAMPING = 0.8, 0.98  # as in Hyndman's ets: stronger is no trend, weaker a straight line
_PENALTY = 0.5  # of Akaike's, which is for constants that are searched: half of these are averages
_LOG_LARGEST = 700.0
MOST_STEPS, MOST_CELLS = 10_000, 2**21  # what is smoothed in a second or two


@dataclass(frozen=True, eq=False)
class _States:
    """The level [N], the trend [N] and the season [season_length, N] before the first step."""

    level: FloatArray
    trend: FloatArray
    season: FloatArray


@dataclass(frozen=True, eq=False)
class _Constants:
    """How much of an error goes into level, trend and season, and what is left of a trend after a step: each [N]."""

    level: FloatArray
    trend: FloatArray
    season: FloatArray
    damping: FloatArray

    @classmethod
    def of(cls, logits: FloatArray) -> "_Constants":
        """Return those that any numbers [4, N] stand for, all within the bounds of a stable smoothing."""
        level, trend, season, damping = 1 / (1 + np.exp(-logits))
        damped = _LEAST_DAMPING + (_MOST_DAMPING - _LEAST_DAMPING) * damping
        return cls(level, level * trend, (1 - level) * season, damped)


def takes_seconds(cutoffs: PanelCutoffs) -> bool:
    """Whether a panel is small enough for it: every step of the longest series is one of Python's."""
    begins, owner = np.unique(cutoffs.first, return_inverse=True)
    earliest, latest = np.full(len(begins), cutoffs.positions.max()), np.zeros(len(begins), int)
    np.minimum.at(earliest, owner, cutoffs.positions)
    np.maximum.at(latest, owner, cutoffs.positions)
    steps = latest - earliest + fit_steps(cutoffs.season_length)
    return bool(steps.max() <= MOST_STEPS and steps.sum() <= MOST_CELLS)


def forecast_holt_winters(cutoffs: PanelCutoffs) -> FloatArray:
    """Level, damped trend and season smoothed exponentially: [W, H].

    Constants, initial states and weights come from the last seasons up to a series' first cutoff; later
    cutoffs only move the states. Fewer than 8 values to learn from: the last value.

    References
    ----------
    Gardner (1985), Exponential smoothing: the state of the art, for the damped trend.
    Hyndman, Koehler, Ord and Snyder (2008), Forecasting with exponential smoothing, chapters 2 and 5.
    Burnham and Anderson (2002), Model selection and multimodel inference, for the weights.
    """
    forecast = np.repeat(cutoffs.level[:, None], cutoffs.horizon, axis=1)
    for block in cutoffs.blocks():
        block = _last_steps(block.take(block.n_fit >= MINIMUM_LENGTH), fit_steps(cutoffs.season_length))
        if len(block.n_fit):
            forecast[block.windows] = _average(block, cutoffs.season_length, cutoffs.horizon)
    return forecast


def fit_steps(season_length: int) -> int:
    """Return how many steps of a series are learned from.

    Examples
    --------
    >>> fit_steps(1), fit_steps(24), fit_steps(168), fit_steps(365)
    (100, 240, 1000, 1095)
    """
    return max(FIT_STEPS, min(FIT_SEASONS * season_length, MOST_FIT_STEPS), FIRST_SEASONS * season_length)


def _last_steps(block: Block, n_steps: int) -> Block:
    """Return a block whose series begin at most so many steps before their first cutoff."""
    skipped = np.maximum(block.n_fit - n_steps, 0)
    if not skipped.any():
        return block
    steps = block.steps - skipped[block.columns]
    rows = np.minimum(np.arange(steps.max() + 1)[:, None] + skipped, len(block.y) - 1)
    y = np.take_along_axis(block.y, rows, axis=0)
    return Block(y, block.n_fit - skipped, block.windows, block.columns, steps)


def _average(block: Block, season_length: int, horizon: int) -> FloatArray:
    """Return the forecasts [W, H] of all ways, weighted."""
    known = block.known
    positive = np.where(known, block.y[: len(known)], np.inf).min(axis=0) > 0
    seasonal = (block.n_fit >= 2 * season_length + 2) & (season_length > 1)
    every = np.ones_like(positive)
    ways = [(seasonal, season_length, False), (seasonal & positive, season_length, True), (every, 1, False)]
    criterion = np.full((len(ways), len(positive)), np.inf)
    forecasts = np.zeros((len(ways), len(block.windows), horizon))
    for way, (chosen, length, logarithms) in enumerate(ways):
        if chosen.any():
            part, inside = block.take(chosen), chosen[block.columns]
            criterion[way, chosen], forecasts[way, inside] = _smooth_one_way(part, length, horizon, logarithms)
    weights = np.exp(-(criterion - criterion.min(axis=0)) / 2)
    weights /= weights.sum(axis=0)
    return np.asarray((weights[:, block.columns, None] * forecasts).sum(axis=0))


def _smooth_one_way(block: Block, season_length: int, horizon: int, logarithms: bool) -> tuple[FloatArray, FloatArray]:
    """Return Akaike's criterion of each series [N] and the forecasts of its windows [W, H]."""
    known, y = block.known, block.y
    if logarithms:
        y = np.log(np.maximum(y, np.where(known, y[: len(known)], np.inf).min(axis=0)))  # a value to come may be 0
    past = np.where(known, y[: len(known)], 0.0)
    density = 2 * past.sum(axis=0) if logarithms else 0.0  # of values, where errors are those of logarithms
    states = _initial_states(past, known, season_length)
    constants, squares = _fit_constants(past, known, states)
    n, n_constants = block.n_fit, 6 + (season_length + 1 if season_length > 1 else 0)
    noise = dot_columns(past, past) * np.finfo(float).eps ** 2  # of a series without any error
    penalty = 2 * n_constants * (1 + (n_constants + 1) / np.maximum(n - n_constants - 1, 1))
    criterion = n * np.log(np.maximum(squares, noise + np.finfo(float).tiny) / n) + density + _PENALTY * penalty
    forecast = _forecast(block, y, constants, states, horizon)
    return criterion, np.exp(np.minimum(forecast, _LOG_LARGEST)) if logarithms else forecast


def _initial_states(y: FloatArray, known: BoolArray, season_length: int) -> _States:
    """Return the season of the first few, and the line through the first values without it, a step before them."""
    season = np.zeros((season_length, y.shape[1]))
    if season_length > 1:
        head = slice(FIRST_SEASONS * season_length)
        inside, trend = moving_average(y[head], known[head], season_length)
        season = season_means(np.where(inside, y[head] - trend, 0.0), inside, season_length)
        season -= season.mean(axis=0)
    head = slice(FIRST_STEPS)
    flat = y[head] - season[np.arange(len(y[head])) % season_length]
    slope, first = fit_lines(np.where(known[head], flat, 0.0), known[head])
    return _States(first - slope, slope, season)


def _steps(y: FloatArray, constants: _Constants, states: _States) -> Iterator[tuple[FloatArray, _States]]:
    """Yield the error of each step's forecast [N], and the states after it; they are valid until the next step."""
    level, trend, season = states.level, states.trend, states.season.copy()
    for step, value in enumerate(y):
        phase = step % len(season)
        trend = constants.damping * trend
        error = value - level - trend - season[phase]
        level = level + trend + constants.level * error
        trend = trend + constants.trend * error
        if len(season) > 1:
            season[phase] += constants.season * error
        yield error, _States(level, trend, season)


def _fit_constants(y: FloatArray, known: BoolArray, states: _States) -> tuple[_Constants, FloatArray]:
    """Return the constants with the least sum of squared one-step errors, and these sums [N].

    A pattern search (Hooke and Jeeves 1961) along one constant at a time, for all series at once.
    """

    def squared_errors(logits: FloatArray) -> FloatArray:
        total = np.zeros(y.shape[1])
        for (error, _), inside in zip(_steps(y, _Constants.of(logits), states), known, strict=True):
            total += inside * error * error
        return total

    place = np.repeat(np.array(_BEGIN)[:, None], y.shape[1], axis=1)
    stride = np.full_like(place, _STRIDE)
    least = squared_errors(place)
    searched = [0, 1, 3] if len(states.season) == 1 else [0, 1, 2, 3]
    for _ in range(_ROUNDS):
        for constant in searched:
            moved = np.zeros(y.shape[1], bool)
            for direction in (1, -1):
                other = place.copy()
                other[constant] += direction * stride[constant]
                other[constant] = np.clip(other[constant], -_FARTHEST, _FARTHEST)
                squares = squared_errors(other)
                better = squares < least
                place, least = np.where(better, other, place), np.where(better, squares, least)
                moved |= better
            stride[constant] = np.where(moved, stride[constant], stride[constant] / 2)
    return _Constants.of(place), least


def _forecast(block: Block, y: FloatArray, constants: _Constants, states: _States, horizon: int) -> FloatArray:
    """Return the forecasts of a block's windows [W, H], from the states at their cutoffs."""
    forecast = np.empty((len(block.windows), horizon))
    damped = np.cumsum(constants.damping ** np.arange(1, horizon + 1)[:, None], axis=0)  # [H, N]
    order = np.argsort(block.steps, kind="stable")
    bounds = np.searchsorted(block.steps[order], np.arange(len(y) + 1))
    for step, (_, reached) in enumerate(_steps(y, constants, states)):
        here = order[bounds[step] : bounds[step + 1]]
        if len(here):
            columns = block.columns[here]
            season = reached.season[(step + 1 + np.arange(horizon)) % len(reached.season)]
            ahead = reached.level + damped * reached.trend + season
            forecast[here] = ahead[:, columns].T
    return forecast
