"""A whole fit: one call that the command line and `Forecaster` share."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forecastr.data import Panel, ReadOptions, read_panel
from forecastr.data.files.table import TableSource
from forecastr.engine.backend import choose_backend, default_jobs, use_backend
from forecastr.engine.pool import WorkerPool
from forecastr.fitting.clock import Clock
from forecastr.fitting.folder import new_folder, require_free
from forecastr.fitting.plan import Plan, make_plan
from forecastr.fitting.run import Fitted, fit_plan
from forecastr.fitting.tell import write_run_folder
from forecastr.schema import DEFAULT_TIME_LIMIT, Budget

Watcher = Callable[[dict[str, Any]], None]
WELL_COMPILED = 90.0  # seconds of time limit from which compiling well pays


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """What a user may ask of a fit; the command line's options under the same names."""

    reading: ReadOptions = field(default_factory=ReadOptions)
    horizon: int | None = None
    context: int | None = None
    season: int | None = None
    preset: str = "auto"
    time_limit: float = DEFAULT_TIME_LIMIT
    max_trials: int | None = None
    jobs: int | None = None
    backend: str = "auto"
    seed: int = 1

    @property
    def budget(self) -> Budget:
        """How much may be spent."""
        return Budget(time_limit=self.time_limit, max_trials=self.max_trials, jobs=self.jobs)


def fit_table(
    source: TableSource,
    folder: Path,
    options: FitOptions,
    *,
    watch: Watcher = lambda event: None,
    clock: Clock | None = None,
    overwrite: bool = False,
) -> Fitted:
    """Fit a table and write a whole run folder.

    Parameters
    ----------
    source : str, Path or DataFrame
        The table.
    folder : Path
        The run folder: new or empty, unless ``overwrite``.
    options : FitOptions
        What to do.
    watch : callable
        Hears what happens: the ledger's events, and ``phase``, ``plan`` events.
    clock : Clock, optional
        Started when the command was.
    overwrite : bool
        Replace an earlier run in ``folder``.

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
    """
    clock = clock or Clock(options.time_limit)
    budget = options.budget  # checked before anything is started
    require_free(folder, overwrite=overwrite)
    backend = choose_backend(options.backend)
    jobs = budget.jobs or default_jobs(backend)
    with (
        tempfile.TemporaryDirectory(prefix="forecastr-logs-") as logs,
        # Workers load their libraries while the table is being read.
        WorkerPool(
            jobs, backend=backend, logs=Path(logs), quick=options.time_limit < WELL_COMPILED, ready=clock.learn
        ) as pool,
    ):
        watch({"event": "phase", "name": "read", "seconds_left": clock.left})
        with clock.phase("read"):
            panel = read_panel(source, options.reading)
        with clock.phase("plan"):
            plan = _plan(panel, options)
            watch({"event": "plan", "plan": plan.describe()})
            use_backend(backend)  # Keras Tuner loads Keras in this process too
        with new_folder(folder):
            fitted = fit_plan(plan, folder, pool=pool, clock=clock, watch=watch, jobs=jobs)
            pool.close()
            watch({"event": "phase", "name": "report", "seconds_left": clock.left})
            write_run_folder(folder, plan, fitted, clock)
    return fitted


def _plan(panel: Panel, options: FitOptions) -> Plan:
    return make_plan(
        panel,
        horizon=options.horizon,
        context=options.context,
        season=options.season,
        preset=options.preset,
        seed=options.seed,
        budget=options.budget,
    )
