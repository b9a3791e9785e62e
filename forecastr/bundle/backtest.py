"""Forecasts of the past by a forecaster that is not trained again."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecastr.bundle.tables import backtest_table
from forecastr.errors import DataError
from forecastr.evaluation.judgement import Judgement
from forecastr.schema import ID, TIME
from forecastr.windows.splits import TEST_SHARE
from forecastr.windows.store import Cutoffs, SeriesStore
from forecastr.windows.support import Support


@dataclass(frozen=True, eq=False)
class Backtest:
    """Forecasts from every cutoff of some rows, and what they are worth.

    Parameters
    ----------
    table : DataFrame
        ``unique_id, ds, cutoff, y, forecastr, its intervals, baseline``.
    judgement : Judgement
        Metrics and verdict.
    seen : bool
        Whether the rows were part of the training: the scores then flatter.
    n_cutoffs : int
        Forecasts made.
    """

    table: pd.DataFrame
    judgement: Judgement
    seen: bool
    n_cutoffs: int


@dataclass(frozen=True, eq=False)
class Past:
    """Forecasts from every cutoff of some rows, before they are judged.

    Parameters
    ----------
    frame : DataFrame
        The rows, with the context before them.
    store : SeriesStore
        The same as arrays.
    cutoffs : Cutoffs
        Where the W forecasts were made.
    seen : bool
        Whether the rows were part of the training.
    y_true : ndarray of shape (W, H)
        What happened.
    scale : ndarray of shape (N,)
        The usual step of each series.
    support : Support
        The values that the windows can have.
    quantiles : ndarray of shape (W, H, Q)
        The forecasts.
    baselines : dict of str to ndarray of shape (W, H, Q)
        Those of the baselines, neither calibrated nor made possible.
    """

    frame: pd.DataFrame
    store: SeriesStore
    cutoffs: Cutoffs
    seen: bool
    y_true: np.ndarray
    scale: np.ndarray
    support: Support
    quantiles: np.ndarray
    baselines: dict[str, np.ndarray]

    def table(self, baseline: np.ndarray) -> pd.DataFrame:
        """Return the forecasts beside what happened and a baseline's [W, H]."""
        positions = self.cutoffs.positions(self.store)
        return backtest_table(self.frame, positions, self.y_true, self.quantiles, baseline)


def newer_cutoffs(frame: pd.DataFrame, store: SeriesStore, context: pd.DataFrame, horizon: int) -> tuple[Cutoffs, bool]:
    """Return every cutoff whose whole horizon is newer than the context, and whether there was none.

    Without newer rows, the cutoffs of the last fifth are returned; so are they for a series that the
    context does not hold, for something must come before its first cutoff.

    Raises
    ------
    DataError
        If there is no room for one horizon either way.
    """
    ended = context.groupby(ID)[TIME].last().reindex(frame[ID].unique())
    is_new = frame[TIME].to_numpy() > ended.reindex(frame[ID]).to_numpy()
    unknown = ended.isna().to_numpy()
    n_new = np.add.reduceat(is_new.astype(int), store.starts[:-1])
    seen = not is_new.any() and not unknown.any()
    n_new = np.where(unknown | seen, np.maximum(store.lengths // TEST_SHARE, horizon), n_new)
    n_new = np.minimum(n_new, store.lengths - 1)
    room = n_new >= horizon
    if not room.any():
        raise DataError(
            f"A backtest needs {horizon} newer rows of a series, one horizon; there are {int(n_new.max())}. "
            "Bring more rows, or fit with a shorter --horizon."
        )
    counts = np.where(room, n_new - horizon + 1, 0)
    series = np.repeat(np.arange(store.n_series), counts)
    first = store.lengths - n_new
    steps = np.concatenate([np.arange(start, start + count) for start, count in zip(first, counts, strict=True)])
    return Cutoffs(series, steps), seen
