"""Pictures, the HTML page, and what the terminal shows: drawn from plain values, files or memory alike."""

from forecastr.report.page import write_page
from forecastr.report.pictures import draw_error_by_horizon, draw_learning_curves, draw_predicted_vs_actual
from forecastr.report.plan import plan_line, plan_text
from forecastr.report.terminal import leaderboard_text, runs_text, verdict_text, where_to_look
from forecastr.report.wording import format_seconds

__all__ = [
    "draw_error_by_horizon",
    "draw_learning_curves",
    "draw_predicted_vs_actual",
    "format_seconds",
    "leaderboard_text",
    "plan_line",
    "plan_text",
    "runs_text",
    "verdict_text",
    "where_to_look",
    "write_page",
]
