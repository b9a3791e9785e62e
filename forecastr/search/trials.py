"""Trials one after the other on every worker, until time, number or hope runs out."""

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from forecastr.engine.pool import Message, WorkerPool
from forecastr.engine.work import TRAIN, TrainJob
from forecastr.errors import SearchError
from forecastr.models.config import NetworkConfig, WindowShape
from forecastr.search.ledger import Ledger
from forecastr.windows.covariates import CovariateShape
from forecastr.windows.store import Cutoffs

FIRST_GRACE = 60.0  # seconds more past its deadline while no trial is completed: without one, all was for nothing
SHORTEST = 4.0  # seconds below which no trial is worth starting: most would pass before its first update
WORTHWHILE = 0.7  # of the seconds that trials usually take: with less a trial is not worth starting
FIRST = 6.0  # seconds that the first trial gets even where less is left: a late forecast is better than none
CANDIDATES = 16  # best trials, whose files are kept: an ensemble is chosen from them
HOPELESS = 5  # failed trials in a row, none completed, after which a search gives up
STALLED = 40  # completed trials in a row without a better score

Watcher = Callable[[dict[str, Any]], None]
Scorer = Callable[[np.ndarray], dict[str, float | None]]


class Proposals(Protocol):
    """Where configurations come from."""

    @property
    def ready(self) -> bool:
        """Whether the next one may be asked for."""

    def ask(self) -> NetworkConfig | None:
        """Return the next configuration, or None when there is none left."""

    def tell(self, number: int, score: float | None) -> None:
        """Take a score back."""


@dataclass(eq=False)
class Trial:
    """One configuration, trained and scored."""

    number: int
    config: NetworkConfig
    status: str = "running"
    score: float | None = None
    metrics: dict[str, float | None] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)  # bytes of each that training wrote
    reason: str = ""

    @property
    def name(self) -> str:
        """The trial's number as it is written everywhere."""
        return f"{self.number:04d}"

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, kw_only=True)
class SearchSetting:
    """What all trials of one search share: rows, cutoffs and where files go.

    Parameters
    ----------
    train, known : Path
        Folders of the rows to train on, and of those plus the validation part.
    validation : Cutoffs
        Where validation forecasts start.
    horizon : int
        Steps to forecast.
    season_lengths : tuple of int
        Strongest first.
    covariates : CovariateShape
        Of the panel.
    seed : int
        Trial ``k`` trains with ``seed + k``.
    scratch : Path
        Folder for the trials' files.
    """

    train: Path
    known: Path
    validation: Cutoffs
    horizon: int
    season_lengths: tuple[int, ...]
    seed: int
    scratch: Path
    covariates: CovariateShape = field(default_factory=CovariateShape)

    def shape(self, config: NetworkConfig) -> WindowShape:
        """Return the window shape of a configuration: the tutorials' network forecasts one step."""
        horizon = 1 if config.head == "plain" else self.horizon
        return WindowShape(horizon=horizon, season_lengths=self.season_lengths, covariates=self.covariates)

    def job(self, trial: Trial, seconds: float) -> TrainJob:
        """Return the unit of work of a trial."""
        return TrainJob(
            trial=trial.name,
            config=trial.config,
            shape=self.shape(trial.config),
            train=self.train,
            known=self.known,
            validation=self.validation,
            horizon=self.horizon,
            seed=self.seed + trial.number,
            seconds=seconds,
            output=self.scratch / trial.name,
        )


@dataclass(eq=False)
class Search:
    """Runs trials and remembers what came of them.

    Parameters
    ----------
    setting : SearchSetting
        What the trials share.
    proposals : Proposals
        What to try.
    score : callable
        Validation quantiles [W, H, Q] to metrics; ``validation_mase`` among them is the score.
    pool, ledger, watch
        Where trials run, where they are written down, and who else wants to hear of them.
    """

    setting: SearchSetting
    proposals: Proposals
    score: Scorer
    pool: WorkerPool
    ledger: Ledger
    watch: Watcher
    trials: list[Trial] = field(default_factory=list)
    waiting: list[Trial] = field(default_factory=list)  # to be repeated, before any new one
    ended_by: str | None = None

    def run(
        self,
        *,
        seconds_left: Callable[[], float],
        trial_seconds: Callable[[], float],
        max_trials: int | None,
        disk_full: Callable[[], bool] = lambda: False,
        overtime: float = 15.0,
    ) -> str:
        """Search until a limit is reached and return which one it was.

        Parameters
        ----------
        seconds_left : callable
            Seconds until no further trial may start.
        trial_seconds : callable
            Seconds that a trial which starts now may take.
        max_trials : int or None
            Trials at most.
        disk_full : callable
            Whether there is no room for a further trial.
        overtime : float
            Seconds past its own end after which a trial is given up.

        Raises
        ------
        SearchError
            If no trial was completed.
        """

        def limit() -> str | None:
            return self._limit_reached(seconds_left(), max_trials) or ("disk limit" if disk_full() else None)

        ended_by = None
        while True:
            ended_by = ended_by or limit()
            while not ended_by and self.pool.idle and (self.waiting or self.proposals.ready):
                ended_by = self._start(trial_seconds(), overtime) or limit()
            if ended_by and not self.pool.busy:
                break
            self.pool.winding_down = bool(ended_by and self.completed)  # a new worker would only slow down the rest
            for message in self.pool.poll(0.5):
                self._hear(message)
        self.trials = [trial for trial in self.trials if trial not in self.waiting]
        self._record("search_ended", ended_by=ended_by)
        if not self.completed:
            reasons = Counter(trial.reason for trial in self.trials)
            why = reasons.most_common(1)[0][0] if reasons else "there was no time for one"
            late = not reasons or "deadline" in why
            raise SearchError(f"No trial was completed: {why}.{' Allow more time with --time-limit.' if late else ''}")
        return ended_by

    @property
    def completed(self) -> list[Trial]:
        """Trials that came to their end, best first."""
        done = [trial for trial in self.trials if trial.status == "completed"]
        return sorted(done, key=lambda trial: (trial.score, trial.number))

    @property
    def candidates(self) -> list[Trial]:
        """Trials that an ensemble is chosen from: the best, best first, and what needed no training."""
        return [trial for trial in self._promising if self.has_files(trial)]

    @property
    def kept(self) -> list[Trial]:
        """Completed trials whose files may be asked for: candidates, and the best of each kind of covariates."""
        best = {trial.config.covariates: trial for trial in reversed(self.completed)}
        return list(dict.fromkeys([*self._promising, *best.values()]))

    @property
    def _promising(self) -> list[Trial]:
        completed = self.completed
        untrained = [trial for trial in completed if not trial.config.updates]
        return list(dict.fromkeys([*completed[:CANDIDATES], *untrained]))

    def has_files(self, trial: Trial) -> bool:
        """Whether all that training wrote is there, and whole."""
        folder = self.setting.scratch / trial.name
        return all(
            (folder / name).is_file() and (folder / name).stat().st_size == size for name, size in trial.files.items()
        )

    def forecasts(self, trial: Trial) -> np.ndarray:
        """Return a completed trial's validation quantiles [W, H, Q]."""
        return np.load(self.setting.scratch / trial.name / "validation.npy")

    def _limit_reached(self, seconds_left: float, max_trials: int | None) -> str | None:
        done = [trial for trial in self.trials if trial.status != "running"]
        if self.waiting:
            begun = bool(self.completed) or self.pool.busy
            return "time limit" if seconds_left < SHORTEST and begun else None
        if self.ended_by or (max_trials is not None and len(self.trials) >= max_trials):
            return self.ended_by or "trial limit"
        usual = float(np.median([trial.result["seconds"] for trial in self.completed])) if self.completed else 0.0
        if seconds_left < max(SHORTEST, WORTHWHILE * usual) and self.trials:
            return "time limit"
        if len(done) >= HOPELESS and not self.completed:
            return "failures"
        if self.completed and len(done) - done.index(self.completed[0]) > STALLED:
            return "no improvement"
        return None

    def _start(self, seconds: float, overtime: float) -> str | None:
        seconds = max(seconds, 0.0 if self.completed or self.pool.busy else FIRST)
        if self.waiting:
            trial = self.waiting.pop(0)
        else:
            config = self.proposals.ask()
            if config is None:
                return "space exhausted"
            trial = Trial(len(self.trials), config)
            self.trials.append(trial)
        self._record("trial_started", trial=trial.name, config=vars(trial.config))
        job = self.setting.job(trial, seconds)
        self.pool.submit(trial, TRAIN, job, seconds=seconds + overtime + (0 if self.completed else FIRST_GRACE))
        return None

    def _hear(self, message: Message) -> None:
        trial = message.job
        if message.kind == "event":
            self._record("epoch", trial=trial.name, **message.content)
            return
        if message.kind == "done":
            trial.metrics = self.score(self.forecasts(trial))
            trial.score, trial.result = trial.metrics["validation_mase"], message.content
            if trial.score is not None and np.isfinite(trial.score):
                if not self.completed:
                    self.pool.hurry(FIRST_GRACE)
                trial.status = "completed"
                trial.files = {path.name: path.stat().st_size for path in self._files(trial)}
                self._record(
                    "trial_completed",
                    trial=trial.name,
                    score=trial.score,
                    metrics=trial.metrics,
                    files=trial.files,
                    **message.content,
                )
        if trial.status != "completed":
            trial.status, trial.score = "failed", None
            trial.reason = message.content if message.kind == "failed" else "its forecasts are not finite"
            self._record("trial_failed", trial=trial.name, reason=trial.reason)
        self.proposals.tell(trial.number, trial.score)
        for other in {trial, *self.completed} - set(self.kept):
            shutil.rmtree(self.setting.scratch / other.name, ignore_errors=True)

    def _files(self, trial: Trial) -> list[Path]:
        return sorted((self.setting.scratch / trial.name).iterdir())

    def _record(self, event: str, **content: Any) -> None:
        self.watch(self.ledger.append(event, **content))
