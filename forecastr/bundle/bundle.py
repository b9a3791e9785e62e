"""A fitted forecaster on disk: weights, scaling, task and the last context of every series. No pickle."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecastr.bundle.backtest import Backtest, Past, newer_cutoffs
from forecastr.bundle.covariates import BundleCovariates, NewRows, extended, future_rows, require_future
from forecastr.bundle.networks import Arrays, filled_network, reading
from forecastr.bundle.tables import forecast_table, future_stamps
from forecastr.data import Calendar, Panel, Source
from forecastr.data.continuation import on_grid
from forecastr.engine.backend import load_keras
from forecastr.errors import DataError
from forecastr.evaluation import NO_WIDER, apply_offsets, apply_widths, forecast_baselines
from forecastr.evaluation.judgement import judge_forecasts
from forecastr.models.config import NetworkConfig, WindowShape, scale_lag
from forecastr.schema import CUTOFF, ID, MEDIAN, MODEL, TARGET, TIME, Task
from forecastr.windows.scaling import Scaler, fit_scaler
from forecastr.windows.store import Cutoffs, SeriesStore, actual_values, known_first, last_values
from forecastr.windows.support import Support

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, eq=False)
class Member:
    """One network of the ensemble, its weight, the scaling it was trained on, and its weights by path."""

    file: str
    weight: float
    config: NetworkConfig
    scaler: Scaler
    arrays: Arrays


@dataclass(frozen=True, eq=False)
class Bundle:
    """A forecaster that forecasts again: load with ``load_bundle``.

    Parameters
    ----------
    folder : Path
        Where the weights lie.
    task : Task
        What it forecasts.
    source : Source
        How the table it was trained on was read; newer tables are read alike.
    calendar : Calendar
        How time stamps go on.
    ids : ndarray of shape (N,)
        The series it has seen.
    scale : ndarray of shape (N,)
        Mean absolute seasonal difference of each, the unit of its intervals' offsets.
    members : list of Member
        The networks.
    offsets : dict of str to ndarray of shape (H, Q)
        Calibration of the ensemble and of every baseline.
    baseline : str
        The best baseline when it was judged.
    shares : dict of str to float
        Weights of the baselines that share in the ensemble.
    widths : sequence of Q floats
        How many times as far from its median the ensemble's quantiles lie, before its offsets are added.
    context : DataFrame
        The last rows of every series: ``unique_id, ds, y`` and covariates.
    covariates : BundleCovariates
        What the networks read besides the target.
    """

    folder: Path
    task: Task
    source: Source
    calendar: Calendar
    ids: np.ndarray
    scale: np.ndarray
    members: list[Member]
    offsets: dict[str, np.ndarray]
    baseline: str
    context: pd.DataFrame
    covariates: BundleCovariates = field(default_factory=BundleCovariates)
    shares: Mapping[str, float] = field(default_factory=dict)
    widths: Sequence[float] = NO_WIDER

    def predict(self, history: Panel | pd.DataFrame | None = None, *, horizon: int | None = None) -> pd.DataFrame:
        """Return the forecast that follows the last row of every series.

        Parameters
        ----------
        history : Panel or DataFrame, optional
            Rows ``unique_id, ds, y`` and covariates, newer than those the bundle has seen (older ones may be
            among them). What is known of the future follows in rows without ``y``.
        horizon : int, optional
            Steps to forecast, at most those it was trained for.

        Returns
        -------
        DataFrame
            ``unique_id, ds, forecastr, forecastr-lo-80, ..., baseline``.

        Raises
        ------
        DataError
            If the networks read what is known of the future, and a step to forecast lacks it.
        """
        horizon, rows = self._horizon(horizon), NewRows.of(history, self.covariates)
        frame = self._with_context(rows.history)
        store = SeriesStore.from_frame(frame)
        cutoffs = Cutoffs(np.arange(store.n_series), store.lengths)
        ids, stamps = future_stamps(frame, self.calendar, horizon)
        if self.covariates.reaches_ahead:
            known = self.covariates.inputs.known
            future = future_rows(frame, self.calendar, horizon, known, self.covariates.future, rows.future)
            require_future(future, known, self.source)
            frame = extended(frame, future)
        store = self.covariates.store(frame, ids, self._places(ids), rows.static)
        support = Support.of(store, cutoffs)
        quantiles = support.possible(self._quantiles(store, ids, cutoffs))
        baseline = support.possible(self._baselines(store, cutoffs, [self.baseline])[self.baseline])
        return forecast_table(ids, stamps, quantiles[:, :horizon], baseline[:, :horizon, MEDIAN])

    def backtest(self, rows: Panel | pd.DataFrame) -> Backtest:
        """Judge forecasts from every cutoff of newer rows, without training.

        Rows that the bundle was trained on only serve as context. If there are no newer ones, the last
        fifth of the rows is used, and the result says that it was seen in training.

        Raises
        ------
        DataError
            If no series has a whole horizon of rows to be judged on.
        """
        past = self._past(rows)
        forecasts = {MODEL: past.quantiles}
        for name, cube in past.baselines.items():
            stated = apply_offsets(cube, self.offsets[name], past.scale[past.cutoffs.series])
            forecasts[name] = past.support.possible(stated)
        series, last = past.cutoffs.series, last_values(past.store, past.cutoffs)
        judgement = judge_forecasts(past.y_true, forecasts, series=series, last=last, scale=past.scale)
        table = past.table(forecasts[judgement.verdict.baseline][..., MEDIAN])
        return Backtest(table=table, judgement=judgement, seen=past.seen, n_cutoffs=len(past.cutoffs))

    def hindcast(self, rows: Panel | pd.DataFrame) -> pd.DataFrame:
        """Return the forecasts of a backtest, and every baseline's, without judging them: most of its time goes there.

        Returns
        -------
        DataFrame
            ``unique_id, ds, cutoff, y, forecastr``, and a column of each baseline.

        Raises
        ------
        DataError
            If no series has a whole horizon of rows to be judged on.
        """
        past = self._past(rows)
        points = {name: past.support.possible(cube)[..., MEDIAN] for name, cube in past.baselines.items()}
        table = past.table(next(iter(points.values())))[[ID, TIME, CUTOFF, TARGET, MODEL]]
        return table.assign(**{name: values.ravel() for name, values in points.items()})

    def _past(self, rows: Panel | pd.DataFrame) -> Past:
        """Forecast from every cutoff of newer rows."""
        new = NewRows.of(rows, self.covariates)
        frame = self._with_context(new.history)
        ids = frame.groupby(ID, sort=False).size().index.to_numpy()
        store = self.covariates.store(frame, ids, self._places(ids), new.static)
        cutoffs, seen = newer_cutoffs(frame, store, self.context, self.task.horizon)
        support = Support.of(store, cutoffs)
        return Past(
            frame=frame,
            store=store,
            cutoffs=cutoffs,
            seen=seen,
            y_true=actual_values(store, cutoffs, self.task.horizon),
            scale=self._scales(known_first(store, cutoffs), ids),
            support=support,
            quantiles=support.possible(self._quantiles(store, ids, cutoffs)),
            baselines=self._baselines(store, cutoffs, list(self.offsets)[1:]),
        )

    @cached_property
    def networks(self) -> "list[keras.Model]":
        """The members' networks, made when first needed.

        Raises
        ------
        BundleError
            If the weights of one are not those of its configuration.
        """
        load_keras()
        networks = []
        for member in self.members:
            with reading(self.folder / member.file):
                networks.append(filled_network(member.config, self.shape_of(member), member.arrays))
        return networks

    def shape_of(self, member: Member) -> WindowShape:
        """Sizes of what a network reads and forecasts: that of the tutorials one step."""
        return WindowShape(
            horizon=1 if member.config.head == "plain" else self.task.horizon,
            season_lengths=self.task.season_lengths,
            covariates=self.covariates.inputs.shape,
        )

    def _horizon(self, horizon: int | None) -> int:
        if horizon is None:
            return self.task.horizon
        if not 1 <= horizon <= self.task.horizon:
            raise DataError(
                f"horizon is {horizon}; this bundle was trained to forecast 1 to {self.task.horizon} steps. "
                f"Fit again with --horizon {horizon}."
            )
        return horizon

    def _with_context(self, rows: pd.DataFrame | None) -> pd.DataFrame:
        """Put newer rows behind the context, series by series; where both have a value, the newer table's counts."""
        if rows is None or rows.empty:
            return self.context
        newer = rows[[ID, TIME, TARGET, *self.covariates.columns]]
        seen = pd.MultiIndex.from_frame(newer[[ID, TIME]]).isin(pd.MultiIndex.from_frame(self.context[[ID, TIME]]))
        known = pd.concat([self.context, newer[~seen | newer[TARGET].notna().to_numpy()]])
        known = known.drop_duplicates([ID, TIME], keep="last")
        order = pd.Index(known[ID].unique())
        keys = order.get_indexer(known[ID])
        known = known.iloc[np.lexsort([known[TIME].to_numpy(), keys])]
        return on_grid(known.reset_index(drop=True), self.calendar)

    def _quantiles(self, store: SeriesStore, ids: np.ndarray, cutoffs: Cutoffs) -> np.ndarray:
        """Calibrated ensemble quantiles [W, H, Q]."""
        networks = self.networks  # first, for it knows how to load Keras
        from forecastr.engine.forecasting import covariate_windows, forecast_cutoffs

        total, known = np.zeros(1), known_first(store, cutoffs)
        scaled_as = self.covariates.scaler_at(self._places(ids), known)
        for member, network in zip(self.members, networks, strict=True):
            scaler, shape = self._scaler_of(member, known, ids), self.shape_of(member)
            total = total + member.weight * forecast_cutoffs(
                network,
                member.config,
                shape,
                store,
                scaler,
                cutoffs,
                self.task.horizon,
                covariates=covariate_windows(member.config, shape, store, scaled_as) if scaled_as else None,
            )
        scale = self._scales(known, ids)[cutoffs.series]
        for name, cube in self._baselines(store, cutoffs, list(self.shares)).items():
            total = total + self.shares[name] * apply_offsets(cube, self.offsets[name], scale)
        return apply_offsets(apply_widths(total, self.widths), self.offsets[MODEL], scale)

    def _baselines(self, store: SeriesStore, cutoffs: Cutoffs, names: list[str]) -> dict[str, np.ndarray]:
        return forecast_baselines(
            np.asarray(store.values),
            store.starts,
            cutoffs.series,
            cutoffs.positions(store),
            horizon=self.task.horizon,
            season_length=self.task.season_length,
            names=names,
        )

    def _places(self, ids: np.ndarray) -> np.ndarray:
        """Return where each id stands among those seen in training, -1 for new ones."""
        return pd.Index(self.ids).get_indexer(ids)

    def _scales(self, store: SeriesStore, ids: np.ndarray) -> np.ndarray:
        places = self._places(ids)
        fresh = fit_scaler(
            store, transform="level", scaling="causal", lag=self.task.season_length
        ).scale  # of series that training has not seen
        return np.nan_to_num(np.where(places >= 0, self.scale[places], fresh))

    def _scaler_of(self, member: Member, store: SeriesStore, ids: np.ndarray) -> Scaler:
        places = self._places(ids)
        if (places >= 0).all():
            return Scaler(member.scaler.log, member.scaler.center[places], member.scaler.scale[places])
        config, lag = member.config, scale_lag(member.config, self.shape_of(member))
        fresh = fit_scaler(store, transform=config.transform, scaling=config.scaling, lag=lag)
        return Scaler(
            member.scaler.log,
            np.where(places >= 0, member.scaler.center[places], fresh.center),
            np.where(places >= 0, member.scaler.scale[places], fresh.scale),
        )
