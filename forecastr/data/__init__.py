"""Any table a user has, read as one checked panel with a report of what was repaired."""

from forecastr.data.calendar import Calendar, find_calendar
from forecastr.data.options import ReadOptions
from forecastr.data.panel import Panel
from forecastr.data.read import read_panel
from forecastr.data.seasons import find_seasons
from forecastr.data.source import Source, format_stamps

__all__ = [
    "Calendar",
    "Panel",
    "ReadOptions",
    "Source",
    "find_calendar",
    "find_seasons",
    "format_stamps",
    "read_panel",
]
