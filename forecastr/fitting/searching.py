"""The search of a plan: begun or taken up, within its limits of time, number and room on disk."""

from collections.abc import Callable
from typing import Any

from forecastr.engine.pool import WorkerPool
from forecastr.errors import ConfigError
from forecastr.files import size_of
from forecastr.fitting.choosing import MOST_MEMBERS
from forecastr.fitting.clock import Clock
from forecastr.fitting.folder import Workplace
from forecastr.fitting.plan import KNOWN_ROWS, TRAIN_ROWS, Plan
from forecastr.fitting.proposals import make_proposals
from forecastr.fitting.refit import refit_seconds
from forecastr.schema import QUANTILE_LEVELS
from forecastr.search.ledger import Ledger
from forecastr.search.resume import resume
from forecastr.search.trials import Scorer, Search, SearchSetting

OVERTIME = 0.05  # of the time limit: a trial that is so late is given up
# Bytes on disk, generously: what is small for small tables counts most there.
PICTURES = 6_000_000  # and the page, most of which is what draws its charts
NETWORK = 1_000_000  # weights of a trial that is not trained yet, whatever those before it had
LINE = 250  # of a table of forecasts, with its share of the page
CELL = 8  # of an array, and of the context in a bundle
COPIES = 4  # of a member's files: judged, refitted, as a network, in the bundle


def run_search(
    plan: Plan,
    work: Workplace,
    *,
    pool: WorkerPool,
    clock: Clock,
    watch: Callable[[dict[str, Any]], None],
    jobs: int,
    score: Scorer,
    identity: dict[str, Any],
    further: bool,
) -> tuple[Search, str]:
    """Search until a limit is reached and return the search, and which limit it was.

    Parameters
    ----------
    plan, work, pool, clock, watch, jobs
        As of ``fit_plan``.
    score : callable
        Validation quantiles to metrics.
    identity : dict
        What makes two searches the same: written down where one begins.
    further : bool
        Go on with a search that had come to its end.

    Raises
    ------
    SearchError
        If no trial was completed.
    ConfigError
        If there is no room for a single trial.
    """
    setting = SearchSetting(
        train=work.scratch / TRAIN_ROWS,
        known=work.scratch / KNOWN_ROWS,
        validation=plan.validation,
        horizon=plan.task.horizon,
        season_lengths=plan.task.season_lengths,
        covariates=plan.inputs.shape,
        seed=plan.task.seed,
        scratch=work.scratch,
    )
    with Ledger(work.ledger) as ledger:
        proposals = make_proposals(plan, jobs=jobs)
        search = Search(
            setting=setting, proposals=proposals, score=score, pool=pool, ledger=ledger, watch=watch
        )  # fmt: skip
        if work.events:
            resume(search, work.events, further=further)
            watch({"event": "resumed", "folder": str(work.folder), "trials": search.trials})
        else:
            about = {"fingerprint": plan.panel.fingerprint, "seed": plan.task.seed}
            ledger.append("search_started", **about, time_limit=plan.budget.time_limit, search=identity)
        _require_room(plan, work)

        def seconds_left() -> float:
            return clock.left_to_search(refit_seconds(search.completed[:MOST_MEMBERS], jobs=jobs))

        classic = plan.task.preset == "classic"  # one long trial, which is not trained twice
        ended_by = search.run(
            seconds_left=seconds_left,
            trial_seconds=lambda: seconds_left() if classic else min(seconds_left(), clock.left_to_train()),
            max_trials=1 if classic else plan.budget.max_trials,
            overtime=OVERTIME * plan.budget.time_limit,
            disk_full=lambda: _most_bytes(plan, work, search) > (plan.budget.disk_limit or float("inf")),
        )
        return search, ended_by


def _require_room(plan: Plan, work: Workplace) -> None:
    limit = plan.budget.disk_limit
    needed = _most_bytes(plan, work, None)
    if limit is not None and needed > limit:
        raise ConfigError(
            f"--disk-limit is {limit / 1e6:.1f} MB; {work.folder} may need {needed / 1e6:.1f} MB with a single trial. "
            "Allow more."
        )


def _most_bytes(plan: Plan, work: Workplace, search: Search | None) -> float:
    """Return what the run folder may take if one more trial is started and the run is written then."""
    if plan.budget.disk_limit is None:
        return 0.0
    window = plan.task.horizon * len(QUANTILE_LEVELS) * CELL
    trial = NETWORK + len(plan.validation) * window
    under_way = 1
    if search and search.completed:
        trial = max(trial, *(sum(trial.files.values()) for trial in search.completed))
    if search:
        under_way += sum(trial.status == "running" for trial in search.trials)
    lines = len(plan.test) + plan.store.n_series * plan.task.horizon
    columns = 3 + len(plan.inputs.known) + len(plan.inputs.past)
    members = MOST_MEMBERS * (COPIES * trial + len(plan.test) * window)
    run = PICTURES + LINE * lines + CELL * columns * len(plan.store.values)
    return size_of(work.folder) + under_way * trial + members + run
