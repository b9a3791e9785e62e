"""The steps of a fit, in the order in which the data meets them."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecastr.bundle.bundle import Bundle
from forecastr.bundle.load import load_bundle
from forecastr.bundle.tables import backtest_table
from forecastr.engine.environment import describe_environment
from forecastr.engine.pool import WorkerPool
from forecastr.engine.work import FORECAST, ForecastJob
from forecastr.evaluation.judgement import Judgement
from forecastr.files import naming
from forecastr.fitting.choosing import Ensemble, choose_ensemble
from forecastr.fitting.clock import Clock
from forecastr.fitting.covariates import compare_covariates
from forecastr.fitting.folder import Workplace
from forecastr.fitting.forecasting import ForecastProcess
from forecastr.fitting.leaderboard import leaderboard_table
from forecastr.fitting.pack import write_bundle
from forecastr.fitting.plan import ALL_ROWS, TRAIN_ROWS, Plan
from forecastr.fitting.refit import refit_members
from forecastr.fitting.scores import Part, leaderboard_errors, training_scales
from forecastr.fitting.searching import run_search
from forecastr.schema import CUTOFF, MEDIAN, MODEL, NETWORKS, TARGET
from forecastr.search.trials import Search, SearchSetting, Trial

SHORT = 20.0  # seconds left after the search: where there are fewer, what forecasts is started before refitting
Watcher = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, eq=False)
class Fitted:
    """What a fit leaves in memory; all of it is in the run folder too.

    The forecast has no rows where covariates of the future are missing: the summary's ``forecast`` tells.
    """

    folder: Path
    summary: dict[str, Any]
    leaderboard: pd.DataFrame
    backtest: pd.DataFrame
    forecast: pd.DataFrame

    @cached_property
    def bundle(self) -> Bundle:
        """The fitted networks, once the run is in its place."""
        return load_bundle(self.folder / "bundle")


def fit_plan(
    plan: Plan,
    work: Workplace,
    *,
    pool: WorkerPool,
    clock: Clock,
    watch: Watcher,
    jobs: int,
    identity: dict[str, Any],
    further: bool,
    meanwhile: Callable[[Fitted], None] = lambda fitted: None,
) -> Fitted:
    """Search, choose, judge, refit, and write the ledger and ``bundle/``.

    Parameters
    ----------
    plan : Plan
        What to do, its rows in the scratch folder.
    work : Workplace
        Where to write, and the ledger's events if a search goes on.
    pool : WorkerPool
        Where training runs.
    clock : Clock
        The time limit.
    watch : callable
        Hears every event of the ledger, and ``{"event": "phase", "name": ...}`` when a step begins.
    jobs : int
        Workers of the pool.
    identity, further
        As of ``run_search``.
    meanwhile : callable
        Gets all that is known while a worker forecasts; the forecast still has no rows then.

    Raises
    ------
    SearchError
        If no trial was completed.
    StorageError
        If a file cannot be written.
    """
    with ForecastProcess() as process:
        return _Fit(plan, work, pool, clock, watch, jobs, identity, further, meanwhile, process).run()


@dataclass(eq=False)
class _Fit:
    plan: Plan
    work: Workplace
    pool: WorkerPool
    clock: Clock
    watch: Watcher
    jobs: int
    identity: dict[str, Any]
    further: bool
    meanwhile: Callable[[Fitted], None]
    process: ForecastProcess

    def run(self) -> Fitted:
        with self._phase("search"):
            search, ended_by = run_search(
                self.plan,
                self.work,
                pool=self.pool,
                clock=self.clock,
                watch=self.watch,
                jobs=self.jobs,
                score=lambda quantiles: self.validation.metrics(quantiles, part="validation"),
                identity=self.identity,
                further=self.further,
            )
        with self._phase("choose"):
            if self.clock.left < SHORT:
                self.process.start()
            ensemble, leaders = self._choose(search)
        with self._phase("judge"):
            cubes = self._forecast_test(search.setting, ensemble)
            judgement, backtest, test_errors = self._judge(cubes, ensemble)
            ensemble = self._recalibrate(search, cubes, ensemble)
        missing = self._missing_future(ensemble)
        with self._phase("refit"):
            if not missing:
                self.process.start()
            refitted = refit_members(
                list(ensemble.weights),
                search.setting,
                rows=self.scratch / ALL_ROWS,
                networks=self.scratch / "networks",
                pool=self.pool,
                jobs=self.pool.size,
                seconds=self.clock.left_to_refit(),
                watch=self.watch,
            )
        with self._phase("forecast"):
            with naming(self.work.run / "bundle"):
                self.work.run.mkdir()
                write_bundle(
                    self.work.run / "bundle",
                    self.plan,
                    weights=ensemble.weights,
                    shares=ensemble.shares,
                    offsets={name: offsets for name, offsets in ensemble.offsets.items() if name != NETWORKS},
                    widths=ensemble.widths,
                    baseline=judgement.verdict.baseline,
                    networks=self.scratch / "networks",
                    scaled_on=self.plan.store if refitted else self.plan.train_store,
                    scale=self.scale,
                )
            leaderboard = leaderboard_table(search.trials, leaders, judgement, test_errors)
            summary = self._summarize(search, ended_by, ensemble, judgement, refitted)
            fitted = Fitted(self.work.folder, summary, leaderboard, backtest, _without_rows(backtest))
            self.pool.close()  # all is trained
            if missing:
                self.meanwhile(fitted)
            else:
                bundle = self.work.run / "bundle"
                forecast = self.process.forecast(bundle, meanwhile=lambda: self.meanwhile(fitted))
                fitted = replace(fitted, forecast=forecast)
        summary["forecast"] = {"rows": len(fitted.forecast), "missing": missing}
        return fitted

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        self.watch({"event": "phase", "name": name, "seconds_left": self.clock.left})
        with self.clock.phase(name):
            yield

    @property
    def scratch(self) -> Path:
        return self.work.scratch

    @cached_property
    def scale(self) -> np.ndarray:
        return training_scales(self.plan.known_store, self.plan.task.season_length)

    @cached_property
    def validation(self) -> Part:
        return Part.of(self.plan.known_store, self.plan.validation, self.plan.task.horizon, self.scale)

    @cached_property
    def test(self) -> Part:
        return Part.of(self.plan.store, self.plan.test, self.plan.task.horizon, self.scale)

    def _choose(self, search: Search) -> tuple[Ensemble, dict[str, dict[str, float | None]]]:
        """Pick members and calibrate on validation; also return the validation errors of what is not a trial."""
        part, seconds = self.validation, self.clock.left_to_choose()
        ensemble, forecasts = choose_ensemble(search, part, self.plan.task, seconds=seconds, jobs=self.pool.size)
        return ensemble, {name: part.metrics(cube, part="validation") for name, cube in forecasts.items()}

    def _judge(
        self, cubes: dict[Trial, np.ndarray], ensemble: Ensemble
    ) -> tuple[Judgement, pd.DataFrame, dict[str, dict[str, float | None]]]:
        """Read the test part, once: score the ensemble, its members and the baselines from every cutoff."""
        plan, task = self.plan, self.plan.task
        test = self.test
        baselines = test.baselines(horizon=task.horizon, season_length=task.season_length, names=ensemble.baselines)
        forecasts = ensemble.forecasts(cubes, baselines, test)
        unjudged = {trial.name: cube for trial, cube in cubes.items()}
        if NETWORKS in forecasts:  # on the leaderboard only: one forecast is judged
            unjudged[NETWORKS] = forecasts.pop(NETWORKS)
        judgement = test.judge(forecasts)
        errors = {str(name): leaderboard_errors(row, part="test") for name, row in judgement.metrics.iterrows()}
        errors |= {name: test.metrics(cube, part="test") for name, cube in unjudged.items()}
        apart = test.one_horizon_apart()
        table = backtest_table(
            plan.panel.frame,
            test.cutoffs.positions(test.store)[apart],
            test.y_true[apart],
            forecasts[MODEL][apart],
            forecasts[judgement.verdict.baseline][apart][..., MEDIAN],
        )
        return judgement, table, errors

    def _recalibrate(self, search: Search, cubes: dict[Trial, np.ndarray], ensemble: Ensemble) -> Ensemble:
        """Return the ensemble with intervals for the future: as wide as the test part, now judged, asks for.

        It flatters no choice: on the horizons that an ensemble was chosen by, its intervals hold more than later.
        """
        plan, task = self.plan, self.plan.task
        both = Part.of(plan.store, plan.validation.joined(plan.test), task.horizon, self.scale)
        baselines = both.baselines(horizon=task.horizon, season_length=task.season_length, names=ensemble.baselines)
        all_cubes = {trial: np.concatenate([search.forecasts(trial), cube]) for trial, cube in cubes.items()}
        on_test = {name: cube[len(plan.validation) :] for name, cube in baselines.items()}
        return ensemble.calibrated_on(all_cubes, baselines, both).widened_on(cubes, on_test, self.test)

    def _forecast_test(self, setting: SearchSetting, ensemble: Ensemble) -> dict[Trial, np.ndarray]:
        jobs = {
            trial: ForecastJob(
                config=trial.config,
                shape=setting.shape(trial.config),
                weights=self.scratch / trial.name / "weights.npz",
                store=self.scratch / ALL_ROWS,
                scaled_on=self.scratch / TRAIN_ROWS,
                cutoffs=self.plan.test,
                horizon=self.plan.task.horizon,
                output=self.scratch / trial.name / "test.npy",
            )
            for trial in ensemble.weights
        }
        self.pool.run([(trial, FORECAST, job) for trial, job in jobs.items()], seconds=math.inf)
        return {trial: np.load(job.output) for trial, job in jobs.items()}

    def _missing_future(self, ensemble: Ensemble) -> str | None:
        """Return what the chosen networks would need to forecast past the end of the data, if they lack it."""
        missing = self.plan.missing_future
        if missing is None or all(trial.config.covariates == "none" for trial in ensemble.weights):
            return None
        self.watch({"event": "warning", "text": f"No forecast yet: {missing}, and the networks read it."})
        return missing

    def _summarize(
        self, search: Search, ended_by: str, ensemble: Ensemble, judgement: Judgement, refitted: bool
    ) -> dict[str, Any]:
        best = search.completed[0]
        environment = describe_environment(self.pool.backend)
        members = [{"trial": t.name, "weight": w, "config": vars(t.config)} for t, w in ensemble.weights.items()]
        return {
            "format": 1,
            "forecastr": environment["versions"]["forecastr"],
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            **self.plan.describe(),
            "search": {
                "trials": len(search.trials),
                "completed": len(search.completed),
                "failed": len(search.trials) - len(search.completed),
                "ended_by": ended_by,
                "best_trial": best.name,
                "best_score": best.score,
            },
            "chosen": {
                "members": members,
                "baselines": ensemble.shares,
                "calibrated_on": ensemble.rests_on,
                "refitted": refitted,
            },
            "covariates": compare_covariates(
                search.completed, list(ensemble.weights), self.plan.inputs, self.validation, search.forecasts
            ),
            **judgement.to_dict(),
            "device": environment["device"],
            "versions": environment["versions"],
        }


def _without_rows(backtest: pd.DataFrame) -> pd.DataFrame:
    """Return a forecast of no rows, for there is one to be told of everywhere."""
    return backtest.drop(columns=[CUTOFF, TARGET]).iloc[:0]
