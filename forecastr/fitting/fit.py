"""A whole fit: one call that the command line and `Forecaster` share."""

from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from forecastr.data import Panel, ReadOptions, read_panel
from forecastr.data.files.table import TableSource
from forecastr.engine.backend import choose_backend, default_jobs, use_backend
from forecastr.engine.environment import describe_environment
from forecastr.engine.memory import release_memory
from forecastr.engine.pool import WorkerPool
from forecastr.fitting.clock import Clock
from forecastr.fitting.folder import find_search, open_folder, require_unused, require_usable
from forecastr.fitting.plan import Plan, make_plan
from forecastr.fitting.run import Fitted, fit_plan
from forecastr.fitting.tell import load_later, write_judgement, write_run_folder
from forecastr.models.config import NetworkConfig
from forecastr.schema import DEFAULT_TIME_LIMIT, Budget
from forecastr.search.space import largest_trial, trial_updates

Watcher = Callable[[dict[str, Any]], None]
WELL_COMPILED = 100.0  # seconds of time limit from which compiling well pays


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """What a user may ask of a fit; the command line's options under the same names.

    ``configs`` are trained instead of a search: those of an earlier fit, on newer rows.
    """

    reading: ReadOptions = field(default_factory=ReadOptions)
    horizon: int | None = None
    context: int | None = None
    season: int | None = None
    preset: str = "auto"
    time_limit: float = DEFAULT_TIME_LIMIT
    max_trials: int | None = None
    jobs: int | None = None
    disk_limit: int | None = None
    backend: str = "auto"
    seed: int = 1
    configs: tuple[NetworkConfig, ...] = ()

    @property
    def budget(self) -> Budget:
        """How much may be spent."""
        return Budget(
            time_limit=self.time_limit, max_trials=self.max_trials, jobs=self.jobs, disk_limit=self.disk_limit
        )


def fit_table(
    source: TableSource | Panel,
    folder: Path,
    options: FitOptions,
    *,
    watch: Watcher = lambda event: None,
    clock: Clock | None = None,
    overwrite: bool = False,
    resume: bool = False,
    earlier: Iterable[Path] = (),
) -> Fitted:
    """Fit a table and write a whole run folder; a search that was cut off there goes on.

    Parameters
    ----------
    source : str, Path, DataFrame or Panel
        The table; or one that is read already.
    folder : Path
        The run folder: new, empty, or with an unfinished search of the same table and options.
    options : FitOptions
        What to do.
    watch : callable
        Hears what happens: the ledger's events, and ``phase``, ``plan`` events.
    clock : Clock, optional
        Started when the command was.
    overwrite : bool
        Replace an earlier run in ``folder``, once the new one is whole.
    resume : bool
        Go on with the search of a finished run, with more trials or more time.
    earlier : iterable of Path
        Folders to go on in instead: the first that holds this search, unfinished and not in use.

    Returns
    -------
    Fitted
        The bundle and the tables.

    Raises
    ------
    DataError, ConfigError
        If the table or the options cannot be used; nothing has been written then.
    SearchError
        If no trial was completed.
    StorageError
        If a file cannot be written: the same call goes on when it can.
    """
    clock = clock or Clock(options.time_limit)
    budget = options.budget  # checked before anything is started
    require_unused(folder)
    require_usable(folder, overwrite=overwrite, resume=resume)
    backend = choose_backend(options.backend)
    jobs = budget.jobs or default_jobs(backend)
    quick = options.time_limit < WELL_COMPILED
    with WorkerPool(jobs, backend=backend, quick=quick, ready=clock.learn) as pool:  # they load while the table is read
        watch({"event": "phase", "name": "read", "seconds_left": clock.left})
        with clock.phase("read"):
            panel = source if isinstance(source, Panel) else read_panel(source, options.reading)
        with clock.phase("plan"):
            plan = _plan(panel, options)
            watch({"event": "plan", "plan": plan.describe()})
            use_backend(backend)  # Keras Tuner loads Keras in this process too
        identity = _identity(plan, backend=backend, jobs=jobs)
        folder = find_search(earlier, identity, finished=resume) or folder
        with (
            open_folder(folder, identity, overwrite=overwrite, resume=resume, watch=watch) as work,
            closing(pool),  # before the folder is left: no worker writes there any more
        ):
            if work.events:
                plan = _searched_as_before(plan, work.events[0]["time_limit"])
            plan = plan.on_disk(work.scratch)
            release_memory()  # of reading and planning
            load_later()
            fitted = fit_plan(
                plan,
                work,
                pool=pool,
                clock=clock,
                watch=watch,
                jobs=jobs,
                identity=identity,
                further=resume,
                meanwhile=lambda judged: write_judgement(work, plan, judged),
            )
            pool.close()
            watch({"event": "phase", "name": "report", "seconds_left": clock.left})
            write_run_folder(work, plan, fitted, clock)
            work.publish()
    return fitted


def _identity(plan: Plan, *, backend: str, jobs: int) -> dict[str, Any]:
    """Return all that decides which trials are proposed, and what comes of each but for its time.

    How long a trial may be is taken from the time limit of the command that began the search.
    """
    versions = describe_environment(backend)["versions"]
    space = {name: value for name, value in asdict(plan.space).items() if name not in ("updates", "largest")}
    return {
        "forecastr": versions["forecastr"], "backend": backend, "jobs": jobs, "table": plan.panel.fingerprint,
        "task": asdict(plan.task), "splits": asdict(plan.splits), "space": space,
        "configs": [asdict(config) for config in plan.configs],
    }  # fmt: skip


def _searched_as_before(plan: Plan, time_limit: float) -> Plan:
    """Return a plan whose space is that of a search begun under another time limit."""
    updates = trial_updates(time_limit, len(plan.store.values))
    return replace(plan, space=replace(plan.space, updates=updates, largest=largest_trial(time_limit)))


def _plan(panel: Panel, options: FitOptions) -> Plan:
    return make_plan(
        panel,
        horizon=options.horizon,
        context=options.context,
        season=options.season,
        preset=options.preset,
        seed=options.seed,
        budget=options.budget,
        configs=options.configs,
    )
