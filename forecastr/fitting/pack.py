"""From a plan and its trained members to a bundle on disk."""

import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd

from forecastr.bundle.covariates import BundleCovariates
from forecastr.bundle.load import load_bundle
from forecastr.bundle.manifest import write_manifest
from forecastr.evaluation import HOLT_WINTERS, NO_WIDER, RANDOM_WALK
from forecastr.evaluation.holt_winters import fit_steps
from forecastr.evaluation.random_walk import VOLATILITY_STEPS
from forecastr.files import write_json
from forecastr.fitting.plan import Plan
from forecastr.models.config import NetworkConfig, WindowShape, past_length, scale_lag
from forecastr.schema import ID, TARGET, TIME
from forecastr.search.trials import Trial
from forecastr.windows.covariates import CovariateShape
from forecastr.windows.rescaling import fit_covariates
from forecastr.windows.scaling import Scaler, fit_scaler
from forecastr.windows.store import SeriesStore

FORECAST_BUNDLE = "forecastr.fitting.pack:forecast_bundle"
BASELINE_STEPS = 100  # rows kept at least, so that the baselines have something to go by
SHARE_STEPS = 500  # the same where a baseline shares in the forecast: Theta's trend is that of its whole past
WALK_STEPS = 2500  # the same in all, where the random walk is a baseline: its quantiles are those of past changes


def write_bundle(
    folder: Path,
    plan: Plan,
    *,
    weights: dict[Trial, float],
    shares: dict[str, float],
    offsets: dict[str, np.ndarray],
    baseline: str,
    networks: Path,
    scaled_on: SeriesStore,
    scale: np.ndarray,
    widths: Sequence[float] = NO_WIDER,
) -> None:
    """Write a bundle into a new folder that appears when it is whole.

    Parameters
    ----------
    folder : Path
        Where to; its parent exists.
    plan : Plan
        Task, table and how it was read.
    weights : dict
        Networks and their weights.
    shares : dict
        Baselines that share in the ensemble, and their weights.
    offsets : dict of str to ndarray of shape (H, Q)
        Calibration of the ensemble and of each baseline.
    baseline : str
        The best baseline.
    networks : Path
        Folder of the members' ``.keras`` files, by trial name.
    scaled_on : SeriesStore
        The rows that the members were trained on, and their scaling fitted.
    scale : ndarray of shape (N,)
        Unit of the calibration, by series.
    widths : sequence of Q floats
        How many times as far from its median the ensemble's quantiles lie.
    """
    task, calendar = plan.task, plan.panel.calendar
    shape = WindowShape(horizon=task.horizon, season_lengths=task.season_lengths)
    staging = folder.with_name(f".{folder.name}")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    for trial in weights:
        shutil.copyfile(networks / f"{trial.name}.keras", staging / f"{trial.name}.keras")
    covariates = _covariates([trial.config for trial in weights], plan, scaled_on)
    inputs, by_series = covariates.documents()
    scalers = [_scaler(trial.config, shape, plan, scaled_on) for trial in weights]
    document = {
        "task": asdict(task),
        "source": replace(plan.panel.source, covariates=covariates.inputs.names).to_dict(),
        "calendar": calendar.to_dict(),
        "baseline": baseline,
        "shares": shares,
        "members": [
            {"file": f"{trial.name}.keras", "weight": weight, "config": asdict(trial.config)}
            for trial, weight in weights.items()
        ],
        "offsets": offsets,
        "widths": list(widths),
        "covariates": inputs,
    }
    read = max(past_length(trial.config, shape) for trial in weights)
    ids = plan.panel.frame[ID].take(plan.store.starts[:-1]).tolist()
    kept = max(read, 2 * task.season_length + task.horizon, SHARE_STEPS if shares else BASELINE_STEPS)
    if HOLT_WINTERS in (baseline, *shares):
        kept = max(kept, fit_steps(task.season_length))
    if RANDOM_WALK in offsets:
        kept = max(kept, WALK_STEPS // len(ids) + task.horizon + VOLATILITY_STEPS)
    write_json(staging / "task.json", document)
    numbers = {"ids": ids, "scale": scale, "scalers": [vars(s) for s in scalers], "covariates": by_series}
    write_json(staging / "series.json", numbers)
    if covariates.future is not None:
        covariates.future.to_parquet(staging / "future.parquet", index=False)
    rows = plan.panel.frame[[ID, TIME, TARGET, *covariates.columns]].take(plan.store.last(kept))
    rows.reset_index(drop=True).to_parquet(staging / "context.parquet", index=False)
    write_manifest(staging, fingerprint=plan.panel.fingerprint)
    shutil.rmtree(folder, ignore_errors=True)
    staging.rename(folder)


def _scaler(config: NetworkConfig, shape: WindowShape, plan: Plan, store: SeriesStore) -> Scaler:
    """Return a member's scaling; series that were too short to be trained on take that of all their rows."""
    lag = scale_lag(config, shape)
    scalers = [
        fit_scaler(rows, transform=config.transform, scaling=config.scaling, lag=lag) for rows in (store, plan.store)
    ]
    trained = np.isfinite(scalers[0].scale) | plan.judged
    return Scaler(
        scalers[0].log,
        np.where(trained, scalers[0].center, scalers[1].center),
        np.where(trained, scalers[0].scale, scalers[1].scale),
    )


def _covariates(configs: list[NetworkConfig], plan: Plan, store: SeriesStore) -> BundleCovariates:
    """Return the covariates that these networks read, with the scaling they were trained on."""
    levels = {config.covariates for config in configs}
    inputs = plan.inputs.reduced_to(levels, calendar=any(config.calendar for config in configs))
    if inputs.shape == CovariateShape():
        return BundleCovariates()
    n_known, n_past = len(plan.inputs.known), len(plan.inputs.past)
    kept = np.arange(n_known + n_past)[0 if inputs.known else n_known : None if inputs.past else n_known]
    places = np.where((store.lengths > 0) | plan.judged, np.arange(store.n_series), -1)
    scaler = fit_covariates(store).take(places, fit_covariates(plan.store)).columns(kept)
    future = plan.panel.future
    if inputs.known and future is not None:
        future = future[[ID, TIME, *inputs.known]].reset_index(drop=True)
    return BundleCovariates(
        inputs=inputs,
        scaler=scaler,
        static=plan.store.static if inputs.static else None,
        future=future if inputs.known else None,
    )


def forecast_bundle(folder: Path) -> dict[str, pd.DataFrame]:
    """Return the forecast of a bundle; runs in a worker, where Keras is loaded already."""
    return {"forecast": load_bundle(folder).predict()}
