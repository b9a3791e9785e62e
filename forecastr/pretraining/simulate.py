"""Series as structural time series models make them, without end and of every kind: what a network may learn before it
has seen any data.
"""

from collections.abc import Sequence

import numpy as np

LARGEST = 6.0  # logarithms of a factor at most


def simulate_series(n_series: int, length: int, season_lengths: Sequence[int], *, seed: int) -> np.ndarray:
    """Return positive series [N, T], each the sum or product of components of its own size.

    A level that wanders, a slope that changes and fades, seasons that change their shape, a cycle, autoregressive noise
    with heavy tails, shifts and outliers (Harvey 1989, Forecasting, structural time series models and the Kalman
    filter). Some are multiplied instead of added, some are counts. All sizes are in units of the noise, drawn from
    distributions so wide that what people forecast should be among it.

    Parameters
    ----------
    n_series, length : int
        Series, and the steps of each.
    season_lengths : sequence of int
        Lengths of the seasons, (1,) for none.
    seed : int
        Equal ones give equal series.

    Examples
    --------
    >>> y = simulate_series(3, 48, (12,), seed=0)
    >>> y.shape, bool((y >= 0).all())
    ((3, 48), True)
    """
    draw = _Draw(np.random.default_rng(seed), n_series)
    if seasons := [season for season in season_lengths if season > 1]:
        smooth = _level(draw, length) + sum(_season(draw, length, season) for season in seasons)
    else:
        smooth = _level(draw, length, steeper=5) * np.where(draw.some(0.7), draw.size(1, 30), 1.0)
    y = smooth + _noise(draw, length) + 8 * draw.normal(length) * draw.rarely(length, of=0.2)
    variation = np.std(y, axis=1, keepdims=True) + np.finfo(float).tiny
    y, smooth = ((x - x.mean(axis=1, keepdims=True)) / variation for x in (y, smooth))
    relative = draw.size(0.03, 1.2)
    multiplied = np.exp(np.clip(relative * y, -LARGEST, LARGEST))
    added = np.maximum(1 + draw.size(0.03, 0.35) * y, 0.01)
    counted = draw.rng.poisson(draw.size(2, 60) * np.exp(np.clip(np.minimum(relative, 0.4) * smooth, -3, 3)))
    kind = draw.rng.random((n_series, 1))
    return np.where(kind < 0.425, 100 * multiplied, np.where(kind < 0.85, 100 * added, counted))


class _Draw:
    """Random numbers, one for every series [N, 1] or one for every step of each [N, T]."""

    def __init__(self, rng: np.random.Generator, n_series: int) -> None:
        self.rng, self.n_series = rng, n_series

    def uniform(self, low: float, high: float) -> np.ndarray:
        return self.rng.uniform(low, high, (self.n_series, 1))

    def size(self, low: float, high: float, *, of: float = 1.0) -> np.ndarray:
        """Sizes whose logarithm is uniform, of a share ``of`` the series; 0 for the others."""
        return np.exp(self.uniform(np.log(low), np.log(high))) * self.some(of)

    def some(self, of: float) -> np.ndarray:
        return self.rng.random((self.n_series, 1)) < of

    def normal(self, length: int = 1) -> np.ndarray:
        return self.rng.normal(size=(self.n_series, length))

    def rarely(self, length: int, *, of: float) -> np.ndarray:
        """One step in a hundred, of a share ``of`` the series."""
        return self.rng.random((self.n_series, length)) < 0.01 * self.some(of)


def _noise(draw: _Draw, length: int) -> np.ndarray:
    """First-order autoregressive noise of variance 1, of Student's distribution in three of ten series."""
    freedom = np.where(draw.some(0.3), draw.uniform(3, 8), 50.0)
    shocks = draw.rng.standard_t(np.broadcast_to(freedom, (draw.n_series, length))) / np.sqrt(freedom / (freedom - 2))
    memory = draw.uniform(-0.3, 0.9) * draw.some(0.8)
    return _autoregression(np.sqrt(1 - memory**2) * shocks, memory)


def _level(draw: _Draw, length: int, *, steeper: float = 1.0) -> np.ndarray:
    """A local linear trend, damped in half of the series, with shifts in some and a business cycle in few."""
    wander, turn = draw.size(0.02, 1.5, of=0.85), draw.size(0.002, 0.15, of=0.5)
    damping = np.where(draw.some(0.5), 1 - draw.size(0.02, 0.3), 1.0)
    damping = np.where(turn > 0.03, np.minimum(damping, 0.97), damping)  # a slope that turns much cannot last
    first = steeper * draw.normal() * draw.size(0.005, 0.2, of=0.6)
    lasting = first * draw.some(0.5)
    turns = turn * draw.normal(length)
    turns[:, :1] += damping * (first - lasting)
    slope = lasting + _autoregression(turns, damping)
    shifts = draw.uniform(1, 6) * draw.normal(length) * draw.rarely(length, of=0.15)
    return np.cumsum(slope + wander * draw.normal(length) + shifts, axis=1) + _cycle(draw, length)


def _cycle(draw: _Draw, length: int, *, settling: int = 200) -> np.ndarray:
    """A second-order autoregression with a period of 30 to 100 steps, in one of ten series."""
    period, decay, size = draw.uniform(30, 100), draw.uniform(0.93, 0.995), draw.size(0.3, 4, of=0.1)
    one, two = (2 * decay * np.cos(2 * np.pi / period))[:, 0], -(decay**2)[:, 0]
    shocks = draw.normal(length + settling)
    for step in range(2, length + settling):
        shocks[:, step] += one * shocks[:, step - 1] + two * shocks[:, step - 2]
    cycle = shocks[:, settling:]
    return size * cycle / (np.std(cycle, axis=1, keepdims=True) + np.finfo(float).tiny)


def _season(draw: _Draw, length: int, season: int) -> np.ndarray:
    """A season in four of five series, a sum of waves or any shape, whose steps wander from one to the next."""
    waves = np.zeros((draw.n_series, season))
    steepness = draw.uniform(0, 1.5)
    for wave in range(1, min(season // 2, 12) + 1):
        angle = 2 * np.pi * wave * np.arange(season) / season
        waves += wave**-steepness * (draw.normal() * np.cos(angle) + draw.normal() * np.sin(angle))
    shape = np.where(draw.some(0.6), waves, draw.rng.standard_t(3, (draw.n_series, season)))
    shape = shape - shape.mean(axis=1, keepdims=True)
    shape *= draw.size(0.3, 25, of=0.8) / (np.std(shape, axis=1, keepdims=True) + np.finfo(float).tiny)
    n_seasons = -(-length // season)
    changes = draw.size(0.01, 0.15, of=0.6)[..., None] * draw.rng.normal(size=(draw.n_series, n_seasons, season))
    return (shape[:, None] + np.cumsum(changes, axis=1)).reshape(draw.n_series, -1)[:, :length]


def _autoregression(shocks: np.ndarray, memory: np.ndarray) -> np.ndarray:
    """Return ``x[t] = memory * x[t - 1] + shocks[t]`` [N, T]."""
    x = shocks.copy()
    for step in range(1, x.shape[1]):
        x[:, step] += memory[:, 0] * x[:, step - 1]
    return x
