"""What a bundle keeps of the covariates that its networks read, and what it asks of newer rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from forecastr.bundle.tables import future_stamps
from forecastr.data import Calendar, Panel, Source, format_stamps
from forecastr.errors import DataError
from forecastr.schema import ID, TARGET, TIME
from forecastr.windows.covariates import CovariateInputs
from forecastr.windows.rescaling import CovariateScaler, fit_covariates
from forecastr.windows.store import SeriesStore


@dataclass(frozen=True, eq=False)
class BundleCovariates:
    """The covariates of a bundle.

    Parameters
    ----------
    inputs : CovariateInputs
        Those that a member reads.
    scaler : CovariateScaler or None
        Their scaling in the series that training has seen.
    static : ndarray of shape (N, S) or None
        Static covariates of those series.
    future : DataFrame or None
        ``unique_id, ds`` and known covariates of rows after the last value.
    """

    inputs: CovariateInputs = field(default_factory=CovariateInputs)
    scaler: CovariateScaler | None = None
    static: np.ndarray | None = None
    future: pd.DataFrame | None = None

    @property
    def columns(self) -> list[str]:
        """Columns that a table of history needs beside the target."""
        return [*self.inputs.past, *self.inputs.known]

    @property
    def reaches_ahead(self) -> bool:
        """Whether a forecast needs rows after the last value: their covariates, or their stamps."""
        return bool(self.inputs.known or self.inputs.cycles)

    def store(
        self, frame: pd.DataFrame, ids: np.ndarray, places: np.ndarray, static: pd.DataFrame | None
    ) -> SeriesStore:
        """Stack a frame of series ``ids`` [N], which stand at ``places`` [N] in training, -1 for new ones."""
        encoded = self.inputs.encode(static, ids)
        if encoded is not None and self.static is not None:
            encoded = np.where((places >= 0)[:, None], self.static[places], encoded)
        return self.inputs.store(frame, encoded)

    def scaler_at(self, places: np.ndarray, known: SeriesStore) -> CovariateScaler | None:
        """Return the scaling of series by place; that of new ones comes from what is ``known`` at their cutoffs."""
        return self.scaler.take(places, fit_covariates(known)) if self.scaler else None

    def documents(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what ``task.json`` and ``series.json`` hold of it."""
        by_series = {"scaler": self.scaler and vars(self.scaler), "static": self.static}
        return self.inputs.to_dict(), by_series

    @classmethod
    def from_documents(
        cls, inputs: Mapping[str, Any], by_series: Mapping[str, Any], future: pd.DataFrame | None
    ) -> "BundleCovariates":
        """Return what ``documents`` was called on."""
        scaler, static = by_series["scaler"], by_series["static"]
        return cls(
            inputs=CovariateInputs.from_dict(dict(inputs)),
            scaler=CovariateScaler.from_dict(scaler) if scaler else None,
            static=np.array(static, np.float32) if static is not None else None,
            future=future,
        )


@dataclass(frozen=True, eq=False)
class NewRows:
    """A table newer than a bundle: its history, what is known of its future, and its static covariates."""

    history: pd.DataFrame | None = None
    future: pd.DataFrame | None = None
    static: pd.DataFrame | None = None

    @classmethod
    def of(cls, table: Panel | pd.DataFrame | None, covariates: BundleCovariates) -> "NewRows":
        """Take a table apart; in a plain frame, rows after the last value of a series are its future.

        Raises
        ------
        DataError
            If it lacks a column that the bundle's networks read.
        """
        if table is None:
            return cls()
        if isinstance(table, Panel):
            if len(table.frame):
                _require_columns(table.frame, covariates)
            return cls(table.frame, table.future, table.static)
        _require_columns(table, covariates)
        if not covariates.inputs.known:
            return cls(table)
        ordered = table.sort_values([ID, TIME], kind="stable")
        later = ordered[TARGET].notna()[::-1].groupby(ordered[ID][::-1]).cumsum()[::-1] == 0
        is_future = later.reindex(table.index)
        return cls(table[~is_future], table.loc[is_future, [ID, TIME, *covariates.inputs.known]])


def future_rows(
    frame: pd.DataFrame, calendar: Calendar, horizon: int, known: tuple[str, ...], *futures: pd.DataFrame | None
) -> pd.DataFrame:
    """Return ``unique_id, ds`` and known covariates of the ``horizon`` steps after every series, NaN where unknown.

    Of several tables of the future, the last that holds a row counts.
    """
    ids, stamps = future_stamps(frame, calendar, horizon)
    rows = pd.DataFrame({ID: np.repeat(ids, horizon), TIME: stamps.ravel()})
    told = [future[[ID, TIME, *known]] for future in futures if future is not None and known]
    if not told:
        return rows.assign(**dict.fromkeys(known, np.nan))
    latest = pd.concat(told).drop_duplicates([ID, TIME], keep="last")
    return rows.merge(latest, on=[ID, TIME], how="left")


def missing_future(rows: pd.DataFrame, known: tuple[str, ...], source: Source) -> str | None:
    """Return which rows of the future lack a known covariate, in words; None where none does.

    A series that ended before others, and of which nothing later is known, is not asked for: no one plans its
    promotions. It is forecast as if they stayed as they were.
    """
    gaps = rows[list(known)].isna().to_numpy(dtype=bool)
    gaps = gaps & ~_ended(rows, gaps)[:, None]
    empty = gaps.any(axis=1)
    if not empty.any():
        return None
    names = ", ".join(f"'{name}'" for name, gap in zip(known, gaps.T, strict=True) if gap.any())
    ids = rows[ID].to_numpy()
    first = ids[empty.argmax()]
    dates = format_stamps(rows[TIME].to_numpy()[empty & (ids == first)][[0, -1]], source)
    span = f"{dates[0]} to {dates[1]}" if dates[0] != dates[1] else f"{dates[0]}"
    where = f"{span} of '{first}'" if (ids != first).any() else span
    return f"{names} is not known for {int(empty.sum()):,} of {len(rows):,} steps to forecast (first: {where})"


def _ended(rows: pd.DataFrame, gaps: np.ndarray) -> np.ndarray:
    """Return which rows [B] are of series that ended before others and have no known covariate later."""
    by_series = rows[TIME].groupby(rows[ID], sort=False).transform("min")
    untold = pd.Series(gaps.all(axis=1), index=rows.index).groupby(rows[ID], sort=False).transform("all")
    return np.asarray((by_series < by_series.max()) & untold)


def require_future(rows: pd.DataFrame, known: tuple[str, ...], source: Source) -> None:
    """Raise a DataError unless every row of the future has all known covariates."""
    if missing := missing_future(rows, known, source):
        raise DataError(
            f"{missing}, and the networks read it. Add rows for these times to the table, with "
            f"{', '.join(known)} filled and the target empty, and pass it with --data."
        )


def extended(frame: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose series, each in one piece, are followed by their rows of the future."""
    order = pd.Index(frame[ID].unique())
    whole = pd.concat([frame, rows], ignore_index=True)
    return whole.iloc[np.argsort(order.get_indexer(whole[ID]), kind="stable")].reset_index(drop=True)


def _require_columns(rows: pd.DataFrame, covariates: BundleCovariates) -> None:
    if missing := [name for name in covariates.columns if name not in rows]:
        names = ", ".join(f"'{name}'" for name in missing)
        raise DataError(
            f"The networks of this bundle read {names} beside the target, and the newer rows have no such column. "
            "Bring a table with the columns that the bundle was fitted on."
        )
