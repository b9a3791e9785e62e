"""The series of a panel that are forecast with less than the others have, and why."""

import numpy as np
import pandas as pd

from forecastr.data import Panel, format_stamps
from forecastr.data.panel import EXCEPTION_COLUMNS
from forecastr.schema import ID, TIME, Splits
from forecastr.windows.splits import min_steps
from forecastr.windows.store import SeriesStore

CONSTANT, SHORT, ENDED_EARLY = "constant", "short", "ended early"


def list_exceptions(panel: Panel, store: SeriesStore, judged: np.ndarray, splits: Splits, horizon: int) -> pd.DataFrame:
    """Return ``unique_id, status, reason``: series left out of the panel, then the constant, short and early ones.

    All but those left out are forecast. A series is listed once, by the first status that fits.

    Parameters
    ----------
    panel : Panel
        Its own exceptions are the series that could not be read.
    store : SeriesStore
        Its values.
    judged : ndarray of bool, shape (N,)
        Series long enough for a validation and a test part.
    splits : Splits
        The steps these need.
    horizon : int
        A series that ended this many steps before most others has ended early.
    """
    ids = panel.frame[ID].take(store.starts[:-1]).to_numpy(dtype=object)
    first = np.fmax.reduceat(np.asarray(store.values), store.starts[:-1])
    constant = ~varies(store)
    needed = min_steps(splits.n_test)
    common, last = _ends(panel, store)
    early = _ended_early(panel, common, last, horizon)
    rows = []
    for n in np.flatnonzero(constant | ~judged | early).tolist():
        if constant[n] and store.lengths[n] > 1:
            rows.append((ids[n], CONSTANT, f"every value is {first[n]:.10g}: that is its forecast"))
        elif not judged[n]:
            count = int(store.lengths[n])
            rows.append(
                (
                    ids[n],
                    SHORT,
                    f"{_rows(count)} where {needed:,} are needed to be judged; forecast by what the others teach",
                )
            )
        else:
            end, usual = format_stamps(np.array([last[n], common]), panel.source)
            rows.append(
                (ids[n], ENDED_EARLY, f"its last row is of {end}, most others' of {usual}: forecast from there")
            )
    found = pd.DataFrame(rows, columns=list(EXCEPTION_COLUMNS), dtype="str")
    return pd.concat([panel.exceptions, found], ignore_index=True) if len(panel.exceptions) else found


def varies(store: SeriesStore) -> np.ndarray:
    """Return which series [N] hold two different values."""
    values, starts = np.asarray(store.values), store.starts[:-1]
    varying: np.ndarray = np.fmin.reduceat(values, starts) < np.fmax.reduceat(values, starts)
    return varying


def _ends(panel: Panel, store: SeriesStore) -> tuple[np.datetime64 | np.int64, np.ndarray]:
    """Return the stamp that most series end on, and the last one of each [N]."""
    last = panel.frame[TIME].to_numpy()[store.starts[1:] - 1]
    stamps, counts = np.unique(last, return_counts=True)
    return stamps[counts.argmax()], last


def _ended_early(panel: Panel, common: np.datetime64 | np.int64, last: np.ndarray, horizon: int) -> np.ndarray:
    """Return which series [N] ended more than a horizon before the rest, if most end together at all."""
    if 2 * (last == common).sum() < len(last):
        return np.zeros(len(last), dtype=bool)
    missed = np.zeros(len(last), dtype=bool)
    before = np.flatnonzero(last < common)
    missed[before] = panel.calendar.count(last[before], np.full(len(before), common)) > horizon
    return missed


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"
