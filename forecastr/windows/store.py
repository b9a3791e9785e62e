"""All series of a panel in one array, and the windows that index it."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from forecastr.schema import ID, TARGET

BY_STEP = ("stamps", "known", "past")  # arrays beside the values, an entry per step


@dataclass(frozen=True, eq=False)
class SeriesStore:
    """Every series one after the other in one array: windows are positions in it.

    Parameters
    ----------
    values : ndarray of shape (T,)
        Values of all series, oldest first within each, NaN where missing.
    starts : ndarray of shape (N + 1,)
        Series ``n`` is ``values[starts[n]:starts[n + 1]]``.
    stamps : ndarray of shape (T,), optional
        When each value is of, datetime64[ns]; only where the calendar is a covariate.
    known, past : ndarray of shape (T, K) and (T, P), optional
        Covariates known through the horizon, and to the cutoff; NaN where missing.
    static : ndarray of shape (N, S), optional
        Covariates of the series.
    """

    values: np.ndarray
    starts: np.ndarray
    stamps: np.ndarray | None = None
    known: np.ndarray | None = None
    past: np.ndarray | None = None
    static: np.ndarray | None = None

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> "SeriesStore":
        """Stack a frame whose rows are grouped by series and sorted in time."""
        ids = frame[ID].to_numpy()
        first = np.flatnonzero(np.r_[True, ids[1:] != ids[:-1]])
        return cls(frame[TARGET].to_numpy(float), np.r_[first, len(ids)])

    @classmethod
    def load(cls, folder: Path) -> "SeriesStore":
        """Open what ``save`` wrote; values and covariates stay on disk until they are read."""
        arrays = {path.stem: np.load(path, mmap_mode="r") for path in folder.glob("*.npy")}
        return cls(**{**arrays, "starts": np.array(arrays["starts"])})

    def save(self, folder: Path) -> Path:
        """Write the arrays into a new ``folder`` and return it."""
        folder.mkdir(parents=True)
        for name in ("values", "starts", *BY_STEP, "static"):
            if (array := getattr(self, name)) is not None:
                np.save(folder / f"{name}.npy", array)
        return folder

    @property
    def n_series(self) -> int:
        """Number of series."""
        return len(self.starts) - 1

    @property
    def lengths(self) -> np.ndarray:
        """Steps of every series [N]."""
        return np.diff(self.starts)

    def series(self, n: int) -> np.ndarray:
        """Return the values of series ``n``."""
        return self.values[self.starts[n] : self.starts[n + 1]]

    def drop_last(self, counts: np.ndarray) -> "SeriesStore":
        """Return the store without the last ``counts[n]`` steps of every series ``n``."""
        keep = np.ones(len(self.values), bool)
        for stop, count in zip(self.starts[1:], counts, strict=True):
            keep[stop - count : stop] = False
        starts = np.r_[0, np.cumsum(self.lengths - counts)]
        kept = {name: np.asarray(array)[keep] for name in BY_STEP if (array := getattr(self, name)) is not None}
        return replace(self, values=np.asarray(self.values)[keep], starts=starts, **kept)


@dataclass(frozen=True, eq=False)
class Cutoffs:
    """Where forecasts start: after which step of which series.

    Parameters
    ----------
    series : ndarray of shape (W,)
        Series of each window.
    steps : ndarray of shape (W,)
        Steps of that series known at the cutoff; the next one is the first to forecast.
    """

    series: np.ndarray
    steps: np.ndarray

    def __len__(self) -> int:
        return len(self.series)

    def positions(self, store: SeriesStore) -> np.ndarray:
        """Return the position in ``store.values`` of the last known step [W]."""
        return store.starts[self.series] + self.steps - 1

    def take(self, windows: np.ndarray) -> "Cutoffs":
        """Return some of the windows, by index or mask."""
        return Cutoffs(self.series[windows], self.steps[windows])

    def thinned(self, most: int) -> "Cutoffs":
        """Return at most ``most`` of the windows, evenly spaced."""
        if len(self) <= most:
            return self
        return self.take(np.linspace(0, len(self) - 1, most).round().astype(int))


def actual_values(store: SeriesStore, cutoffs: Cutoffs, horizon: int) -> np.ndarray:
    """Return what followed each cutoff [W, H]: NaN where missing or past the end of the series.

    Examples
    --------
    >>> store = SeriesStore(np.array([1.0, 2.0, 3.0]), np.array([0, 3]))
    >>> actual_values(store, Cutoffs(np.array([0]), np.array([2])), horizon=2)
    array([[ 3., nan]])
    """
    positions = cutoffs.positions(store)[:, None] + np.arange(1, horizon + 1)
    stops = store.starts[cutoffs.series + 1][:, None]
    inside = positions < stops
    return np.where(inside, store.values[np.minimum(positions, len(store.values) - 1)], np.nan)


def known_first(store: SeriesStore, cutoffs: Cutoffs) -> SeriesStore:
    """Return what is known at the first cutoff of every series; nothing of a series without a cutoff.

    Examples
    --------
    >>> store = SeriesStore(np.array([1.0, 2.0, 3.0, 7.0]), np.array([0, 3, 4]))
    >>> known_first(store, Cutoffs(np.array([0, 0]), np.array([2, 1]))).values
    array([1.])
    """
    first = store.lengths.copy()
    np.minimum.at(first, cutoffs.series, cutoffs.steps)
    without = np.bincount(cutoffs.series, minlength=store.n_series) == 0
    return store.drop_last(np.where(without, store.lengths, store.lengths - first))


def last_values(store: SeriesStore, cutoffs: Cutoffs) -> np.ndarray:
    """Return the last value known at each cutoff [W]; missing ones look further back."""
    return forward_fill(store)[cutoffs.positions(store)]


def forward_fill(store: SeriesStore) -> np.ndarray:
    """Return all values [T] with gaps filled by the last one known in the same series.

    A gap at the start of a series has nothing before it and takes the first value that follows;
    it is marked as unobserved wherever it is used.

    Examples
    --------
    >>> forward_fill(SeriesStore(np.array([np.nan, 2.0, np.nan, 5.0, np.nan]), np.array([0, 3, 5])))
    array([2., 2., 2., 5., 5.])
    """
    values = np.asarray(store.values)
    missing = np.isnan(values)
    if not missing.any():
        return values
    label = np.repeat(np.arange(store.n_series), store.lengths)
    by_series = pd.Series(values).groupby(label)
    return by_series.ffill().groupby(label).bfill().to_numpy()
