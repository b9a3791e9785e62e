"""One night of a pipeline as a tracked run: what it decided, why, and how good its champion has been."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from forecastr.tracking.address import resolve_store
from forecastr.tracking.batch import log_values
from forecastr.tracking.client import open_store
from forecastr.tracking.names import finite_numbers, to_name, to_tag
from forecastr.tracking.parent import KIND_TAG
from forecastr.tracking.runs import require_experiment
from forecastr.tracking.store import prepare_store

NIGHT, NIGHT_TAG = "night", "forecastr.night"


def track_night(
    key: str,
    *,
    tags: Mapping[str, Any],
    metrics: Mapping[str, Any],
    journal: Path,
    tracking_uri: str | None = None,
    experiment: str,
) -> str:
    """Track a night and return its run's id; a night that is there already is not tracked twice.

    Parameters
    ----------
    key : str
        What tells the night from all others: pipeline, group and date. It becomes the run's name.
    tags, metrics : mapping
        What it decided, and its numbers; those that are None are left out.
    journal : Path
        The night's journal, kept as an artifact.
    tracking_uri : str or None
        The store; see `resolve_store`.
    experiment : str
        The experiment, created if it is new.

    Raises
    ------
    TrackingError
        If the store cannot be reached or written.
    """
    uri = resolve_store(tracking_uri)
    with open_store(uri) as client:
        prepare_store(uri)
        experiment_id = require_experiment(client, uri, experiment)
        same = f"tags.`{NIGHT_TAG}` = '{to_tag(key)}' and attributes.status = 'FINISHED'"
        if found := client.search_runs([experiment_id], same, max_results=1):
            return str(found[0].info.run_id)
        told = {to_name(name): to_tag(value) for name, value in tags.items() if value is not None}
        told |= {KIND_TAG: NIGHT, NIGHT_TAG: to_tag(key), "mlflow.source.name": "forecastr run"}
        run = client.create_run(experiment_id, run_name=key, tags=told)
        run_id, now = str(run.info.run_id), int(run.info.start_time)
        log_values(client, run_id, {}, [(name, value, now, 0) for name, value in finite_numbers(dict(metrics)).items()])
        client.log_artifact(run_id, str(journal))
        client.set_terminated(run_id)
    return run_id
