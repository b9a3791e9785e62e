"""One fit as tracked runs, told from its run folder alone."""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecastr.errors import TrackingError
from forecastr.tracking.address import artifact_root, resolve_store
from forecastr.tracking.batch import log_values
from forecastr.tracking.client import open_store
from forecastr.tracking.model import log_bundle
from forecastr.tracking.names import to_milliseconds, to_name
from forecastr.tracking.parent import describe, parent_metrics, parent_parameters, parent_tags
from forecastr.tracking.store import prepare_store
from forecastr.tracking.trials import collect_trials, log_trial

if TYPE_CHECKING:
    from mlflow import MlflowClient

ARTIFACTS = (
    "predicted_vs_actual.png",
    "learning_curves.png",
    "error_by_horizon.png",
    "report.html",
    "forecast.csv",
    "backtest.csv",
    "leaderboard.csv",
    "data_report.json",
    "summary.json",
    "ledger.jsonl",
)


@dataclass(frozen=True)
class TrackedRun:
    """Where a fit was tracked: the parent run's id, its experiment's id, and the store's address."""

    run_id: str
    experiment_id: str
    uri: str


def track_run(run_folder: Path, *, tracking_uri: str | None = None, experiment: str | None = None) -> TrackedRun:
    """Track a finished fit: a parent run with its model and files, and a child run per trial.

    Only the run folder is read, so the same call delivers it now or later. Calling twice makes two
    runs. A run that could not be delivered completely is left FAILED, never FINISHED.

    Parameters
    ----------
    run_folder : Path
        What a fit wrote.
    tracking_uri : str or None
        The store; see `resolve_store`.
    experiment : str or None
        The experiment, created if it is new; by default the name of the data.

    Returns
    -------
    TrackedRun
        Where to find it.

    Raises
    ------
    TrackingError
        If the folder holds no finished fit, or the store cannot be reached or written.
    """
    folder = Path(run_folder).absolute()
    uri = resolve_store(tracking_uri)
    summary, events = _read_summary(folder), _read_ledger(folder)
    with open_store(uri) as client:
        prepare_store(uri)
        experiment_id = _require_experiment(client, uri, experiment or summary["name"])
        run_id = _start_parent(client, experiment_id, folder, summary, events)
        try:
            _log_parent(client, run_id, folder, summary)
            _log_children(client, run_id, experiment_id, summary, events)
        except BaseException:
            with suppress(Exception):  # the store may be gone: the first error says why
                client.set_terminated(run_id, "FAILED")
            raise
        client.set_terminated(run_id, "FINISHED", _end_time(summary, events))
    return TrackedRun(run_id, experiment_id, uri)


def _read_summary(folder: Path) -> dict[str, Any]:
    try:
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrackingError(
            f"{folder} holds no finished fit: its summary.json cannot be read ({error}). "
            "Name the folder that `forecastr fit` wrote."
        ) from error
    return dict(summary)


def _read_ledger(folder: Path) -> list[dict[str, Any]]:
    """Return the ledger's events; a last line torn by a kill is left out."""
    path = folder / "ledger.jsonl"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    whole = text[: text.rfind("\n") + 1]
    return [json.loads(line) for line in whole.splitlines() if line.strip()]


def _require_experiment(client: "MlflowClient", uri: str, name: str) -> str:
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


def _end_time(summary: dict[str, Any], events: list[dict[str, Any]]) -> int:
    times = [summary["created"], *(event["time"] for event in events)]
    return max(to_milliseconds(time) for time in times)


def _start_parent(
    client: "MlflowClient",
    experiment_id: str,
    folder: Path,
    summary: dict[str, Any],
    events: list[dict[str, Any]],
) -> str:
    total = float((summary.get("seconds") or {}).get("total") or 0)
    run = client.create_run(
        experiment_id,
        start_time=_end_time(summary, events) - round(1000 * total),
        run_name=folder.name,
        tags=parent_tags(summary, folder),
    )
    return str(run.info.run_id)


def _log_parent(client: "MlflowClient", run_id: str, folder: Path, summary: dict[str, Any]) -> None:
    client.set_tag(run_id, "mlflow.note.content", describe(summary, run_id))
    bundle = folder / "bundle"
    model_id = log_bundle(client, run_id, bundle, version=summary["forecastr"]) if bundle.is_dir() else None
    rows = parent_metrics(summary, to_milliseconds(summary["created"]))
    log_values(client, run_id, parent_parameters(summary), rows, model_id=model_id)
    for name in ARTIFACTS:
        if (folder / name).is_file():
            client.log_artifact(run_id, str(folder / name))


def _log_children(
    client: "MlflowClient",
    run_id: str,
    experiment_id: str,
    summary: dict[str, Any],
    events: list[dict[str, Any]],
) -> None:
    weights = {member["trial"]: member["weight"] for member in summary["chosen"]["members"]}
    for trial in collect_trials(events):
        log_trial(client, run_id, experiment_id, trial, weight=weights.get(trial.name, 0.0))
