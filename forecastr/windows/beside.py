"""Windows of covariates, cut and scaled beside those of the target when a batch is made."""

from dataclasses import dataclass

import numpy as np

from forecastr.windows.covariates import CovariateShape
from forecastr.windows.cycles import cycle_waves
from forecastr.windows.rescaling import CovariateScaler
from forecastr.windows.store import Cutoffs, SeriesStore

FAR = 10.0  # scales from the center: what lies further counts as this far
FEWEST_STEPS = 20  # that a past covariate's own level is the mean of


@dataclass(frozen=True, kw_only=True, eq=False)
class CovariateWindows:
    """Covariates of a store in the unit that networks see; gaps take the last value before them, else zero.

    Parameters
    ----------
    store : SeriesStore
        Whose steps they belong to.
    scaler : CovariateScaler
        Of its columns, known ones before past ones.
    shape : CovariateShape
        What a network reads of them.
    context_length, known_length, horizon : int
        Steps to the cutoff of past covariates and of known ones, and steps after it.
    season_length : int
        A past covariate's own level is the mean over as many steps, and never over fewer than twenty.
    """

    store: SeriesStore
    scaler: CovariateScaler
    shape: CovariateShape
    context_length: int
    known_length: int
    horizon: int
    season_length: int

    def at(self, cutoffs: Cutoffs) -> dict[str, np.ndarray]:
        """Return what a network reads besides the target: ``known`` [W, L + H, K'] and ``beside`` [W, C, 2P + S].

        Steps before a series began repeat its first row, steps after its end the last one.
        """
        windows = {}
        if self.shape.n_ahead:
            windows["known"] = self._known_at(cutoffs)
        if self.shape.n_beside:
            windows["beside"] = np.concatenate([self._past_at(cutoffs), self._static_at(cutoffs)], axis=-1)
        return windows

    def _known_at(self, cutoffs: Cutoffs) -> np.ndarray:
        """Return the calendar's waves and known covariates [W, L + H, K']."""
        index = cutoffs.positions(self.store)[:, None] + np.arange(1 - self.known_length, self.horizon + 1)
        first, stop = (edges[cutoffs.series][:, None] for edges in (self.store.starts, self.store.stops))
        index, parts = np.clip(index, first, stop - 1), []
        if self.shape.cycles:
            assert self.store.stamps is not None
            parts.append(cycle_waves(self.store.stamps[index], self.shape.cycles))
        if self.shape.known:
            scaled = self._scaled("known", index, cutoffs, slice(0, self.shape.known))
            parts.append(np.clip(scaled, -FAR, FAR).astype(np.float32))
        return np.concatenate(parts, axis=-1)

    def _past_at(self, cutoffs: Cutoffs) -> np.ndarray:
        """Return change since the step before and distance to a moving mean of past covariates [W, C, 2P]."""
        beside = np.zeros((len(cutoffs), self.context_length, 2 * self.shape.past), np.float32)
        if not self.shape.past:
            return beside
        level = max(self.season_length, FEWEST_STEPS)
        index = cutoffs.positions(self.store)[:, None] + np.arange(1 - self.context_length - level, 1)
        first = self.store.starts[cutoffs.series][:, None]
        inside = (index >= first)[..., None]
        n_known = 0 if self.store.known is None else self.store.known.shape[1]
        columns = slice(n_known, n_known + self.shape.past)
        x = np.where(inside, self._scaled("past", np.maximum(index, first), cutoffs, columns), 0.0)
        total, count = np.cumsum(x, axis=1), np.cumsum(inside, axis=1)
        mean = (total[:, level:] - total[:, :-level]) / np.maximum(count[:, level:] - count[:, :-level], 1)
        change = np.diff(x[:, level - 1 :], axis=1) * inside[:, level - 1 : -1]
        beside[..., 0::2], beside[..., 1::2] = np.arcsinh(change), np.arcsinh(x[:, level:] - mean)
        return beside

    def _static_at(self, cutoffs: Cutoffs) -> np.ndarray:
        """Return static covariates at every step of the context [W, C, S]."""
        shape = (len(cutoffs), self.context_length, self.shape.static)
        if not self.shape.static or self.store.static is None:
            return np.zeros(shape, np.float32)
        return np.broadcast_to(self.store.static[cutoffs.series][:, None], shape).astype(np.float32)

    def _scaled(self, name: str, index: np.ndarray, cutoffs: Cutoffs, columns: slice) -> np.ndarray:
        """Return covariates [W, ..., K] at positions in their unit; ``columns`` says where they stand in the scaler."""
        center, scale = (part[cutoffs.series, columns][:, None] for part in (self.scaler.center, self.scaler.scale))
        return np.nan_to_num((self.store.filled(name)[index] - center) / scale, nan=0.0)
