"""All series of a panel in one array, and the windows that index it."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from forecastr.data.panel import series_starts
from forecastr.files import write_array
from forecastr.schema import ID, TARGET

ARRAYS = ("values", "stamps", "known", "past", "static")
WITH_GAPS = ("values", "known", "past")
FILLED = "filled-"
BLOCK = 1 << 20  # steps looked at together: what is computed of them stays small


@dataclass(frozen=True, eq=False)
class SeriesStore:
    """Every series one after the other in one array: windows are positions in it.

    A store may know less than its arrays hold: parts of a panel are stores of the same arrays with fewer steps of
    every series, so that none is copied.

    Parameters
    ----------
    values : ndarray of shape (T,)
        Values of all series, oldest first within each, NaN where missing.
    starts : ndarray of shape (N + 1,)
        Series ``n`` begins at ``values[starts[n]]``; the last entry is T.
    stamps : ndarray of shape (T,), optional
        When each value is of, datetime64[ns]; only where the calendar is a covariate.
    known, past : ndarray of shape (T, K) and (T, P), optional
        Covariates known through the horizon, and to the cutoff; NaN where missing.
    static : ndarray of shape (N, S), optional
        Covariates of the series.
    lengths : ndarray of shape (N,)
        Steps of every series that are known; all that the arrays hold unless told otherwise.
    """

    values: np.ndarray
    starts: np.ndarray
    stamps: np.ndarray | None = None
    known: np.ndarray | None = None
    past: np.ndarray | None = None
    static: np.ndarray | None = None
    lengths: np.ndarray = None  # type: ignore[assignment]  # never None once it is made
    _filled: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict, repr=False)  # arrays, and filled

    def __post_init__(self) -> None:
        if self.lengths is None:
            object.__setattr__(self, "lengths", np.diff(self.starts))

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> "SeriesStore":
        """Stack a frame whose rows are grouped by series and sorted in time."""
        return cls(frame[TARGET].to_numpy(float), series_starts(frame[ID]))

    @classmethod
    def load(cls, folder: Path) -> "SeriesStore":
        """Open what ``save`` wrote; values and covariates stay on disk until they are read."""
        arrays = {path.stem: np.load(path, mmap_mode="r") for path in folder.glob("*.npy")}
        filled = {
            name: (arrays[name], arrays.pop(f"{FILLED}{name}", arrays[name])) for name in WITH_GAPS if name in arrays
        }
        starts, lengths = np.array(arrays.pop("starts")), np.array(arrays.pop("lengths"))
        return cls(**arrays, starts=starts, lengths=lengths, _filled=filled)

    def save(self, folder: Path, *, beside: Path | None = None) -> Path:
        """Write the arrays into a new ``folder`` and return it; those that lie ``beside`` it are linked instead."""
        folder.mkdir(parents=True)
        for name in ("starts", "lengths"):
            write_array(folder / f"{name}.npy", getattr(self, name))
        if beside is not None:
            for path in beside.glob("*.npy"):
                if not (folder / path.name).exists():
                    os.link(path, folder / path.name)
            return folder
        for name in ARRAYS:
            if (array := getattr(self, name)) is not None:
                write_array(folder / f"{name}.npy", array)
                if name in WITH_GAPS and (filled := self.filled(name)) is not array:
                    write_array(folder / f"{FILLED}{name}.npy", filled)
        return folder

    @property
    def n_series(self) -> int:
        """Number of series."""
        return len(self.starts) - 1

    @property
    def stops(self) -> np.ndarray:
        """Where each series ends in the arrays [N], as far as it is known."""
        return self.starts[:-1] + self.lengths

    def series(self, n: int) -> np.ndarray:
        """Return the values of series ``n``."""
        return self.values[self.starts[n] : self.starts[n] + self.lengths[n]]

    def drop_last(self, counts: np.ndarray) -> "SeriesStore":
        """Return the store without the last ``counts[n]`` steps of every series ``n``; it shares the arrays."""
        return replace(self, lengths=self.lengths - counts)

    def last(self, steps: int) -> np.ndarray:
        """Return the positions of the last ``steps`` known steps of every series, of all where there are fewer."""
        counts = np.minimum(self.lengths, steps)
        ends = np.cumsum(counts)
        return np.arange(int(counts.sum())) + np.repeat(self.stops - ends, counts)

    def filled(self, name: str) -> np.ndarray:
        """Return values, known or past covariates with gaps filled by what came before them in the same series.

        A covariate with nothing before it stays a gap; a value takes the next one, and is marked as unobserved
        wherever it is used. Without gaps it is the array itself.
        """
        array = getattr(self, name)
        if name not in self._filled or self._filled[name][0] is not array:
            filled = forward_fill(array, self.starts)
            if name == "values" and filled is not array:
                filled = forward_fill(filled[::-1], len(array) - self.starts[::-1])[::-1]
            self._filled[name] = (array, filled)
        return self._filled[name][1]

    def blocks(self) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        """Yield all steps piece by piece: where in the arrays, the series [b] of each, and whether it is known [b]."""
        for begin in range(0, len(self.values), BLOCK):
            end = min(begin + BLOCK, len(self.values))
            first, last = np.searchsorted(self.starts, [begin, end - 1], side="right") - 1
            bounds = np.clip(self.starts[first : last + 2], begin, end)
            label = np.repeat(np.arange(first, last + 1), np.diff(bounds))
            yield slice(begin, end), label, np.arange(begin, end) < self.stops[label]


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

    def take(self, windows: np.ndarray | slice) -> "Cutoffs":
        """Return some of the windows, by index, mask or slice."""
        return Cutoffs(self.series[windows], self.steps[windows])

    def joined(self, others: "Cutoffs") -> "Cutoffs":
        """Return these windows and then the others."""
        return Cutoffs(np.r_[self.series, others.series], np.r_[self.steps, others.steps])

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
    inside = positions < store.stops[cutoffs.series][:, None]
    return np.where(inside, store.values[np.minimum(positions, len(store.values) - 1)], np.nan)


def known_first(store: SeriesStore, cutoffs: Cutoffs) -> SeriesStore:
    """Return what is known at the first cutoff of every series; nothing of a series without a cutoff.

    Examples
    --------
    >>> store = SeriesStore(np.array([1.0, 2.0, 3.0, 7.0]), np.array([0, 3, 4]))
    >>> known_first(store, Cutoffs(np.array([0, 0]), np.array([2, 1]))).lengths
    array([1, 0])
    """
    first = store.lengths.copy()
    np.minimum.at(first, cutoffs.series, cutoffs.steps)
    without = np.bincount(cutoffs.series, minlength=store.n_series) == 0
    return store.drop_last(np.where(without, store.lengths, store.lengths - first))


def last_values(store: SeriesStore, cutoffs: Cutoffs) -> np.ndarray:
    """Return the last value known at each cutoff [W], NaN where none is; missing ones look further back."""
    return store.filled("values")[cutoffs.positions(store)]


def forward_fill(array: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Return an array [T, ...] of series with gaps filled by the last value before them in the same series.

    Gaps at the start of a series stay. Without gaps the array itself is returned.

    Examples
    --------
    >>> forward_fill(np.array([np.nan, 2.0, np.nan, 5.0, np.nan]), np.array([0, 3, 5]))
    array([nan,  2.,  2.,  5.,  5.])
    """
    missing = np.isnan(array)
    if not missing.any():
        return array
    if array.ndim == 2:
        return np.column_stack([forward_fill(column, starts) for column in array.T])
    latest = np.arange(len(array))
    latest[missing] = 0
    np.maximum.accumulate(latest, out=latest)
    np.maximum(latest, np.repeat(starts[:-1], np.diff(starts)), out=latest)
    return array[latest]
