"""Actual values and scales of a plan's windows, and the metrics of forecasts on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from forecastr.evaluation import (
    apply_offsets,
    evaluate,
    fit_offsets,
    fit_widths,
    forecast_baselines,
    is_point,
)
from forecastr.evaluation.judgement import Judgement, judge_forecasts
from forecastr.schema import MODEL
from forecastr.windows.scaling import mean_absolute_difference
from forecastr.windows.store import Cutoffs, SeriesStore, actual_values, last_values
from forecastr.windows.support import Support

MOST_WIDER = 4.0  # times: what a few series that stood still ask for is not for all
PRIOR_HORIZONS = 8  # horizons of errors that a network's own quantiles are worth
# Steps before the first cutoff of a series that a baseline reads (docs/benchmarks.md).
MOST_HISTORY, LEAST_HISTORY = 10_000, 1_000
MOST_READ = 2_000_000  # of all series, but the least of each


@dataclass(frozen=True, eq=False)
class Part:
    """The windows of one part of the panel and what happened in them.

    Parameters
    ----------
    store : SeriesStore
        Rows up to the end of the part.
    cutoffs : Cutoffs
        Its windows.
    y_true : ndarray of shape (W, H)
        What followed.
    last : ndarray of shape (W,)
        The last value known at each cutoff.
    scale : ndarray of shape (N,)
        Mean absolute seasonal difference of every series before the test part.
    """

    store: SeriesStore
    cutoffs: Cutoffs
    y_true: np.ndarray
    last: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, store: SeriesStore, cutoffs: Cutoffs, horizon: int, scale: np.ndarray) -> "Part":
        """Collect the windows of a part."""
        return cls(store, cutoffs, actual_values(store, cutoffs, horizon), last_values(store, cutoffs), scale)

    def one_horizon_apart(self) -> np.ndarray:
        """Return a mask [W] of windows whose horizons do not overlap, picked from the last one of each series back."""
        chosen = np.zeros(len(self.cutoffs), bool)
        bound: dict[int, float] = {}
        for window in reversed(range(len(self.cutoffs))):
            series, steps = int(self.cutoffs.series[window]), int(self.cutoffs.steps[window])
            if steps <= bound.get(series, np.inf):
                chosen[window], bound[series] = True, steps - self.y_true.shape[1]
        return chosen

    @property
    def n_horizons(self) -> float:
        """How many horizons, one after the other, the windows of a series cover."""
        back = self.store.lengths[self.cutoffs.series] - self.cutoffs.steps
        return float(1 + np.ptp(back) / self.y_true.shape[1])

    @property
    def window_scale(self) -> np.ndarray:
        """Each window's scale [W], 0 where its series has none."""
        return np.nan_to_num(self.scale[self.cutoffs.series])

    @cached_property
    def support(self) -> Support:
        """The values that its windows can have."""
        return Support.of(self.store, self.cutoffs)

    def metrics(self, quantiles: np.ndarray, *, part: str) -> dict[str, float | None]:
        """Return a model's errors with the names of the leaderboard's columns."""
        stated = {MODEL: self.support.possible(quantiles)}
        table = evaluate(self.y_true, stated, series=self.cutoffs.series, last=self.last, scale=self.scale)
        return leaderboard_errors(table.iloc[0], part=part)

    def baselines(
        self, *, horizon: int, season_length: int, names: Sequence[str] | None = None
    ) -> dict[str, np.ndarray]:
        """Return the quantiles [W, H, Q] of the named baselines; by default of those that suit the data."""
        history = history_of(self.store, self.cutoffs)
        return forecast_baselines(*history, horizon=horizon, season_length=season_length, names=names)

    def offsets(self, quantiles: np.ndarray) -> np.ndarray:
        """Return the calibration [H, Q] of quantiles on this part: all of it where they are no more than a point.

        What a network states rests on all windows it was trained on, the errors here on few horizons that all
        series share: of ``n`` horizons one after the other, n / (n + 8) of the correction is made.
        """
        offsets = fit_offsets(self.y_true, quantiles, self.window_scale)
        if is_point(quantiles):
            return offsets
        return offsets * self.n_horizons / (self.n_horizons + PRIOR_HORIZONS)

    def widths(self, quantiles: np.ndarray) -> np.ndarray:
        """Return how many times as wide [Q] the intervals of quantiles should be, as this part shows.

        The errors of one horizon are of one season that all series share: of ``n`` horizons one after the other,
        n / (n + 1) of what they ask for counts (of its logarithm).
        """
        asked = fit_widths(self.y_true, quantiles)
        return np.minimum(asked ** (self.n_horizons / (self.n_horizons + 1)), MOST_WIDER)

    def calibrated(self, quantiles: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        """Return quantiles with their calibration applied."""
        return apply_offsets(quantiles, offsets, self.window_scale)

    def judge(self, forecasts: dict[str, np.ndarray]) -> Judgement:
        """Return the judgement of calibrated quantiles by name."""
        return judge_forecasts(self.y_true, forecasts, series=self.cutoffs.series, last=self.last, scale=self.scale)


def history_of(store: SeriesStore, cutoffs: Cutoffs) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return what baselines read: values, where each series begins in them, each cutoff's series and last known value.

    A series ends with the store, and begins at most 10,000 steps before its first cutoff: fewer, 1,000 at least, where
    all would be more than two million.
    """
    most = min(MOST_HISTORY, max(LEAST_HISTORY, MOST_READ // store.n_series))
    first = store.lengths.copy()
    np.minimum.at(first, cutoffs.series, cutoffs.steps)
    skipped = np.maximum(first - most, 0)
    starts = np.append(0, np.cumsum(store.lengths - skipped))
    positions = starts[cutoffs.series] + cutoffs.steps - skipped[cutoffs.series] - 1
    values = np.asarray(store.values)
    if starts[-1] < len(values):
        edges = np.zeros(len(values) + 1, np.int8)
        np.add.at(edges, store.starts[:-1] + skipped, 1)
        np.add.at(edges, store.stops, -1)
        values = values[np.cumsum(edges[:-1], dtype=np.int8) > 0]
    return values, starts, cutoffs.series, positions


def leaderboard_errors(metrics: pd.Series, *, part: str) -> dict[str, float | None]:
    """Return a model's row of metrics with the names of the leaderboard's columns."""
    errors = {name: float(metrics[name]) for name in ("mase", "mae", "wql")}
    if not np.isfinite(errors["mase"]):  # no series has a scale: the plain error ranks as well
        errors["mase"] = errors["mae"]
    return {f"{part}_{name}": value for name, value in errors.items()}


def training_scales(train: SeriesStore, lag: int) -> np.ndarray:
    """Return the mean absolute difference of each series [N] between steps ``lag`` apart, of neighbours if it is short.

    With a season's lag it is MASE's denominator.
    """

    def read(rows: slice) -> np.ndarray:
        return np.asarray(train.values[rows], dtype=float)

    scales = mean_absolute_difference(train, lag, read)
    return scales if (scales > 0).all() else np.where(scales > 0, scales, mean_absolute_difference(train, 1, read))
