"""Covariates to the unit a network sees; fitted on the training part alone."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from forecastr.windows.scaling import mean_absolute_difference, series_means
from forecastr.windows.store import SeriesStore

ROUNDING = 1e-6  # a spread below this share of a column's size is none


@dataclass(frozen=True, eq=False)
class CovariateScaler:
    """Fitted constants by series and column, known covariates before past ones: ``(x - center) / scale``.

    Zeros and ones have one scale for all series, for a promotion is a promotion; other known covariates are
    measured from a series' mean in its standard deviations, past ones in its mean absolute changes.

    Parameters
    ----------
    center, scale : ndarray of shape (N, K + P)
        Never NaN: a series without constants of its own has the usual ones.
    usual : ndarray of shape (2, K + P)
        Center and scale of a usual series.
    shared : ndarray of shape (K + P,)
        Columns of zeros and ones.
    """

    center: np.ndarray
    scale: np.ndarray
    usual: np.ndarray
    shared: np.ndarray

    def take(self, places: np.ndarray, fresh: "CovariateScaler") -> "CovariateScaler":
        """Return the constants of series by place [N]; where it is -1, those of the same row in ``fresh``."""
        new = (places < 0)[:, None]
        center = np.where(new, np.where(self.shared, self.usual[0], fresh.center), self.center[places])
        scale = np.where(new, np.where(self.shared, self.usual[1], fresh.scale), self.scale[places])
        return replace(self, center=center, scale=scale)

    def columns(self, kept: np.ndarray) -> "CovariateScaler":
        """Return the constants of some columns, by index."""
        return CovariateScaler(self.center[:, kept], self.scale[:, kept], self.usual[:, kept], self.shared[kept])

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> "CovariateScaler":
        """Return the scaler whose ``vars`` these are, as JSON holds them."""
        center, scale, usual = (np.array(fields[name], dtype=float) for name in ("center", "scale", "usual"))
        return cls(center, scale, usual, np.array(fields["shared"], dtype=bool))


def fit_covariates(store: SeriesStore) -> CovariateScaler:
    """Return the scaling of the covariates of a store, which holds the training part and nothing later.

    Examples
    --------
    >>> promo = np.array([[0.0], [1.0], [0.0], [1.0]], np.float32)
    >>> fit_covariates(SeriesStore(np.arange(4.0), np.array([0, 2, 4]), known=promo)).scale.ravel()
    array([0.5, 0.5])
    """
    columns = [*_columns(store.known), *_columns(store.past)]
    n_known, shape = len(list(_columns(store.known))), (store.n_series, len(columns))
    center, scale, usual = np.zeros(shape), np.ones(shape), np.array([np.zeros(shape[1]), np.ones(shape[1])])
    shared = np.zeros(shape[1], bool)
    for k, column in enumerate(columns):
        share = _share_of_ones(store, column) if k < n_known else None
        if share is not None:
            shared[k] = True
            usual[1, k] = np.sqrt(share * (1 - share)) or 1.0
            scale[:, k] = usual[1, k]
            continue
        mean, spread = _mean_and_spread(store, column, known=k < n_known)
        spread = np.where(spread > ROUNDING * np.abs(mean), spread, np.nan)
        usual[:, k] = [_median(mean, 0.0), _median(spread, 1.0)]
        center[:, k] = np.where(np.isnan(mean), usual[0, k], mean)
        scale[:, k] = np.where(np.isnan(spread), usual[1, k], spread)
    return CovariateScaler(center, scale, usual, shared)


def _columns(array: np.ndarray | None) -> Iterator[np.ndarray]:
    yield from () if array is None else array.T


def _share_of_ones(store: SeriesStore, column: np.ndarray) -> float | None:
    """Return the share of ones in a column of zeros and ones, None where it holds anything else."""
    total = count = 0.0
    for rows, _, inside in store.blocks():
        seen = column[rows][inside]
        seen = seen[~np.isnan(seen)]
        if not np.isin(seen, (0.0, 1.0)).all():
            return None
        total, count = total + seen.sum(dtype=float), count + len(seen)
    return total / max(count, 1.0)


def _mean_and_spread(store: SeriesStore, column: np.ndarray, *, known: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and spread of every series [N]: the standard deviation, or of a past covariate the mean change."""

    def read(rows: slice) -> np.ndarray:
        return np.asarray(column[rows], dtype=float)

    mean = series_means(store, lambda rows, label: read(rows))
    if not known:
        return mean, mean_absolute_difference(store, 1, read)
    return mean, np.sqrt(series_means(store, lambda rows, label: (read(rows) - mean[label]) ** 2))


def _median(values: np.ndarray, otherwise: float) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else otherwise
