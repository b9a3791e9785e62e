"""The ensemble's members trained further, on all rows: what forecasts tomorrow has seen yesterday.

They go on from the weights that were judged. Trained anew they forecast later horizons worse and took longer:
docs/experiments.md.
"""

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from forecastr.engine.pool import WorkerPool
from forecastr.engine.work import EXPORT, TRAIN, TrainJob
from forecastr.errors import SearchError
from forecastr.files import naming
from forecastr.search.trials import SearchSetting, Trial

FURTHER = 0.4  # of a trial's updates, and of its learning rate
START = 1.0  # seconds before the first update and after the last: what is compiled is at hand
WORTH_TRYING = 2.0  # times the seconds there are: refitting may take half of what was reckoned, and ends in time anyway


def refit_seconds(members: Iterable[Trial], *, jobs: int) -> float:
    """Return how long refitting may take, from what the trials' updates took."""
    seconds = [START + _updates(trial) * trial.result["update_seconds"] for trial in members]
    return max(sum(seconds) / jobs, max(seconds, default=0.0))


def refit_members(
    members: list[Trial],
    setting: SearchSetting,
    *,
    rows: Path,
    networks: Path,
    pool: WorkerPool,
    jobs: int,
    seconds: float,
    watch: Callable[[dict[str, Any]], None],
) -> bool:
    """Write every member's network into ``networks``, trained on all rows if time allows and none fails.

    Parameters
    ----------
    members : list of Trial
        The ensemble.
    setting : SearchSetting
        Of the search that they come from.
    rows : Path
        Folder of all rows.
    networks : Path
        Where to, as ``.keras`` files by trial name.
    pool : WorkerPool
        Where it runs, on ``jobs`` workers.
    seconds : float
        Time there is.
    watch : callable
        Hears why not, if not.

    Returns
    -------
    bool
        Whether they were refitted; if not, the networks are those that were judged.
    """
    with naming(networks):
        networks.mkdir()
    if refit_seconds(members, jobs=jobs) <= WORTH_TRYING * seconds:
        end = time.monotonic() + seconds
        work = (  # made when a worker is free: each has what time is left then
            (t, TRAIN, _refit_job(t, setting, rows=rows, networks=networks, seconds=end - time.monotonic()))
            for t in sorted(members, key=lambda trial: -trial.result["seconds"])
        )
        try:
            results = pool.run(work, seconds=math.inf)
        except SearchError as error:
            watch({"event": "warning", "text": f"Refitting failed ({error}); the networks stay as judged."})
        else:
            if not any(result["cut_short"] for result in results.values()):
                return True
            watch({"event": "warning", "text": "Refitting took too long; the networks stay as judged."})
    pool.run([(t, EXPORT, *_export(t, setting, networks)) for t in members], seconds=math.inf)
    return False


def _refit_job(trial: Trial, setting: SearchSetting, *, rows: Path, networks: Path, seconds: float) -> TrainJob:
    """Go on with a trial for a share of the updates that were kept, the learning rate falling to its end there."""
    rate = FURTHER * trial.config.learning_rate
    return replace(
        setting.job(trial, seconds),
        config=replace(trial.config, updates=_updates(trial), learning_rate=rate),
        begin_with=setting.scratch / trial.name / "weights.npz",
        train=rows,
        known=rows,
        validation=None,
        output=setting.scratch / "refit" / trial.name,
        network=networks / f"{trial.name}.keras",
    )


def _updates(trial: Trial) -> int:
    done = trial.result["best_updates"] or trial.result["updates"]
    return math.ceil(FURTHER * done) or int(not trial.config.pretrained)


def _export(trial: Trial, setting: SearchSetting, networks: Path) -> tuple[Any, ...]:
    trained = setting.scratch / trial.name
    return trial.config, setting.shape(trial.config), trained, networks / f"{trial.name}.keras"
