"""Series that cannot be read: left out of a large panel if they are few, the end of everything otherwise."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from forecastr.data.repairs import Rows
from forecastr.errors import DataError
from forecastr.schema import ID

FEWEST_SERIES = 10  # below, the first series that cannot be read is an error
MOST_LEFT_OUT = 0.1  # of the series
LEFT_OUT = "left out"
COLUMNS = (ID, "status", "reason")


@dataclass
class LeftOut:
    """The series left out so far, and why.

    Parameters
    ----------
    ids : ndarray of object, shape [N]
        All series of the table.
    where : callable
        From a row's place to its name in an error.
    """

    ids: np.ndarray
    where: Callable[[int], str]
    reasons: dict[int, str] = field(default_factory=dict)
    empty: dict[int, str] = field(default_factory=dict)

    @property
    def lenient(self) -> bool:
        """Whether there are so many series that a bad one may be left out."""
        return len(self.ids) >= FEWEST_SERIES

    def refuse(
        self, rows: Rows, bad: np.ndarray, reason: Callable[[int], str], advice: str, *, problem: str | None = None
    ) -> Rows:
        """Return the rows without the series that have one in ``bad`` [B].

        Parameters
        ----------
        rows : Rows
            What is left of the table.
        bad : ndarray of bool, shape [B]
            Rows that cannot be used.
        reason : callable
            What is wrong with a row, by its place among ``rows``.
        advice : str
            What a user can do about it.
        problem : str or None
            The whole sentence of the error, where the caller knows better.

        Raises
        ------
        DataError
            If there are too few series, or too many of them are bad.
        """
        if not bad.any():
            return rows
        found = np.flatnonzero(bad)
        found = found[np.argsort(rows.places[found], kind="stable")]
        series, index = np.unique(rows.series[found], return_index=True)
        n_left_out = len(self.reasons) + len(series)
        if not self.lenient or n_left_out > MOST_LEFT_OUT * len(self.ids):
            first = int(found[0])
            letter = f"{self._letter(rows, first, reason)} ({self._extent(bad, len(series))}). {advice}"
            raise DataError(problem or letter.strip())
        for number, row in zip(series.tolist(), found[index].tolist(), strict=True):
            self.reasons[number] = self._letter(rows, row, reason)
        return rows.take(~np.isin(rows.series, series))

    def table(self) -> pd.DataFrame:
        """Return ``unique_id, status, reason``, in the order of the file."""
        reasons = {**self.empty, **self.reasons}
        rows = [(self.ids[number], LEFT_OUT, reasons[number]) for number in sorted(reasons)]
        return pd.DataFrame(rows, columns=list(COLUMNS))

    def _letter(self, rows: Rows, row: int, reason: Callable[[int], str]) -> str:
        place = int(rows.places[row])
        return f"{self.where(place)}: {reason(row)}" if place >= 0 else reason(row)

    def _extent(self, bad: np.ndarray, n_series: int) -> str:
        n_rows = f"{int(bad.sum()):,} of {len(bad):,} rows"
        return n_rows if len(self.ids) == 1 else f"{n_rows}, in {n_series:,} of {len(self.ids):,} series"
