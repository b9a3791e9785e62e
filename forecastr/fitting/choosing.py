"""The ensemble: networks and baselines, weighted and calibrated on validation alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from forecastr.evaluation import NO_WIDER, POINT_BASELINES, RANDOM_WALK, is_point
from forecastr.fitting.refit import refit_seconds
from forecastr.fitting.scores import Part, training_scales
from forecastr.schema import MEDIAN, MODEL, NETWORKS, Task
from forecastr.search.ensemble import average, choose_members
from forecastr.search.trials import Search, Trial
from forecastr.windows.store import known_first

MOST_MEMBERS = 6
REFIT_WORTH = 0.02  # of the error on validation: what refitting gains on the next horizon (docs/experiments.md)
REFIT_IN_TIME = 1.25  # times the seconds there are: the last ones then learn from fewer updates
EVEN_HORIZONS = 1  # horizon of errors that even weights are worth
WALK_SHARE = 2 / 3  # of the ensemble, of prices
UNTRAINED_SHARE = 1 / 2  # of the ensemble at most, of a network that needed no training
UNTRAINED_FAR = 0.1  # above the error of the others: no share from there on
FEW_STEPS = 60  # known of a series: of fewer, the others have learned less than validation shows
Cubes = dict[str, np.ndarray]  # name -> quantiles [W, H, Q]


@dataclass(frozen=True, eq=False)
class Ensemble:
    """What forecasts, and how it is calibrated.

    Parameters
    ----------
    weights : dict of Trial to float
        Networks.
    shares : dict of str to float
        Baselines that lower the validation error beside them; weights and shares are 1 in all.
    offsets : dict of str to ndarray of shape (H, Q)
        Calibration of the ensemble, of its networks alone, and of every baseline: 0 where it has quantiles of its own.
    widths : sequence of Q floats
        How many times as far from its median the quantiles of the ensemble lie.
    """

    weights: dict[Trial, float]
    shares: dict[str, float]
    offsets: Cubes
    widths: Sequence[float] = NO_WIDER

    @property
    def baselines(self) -> list[str]:
        """The names of the baselines it was compared with."""
        return [name for name in self.offsets if name not in (MODEL, NETWORKS)]

    @property
    def rests_on(self) -> str:
        """What the intervals of a judged ensemble rest on, in words."""
        if self.offsets[MODEL].any():
            return "validation, and once judged on validation and test"
        inner, outer = self.widths[MEDIAN + 1 :]
        wider = f" ({inner:.2f} times as wide as stated at 80 %, {outer:.2f} at 95 %)" if max(inner, outer) > 1 else ""
        return f"validation, those of the forecast on the test part once it was judged{wider}"

    def forecasts(self, cubes: dict[Trial, np.ndarray], baselines: Cubes, part: Part) -> Cubes:
        """Return calibrated quantiles: the ensemble, every baseline, and the networks alone if there is a difference.

        Where values are whole numbers or never negative, so they are (`Support`).

        Parameters
        ----------
        cubes : dict of Trial to ndarray of shape (W, H, Q)
            The networks' forecasts of a part's windows.
        baselines : dict of str to ndarray of shape (W, H, Q)
            The baselines'.
        part : Part
            The windows.
        """
        mixed, simple = self._raw(cubes, baselines, part)
        ours = {name: part.calibrated(cube, self.offsets[name]) for name, cube in mixed.items()}
        stated = {MODEL: ours.pop(MODEL), **simple, **ours}
        return {name: part.support.possible(cube) for name, cube in stated.items()}

    def calibrated_on(self, cubes: dict[Trial, np.ndarray], baselines: Cubes, part: Part) -> "Ensemble":
        """Return the ensemble with the offsets that a part teaches."""
        simple = _baseline_offsets(baselines, part)
        mixed, _ = replace(self, offsets=simple)._raw(cubes, baselines, part)
        ours = {name: part.offsets(cube) for name, cube in mixed.items()}
        return replace(self, offsets={MODEL: ours.pop(MODEL), **simple, **ours})

    def widened_on(self, cubes: dict[Trial, np.ndarray], baselines: Cubes, part: Part) -> "Ensemble":
        """Return the ensemble with intervals as wide as a part asks for, instead of offsets.

        It stays as it is where it states none, and of prices: a random walk in it is as wide as the last days were
        nervous, and what earlier days ask for besides is of those days.
        """
        ours = self._raw(cubes, baselines, part)[0][MODEL]
        if RANDOM_WALK in self.shares or is_point(ours):
            return self
        offsets = {**self.offsets, MODEL: np.zeros(ours.shape[1:])}
        return replace(self, offsets=offsets, widths=tuple(part.widths(ours).tolist()))

    def _raw(self, cubes: dict[Trial, np.ndarray], baselines: Cubes, part: Part) -> tuple[Cubes, Cubes]:
        """Return the ensemble and its networks alone, not calibrated yet, and the baselines, calibrated."""
        simple = {name: part.calibrated(cube, self.offsets[name]) for name, cube in baselines.items()}
        networks = {trial.name: weight for trial, weight in self.weights.items()}
        trained = {trial.name: cubes[trial] for trial in self.weights}
        mixed = {MODEL: average({**trained, **simple}, {**networks, **self.shares})}
        if self.shares:
            total = sum(networks.values())
            mixed[NETWORKS] = average(trained, {name: weight / total for name, weight in networks.items()})
        return mixed, simple


def _baseline_offsets(baselines: Cubes, part: Part) -> Cubes:
    """Return the calibration of every baseline, which those with quantiles of their own do not need."""
    return {
        name: part.offsets(cube) if name in POINT_BASELINES else np.zeros(cube.shape[1:])
        for name, cube in baselines.items()
    }


def choose_ensemble(search: Search, part: Part, task: Task, *, seconds: float, jobs: int) -> tuple[Ensemble, Cubes]:
    """Return the ensemble that validation speaks for and its forecasts of the validation part.

    Parameters
    ----------
    search : Search
        At least one of its trials is completed.
    part : Part
        The validation part.
    task : Task
        Preset ``classic`` is that network alone.
    seconds : float
        Time to refit the networks on ``jobs`` workers.
    """
    trials = {trial.name: trial for trial in search.candidates}
    cubes = {name: search.forecasts(trial) for name, trial in trials.items()}
    baselines = part.baselines(horizon=task.horizon, season_length=task.season_length)
    offsets = _baseline_offsets(baselines, part)
    stated = {name: part.calibrated(cube, offsets[name]) for name, cube in baselines.items()}
    simple = {} if task.preset == "classic" else stated
    untrained = [name for name, trial in trials.items() if not trial.config.updates]
    trained = [name for name in trials if name not in untrained] or list(trials)
    chosen = _chosen_in_time(
        {name: trials[name] for name in trained}, cubes, simple, part, _units(part, task), seconds=seconds, jobs=jobs
    )
    for name in [name for name in untrained if name not in chosen]:
        chosen = _shared_with_untrained(chosen, name, {**cubes, **stated}, part)
    if RANDOM_WALK in simple:
        chosen = _shared_with_walk(chosen)
    networks = {trials[name]: weight for name, weight in chosen.items() if name in trials}
    shares = {name: weight for name, weight in chosen.items() if name in simple}
    own = {trial: cubes[trial.name] for trial in networks}
    ensemble = Ensemble(networks, shares, {}).calibrated_on(own, baselines, part)
    return ensemble, ensemble.forecasts(own, baselines, part)


def _units(part: Part, task: Task) -> np.ndarray:
    """Return what the errors of each series [N] are weighed in: where nothing repeats, its change over a horizon.

    In units of what neighbours differ by, series with a trend would outweigh those that stay around a level.
    """
    known = known_first(part.store, part.cutoffs)
    return part.scale if task.season_length > 1 else training_scales(known, task.horizon)


def _chosen_in_time(
    trials: dict[str, Trial],
    cubes: Cubes,
    simple: Cubes,
    part: Part,
    units: np.ndarray,
    *,
    seconds: float,
    jobs: int,
) -> dict[str, float]:
    """Return the weights of networks and baselines that err least on validation.

    Of fewer or quicker networks, where there is no time to refit all and it costs less than refitting is worth.
    """

    def choose(names: Iterable[str], max_members: int) -> dict[str, float]:
        return choose_members(
            {name: cubes[name] for name in names},
            part.y_true,
            series=part.cutoffs.series,
            scale=units,
            max_members=max_members,
            baselines=simple,
            evened=EVEN_HORIZONS / (EVEN_HORIZONS + part.n_horizons),
        )

    def error(weights: dict[str, float]) -> float:
        return part.metrics(average({**cubes, **simple}, weights), part="validation")["validation_mase"] or 0.0

    def in_time(names: Iterable[str]) -> bool:
        needed = refit_seconds([trials[name] for name in names if name in trials], jobs=jobs)
        return needed <= REFIT_IN_TIME * seconds

    best = choose(trials, MOST_MEMBERS)
    if in_time(best):
        return best
    if not (quick := [name for name in trials if in_time([name])]):
        return best
    most = (1 + REFIT_WORTH) * error(best)
    attempts = [*((trials, n) for n in range(MOST_MEMBERS - 1, 0, -1)), (quick, 3), (quick, 1)]
    others = (choose(*attempt) for attempt in attempts)
    return next((weights for weights in others if in_time(weights) and error(weights) <= most), best)


def _shared_with_untrained(chosen: dict[str, float], name: str, cubes: Cubes, part: Part) -> dict[str, float]:
    """Return weights with a network that needed no training.

    Validation picks the best of many trained networks and so flatters them: where this one had been 2.5, 4 and 7 %
    worse on it, it was 0.5, 3 and 3 % better on the next horizon, and 7 % worse where it had been 10 % worse. Of some
    twenty years each, it was 37 and 10 % worse, and 3 and 10 % better on the next.
    """
    alone, others = (
        part.metrics(cube, part="validation")["validation_mase"] or 0.0
        for cube in (cubes[name], average(cubes, chosen))
    )
    far = UNTRAINED_FAR * max(1.0, FEW_STEPS / float(np.median(part.cutoffs.steps)))
    excess = (alone - others) / (far * others + np.finfo(float).tiny)
    share = UNTRAINED_SHARE * min(1.0, max(0.0, 1 - excess))
    return {member: (1 - share) * weight for member, weight in chosen.items()} | ({name: share} if share else {})


def _shared_with_walk(chosen: dict[str, float]) -> dict[str, float]:
    """Return weights of which ``WALK_SHARE`` is the random walk's: what beats it on validation seldom does so later.

    On five series of prices, judged on the fifth before the last, the mean loss was 1.05 times the walk's as validation
    says, 1.007 with a half, 1.000 with two thirds.
    """
    others = {name: (1 - WALK_SHARE) * weight for name, weight in chosen.items()}
    return {**others, RANDOM_WALK: others.get(RANDOM_WALK, 0.0) + WALK_SHARE}
