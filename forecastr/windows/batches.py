"""Windows cut from the store when a batch is made, never before."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from forecastr.windows.beside import CovariateWindows
from forecastr.windows.scaling import Scaler, only_positive
from forecastr.windows.store import Cutoffs, SeriesStore, forward_fill

Inputs = np.ndarray | dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class WindowSource:
    """One scaled float32 array [T] and what was observed of it; windows index into both."""

    scaled: np.ndarray
    observed: np.ndarray
    store: SeriesStore

    @classmethod
    def from_store(cls, store: SeriesStore, scaler: Scaler) -> "WindowSource":
        """Scale a store once; series without a scale become zeros that count as unobserved.

        Values without a logarithm are gaps like any other where the scaler takes logarithms.
        """
        series = np.repeat(np.arange(store.n_series), store.lengths)
        values = only_positive(store.values) if scaler.log else store.values
        scaled = scaler.transform(forward_fill(SeriesStore(values, store.starts)), series)
        observed = ~np.isnan(values) & np.isfinite(scaled)
        return cls(np.nan_to_num(scaled).astype(np.float32), observed, store)

    def past(self, cutoffs: Cutoffs, length: int) -> np.ndarray:
        """Return the last ``length`` steps known at each cutoff [W, length, 2]: value, observed.

        Steps before a series began repeat its first value and count as unobserved.
        """
        last = cutoffs.positions(self.store)[:, None]
        index = last + np.arange(1 - length, 1)
        first = self.store.starts[cutoffs.series][:, None]
        known = index >= first
        index = np.maximum(index, first)
        return np.stack([self.scaled[index], (self.observed[index] & known).astype(np.float32)], axis=-1)

    def future(self, cutoffs: Cutoffs, horizon: int, *, reach: int = 0) -> np.ndarray:
        """Return what follows each cutoff, and each of the ``reach`` steps before it [W, reach + H, 2].

        Value and observed; the step ``k`` before the cutoff is followed by H entries from ``reach - k`` on.
        """
        last = cutoffs.positions(self.store)[:, None]
        index = last + np.arange(1 - reach, horizon + 1)
        first, stop = (self.store.starts[cutoffs.series + side][:, None] for side in (0, 1))
        known = (index > first) & (index < stop)
        index = np.clip(index, first, stop - 1)
        seen = self.observed[index] & known
        return np.stack([np.where(seen, self.scaled[index], 0.0), seen], axis=-1).astype(np.float32)


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
    """

    batch_size: int
    past_length: int
    reach: int
    horizon: int
    earliest: int = 2


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
    label = np.repeat(np.arange(source.store.n_series), lengths)
    observed = np.bincount(label, weights=source.observed, minlength=source.store.n_series)
    usable = np.flatnonzero((lengths > 1) & (observed > 1))
    reserve = 1 if shape.reach else shape.horizon
    latest = np.maximum(lengths[usable] - reserve, np.minimum(lengths[usable] - 1, 2))
    earliest = np.minimum(latest, max(shape.earliest, shape.reach + 1))
    while True:
        drawn = rng.integers(len(usable), size=shape.batch_size)
        steps = rng.integers(earliest[drawn], latest[drawn] + 1)
        cutoffs = Cutoffs(usable[drawn], steps)
        inputs = windows_at(source, cutoffs, shape.past_length, covariates)
        yield inputs, source.future(cutoffs, shape.horizon, reach=shape.reach)


def windows_at(source: WindowSource, cutoffs: Cutoffs, past_length: int, covariates: CovariateWindows | None) -> Inputs:
    """Return what a network reads at some cutoffs: the past [W, P + C, 2], by name where there is more to read."""
    past = source.past(cutoffs, past_length)
    return {"past": past, **covariates.at(cutoffs)} if covariates else past
