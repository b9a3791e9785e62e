"""Windows cut from the store when a batch is made, never before."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from forecastr.windows.beside import CovariateWindows
from forecastr.windows.scaling import Scaler, only_positive
from forecastr.windows.store import Cutoffs, SeriesStore

Inputs = np.ndarray | dict[str, np.ndarray]
MIRRORED_SHARE = 0.5  # of the windows, where any are


@dataclass(frozen=True, eq=False)
class WindowSource:
    """Windows of a store in the unit that networks see: scaled when they are cut, so that nothing is copied."""

    store: SeriesStore
    scaler: Scaler

    @classmethod
    def from_store(cls, store: SeriesStore, scaler: Scaler) -> "WindowSource":
        """Read a store; series without a scale are zeros that count as unobserved.

        Values without a logarithm are gaps like any other where the scaler takes logarithms.
        """
        if scaler.log and np.fmin.reduce(store.values, initial=np.inf) <= 0:
            store = SeriesStore(only_positive(store.values), store.starts, lengths=store.lengths)
        return cls(store, scaler)

    def past(self, cutoffs: Cutoffs, length: int) -> np.ndarray:
        """Return the last ``length`` steps known at each cutoff [W, length, 2]: value, observed.

        Steps before a series began repeat its first value and count as unobserved.
        """
        last = cutoffs.positions(self.store)[:, None]
        index = last + np.arange(1 - length, 1)
        first = self.store.starts[cutoffs.series][:, None]
        scaled, observed = self._at(np.maximum(index, first), cutoffs.series)
        return np.stack([scaled, observed & (index >= first)], axis=-1).astype(np.float32)

    def future(self, cutoffs: Cutoffs, horizon: int, *, reach: int = 0) -> np.ndarray:
        """Return what follows each cutoff, and each of the ``reach`` steps before it [W, reach + H, 2].

        Value and observed; the step ``k`` before the cutoff is followed by H entries from ``reach - k`` on.
        """
        last = cutoffs.positions(self.store)[:, None]
        index = last + np.arange(1 - reach, horizon + 1)
        first, stop = (edges[cutoffs.series][:, None] for edges in (self.store.starts, self.store.stops))
        scaled, observed = self._at(np.clip(index, first, stop - 1), cutoffs.series)
        seen = observed & (index > first) & (index < stop)
        return np.stack([np.where(seen, scaled, 0.0), seen], axis=-1).astype(np.float32)

    def _at(self, index: np.ndarray, series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return scaled values, gaps filled, and what was observed [W, ...] at positions of some series [W]."""
        observed = ~np.isnan(self.store.values[index])
        scaled = self.scaler.transform(self.store.filled("values")[index], series[:, None])
        finite = np.isfinite(scaled)
        return np.where(finite, scaled, 0.0), observed & finite


@dataclass(frozen=True, kw_only=True)
class BatchShape:
    """How windows become batches.

    Parameters
    ----------
    batch_size : int
        Windows in a batch.
    past_length : int
        Steps read: the history that the bases need, then the context.
    reach : int
        Steps from the first supervised one to the last; 0 where only the last is.
    horizon : int
        Steps to forecast.
    earliest : int
        Steps of a series that a window knows at least, where the series has them.
    mirrored : bool
        Whether the values of half of the windows change their sign, past and future alike: what all series did at one
        time, such as to rise, then teaches nothing; what holds in either direction is learned from twice the windows.
    """

    batch_size: int
    past_length: int
    reach: int
    horizon: int
    earliest: int = 2
    mirrored: bool = False


def draw_batches(
    source: WindowSource,
    shape: BatchShape,
    rng: np.random.Generator,
    *,
    covariates: CovariateWindows | None = None,
) -> Iterator[tuple[Inputs, np.ndarray]]:
    """Yield (past [B, P + C, 2], future [B, R + H, 2]) without end, windows drawn across series.

    With covariates, the past is one of several inputs by name.

    A series is drawn with equal chance, then a cutoff in it. A window supervised at every step may end
    up to the last step but one; one supervised at its end alone keeps its whole horizon where it can.
    """
    lengths = source.store.lengths
    usable = np.flatnonzero((lengths > 1) & np.isfinite(source.scaler.scale))
    reserve = 1 if shape.reach else shape.horizon
    latest = np.maximum(lengths[usable] - reserve, np.minimum(lengths[usable] - 1, 2))
    earliest = np.minimum(latest, max(shape.earliest, shape.reach + 1))
    while True:
        drawn = rng.integers(len(usable), size=shape.batch_size)
        steps = rng.integers(earliest[drawn], latest[drawn] + 1)
        cutoffs = Cutoffs(usable[drawn], steps)
        inputs = windows_at(source, cutoffs, shape.past_length, covariates)
        future = source.future(cutoffs, shape.horizon, reach=shape.reach)
        if shape.mirrored:
            turned = rng.random(shape.batch_size) < MIRRORED_SHARE
            for values in (inputs["past"] if isinstance(inputs, dict) else inputs, future):
                values[turned, :, 0] *= -1
        yield inputs, future


def windows_at(source: WindowSource, cutoffs: Cutoffs, past_length: int, covariates: CovariateWindows | None) -> Inputs:
    """Return what a network reads at some cutoffs: the past [W, P + C, 2], by name where there is more to read."""
    past = source.past(cutoffs, past_length)
    return {"past": past, **covariates.at(cutoffs)} if covariates else past
