"""Any table a user has, read as one checked panel with a report of what was repaired."""

from forecastr.data.options import ReadOptions
from forecastr.data.panel import Panel
from forecastr.data.read import read_panel
from forecastr.data.source import Source, format_stamps
from forecastr.data.time.calendar import Calendar
from forecastr.data.time.frequency import find_calendar
from forecastr.data.time.seasons import find_seasons

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
