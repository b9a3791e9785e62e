"""What a table holds and what a fit of it would do, without training anything."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from forecastr.data import Panel, format_stamps, read_panel
from forecastr.data.files.table import TableSource
from forecastr.data.options import ReadOptions
from forecastr.data.time.seasons import season_strengths
from forecastr.engine.backend import available_cores
from forecastr.errors import ConfigError, DataError
from forecastr.fitting.clock import REFIT_SHARE, Clock
from forecastr.fitting.plan import Plan, make_plan
from forecastr.schema import DEFAULT_CONTEXT, ID, TARGET, TIME, Budget

MOST_LISTED = 20  # exceptions; a fit's exceptions.csv has all

# Measured with JAX on two CPU cores (docs/backends.md): two GRU layers of 64 over 60 steps, batches of 32.
UPDATES_A_SECOND = 108.0  # of one worker
START_TRIAL = 4.0  # seconds: compiling, and looking at validation
START_FIT = 6.0  # seconds: loading libraries, reading
SLOWER = 3.0  # the largest networks of the space take so many times longer than that one
WORKER_MIB, PROCESS_MIB = 800, 700  # peak memory seen; the latter loads TensorFlow's half of Keras Tuner


@dataclass(frozen=True)
class Inspection:
    """A table as it was read, the plan of a fit, and one series to look at.

    Parameters
    ----------
    document : dict
        Plain values with stable keys: those of the plan in ``summary.json``, with ``data_report``, ``seasons``,
        ``first_exceptions``, ``estimate`` and ``why_no_plan``. ``task``, ``inputs``, ``splits`` and ``estimate`` are
        None where there is no plan.
    shown : dict or None
        A series of the middle length: ``name``, ``values``, ``parts`` (name and first step), ``edges`` (dates).
    error : DataError or ConfigError or None
        Why there is no plan.
    """

    document: dict[str, Any]
    shown: dict[str, Any] | None
    error: DataError | ConfigError | None


def inspect_table(
    source: TableSource, reading: ReadOptions | None = None, *, budget: Budget | None = None, **choices: Any
) -> Inspection:
    """Read a table and return what is in it, and the plan of a fit or why there can be none.

    Parameters
    ----------
    source : path, sequence of paths, "-" or DataFrame
        The table.
    reading : ReadOptions
        How to read it.
    budget : Budget
        What a fit may spend.
    **choices
        As of ``make_plan``: ``horizon``, ``context``, ``season``, ``preset``, ``seed``.

    Raises
    ------
    DataError
        If the table cannot be read.
    """
    panel, budget = read_panel(source, reading), budget or Budget()
    plan: Plan | None = None
    error: DataError | ConfigError | None = None
    try:
        plan = make_plan(panel, budget=budget, **choices)
    except (DataError, ConfigError) as caught:
        error = caught
    document = {
        **_describe(panel, plan, budget),
        "seasons": _seasons(panel, plan),
        "first_exceptions": (plan or panel).exceptions.head(MOST_LISTED).to_dict("records"),
        "estimate": estimate(plan) if plan else None,
        "why_no_plan": str(error) if error else None,
        "data_report": panel.report,
    }
    return Inspection(document, _shown(panel, plan), error)


def estimate(plan: Plan) -> dict[str, Any]:
    """Return what a fit of a plan would take: windows, trials, memory; from rates measured on another machine."""
    jobs, limit = plan.budget.jobs or len(available_cores()), plan.budget.time_limit
    searching = limit - START_FIT - Clock(limit).telling - REFIT_SHARE * limit
    steps = plan.task.context_length or plan.space.contexts[0]
    quick = START_TRIAL + max(plan.space.updates) * steps / DEFAULT_CONTEXT / UPDATES_A_SECOND
    most = plan.budget.max_trials or 10**9
    if plan.task.preset == "classic":
        most = 1
    trials = [min(most, max(1, round(jobs * searching / seconds))) for seconds in (SLOWER * quick, quick)]
    table = plan.panel.frame.memory_usage(index=False).sum() / 2**20
    return {
        "windows": {
            "train": int(np.maximum(plan.train_store.lengths - plan.task.horizon, 0).sum()),
            "validation": len(plan.validation),
            "test": len(plan.test),
        },
        "trials": trials,
        "updates": max(plan.space.updates),
        "workers": jobs,
        "updates_a_second": UPDATES_A_SECOND,
        "memory_mib": round(PROCESS_MIB + jobs * WORKER_MIB + 4 * table),
    }


def _describe(panel: Panel, plan: Plan | None, budget: Budget) -> dict[str, Any]:
    if plan:
        return plan.describe()
    data = {
        "path": panel.report["path"], "fingerprint": panel.fingerprint, "rows": len(panel.frame),
        "series": panel.report["series"], "target": panel.source.target, "time": panel.source.time,
        "id": panel.source.id,
    }  # fmt: skip
    left_out = {"left out": len(panel.exceptions)} if len(panel.exceptions) else {}
    return {
        "name": panel.source.name, "data": data, "task": None, "inputs": None, "splits": None, "exceptions": left_out,
        "warnings": panel.report["warnings"], "budget": asdict(budget),
    }  # fmt: skip


def _seasons(panel: Panel, plan: Plan | None) -> list[dict[str, Any]]:
    """Return the seasons found in the training part, strongest first, with the correlation that shows each.

    A season that was asked for is told with its strength, or without one where it does not show.
    """
    if plan and plan.seasons is not None:
        found = dict[int, float | None](plan.seasons)
    elif plan:
        store, length = plan.train_store, plan.task.season_length
        parts = [store.series(n) for n in range(store.n_series) if store.lengths[n]]
        found = {length: season_strengths(parts, [length]).get(length)} if length > 1 else {}
    else:
        parts = np.split(panel.frame[TARGET].to_numpy(), panel.starts[1:-1])
        found = dict[int, float | None](season_strengths(parts, panel.calendar.season_candidates))
    return [{"length": n, "strength": None if size is None else round(size, 3)} for n, size in found.items()]


def _shown(panel: Panel, plan: Plan | None) -> dict[str, Any] | None:
    """Return a series of the middle length, among those that vary and can be judged."""
    lengths, values = np.diff(panel.starts), panel.frame[TARGET].to_numpy()
    if not len(lengths):
        return None
    varies = np.fmax.reduceat(values, panel.starts[:-1]) > np.fmin.reduceat(values, panel.starts[:-1])
    judged = plan.judged if plan else lengths > 0
    usable = np.flatnonzero(varies & judged if (varies & judged).any() else judged)
    chosen = usable[np.argsort(lengths[usable], kind="stable")[(len(usable) - 1) // 2]]
    rows = panel.frame.iloc[panel.starts[chosen] : panel.starts[chosen + 1]]
    parts = []
    if plan:
        later = plan.splits.n_test, plan.splits.n_validation + plan.splits.n_test
        parts = [("validation", len(rows) - later[1]), ("test", len(rows) - later[0])]
    edges = format_stamps(rows[TIME].iloc[[0, -1]], panel.source)
    return {"name": rows[ID].iloc[0], "values": rows[TARGET].to_numpy(), "parts": parts, "edges": tuple(edges)}
