"""Series to the unit a network sees, and back; fitted on the training part alone."""

from dataclasses import dataclass

import numpy as np

from forecastr.windows.store import SeriesStore

TRANSFORMS = ("level", "log", "difference")
SCALINGS = ("causal", "minmax")


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


def fit_scaler(store: SeriesStore, *, transform: str, scaling: str, season_length: int) -> Scaler:
    """Return the scaling of every series of a store that holds the training part and nothing later.

    The causal scale is the mean absolute seasonal difference, MASE's denominator; ``minmax`` is the
    tutorials' (y - min) / (max - min).

    Where logarithms are taken, values at or below zero count as missing.
    """
    log = transform == "log"
    center, scale = np.zeros(store.n_series), np.full(store.n_series, np.nan)
    for n in range(store.n_series):
        values = np.log(only_positive(store.series(n))) if log else store.series(n)
        known = values[~np.isnan(values)]
        if len(known) == 0:
            continue
        if scaling == "minmax":
            center[n], spread = known.min(), np.ptp(known)
        else:
            center[n], spread = known.mean(), _mean_absolute_difference(values, season_length)
        if spread > 1e-9 * (1.0 if log else np.abs(known).max()):  # more than rounding
            scale[n] = spread
    return Scaler(log=log, center=center, scale=scale)


def only_positive(values: np.ndarray) -> np.ndarray:
    """Return values with those at or below zero, which have no logarithm, as NaN."""
    return np.where(values > 0, values, np.nan)


def _mean_absolute_difference(values: np.ndarray, season_length: int) -> float:
    """Mean absolute seasonal difference; of neighbours where no season fits, 0 where nothing does."""
    for lag in (season_length, 1):
        differences = np.abs(values[lag:] - values[:-lag])
        differences = differences[~np.isnan(differences)]
        if len(differences) and differences.mean() > 0:
            return float(differences.mean())
    return 0.0
