"""Runs in MLflow: one parent per fit, one child per trial, the model beside them."""

from forecastr.tracking.address import resolve_store
from forecastr.tracking.fetch import fetch_model, is_model_address
from forecastr.tracking.listing import list_runs, runs_page
from forecastr.tracking.registry import champion, register_model, set_alias
from forecastr.tracking.runs import TrackedRun, track_run
from forecastr.tracking.store import UI_SETTINGS, load_mlflow, prepare_store, ui_command

__all__ = [
    "UI_SETTINGS",
    "TrackedRun",
    "champion",
    "fetch_model",
    "is_model_address",
    "list_runs",
    "load_mlflow",
    "prepare_store",
    "register_model",
    "resolve_store",
    "runs_page",
    "set_alias",
    "track_run",
    "ui_command",
]
