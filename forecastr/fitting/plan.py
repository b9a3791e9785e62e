"""What a fit will do, settled before anything is trained."""

from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from forecastr.data import Panel, find_seasons, format_stamps
from forecastr.errors import ConfigError, DataError
from forecastr.schema import DEFAULT_CONTEXT, ID, TIME, Budget, Splits, Task
from forecastr.search.space import SearchSpace, context_choices, trial_updates
from forecastr.windows.splits import MIN_TRAIN_STEPS, part_cutoffs, plan_splits, series_long_enough
from forecastr.windows.store import Cutoffs, SeriesStore

MOST_WINDOWS = 20_000  # validation or test windows scored; more are thinned evenly, and the plan says so


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
    """

    panel: Panel
    store: SeriesStore
    task: Task
    budget: Budget
    splits: Splits
    space: SearchSpace
    judged: np.ndarray

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
        """Every cutoff of the validation part, as steps of its series."""
        return self._cutoffs(n_part=self.splits.n_validation, n_after=self.splits.n_test)

    @cached_property
    def test(self) -> Cutoffs:
        """Every cutoff of the test part."""
        return self._cutoffs(n_part=self.splits.n_test, n_after=0)

    def _cutoffs(self, *, n_part: int, n_after: int) -> Cutoffs:
        cutoffs = part_cutoffs(self.store, self.task.horizon, n_part=n_part, n_after=n_after, series=self.judged)
        return cutoffs.thinned(MOST_WINDOWS)

    @property
    def warnings(self) -> list[str]:
        """What a user should know before trusting the result."""
        found = list(self.panel.report["warnings"])
        if not self.judged.all():
            ids = self.panel.frame[ID].to_numpy()[self.store.starts[:-1][~self.judged]]
            needed = self.splits.n_validation + self.splits.n_test + MIN_TRAIN_STEPS
            found.append(
                f"{len(ids):,} of {self.store.n_series:,} series have fewer than {needed:,} rows and cannot be judged; "
                f"they are forecast by what the others teach (first: {', '.join(map(repr, ids[:3]))})."
            )
        if len(self.test) == MOST_WINDOWS:
            found.append(f"The test part has more than {MOST_WINDOWS:,} cutoffs; as many, evenly spaced, are scored.")
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
            "splits": self._describe_splits(),
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
    if season is None:
        parts = [train.series(n) for n in np.flatnonzero(judged).tolist()]
        task = replace(task, season_lengths=find_seasons(parts, panel.calendar.season_candidates))
    longest = int(store.lengths.max())
    if context is not None and context >= longest:
        raise ConfigError(f"context is {context}; the longest series has {longest:,} rows. Pass a smaller --context.")
    known = [values[~np.isnan(values)] for values in map(train.series, range(train.n_series))]
    if not any(len(values) and np.ptp(values) > 0 for values in known):
        raise DataError("All values of the training part are the same: there is nothing to learn. Forecast that value.")
    space = SearchSpace(
        season_length=task.season_length,
        contexts=context_choices(context, task.season_lengths, longest),
        positive=all((values > 0).all() for values in known),
        updates=trial_updates(budget.time_limit),
    )
    return Plan(panel, store, task, budget, splits, space, judged)


def _with_shorter_horizon(task: Task, store: SeriesStore) -> Task:
    """Shorten the frequency's usual horizon where the rows do not carry it; one that was asked for stays."""
    longest = int(store.lengths.max())
    return replace(task, horizon=max(1, min(task.horizon, longest // 5)))
