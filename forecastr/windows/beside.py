"""Windows of covariates, cut beside those of the target when a batch is made."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from forecastr.windows.covariates import CovariateShape
from forecastr.windows.cycles import cycle_waves
from forecastr.windows.rescaling import CovariateScaler
from forecastr.windows.store import Cutoffs, SeriesStore

FAR = 10.0  # scales from the center: what lies further counts as this far
FEWEST_STEPS = 20  # that a past covariate's own level is the mean of


@dataclass(frozen=True, kw_only=True)
class CovariateWindows:
    """Covariates of a store in the unit that networks see; windows index into them.

    Parameters
    ----------
    store : SeriesStore
        Whose steps they belong to.
    shape : CovariateShape
        What a network reads of them.
    context_length, known_length, horizon : int
        Steps to the cutoff of past covariates and of known ones, and steps after it.
    known : ndarray of shape (T, K)
        Without the calendar, which is computed for each window.
    past : ndarray of shape (T, 2 * P)
        Change since the step before and distance to a moving mean, of every past covariate.
    static : ndarray of shape (N, S)
        As they are.
    """

    store: SeriesStore
    shape: CovariateShape
    context_length: int
    known_length: int
    horizon: int
    known: np.ndarray
    past: np.ndarray
    static: np.ndarray

    @classmethod
    def from_store(
        cls,
        store: SeriesStore,
        scaler: CovariateScaler,
        shape: CovariateShape,
        *,
        context_length: int,
        known_length: int,
        horizon: int,
        season_length: int,
    ) -> "CovariateWindows":
        """Scale the covariates of a store once; gaps take the last value before them, else zero."""
        label = np.repeat(np.arange(store.n_series), store.lengths)
        known, past = (np.zeros((len(label), n), np.float32) for n in (shape.known, 2 * shape.past))
        steps = max(season_length, FEWEST_STEPS)
        for k in range(shape.known):
            assert store.known is not None
            known[:, k] = np.clip(_scaled(store.known[:, k], scaler, k, label, store.starts), -FAR, FAR)
        n_known = 0 if store.known is None else store.known.shape[1]
        for k in range(shape.past):
            assert store.past is not None
            x = _scaled(store.past[:, k], scaler, n_known + k, label, store.starts)
            change = np.diff(x, prepend=x[:1]) * (np.diff(label, prepend=-1) == 0)
            past[:, 2 * k] = np.arcsinh(change)
            past[:, 2 * k + 1] = np.arcsinh(x - _moving_mean(x, store, label, steps))
        static = store.static if shape.static and store.static is not None else np.zeros((store.n_series, shape.static))
        return cls(
            store=store, shape=shape, context_length=context_length, known_length=known_length, horizon=horizon,
            known=known, past=past, static=np.asarray(static, np.float32),
        )  # fmt: skip

    def at(self, cutoffs: Cutoffs) -> dict[str, np.ndarray]:
        """Return what a network reads besides the target: ``known`` [W, L + H, K'] and ``beside`` [W, C, 2P + S].

        Steps before a series began repeat its first row, steps after its end the last one.
        """
        windows = {}
        last = cutoffs.positions(self.store)[:, None]
        first, stop = (self.store.starts[cutoffs.series + side][:, None] for side in (0, 1))
        if self.shape.n_ahead:
            index = np.clip(last + np.arange(1 - self.known_length, self.horizon + 1), first, stop - 1)
            windows["known"] = self._known_at(index)
        if self.shape.n_beside:
            index = np.maximum(last + np.arange(1 - self.context_length, 1), first)
            static = np.broadcast_to(self.static[cutoffs.series][:, None], (*index.shape, self.shape.static))
            windows["beside"] = np.concatenate([self.past[index], static], axis=-1)
        return windows

    def _known_at(self, index: np.ndarray) -> np.ndarray:
        if not self.shape.cycles:
            return self.known[index]
        assert self.store.stamps is not None
        waves = cycle_waves(self.store.stamps[index], self.shape.cycles)
        return np.concatenate([waves, self.known[index]], axis=-1)


def _scaled(column: np.ndarray, scaler: CovariateScaler, k: int, label: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Return a column [T] in its unit; a gap takes the last value of its series, 0 where there is none."""
    x = (np.asarray(column, dtype=float) - scaler.center[label, k]) / scaler.scale[label, k]
    missing = np.isnan(x)
    if missing.any():
        latest = np.maximum.accumulate(np.where(missing, 0, np.arange(len(x))))
        x = np.nan_to_num(x[np.maximum(latest, starts[label])], nan=0.0)
    return x


def _moving_mean(x: np.ndarray, store: SeriesStore, label: np.ndarray, steps: int) -> np.ndarray:
    """Return the mean of the last ``steps`` steps [T], of fewer at the start of a series."""
    total = np.empty(len(x))
    for start, stop in pairwise(store.starts.tolist()):  # each for itself: no rounding from one to the next
        total[start:stop] = np.cumsum(x[start:stop])
    count = np.minimum(np.arange(len(x)) - store.starts[label] + 1, steps)
    before = np.arange(len(x)) - count
    mean: np.ndarray = (total - np.where(before >= store.starts[label], total[before], 0.0)) / count
    return mean
