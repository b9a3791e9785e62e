"""The data report: what was read, and the largest hole in it."""

from typing import Any

import numpy as np
import pandas as pd

from forecastr.data.calendar import DAY
from forecastr.data.columns import Choice, Columns
from forecastr.data.source import Source, format_stamps
from forecastr.data.table import Table
from forecastr.data.values import Numbers
from forecastr.schema import ID, TIME

WIDE_GAP = 5  # steps


def describe_table(
    table: Table, columns: Columns, numbers: Numbers, frame: pd.DataFrame, source: Source
) -> dict[str, Any]:
    """Return the data report without repairs and warnings: rows, columns, dialect, dates, calendar."""
    chosen = {"time": columns.time, "target": columns.target, "id": columns.id}
    used = {choice.name for choice in chosen.values() if choice}
    stamps = frame[TIME].to_numpy()
    start, end = format_stamps(np.array([stamps.min(), stamps.max()]), source)
    assert source.calendar is not None  # read_panel has learned it
    return {
        "path": table.path,
        "rows": len(frame),
        "series": int(frame[ID].nunique()),
        "columns": {
            **{role: _plain(choice) for role, choice in chosen.items()},
            "unused": [name for name in table.columns if name not in used],
        },
        "dialect": {
            "separator": table.dialect.get("separator"),
            "decimal": numbers.style.decimal if table.dialect else None,
            "encoding": table.dialect.get("encoding"),
            "compression": table.dialect.get("compression"),
        },
        "dates": {"format": source.date_format, "start": start, "end": end},
        "calendar": {"name": source.calendar.name, "alias": source.calendar.alias},
    }


def describe_gap(frame: pd.DataFrame, source: Source) -> list[str]:
    """Return a warning about the largest gap between two rows of a series, if it is a wide one.

    Days on which the calendar has no stamps, such as weekends, are no gap.
    """
    stamps, calendar = frame[TIME].to_numpy(), source.calendar
    codes = pd.factorize(frame[ID])[0]
    places = np.flatnonzero(codes[1:] == codes[:-1])
    if calendar is None or not len(places):
        return []
    before, after = stamps[places], stamps[places + 1]
    if calendar.months:
        months = [side.astype("datetime64[M]").astype(np.int64) for side in (before, after)]
        steps = (months[1] - months[0]) / calendar.months
    elif calendar.name == "business-daily":
        week = [day in calendar.weekdays for day in range(7)]
        days = [side.astype("datetime64[D]") for side in (before, after)]
        steps = np.busday_count(days[0], days[1], weekmask=week).astype(np.float64)
    else:
        steps = (after.view(np.int64) - before.view(np.int64)) / calendar.step
        if len(calendar.weekdays) < 7 and calendar.step < DAY:
            days = [side.astype("datetime64[D]") for side in (before, after)]
            idle = (days[1] - days[0]).astype(np.int64) - np.busday_count(
                days[0], days[1], weekmask=[day in calendar.weekdays for day in range(7)]
            )
            steps = steps - idle * (DAY / calendar.step)
    widest = int(steps.argmax())
    if steps[widest] <= WIDE_GAP:
        return []
    start, end = format_stamps(np.array([before[widest], after[widest]]), source)
    series = f" of series '{frame[ID].iloc[places[widest]]}'" if codes[-1] > 0 else ""
    return [
        f"the largest gap{series} is {steps[widest]:.0f} steps wide, from {start} to {end} "
        f"({int((steps > WIDE_GAP).sum()):,} gaps are wider than {WIDE_GAP} steps)"
    ]


def _plain(choice: Choice | None) -> dict[str, str] | None:
    return {"name": choice.name, "why": choice.why} if choice else None
