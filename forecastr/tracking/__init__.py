"""Runs in MLflow: one parent per fit, one child per trial, the model beside them."""

from forecastr.tracking.address import resolve_store
from forecastr.tracking.listing import list_runs
from forecastr.tracking.runs import TrackedRun, track_run
from forecastr.tracking.store import UI_SETTINGS, prepare_store, ui_command

__all__ = [
    "UI_SETTINGS",
    "TrackedRun",
    "list_runs",
    "prepare_store",
    "resolve_store",
    "track_run",
    "ui_command",
]
