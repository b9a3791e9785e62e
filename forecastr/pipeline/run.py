"""A night of a whole pipeline: every group's, then one publication; the same command again changes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forecastr.data import Panel
from forecastr.engine.backend import choose_backend, use_backend
from forecastr.errors import DataError, ForecastrError
from forecastr.fitting.fit import WELL_COMPILED
from forecastr.pipeline.journal import DONE, FORECAST, GOOD, REFUSED, Journal, folder_name, only_run
from forecastr.pipeline.load import Pipeline, require_own_outputs
from forecastr.pipeline.night import Night, Watcher, describe_night
from forecastr.pipeline.publish import publish
from forecastr.pipeline.source import read_rows, split_groups
from forecastr.pipeline.track import track_nights

ALREADY, FAILED, PARTLY = "already done", "failed", "partly"
GROUPS = "groups"


@dataclass(frozen=True)
class Outcome:
    """What a night came to.

    Parameters
    ----------
    status : {"done", "already done", "refused", "partly"}
        "refused": the earlier forecast stays; "partly": that of some groups does.
    as_of : str
        The night's date.
    forecast : Path
        The published file.
    groups : dict of str to dict
        What ``describe_night`` says of each group; an ungrouped pipeline has one, without a name.
    """

    status: str
    as_of: str
    forecast: Path
    groups: dict[str, dict[str, Any]]

    @property
    def failures(self) -> dict[str, dict[str, Any]]:
        """The groups without a forecast of this night."""
        return {name: night for name, night in self.groups.items() if night["status"] in (REFUSED, FAILED)}


def run_pipeline(pipeline: Pipeline, as_of: str, *, watch: Watcher = lambda event: None) -> Outcome:
    """Run one night.

    Parameters
    ----------
    pipeline : Pipeline
        What to do.
    as_of : str
        Rows after this date, or moment, are not seen.
    watch : callable
        Hears what happens.

    Raises
    ------
    ConfigError
        If the file's source or outputs cannot be used; nothing is written then.
    SearchError, ServiceError
        If the first fit fails, a source does not answer, or another run is at work; run the same night again.
    """
    require_own_outputs(pipeline)
    budget = pipeline.spec.budget
    with only_run(pipeline.state):
        if pipeline.spec.group_by is None and Journal(pipeline.state, as_of).status == DONE:
            night = describe_night(Journal(pipeline.state, as_of))
            return Outcome(ALREADY, as_of, pipeline.forecast, {"": night})
        try:
            panel = read_rows(pipeline, as_of, say=lambda text: watch({"event": "warning", "text": text}))
        except DataError as error:
            return _refuse_all(pipeline, as_of, str(error), watch)
        use_backend(choose_backend(budget.backend), quick=budget.time_limit < WELL_COMPILED)
        if pipeline.spec.group_by is None:
            return _run_alone(pipeline, as_of, panel, watch)
        return _run_groups(pipeline, as_of, panel, watch)


def _refuse_all(pipeline: Pipeline, as_of: str, reason: str, watch: Watcher) -> Outcome:
    """Refuse a table that cannot be read."""
    journal = Journal(pipeline.state, as_of)
    journal.begin_again()
    journal.steps["checks"] = [reason]
    journal.end(REFUSED)
    watch({"event": "refused", "reasons": [reason]})
    return Outcome(REFUSED, as_of, pipeline.forecast, {"": describe_night(journal)})


def _run_alone(pipeline: Pipeline, as_of: str, panel: Panel, watch: Watcher) -> Outcome:
    journal = Journal(pipeline.state, as_of)
    Night(pipeline, journal, panel, watch).run()
    if journal.status in GOOD:
        _finish(pipeline, {"": journal}, panel, watch)
    return Outcome(journal.status, as_of, pipeline.forecast, {"": describe_night(journal)})


def _run_groups(pipeline: Pipeline, as_of: str, panel: Panel, watch: Watcher) -> Outcome:
    """Run every group; what goes wrong in one is told, and stays there."""
    journals: dict[str, Journal] = {}
    outcomes: dict[str, dict[str, Any]] = {}
    for name, rows in split_groups(panel, pipeline).items():
        journal = journals[name] = Journal(pipeline.state / GROUPS / folder_name(name), as_of)
        told = _with_group(watch, name)
        if journal.status == DONE:
            outcomes[name] = {**describe_night(journal), "status": ALREADY}
            continue
        try:
            Night(pipeline, journal, rows, told).run()
            outcomes[name] = describe_night(journal)
        except (ForecastrError, ArithmeticError, ValueError, KeyError, OSError) as error:
            reason = str(error) if isinstance(error, ForecastrError) else f"{type(error).__name__}: {error}"
            outcomes[name] = {**describe_night(journal), "status": FAILED, "reason": reason}
            told({"event": "failed", "reason": reason})
    made = {name: journal for name, journal in journals.items() if journal.status == FORECAST}
    if made:
        _finish(pipeline, journals, panel, watch)
        outcomes |= {name: describe_night(journal) for name, journal in made.items()}
    bad = [night for night in outcomes.values() if night["status"] in (REFUSED, FAILED)]
    over = all(night["status"] == ALREADY for night in outcomes.values())
    return Outcome(PARTLY if bad else ALREADY if over else DONE, as_of, pipeline.forecast, outcomes)


def _finish(pipeline: Pipeline, journals: Mapping[str, Journal], panel: Panel, watch: Watcher) -> None:
    publish(pipeline, journals, panel.source)
    watch({"event": "published", "forecast": str(pipeline.forecast)})
    for group, journal in journals.items():
        if journal.status == FORECAST:
            journal.end(DONE)
        track_nights(pipeline, journal.state, group, watch)


def _with_group(watch: Watcher, name: str) -> Watcher:
    return lambda event: watch({**event, "group": name})
