"""A night of a whole pipeline: every group's, then one publication; the same command again changes nothing."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from traceback import format_exc
from typing import Any

import pandas as pd

from forecastr.data import Panel
from forecastr.engine.backend import choose_backend, load_keras, use_backend, use_backend_to_forecast
from forecastr.errors import ConfigError, DataError, ForecastrError
from forecastr.files import whole_file
from forecastr.fitting.fit import WELL_COMPILED
from forecastr.pipeline.check import require_ready
from forecastr.pipeline.journal import DONE, FORECAST, REFUSED, Journal, folder_name, last_good, only_run
from forecastr.pipeline.load import Pipeline
from forecastr.pipeline.night import Night, Watcher, describe_night
from forecastr.pipeline.publish import publish
from forecastr.pipeline.source import blame, read_rows, split_groups
from forecastr.pipeline.track import track_nights

ALREADY, FAILED, PARTLY = "already done", "failed", "partly"
GROUPS, FAILURES = "groups", "failures.csv"


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
    failures_file : Path or None
        The table of the groups without a forecast of this night; None where there are no groups.
    """

    status: str
    as_of: str
    forecast: Path
    groups: dict[str, dict[str, Any]]
    failures_file: Path | None = None

    @property
    def failures(self) -> dict[str, dict[str, Any]]:
        """The groups without a forecast of this night."""
        return {name: night for name, night in self.groups.items() if night["status"] in (REFUSED, FAILED)}


def run_pipeline(
    pipeline: Pipeline, as_of: str, *, watch: Watcher = lambda event: None, own_process: bool = False
) -> Outcome:
    """Run one night.

    Parameters
    ----------
    pipeline : Pipeline
        What to do.
    as_of : str
        Rows after this date, or moment, are not seen.
    watch : callable
        Hears what happens.
    own_process : bool
        Whether this process does nothing else: it then forecasts as `predict` does, on a backend that cannot train.

    Raises
    ------
    ConfigError
        If the file's source or outputs cannot be used, or the first table cannot be read; nothing is written then.
    SearchError, ServiceError
        If the first fit fails, a source does not answer, or another run is at work; run the same night again.
    """
    if pipeline.spec.group_by is None and Journal(pipeline.state, as_of).status == DONE:
        night = describe_night(Journal(pipeline.state, as_of))
        return Outcome(ALREADY, as_of, pipeline.forecast, {"": night})
    require_ready(pipeline)
    try:
        panel = read_rows(pipeline, as_of, say=lambda text: watch({"event": "warning", "text": text}))
    except DataError as error:
        if not pipeline.forecast.exists():  # no night was good yet: more likely the file is wrong than the data
            raise ConfigError(blame(pipeline, error)) from error
        with only_run(pipeline.state):
            return _refuse_all(pipeline, as_of, str(error), watch)
    parts = None if pipeline.spec.group_by is None else split_groups(panel, pipeline)
    with only_run(pipeline.state):  # nothing was written before
        pipeline = _with_backend(pipeline, own_process=own_process)
        if parts is None:
            return _run_alone(pipeline, as_of, panel, watch)
        return _run_groups(pipeline, as_of, panel, parts, watch)


def _with_backend(pipeline: Pipeline, *, own_process: bool) -> Pipeline:
    """Return the pipeline with the backend that its fits train on; choose what this process forecasts on."""
    budget = pipeline.spec.budget
    trained_on = choose_backend(budget.backend)
    if own_process:
        use_backend_to_forecast()
        load_keras()  # now, for a fit would have Keras Tuner load it on the backend to train on
    else:
        use_backend(trained_on, quick=budget.time_limit < WELL_COMPILED)
    budget = budget.model_copy(update={"backend": trained_on})
    return replace(pipeline, spec=pipeline.spec.model_copy(update={"budget": budget}))


def _refuse_all(pipeline: Pipeline, as_of: str, reason: str, watch: Watcher) -> Outcome:
    """Refuse a table that cannot be read."""
    journal = Journal(pipeline.state, as_of)
    journal.begin_again()
    journal.steps["checks"] = [reason]
    journal.end(REFUSED)
    watch({"event": "refused", "reasons": [reason]})
    track_nights(pipeline, pipeline.state, "", watch)
    return Outcome(REFUSED, as_of, pipeline.forecast, {"": describe_night(journal)})


def _run_alone(pipeline: Pipeline, as_of: str, panel: Panel, watch: Watcher) -> Outcome:
    journal = Journal(pipeline.state, as_of)
    Night(pipeline, journal, panel, watch).run()
    _finish(pipeline, {"": journal}, panel, watch)
    return Outcome(journal.status, as_of, pipeline.forecast, {"": describe_night(journal)})


def _run_groups(pipeline: Pipeline, as_of: str, panel: Panel, parts: Mapping[str, Panel], watch: Watcher) -> Outcome:
    """Run every group; what goes wrong in one is told, and stays there."""
    folders = {name: pipeline.state / GROUPS / folder_name(name) for name in parts}
    gone = _gone(pipeline, as_of, folders.values())
    journals = {name: Journal(folder, as_of) for name, folder in {**folders, **gone}.items()}
    outcomes: dict[str, dict[str, Any]] = {}
    for name, journal in journals.items():
        told = _with_group(watch, name)
        if name in gone:
            reason = f"none of its rows are there any more, and its last forecast stays; if that is meant: {gone[name]}"
            outcomes[name] = {**describe_night(journal), "status": REFUSED, "reason": f"{reason} may be deleted"}
            told({"event": "refused", "reasons": [outcomes[name]["reason"]]})
        elif journal.status == DONE:
            outcomes[name] = {**describe_night(journal), "status": ALREADY}
        else:
            outcomes[name] = _run_group(Night(pipeline, journal, parts[name], told, name))
    made = [name for name, journal in journals.items() if journal.status == FORECAST]
    _finish(pipeline, journals, panel, watch)
    outcomes |= {name: describe_night(journals[name]) for name in made}
    bad = [night for night in outcomes.values() if night["status"] in (REFUSED, FAILED)]
    over = all(night["status"] == ALREADY for night in outcomes.values())
    status, file = PARTLY if bad else ALREADY if over else DONE, pipeline.state / FAILURES
    outcome = Outcome(status, as_of, pipeline.forecast, outcomes, file)
    if status != ALREADY:
        _write_failures(file, outcome)
    return outcome


def _run_group(night: Night) -> dict[str, Any]:
    """Return what a group's night came to; whatever goes wrong, the other groups go on."""
    try:
        night.run()
    except Exception as error:
        expected = isinstance(error, ForecastrError)
        reason = str(error) if expected else f"{type(error).__name__}: {error}"
        night.watch({"event": "failed", "reason": reason, **({} if expected else {"traceback": format_exc()})})
        return {**describe_night(night.journal), "status": FAILED, "reason": reason}
    return describe_night(night.journal)


def _gone(pipeline: Pipeline, as_of: str, there: Collection[Path]) -> dict[str, Path]:
    """Return the groups that had a forecast on an earlier night and have no rows tonight, and their folders."""
    folders = [folder for folder in sorted((pipeline.state / GROUPS).glob("*")) if folder not in there]
    nights = [(folder, last_good(folder, before=as_of)) for folder in folders]
    return {night.steps["rows"]["group"]: folder for folder, night in nights if night}


def _write_failures(path: Path, outcome: Outcome) -> None:
    """Write the table of groups without a forecast of this night; it has no rows where all is well."""
    rows = [(outcome.as_of, name, night["status"], night["reason"]) for name, night in outcome.failures.items()]
    with whole_file(path) as temporary:
        pd.DataFrame(rows, columns=["as_of", "group", "status", "reason"]).to_csv(temporary, index=False)


def _finish(pipeline: Pipeline, journals: Mapping[str, Journal], panel: Panel, watch: Watcher) -> None:
    """Publish what was forecast, and tell MLflow of the nights that are over."""
    made = [journal for journal in journals.values() if journal.status == FORECAST]
    if made:
        publish(pipeline, journals, panel.source)
        watch({"event": "published", "forecast": str(pipeline.forecast)})
    for journal in made:
        journal.end(DONE)
    for group, journal in journals.items():
        track_nights(pipeline, journal.state, group, watch)


def _with_group(watch: Watcher, name: str) -> Watcher:
    return lambda event: watch({**event, "group": name})
