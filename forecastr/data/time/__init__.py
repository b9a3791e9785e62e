"""The time axis: stamps as people write them, zones, calendars, seasons."""
