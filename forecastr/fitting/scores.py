"""Actual values and scales of a plan's windows, and the metrics of forecasts on them."""

from dataclasses import dataclass

import numpy as np

from forecastr.evaluation import apply_offsets, evaluate, fit_offsets, forecast_baselines, seasonal_scale
from forecastr.evaluation.judgement import Judgement, judge_forecasts
from forecastr.schema import MODEL
from forecastr.windows.store import Cutoffs, SeriesStore, actual_values, last_values


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
        Mean absolute seasonal difference of every series' training part.
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

    @property
    def window_scale(self) -> np.ndarray:
        """Each window's scale [W], 0 where its series has none."""
        return np.nan_to_num(self.scale[self.cutoffs.series])

    def metrics(self, quantiles: np.ndarray, *, part: str) -> dict[str, float | None]:
        """Return a model's errors with the names of the leaderboard's columns."""
        table = evaluate(self.y_true, {MODEL: quantiles}, series=self.cutoffs.series, last=self.last, scale=self.scale)
        errors = {name: float(table[name].iloc[0]) for name in ("mase", "mae", "wql")}
        if not np.isfinite(errors["mase"]):  # no series has a scale: the plain error ranks as well
            errors["mase"] = errors["mae"]
        return {f"{part}_{name}": value for name, value in errors.items()}

    def baselines(self, *, horizon: int, season_length: int) -> dict[str, np.ndarray]:
        """Return the baselines' points [W, H] by name."""
        return forecast_baselines(
            np.asarray(self.store.values),
            self.store.starts,
            self.cutoffs.series,
            self.cutoffs.positions(self.store),
            horizon=horizon,
            season_length=season_length,
        )

    def offsets(self, quantiles: np.ndarray) -> np.ndarray:
        """Return the calibration [H, Q] of quantiles on this part."""
        return fit_offsets(self.y_true, quantiles, self.window_scale)

    def calibrated(self, quantiles: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        """Return quantiles with their calibration applied."""
        return apply_offsets(quantiles, offsets, self.window_scale)

    def judge(self, forecasts: dict[str, np.ndarray]) -> Judgement:
        """Return the judgement of calibrated quantiles by name."""
        return judge_forecasts(self.y_true, forecasts, series=self.cutoffs.series, last=self.last, scale=self.scale)


def training_scales(train: SeriesStore, season_length: int) -> np.ndarray:
    """Return MASE's denominator of every series [N]: of neighbours where a series has no whole season."""
    scales = np.array([seasonal_scale(train.series(n), season_length) for n in range(train.n_series)])
    for n in np.flatnonzero(~(scales > 0)).tolist():
        scales[n] = seasonal_scale(train.series(n), 1)
    return scales
