"""One fit as tracked runs, told from its run folder alone, once for each delivery."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from forecastr.errors import TrackingError
from forecastr.tracking.address import artifact_root, resolve_store
from forecastr.tracking.batch import log_values
from forecastr.tracking.client import open_store
from forecastr.tracking.model import log_bundle
from forecastr.tracking.names import to_milliseconds, to_name
from forecastr.tracking.parent import describe, parent_metrics
from forecastr.tracking.story import Story, finished_story, stopped_story
from forecastr.tracking.trials import collect_trials, log_trial

if TYPE_CHECKING:
    from mlflow.entities import Run

    from mlflow import MlflowClient

DELIVERY_TAG = "delivery"


@dataclass(frozen=True)
class TrackedRun:
    """Where a fit was tracked: the parent run's id, its experiment's id, and the store's address."""

    run_id: str
    experiment_id: str
    uri: str


def track_run(
    run_folder: Path,
    *,
    tracking_uri: str | None = None,
    experiment: str | None = None,
    delivery: str | None = None,
    stopped: bool = False,
    tell: Callable[[], object] = lambda: None,
) -> TrackedRun:
    """Track a fit: a parent run with its model and files, and a child run per trial.

    Only the run folder is read, so the same call delivers it now or later. The run is FINISHED only when it
    is whole; one that could not be delivered completely is FAILED.

    Parameters
    ----------
    run_folder : Path
        What a fit wrote.
    tracking_uri : str or None
        The store; see `resolve_store`.
    experiment : str or None
        The experiment, created if it is new; by default the name of the data.
    delivery : str or None
        Names this delivery. Calling again with the same name completes the run that an earlier call began,
        and makes no second one. By default every call makes a run.
    stopped : bool
        Track the search so far of a fit that was stopped, as KILLED.
    tell : callable
        Called after every step, so that others see that it goes on.

    Returns
    -------
    TrackedRun
        Where to find it.

    Raises
    ------
    TrackingError
        If the folder holds no such fit, or the store cannot be reached or written.
    """
    uri, delivery = resolve_store(tracking_uri), delivery or uuid4().hex
    story = stopped_story(run_folder) if stopped else finished_story(run_folder)
    with open_store(uri) as client:
        experiment_id = require_experiment(client, uri, experiment or story.name)
        tell()
        begun = _find_run(client, experiment_id, delivery, story.status)
        run = begun or _start_parent(client, experiment_id, story, delivery)
        run_id = str(run.info.run_id)
        if run.info.status != story.status:
            try:
                _log_parent(client, run_id, story)
                tell()
                _log_children(client, run_id, experiment_id, story, tell)
            except BaseException:
                with suppress(Exception):  # the store may be gone: the first error says why
                    client.set_terminated(run_id, "FAILED")
                raise
            client.set_terminated(run_id, story.status, story.end)
        _remove_doubles(client, experiment_id, delivery, run_id)
    return TrackedRun(run_id, experiment_id, uri)


def require_experiment(client: "MlflowClient", uri: str, name: str) -> str:
    """Return the id of the experiment ``name``, created if need be."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        root = artifact_root(uri)
        location = (root / to_name(name)).as_uri() if root else None
        try:
            return str(client.create_experiment(name, location))
        except MlflowException:  # another process was faster, or the store is broken
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
    if found.lifecycle_stage != "active":
        raise TrackingError(
            f"The experiment '{name}' was deleted. Choose another with --experiment, or bring it back: "
            f"mlflow experiments restore --experiment-id {found.experiment_id}"
        )
    return str(found.experiment_id)


def _find_runs(client: "MlflowClient", experiment_id: str, delivery: str) -> list["Run"]:
    """Return the parent runs of a delivery, always in the same order."""
    runs = client.search_runs([experiment_id], f"tags.{DELIVERY_TAG} = '{delivery}'")
    return sorted(runs, key=lambda run: str(run.info.run_id))


def _find_run(client: "MlflowClient", experiment_id: str, delivery: str, status: str) -> "Run | None":
    """Return the run that an earlier call began; of several, which a broken connection makes, the furthest."""
    runs = _find_runs(client, experiment_id, delivery)
    return max(runs, key=lambda run: (run.info.status == status, len(run.data.metrics)), default=None)


def _remove_doubles(client: "MlflowClient", experiment_id: str, delivery: str, run_id: str) -> None:
    """Delete what requests whose answer was lost, and which were sent again, have created twice."""
    doubles = [run for run in _find_runs(client, experiment_id, delivery) if run.info.run_id != run_id]
    seen: set[str] = set()
    for run in sorted(_children(client, experiment_id, run_id), key=lambda run: run.info.status == "RUNNING"):
        trial = run.data.tags["trial"]
        if trial in seen:
            doubles.append(run)
        seen.add(trial)
    for run in doubles:
        client.delete_run(run.info.run_id)
    outputs = client.get_run(run_id).outputs
    used = {output.model_id for output in outputs.model_outputs} if outputs else set()
    for model in client.search_logged_models([experiment_id], f"source_run_id = '{run_id}'"):
        if model.model_id not in used:
            client.delete_logged_model(model.model_id)


def _start_parent(client: "MlflowClient", experiment_id: str, story: Story, delivery: str) -> "Run":
    tags = {**story.tags, DELIVERY_TAG: delivery}
    return client.create_run(experiment_id, start_time=story.start, run_name=story.folder.name, tags=tags)


def _log_parent(client: "MlflowClient", run_id: str, story: Story) -> None:
    model_id, rows, summary = None, [], story.summary
    if summary is not None:
        client.set_tag(run_id, "mlflow.note.content", describe(summary, run_id))
        bundle = story.folder / "bundle"
        model_id = log_bundle(client, run_id, bundle, version=summary["forecastr"]) if bundle.is_dir() else None
        rows = parent_metrics(summary, to_milliseconds(summary["created"]))
    log_values(client, run_id, story.parameters, rows, model_id=model_id)
    for path in story.files:
        client.log_artifact(run_id, str(path))


def _log_children(
    client: "MlflowClient", run_id: str, experiment_id: str, story: Story, tell: Callable[[], object]
) -> None:
    members = story.summary["chosen"]["members"] if story.summary else []
    weights = {member["trial"]: member["weight"] for member in members}
    begun = {run.data.tags["trial"]: run for run in _children(client, experiment_id, run_id)}
    for trial in collect_trials(story.events):
        weight = weights.get(trial.name, 0.0)
        log_trial(client, run_id, experiment_id, trial, weight=weight, begun=begun.get(trial.name))
        tell()


def _children(client: "MlflowClient", experiment_id: str, run_id: str) -> list["Run"]:
    found: list[Run] = []
    token = None
    while True:
        page = client.search_runs([experiment_id], f"tags.mlflow.parentRunId = '{run_id}'", page_token=token)
        found += page
        token = page.token
        if not token:
            return found
