"""The windows of a panel, as baselines see them: one by one, or with their series side by side."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
MOST_CELLS = 2**20  # of a block [L, N], unless one series is longer


@dataclass(frozen=True, eq=False)
class Block:
    """Some series of a panel side by side, and the windows that stand in them.

    Parameters
    ----------
    y : ndarray of shape (L, N)
        A column for each series from its first known value to its last cutoff, then 0.
    n_fit : ndarray of int, shape (N,)
        Steps known at each series' first cutoff: what a baseline may learn its constants from.
    windows : ndarray of int, shape (W,)
        Which windows of the panel they are.
    columns, steps : ndarray of int, shape (W,)
        The column of each, and the row of its last known step.
    """

    y: FloatArray
    n_fit: IntArray
    windows: IntArray
    columns: IntArray
    steps: IntArray

    @property
    def known(self) -> BoolArray:
        """Mask of the rows that each series' first cutoff knows [max(n_fit), N]."""
        return np.arange(self.n_fit.max())[:, None] < self.n_fit

    def take(self, chosen: BoolArray) -> "Block":
        """Return the block of the chosen columns [N] and their windows."""
        if chosen.all():
            return self
        inside = chosen[self.columns]
        columns = (np.cumsum(chosen) - 1)[self.columns[inside]]
        return Block(self.y[:, chosen], self.n_fit[chosen], self.windows[inside], columns, self.steps[inside])


@dataclass(frozen=True, eq=False)
class PanelCutoffs:
    """Where W windows stand in a panel of concatenated series [T].

    Parameters
    ----------
    filled : ndarray of shape (T,)
        Gaps filled forward within each series; NaN before its first value.
    first : ndarray of int, shape (W,)
        Position of the first known value of each window's series.
    positions : ndarray of int, shape (W,)
        Position of each window's last known step.
    horizon : int
        Steps to forecast.
    season_length : int
        Steps in one season.
    """

    filled: FloatArray
    first: IntArray
    positions: IntArray
    horizon: int
    season_length: int

    @property
    def level(self) -> FloatArray:
        """The last known value at each cutoff [W]; NaN if nothing is known yet."""
        return self.filled[self.positions]

    def blocks(self) -> Iterator[Block]:
        """Yield the series side by side, those of like length together; windows where nothing is known are left out."""
        known = np.flatnonzero(np.isfinite(self.level))
        begins, owner = np.unique(self.first[known], return_inverse=True)  # the first known value tells series apart
        order = known[np.lexsort((self.positions[known], owner))]
        bounds = np.append(0, np.cumsum(np.bincount(owner, minlength=len(begins))))
        n_fit = self.positions[order[bounds[:-1]]] - begins + 1
        lengths = self.positions[order[bounds[1:] - 1]] - begins + 1
        for block in _alike(lengths):
            windows = np.concatenate([order[bounds[n] : bounds[n + 1]] for n in block])
            columns = np.repeat(np.arange(len(block)), np.diff(bounds)[block])
            rows = np.arange(lengths[block].max())[:, None]
            y = self.filled[np.minimum(begins[block] + rows, len(self.filled) - 1)]
            y[rows >= lengths[block]] = 0.0
            yield Block(y, n_fit[block], windows, columns, self.positions[windows] - self.first[windows])


def dot_columns(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return the product of each column [L, N] with that of the other: [N]."""
    return np.asarray(np.einsum("tn,tn->n", a, b))


def _alike(lengths: IntArray) -> Iterator[IntArray]:
    """Yield which of the series [N] go together: none twice as long as another, and not too many."""
    order = np.argsort(lengths, kind="stable")
    ascending, begin = lengths[order], 0
    while begin < len(order):
        alike = int(np.searchsorted(ascending, 2 * ascending[begin], side="right"))
        end = min(alike, begin + max(1, MOST_CELLS // int(ascending[alike - 1])))
        yield order[begin:end]
        begin = end
