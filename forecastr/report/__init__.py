"""Pictures, the HTML page, and what the terminal shows: drawn from plain values, files or memory alike."""

from importlib import import_module
from typing import Any

# Where the names live: resolved on first use, for a line of text needs no plots.
_FILES = {
    "draw_error_by_horizon": "pictures",
    "draw_learning_curves": "pictures",
    "draw_predicted_vs_actual": "pictures",
    "exceptions_text": "terminal",
    "format_seconds": "wording",
    "inspection_text": "inspection",
    "leaderboard_text": "terminal",
    "plan_line": "plan",
    "runs_text": "terminal",
    "sketch_series": "sketch",
    "verdict_text": "terminal",
    "where_to_look": "terminal",
    "write_page": "page",
}

__all__ = sorted(_FILES)


def __getattr__(name: str) -> Any:
    if name not in _FILES:
        raise AttributeError(f"module 'forecastr.report' has no attribute '{name}'")
    return getattr(import_module(f"forecastr.report.{_FILES[name]}"), name)
