"""The steps of a fit, in the order in which the data meets them."""

import math
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecastr.bundle.bundle import Bundle, load_bundle
from forecastr.bundle.tables import backtest_table
from forecastr.engine.environment import describe_environment
from forecastr.engine.pool import WorkerPool
from forecastr.engine.work import EXPORT, FORECAST, TRAIN, ForecastJob, TrainJob
from forecastr.errors import SearchError
from forecastr.evaluation.judgement import Judgement
from forecastr.fitting.clock import Clock
from forecastr.fitting.leaderboard import leaderboard_table
from forecastr.fitting.pack import FORECAST_BUNDLE, write_bundle
from forecastr.fitting.plan import Plan
from forecastr.fitting.proposals import make_proposals
from forecastr.fitting.scores import Part, as_quantiles, training_scales
from forecastr.schema import MODEL
from forecastr.search.ensemble import average, choose_members
from forecastr.search.ledger import Ledger
from forecastr.search.trials import Search, SearchSetting, Trial

MOST_MEMBERS = 4
CANDIDATES = 16  # best trials that the ensemble is chosen from
Watcher = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, eq=False)
class Fitted:
    """What a fit leaves in memory; all of it is in the run folder too."""

    bundle: Bundle
    summary: dict[str, Any]
    leaderboard: pd.DataFrame
    backtest: pd.DataFrame
    forecast: pd.DataFrame


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Trials with their weights, and the calibration [H, Q] of their average and of every baseline."""

    weights: dict[Trial, float]
    offsets: dict[str, np.ndarray]

    def average(self, cubes: dict[Trial, np.ndarray]) -> np.ndarray:
        """Return the members' weighted quantiles [W, H, Q]."""
        return average({t.name: cubes[t] for t in self.weights}, {t.name: w for t, w in self.weights.items()})


def fit_plan(plan: Plan, folder: Path, *, pool: WorkerPool, clock: Clock, watch: Watcher, jobs: int) -> Fitted:
    """Search, choose, judge, refit, and write ``bundle/`` and ``ledger.jsonl``.

    Parameters
    ----------
    plan : Plan
        What to do.
    folder : Path
        The run folder.
    pool : WorkerPool
        Where training runs.
    clock : Clock
        The time limit.
    watch : callable
        Hears every event of the ledger, and ``{"event": "phase", "name": ...}`` when a step begins.
    jobs : int
        Workers of the pool.

    Raises
    ------
    SearchError
        If no trial was completed.
    """
    with tempfile.TemporaryDirectory(prefix="forecastr-") as scratch:
        return _Fit(plan, folder, pool, clock, watch, jobs, Path(scratch)).run()


@dataclass(eq=False)
class _Fit:
    plan: Plan
    folder: Path
    pool: WorkerPool
    clock: Clock
    watch: Watcher
    jobs: int
    scratch: Path

    def run(self) -> Fitted:
        with self._phase("search"):
            search, ended_by = self._search()
        with self._phase("choose"):
            ensemble, leaders = self._choose(search)
        with self._phase("judge"):
            judgement, backtest, test_errors = self._judge(search, ensemble)
        with self._phase("refit"):
            refitted = self._refit(search, ensemble)
        with self._phase("forecast"):
            write_bundle(
                self.folder / "bundle",
                self.plan,
                weights=ensemble.weights,
                offsets=ensemble.offsets,
                baseline=judgement.verdict.baseline,
                networks=self.scratch / "networks",
                scaled_on=self.plan.store if refitted else self.plan.train_store,
                scale=self.scale,
            )
            forecast = self._forecast()
        leaderboard = leaderboard_table(search.trials, leaders, judgement, test_errors)
        summary = self._summarize(search, ended_by, ensemble, judgement, refitted)
        return Fitted(load_bundle(self.folder / "bundle"), summary, leaderboard, backtest, forecast)

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        self.watch({"event": "phase", "name": name, "seconds_left": self.clock.left})
        with self.clock.phase(name):
            yield

    @cached_property
    def scale(self) -> np.ndarray:
        return training_scales(self.plan.train_store, self.plan.task.season_length)

    @cached_property
    def validation(self) -> Part:
        return Part.of(self.plan.known_store, self.plan.validation, self.plan.task.horizon, self.scale)

    def _search(self) -> tuple[Search, str]:
        plan = self.plan
        setting = SearchSetting(
            train=plan.train_store.save(self.scratch / "train"),
            known=plan.known_store.save(self.scratch / "known"),
            validation=plan.validation,
            horizon=plan.task.horizon,
            season_lengths=plan.task.season_lengths,
            seed=plan.task.seed,
            scratch=self.scratch,
        )
        with Ledger(self.folder / "ledger.jsonl") as ledger:
            ledger.append("search_started", fingerprint=plan.panel.fingerprint, seed=plan.task.seed)
            search = Search(
                setting=setting,
                proposals=make_proposals(plan, jobs=self.jobs),
                score=lambda quantiles: self.validation.metrics(quantiles, part="validation"),
                pool=self.pool,
                ledger=ledger,
                watch=self.watch,
            )
            most = 1 if plan.task.preset == "classic" else plan.budget.max_trials

            def seconds_left() -> float:
                return self.clock.left_to_search(self._refit_seconds(search.completed[:MOST_MEMBERS]))

            return search, search.run(seconds_left=seconds_left, max_trials=most)

    def _refit_seconds(self, members: list[Trial]) -> float:
        """Seconds that refitting these trials may take: as long as they took, validation and compiling included."""
        seconds = [trial.result["seconds"] for trial in members]
        return max(sum(seconds) / self.jobs, max(seconds, default=0.0))

    def _choose(self, search: Search) -> tuple[Ensemble, dict[str, dict[str, float | None]]]:
        """Pick members and calibrate on validation; also return the validation errors of what is not a trial."""
        part, task = self.validation, self.plan.task
        best = {trial.name: trial for trial in search.completed[:CANDIDATES]}
        cubes = {name: search.forecasts(trial) for name, trial in best.items()}
        weights = choose_members(
            cubes,
            part.y_true,
            series=part.cutoffs.series,
            scale=part.scale,
            max_members=self._affordable_members(list(best.values())),
        )
        points = part.baselines(horizon=task.horizon, season_length=task.season_length)
        forecasts = {MODEL: average(cubes, weights), **{name: as_quantiles(point) for name, point in points.items()}}
        offsets = {name: part.offsets(quantiles) for name, quantiles in forecasts.items()}
        errors = {
            name: part.metrics(part.calibrated(quantiles, offsets[name]), part="validation")
            for name, quantiles in forecasts.items()
        }
        return Ensemble({best[name]: weight for name, weight in weights.items()}, offsets), errors

    def _judge(
        self, search: Search, ensemble: Ensemble
    ) -> tuple[Judgement, pd.DataFrame, dict[str, dict[str, float | None]]]:
        """Read the test part, once: score the ensemble, its members and the baselines from every cutoff."""
        plan, task = self.plan, self.plan.task
        test = Part.of(plan.store, plan.test, task.horizon, self.scale)
        cubes = self._forecast_test(search.setting, ensemble)
        points = test.baselines(horizon=task.horizon, season_length=task.season_length)
        raw = {MODEL: ensemble.average(cubes), **{name: as_quantiles(point) for name, point in points.items()}}
        forecasts = {name: test.calibrated(cube, ensemble.offsets[name]) for name, cube in raw.items()}
        judgement = test.judge(forecasts)
        members = {trial.name: test.metrics(cube, part="test") for trial, cube in cubes.items()}
        errors = {name: test.metrics(cube, part="test") for name, cube in forecasts.items()}
        apart = _one_horizon_apart(test, task.horizon)
        table = backtest_table(
            plan.panel.frame,
            test.cutoffs.positions(test.store)[apart],
            test.y_true[apart],
            forecasts[MODEL][apart],
            points[judgement.verdict.baseline][apart],
        )
        return judgement, table, {**members, **errors}

    def _affordable_members(self, trials: list[Trial]) -> int:
        """Return how many members can be refitted in the time that is left; refitting gains more than they do."""
        counts = range(MOST_MEMBERS, 1, -1)
        return next((n for n in counts if self._refit_seconds(trials[:n]) <= self.clock.left_to_refit()), 1)

    def _forecast_test(self, setting: SearchSetting, ensemble: Ensemble) -> dict[Trial, np.ndarray]:
        store = self.plan.store.save(self.scratch / "all")
        jobs = {
            trial: ForecastJob(
                config=trial.config,
                shape=setting.shape(trial.config),
                weights=self.scratch / trial.name / "weights.npz",
                store=store,
                scaled_on=self.scratch / "train",
                cutoffs=self.plan.test,
                horizon=self.plan.task.horizon,
                output=self.scratch / trial.name / "test.npy",
            )
            for trial in ensemble.weights
        }
        self.pool.run([(trial.name, FORECAST, job) for trial, job in jobs.items()], seconds=math.inf)
        return {trial: np.load(job.output) for trial, job in jobs.items()}

    def _refit(self, search: Search, ensemble: Ensemble) -> bool:
        """Train the members on all rows, if time allows and none fails; else keep them as they were judged."""
        members, shape = list(ensemble.weights), search.setting.shape
        if self._refit_seconds(members) <= self.clock.left_to_refit():
            seconds = max(1.0, self.clock.left_to_refit() / -(-len(members) // self.jobs))
            refits = [(t.name, TRAIN, self._refit_job(search.setting, t, seconds)) for t in members]
            try:
                self.pool.run(refits, seconds=math.inf)
            except SearchError as error:
                self.watch({"event": "warning", "text": f"Refitting failed ({error}); the networks stay as judged."})
            else:
                return True
        exports = [
            (t.name, EXPORT, t.config, shape(t.config), self.scratch / t.name, self._network(t)) for t in members
        ]
        self.pool.run(exports, seconds=math.inf)
        return False

    def _refit_job(self, setting: SearchSetting, trial: Trial, seconds: float) -> TrainJob:
        updates = trial.result["best_updates"] or trial.result["updates"]
        return replace(
            setting.job(trial, seconds),
            config=replace(trial.config, updates=updates),
            train=self.scratch / "all",
            known=self.scratch / "all",
            validation=None,
            network=self._network(trial),
        )

    def _network(self, trial: Trial) -> Path:
        folder = self.scratch / "networks"
        folder.mkdir(exist_ok=True)
        return folder / f"{trial.name}.keras"

    def _forecast(self) -> pd.DataFrame:
        """Forecast past the end of the data with the bundle just written, as tomorrow's `predict` will."""
        output = self.scratch / "forecast.parquet"
        self.pool.run([("forecast", FORECAST_BUNDLE, self.folder / "bundle", output)], seconds=math.inf)
        return pd.read_parquet(output)

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
            "chosen": {"members": members, "calibrated_on": "validation", "refitted": refitted},
            **judgement.to_dict(),
            "device": environment["device"],
            "versions": environment["versions"],
        }


def _one_horizon_apart(part: Part, horizon: int) -> np.ndarray:
    """Return a mask of windows whose horizons do not overlap, picked from the last one of each series back."""
    chosen = np.zeros(len(part.cutoffs), bool)
    bound: dict[int, float] = {}
    for window in reversed(range(len(part.cutoffs))):
        series, steps = int(part.cutoffs.series[window]), int(part.cutoffs.steps[window])
        if steps <= bound.get(series, math.inf):
            chosen[window], bound[series] = True, steps - horizon
    return chosen
