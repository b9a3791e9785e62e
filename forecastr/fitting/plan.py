"""What a fit will do, settled before anything is trained."""

from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecastr.bundle.covariates import future_rows, missing_future
from forecastr.data import Panel, format_stamps
from forecastr.data.time.seasons import season_strengths
from forecastr.errors import ConfigError, DataError
from forecastr.files import naming
from forecastr.fitting.exceptions import list_exceptions, varies
from forecastr.models.config import NetworkConfig
from forecastr.schema import DEFAULT_CONTEXT, ID, TIME, Budget, Splits, Task
from forecastr.search.space import (
    SearchSpace,
    context_choices,
    covariate_levels,
    largest_trial,
    mean_step_choices,
    trial_updates,
)
from forecastr.windows.covariates import CovariateInputs, CovariateShape
from forecastr.windows.scaling import extent
from forecastr.windows.splits import min_steps, part_cutoffs, plan_splits, series_long_enough
from forecastr.windows.store import Cutoffs, SeriesStore

# Windows scored; of more, as many evenly spaced ones. Every trial forecasts those of validation.
MOST_VALIDATED = 2048
MOST_JUDGED = 20_000
MOST_POINTS = 2_000_000  # to judge: up to here, every series of a panel has its window
ALL_ROWS, TRAIN_ROWS, KNOWN_ROWS = "all", "train", "known"  # folders that workers read
LONG_SERIES = 400  # steps of most series from which on a panel teaches a larger network more than a small one


@dataclass(frozen=True, eq=False)
class Plan:
    """The task, its parts, and what will be searched.

    Parameters
    ----------
    panel : Panel
        The table, as read.
    store : SeriesStore
        Its values, series after series.
    task, budget, splits, space
        What to forecast, what may be spent, where the parts lie, what may be tried.
    judged : ndarray of shape (N,)
        Series long enough for a validation and a test part. The others are forecast too.
    inputs : CovariateInputs
        What a network may read besides the target.
    seasons : dict of int to float, or None
        Strength of each season found; None where the user named it.
    configs : tuple of NetworkConfig
        What is trained instead of a search, if any are named.
    """

    panel: Panel
    store: SeriesStore
    task: Task
    budget: Budget
    splits: Splits
    space: SearchSpace
    judged: np.ndarray
    inputs: CovariateInputs = field(default_factory=CovariateInputs)
    seasons: dict[int, float] | None = None
    configs: tuple[NetworkConfig, ...] = ()

    def on_disk(self, folder: Path) -> "Plan":
        """Return the plan with its rows, and its parts', in files of a folder: every process reads the same ones."""
        with naming(folder):
            rows = self.store.save(folder / ALL_ROWS)
            self.train_store.save(folder / TRAIN_ROWS, beside=rows)
            self.known_store.save(folder / KNOWN_ROWS, beside=rows)
            return replace(self, store=SeriesStore.load(rows))

    @cached_property
    def known_store(self) -> SeriesStore:
        """The rows before the test part; series that have none are left out."""
        return self.store.drop_last(np.where(self.judged, self.splits.n_test, self.store.lengths))

    @cached_property
    def train_store(self) -> SeriesStore:
        """The rows before the validation part."""
        return self.known_store.drop_last(np.where(self.judged, self.splits.n_validation, 0))

    @cached_property
    def validation(self) -> Cutoffs:
        """Cutoffs of the validation part, as steps of its series."""
        return self._every_cutoff(n_part=self.splits.n_validation, n_after=self.splits.n_test).thinned(MOST_VALIDATED)

    @cached_property
    def test(self) -> Cutoffs:
        """Cutoffs of the test part."""
        most = max(MOST_JUDGED, min(int(self.judged.sum()), MOST_POINTS // self.task.horizon))
        return self._every_cutoff(n_part=self.splits.n_test, n_after=0).thinned(most)

    def _every_cutoff(self, *, n_part: int, n_after: int) -> Cutoffs:
        return part_cutoffs(self.store, self.task.horizon, n_part=n_part, n_after=n_after, series=self.judged)

    @cached_property
    def missing_future(self) -> str | None:
        """Which steps to forecast lack a covariate known through the horizon, in words; None where none does."""
        known, panel = self.inputs.known, self.panel
        if not known:
            return None
        rows = future_rows(panel.frame, panel.calendar, self.task.horizon, known, panel.future)
        return missing_future(rows, known, panel.source)

    @cached_property
    def exceptions(self) -> pd.DataFrame:
        """Series that are left out, or forecast with less than the others have: ``unique_id, status, reason``."""
        return list_exceptions(self.panel, self.store, self.judged, self.splits, self.task.horizon)

    @property
    def warnings(self) -> list[str]:
        """What a user should know before trusting the result."""
        found = list(self.panel.report["warnings"])
        if left_out := self.panel.report.get("left_out"):
            first = self.panel.exceptions.iloc[0]
            found.append(
                f"{left_out:,} of {left_out + self.store.n_series:,} series cannot be read and are left out "
                f"(first: {first[ID]!r}: {first['reason']})."
            )
        if not self.judged.all():
            ids = self.panel.frame[ID].take(self.store.starts[:-1][~self.judged]).tolist()
            needed = min_steps(self.splits.n_test)
            found.append(
                f"{len(ids):,} of {self.store.n_series:,} series have fewer than {needed:,} rows and cannot be judged; "
                f"they are forecast by what the others teach (first: {', '.join(map(repr, ids[:3]))})."
            )
        if not varies(self.store).any():
            found.append("No series ever changes: nothing is trained, and each one's forecast is its value.")
        if self.store.n_series == 1 and self.splits.n_test == self.task.horizon:
            found.append(
                f"The series is short: validation and test are one horizon of {self.task.horizon} steps each, so the "
                "verdict rests on a single forecast."
            )
        if self.store.lengths.max() < min(self.space.contexts):
            found.append(
                f"Networks read {min(self.space.contexts):,} steps, more than the longest series has: what is not "
                "there is padded and masked."
            )
        every = int(self.judged.sum()) * (self.splits.n_test - self.task.horizon + 1)
        if len(self.test) < every:
            found.append(f"The test part has {every:,} cutoffs; {len(self.test):,} of them, evenly spaced, are scored.")
        if self.missing_future:
            found.append(
                f"{self.missing_future}. Without these rows, a fit that chooses networks which read them "
                "is judged and kept, but writes no forecast.csv: add them with the target empty, or bring them later "
                "with `forecastr predict --data`."
            )
        return found

    def describe(self) -> dict[str, Any]:
        """Return the plan as plain values, the first half of ``summary.json``."""
        panel, task = self.panel, asdict(self.task)
        return {
            "name": panel.source.name,
            "data": {
                "path": panel.report["path"],
                "fingerprint": panel.fingerprint,
                "rows": len(panel.frame),
                "series": self.store.n_series,
                "target": panel.source.target,
                "time": panel.source.time,
                "id": panel.source.id,
            },
            "task": {**task, "frequency": panel.calendar.name},
            "inputs": {
                "known": self.inputs.known,
                "past": self.inputs.past,
                "static": [column.name for column in self.inputs.static],
                "calendar": self.inputs.cycles,
            },
            "splits": self._describe_splits(),
            "exceptions": {str(status): int(n) for status, n in self.exceptions["status"].value_counts().items()},
            "warnings": self.warnings,
            "budget": asdict(self.budget),
        }

    def _describe_splits(self) -> dict[str, Any]:
        ends = {
            "train": (0, self.splits.n_validation + self.splits.n_test, None),
            "validation": (self.splits.n_validation + self.splits.n_test, self.splits.n_test, self.validation),
            "test": (self.splits.n_test, 0, self.test),
        }
        stamps, lengths = self.panel.frame[TIME].to_numpy(), self.store.lengths[self.judged]
        starts, stops = self.store.starts[:-1][self.judged], self.store.starts[1:][self.judged]
        described = {}
        for name, (back_from, back_to, cutoffs) in ends.items():
            first = starts if back_from == 0 else stops - back_from
            last = stops - back_to - 1
            edges = format_stamps(np.array([stamps[first].min(), stamps[last].max()]), self.panel.source)
            rows = int((lengths - back_to).sum()) if back_from == 0 else (back_from - back_to) * int(self.judged.sum())
            described[name] = {"start": edges[0], "end": edges[1], "rows": rows}
            if cutoffs is not None:
                described[name]["cutoffs"] = len(cutoffs)
        return described


def make_plan(
    panel: Panel,
    *,
    horizon: int | None = None,
    context: int | None = None,
    season: int | None = None,
    preset: str = "auto",
    seed: int = 1,
    budget: Budget | None = None,
    configs: tuple[NetworkConfig, ...] = (),
) -> Plan:
    """Return the plan of a fit; None leaves a choice to the data.

    Raises
    ------
    DataError
        If there are too few rows, with the number needed, or nothing that varies.
    ConfigError
        If an option makes no sense.
    """
    budget = budget or Budget()
    store = SeriesStore.from_frame(panel.frame)
    task = Task(
        horizon=panel.calendar.default_horizon if horizon is None else horizon,
        season_lengths=(season,) if season is not None else (1,),
        context_length=DEFAULT_CONTEXT if preset == "classic" and context is None else context,
        preset=preset,
        seed=seed,
    )
    if horizon is None:
        task = _with_shorter_horizon(task, store)
    splits = plan_splits(store.lengths, task)
    judged = series_long_enough(store.lengths, splits)
    train = store.drop_last(np.where(judged, splits.n_validation + splits.n_test, store.lengths))
    seasons = None
    if season is None:
        parts = [train.series(n) for n in np.flatnonzero(judged).tolist()]
        seasons = season_strengths(parts, panel.calendar.season_candidates)
        task = replace(task, season_lengths=tuple(seasons) or (1,))
    longest = int(store.lengths.max())
    if context is not None and context >= longest:
        raise ConfigError(f"context is {context}; the longest series has {longest:,} rows. Pass a smaller --context.")
    low, high = extent(train, store.values.__getitem__)
    constant = not varies(store).any()
    if constant:
        budget = replace(budget, max_trials=1)
    elif not (low < high).any():
        raise DataError("All values of the training part are the same: there is nothing to learn. Bring more rows.")
    inputs = CovariateInputs() if preset == "classic" or constant else _inputs(panel, store, train)
    if inputs.shape != CovariateShape():
        static = inputs.encode(panel.static, panel.frame[ID].take(store.starts[:-1]).to_numpy())
        store = inputs.store(panel.frame, static)
    space = SearchSpace(
        season_length=task.season_length,
        contexts=context_choices(context, task.season_lengths, longest),
        positive=not (low <= 0).any(),
        updates=trial_updates(budget.time_limit, len(store.values)),
        mean_steps=mean_step_choices(task.season_lengths, int(np.median(train.lengths[judged]))),
        long=float(np.median(store.lengths)) >= LONG_SERIES,
        largest=largest_trial(budget.time_limit),
        covariates=covariate_levels(inputs.shape),
        calendar=bool(inputs.cycles),
        slow_calendar=len(inputs.cycles) > len(task.season_lengths),
        scaling="horizon" if task.season_length == 1 and store.n_series > 1 else "causal",
    )
    return Plan(panel, store, task, budget, splits, space, judged, inputs, seasons, configs)


def _inputs(panel: Panel, store: SeriesStore, train: SeriesStore) -> CovariateInputs:
    """Return the covariates of a panel; its longest training part says which cycles of the calendar show."""
    longest = int(train.lengths.argmax())
    first = int(store.starts[longest])
    return CovariateInputs.of(panel, panel.frame[TIME].to_numpy()[first : first + int(train.lengths[longest])])


def _with_shorter_horizon(task: Task, store: SeriesStore) -> Task:
    """Shorten the frequency's usual horizon where the rows do not carry it; one that was asked for stays."""
    longest = int(store.lengths.max())
    return replace(task, horizon=max(1, min(task.horizon, longest // 5)))
