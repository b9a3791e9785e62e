"""Nights told to MLflow once they are published: now, or on the first night on which the store answers again."""

from pathlib import Path
from typing import Any

from forecastr.errors import TrackingError
from forecastr.pipeline.journal import DONE, FITS, REFUSED, Journal, folder_name, last_good, read_nights
from forecastr.pipeline.load import Pipeline
from forecastr.pipeline.night import Watcher, describe_night
from forecastr.tracking.address import resolve_store

MOST_AT_ONCE = 30  # nights that are delivered after the store was gone; the others on later nights


def track_nights(pipeline: Pipeline, state: Path, group: str, watch: Watcher) -> None:
    """Track the nights of a group that are over and not tracked yet, oldest first.

    A store that cannot be reached is a warning: the next night delivers what waits.
    """
    over = [night for night in read_nights(state) if night.status in (DONE, REFUSED)]
    waiting = [night for night in over if "track" not in night.steps]
    for night in waiting[:MOST_AT_ONCE]:
        try:
            night.step("track", lambda night=night: _track(pipeline, night, group))  # type: ignore[misc]
        except TrackingError as error:
            text = f"{error} {len(waiting)} night(s) wait for it; the forecast is published."
            watch({"event": "warning", "text": text})
            return


def _track(pipeline: Pipeline, night: Journal, group: str) -> dict[str, str]:
    from forecastr.tracking.nights import track_night
    from forecastr.tracking.registry import register_model
    from forecastr.tracking.runs import track_run

    tracking, told = pipeline.spec.tracking, describe_night(night)
    experiment, uri = tracking.experiment or pipeline.name, store_of(pipeline)
    runs: dict[str, str] = {}
    fit = night.steps.get("challenge", {}).get("fit")
    if fit:
        runs["fit"] = track_run(night.state / FITS / fit, tracking_uri=uri, experiment=experiment).run_id
        if tracking.model and told["promoted"]:
            name = f"{tracking.model}-{folder_name(group)}" if group else tracking.model
            latest = last_good(night.state)
            in_use = latest is not None and latest.steps["promote"]["champion"] == fit
            runs["version"] = register_model(uri, runs["fit"], name, alias=tracking.alias if in_use else None)
    refused = "refused" if night.status == REFUSED else ""  # the same night may be good when it is tried again
    key = "/".join(part for part in (pipeline.name, group, night.as_of, refused) if part)
    tags = {**told, "pipeline": pipeline.name, "group": group or None, **runs}
    runs["night"] = track_night(
        key, tags=tags, metrics=_metrics(night), journal=night.path, tracking_uri=uri, experiment=experiment
    )
    return runs


def _metrics(night: Journal) -> dict[str, Any]:
    """Return a night's numbers; of a refused one there are few."""
    steps = night.steps
    rows, challenge, promotion = (steps.get(name, {}) for name in ("rows", "challenge", "promote"))
    situation = steps.get("decide", {}).get("situation", {})
    return {
        "rolling_error": situation.get("rolling"), "rolling_error_baseline": situation.get("baseline"),
        "drift": situation.get("drift"), "new_rows": situation.get("new_rows"),
        "promoted": float(promotion.get("promoted", False)), "challenger_error": challenge.get("challenger"),
        "champion_error": challenge.get("champion"), "p_value": challenge.get("p_value"), "rows": rows.get("rows"),
    }  # fmt: skip


def store_of(pipeline: Pipeline) -> str:
    """Return the store's address; a SQLite file that the pipeline file names is relative to it."""
    uri = pipeline.spec.tracking.uri
    if uri and uri.startswith("sqlite:///"):
        return f"sqlite:///{pipeline.file(uri.removeprefix('sqlite:///')).absolute()}"
    return resolve_store(uri)
