"""Series to the unit a network sees, and back; fitted on the training part alone."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from forecastr.windows.store import SeriesStore

TRANSFORMS = ("level", "log", "difference")
SCALINGS = ("causal", "horizon", "minmax")


@dataclass(frozen=True, eq=False)
class Scaler:
    """Fitted constants of every series: ``z = (f(y) - center) / scale``.

    ``center`` only keeps numbers small enough for float32: networks with causal scaling
    express every step relative to a level known at that step, so it cancels.

    Parameters
    ----------
    log : bool
        Whether ``f`` is the natural logarithm.
    center, scale : ndarray of shape (N,)
        In the unit of ``f(y)``. ``scale`` is NaN where the training part gives none (constant or too short).
    """

    log: bool
    center: np.ndarray
    scale: np.ndarray

    def transform(self, values: np.ndarray, series: np.ndarray) -> np.ndarray:
        """Return values [...] of the given series [...] in the network's unit, NaN without a logarithm."""
        if self.log:
            values = np.log(only_positive(values))
        return (values - self.center[series]) / self.scale[series]

    def inverse(self, scaled: np.ndarray, series: np.ndarray) -> np.ndarray:
        """Return network outputs [W, ...] of the given series [W] in the target's unit."""
        shape = (-1, *([1] * (scaled.ndim - 1)))
        values = scaled.astype(float) * self.scale[series].reshape(shape) + self.center[series].reshape(shape)
        return np.exp(values) if self.log else values


def fit_scaler(store: SeriesStore, *, transform: str, scaling: str, lag: int) -> Scaler:
    """Return the scaling of every series of a store that holds the training part and nothing later.

    The scale is the mean absolute difference between steps ``lag`` apart, with a season MASE's denominator, or of
    neighbours where a series has none; ``minmax`` is the tutorials' (y - min) / (max - min).

    Where logarithms are taken, values at or below zero count as missing.
    """
    log = transform == "log"

    def read(rows: slice) -> np.ndarray:
        values = np.asarray(store.values[rows], dtype=float)
        return np.log(only_positive(values)) if log else values

    low, high = extent(store, read)
    if scaling == "minmax":
        center, spread = low, high - low
    else:
        center = series_means(store, lambda rows, label: read(rows))
        spread = mean_absolute_difference(store, lag, read)
        if not (spread > 0).all():
            spread = np.where(spread > 0, spread, mean_absolute_difference(store, 1, read))
    varies = spread > 1e-9 * (1.0 if log else np.maximum(np.abs(low), np.abs(high)))  # more than rounding
    return Scaler(log=log, center=np.nan_to_num(center), scale=np.where(varies, spread, np.nan))


def only_positive(values: np.ndarray) -> np.ndarray:
    """Return values with those at or below zero, which have no logarithm, as NaN."""
    return np.where(values > 0, values, np.nan)


def mean_absolute_difference(store: SeriesStore, lag: int, read: Callable[[slice], np.ndarray]) -> np.ndarray:
    """Return the mean absolute difference of every series [N] between steps ``lag`` apart, NaN where no two are known.

    ``read`` returns what to look at, such as values, at some rows.

    Examples
    --------
    >>> store = SeriesStore(np.array([1.0, 2.0, 4.0, 7.0, 7.0]), np.array([0, 3, 5]))
    >>> mean_absolute_difference(store, 1, store.values.__getitem__)
    array([1.5, 0. ])
    """

    def differences(rows: slice, label: np.ndarray) -> np.ndarray:
        steps = np.arange(rows.start, rows.stop)
        inside = np.flatnonzero(steps - lag >= store.starts[label])
        found = np.full(len(label), np.nan)
        if len(inside):
            before = read(slice(rows.start + inside[0] - lag, rows.stop - lag))
            found[inside] = np.abs(read(rows)[inside] - before[inside - inside[0]])
        return found

    return series_means(store, differences)


def series_means(store: SeriesStore, look: Callable[[slice, np.ndarray], np.ndarray]) -> np.ndarray:
    """Return the mean by series [N] of what ``look`` makes of some rows [b] and their series [b]; NaN does not count.

    NaN where nothing is left. A million steps are looked at at a time.
    """
    total, count = np.zeros(store.n_series), np.zeros(store.n_series)
    for rows, label, known in store.blocks():
        values = look(rows, label)
        seen = known & ~np.isnan(values)
        series, place = slice(label[0], label[-1] + 1), label[seen] - label[0]
        n_series = series.stop - series.start
        total[series] += np.bincount(place, weights=values[seen], minlength=n_series)
        count[series] += np.bincount(place, minlength=n_series)
    return np.divide(total, count, out=np.full(store.n_series, np.nan), where=count > 0)


def extent(store: SeriesStore, read: Callable[[slice], np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the largest of what ``read`` returns of every series [N], NaN where nothing is known."""
    low, high = np.full(store.n_series, np.nan), np.full(store.n_series, np.nan)
    for rows, label, known in store.blocks():
        values = np.where(known, read(rows), np.nan)
        first = np.flatnonzero(np.diff(label, prepend=-1))
        for extreme, function in ((low, np.fmin), (high, np.fmax)):
            extreme[label[first]] = function(extreme[label[first]], function.reduceat(values, first))
    return low, high
