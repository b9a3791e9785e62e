"""The data report: what was read, how long the series are, and the largest hole in them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from forecastr.data.columns import Choice
from forecastr.data.files.table import Table
from forecastr.data.load import Loaded
from forecastr.data.repairs import Rows
from forecastr.data.source import Source, format_stamps
from forecastr.data.time.calendar import DAY
from forecastr.data.values import clean_text, is_missing, parse_numbers
from forecastr.errors import DataError

WIDE_GAP = 5  # steps
HOLIDAYS = 2  # sessions in a row that may be missing without a word
BLOCK = 1 << 16  # rows looked at together: they stay in the processor's cache
PLENTY = 3  # usual horizons that a series should hold, to be judged on one of them


def describe_panel(
    table: Table, loaded: Loaded, rows: Rows, late: Rows, source: Source, roles: Mapping[str, list[Choice]]
) -> dict[str, Any]:
    """Return the data report: rows, columns, dialect, dates, calendar, lengths, gaps, repairs, warnings.

    Parameters
    ----------
    table : Table
        As in the file.
    loaded : Loaded
        How it was read.
    rows, late : Rows
        Each series from its first value to its last, and what is known of the time after that.
    source : Source
        With its calendar.
    roles : dict of str to list of Choice
        Covariates.
    """
    assert source.calendar is not None  # read_panel has learned it
    columns, gap = loaded.columns, _Gaps.of(rows, source)
    chosen = {"time": columns.time, "target": columns.target, "id": columns.id}
    used = columns.used | {choice.name for choices in roles.values() for choice in choices}
    lengths = np.diff(rows.starts)
    warnings = [*([loaded.stamps.note] if loaded.stamps.note else []), *loaded.log.warnings]
    return {
        "path": table.path,
        "rows": len(rows),
        "series": len(lengths),
        "left_out": len(loaded.left_out.table()),
        "columns": {
            **{role: _plain(choice) for role, choice in chosen.items()},
            "unused": [name for name in table.columns if name not in used],
        },
        "covariates": {role: [_plain(choice) for choice in choices] for role, choices in roles.items()},
        "dialect": {
            "separator": table.dialect.get("separator"),
            "decimal": _decimal(table, loaded),
            "encoding": table.dialect.get("encoding"),
            "compression": table.dialect.get("compression"),
        },
        "dates": _describe_dates(table, loaded, rows, late, source),
        "calendar": {"name": source.calendar.name, "alias": source.calendar.alias},
        "lengths": _describe_lengths(lengths, source.calendar.default_horizon),
        "gaps": {"count": gap.count, "widest": gap.widest},
        "repairs": loaded.log.repairs,
        "warnings": [*warnings, *gap.warning(loaded.ids, source)],
    }


def _decimal(table: Table, loaded: Loaded) -> str | None:
    """Return the decimal mark of the target in a text; a column that is numbers at once tells it in its first rows."""
    name, separator = loaded.columns.target.name, table.dialect.get("separator")
    if separator is None:
        return None
    style = loaded.numbers.style
    if name in table.head:
        try:
            style = parse_numbers(table.head[name], separator=separator, where=table.where, strict=False).style
        except DataError:  # the first rows alone do not tell
            return style.decimal
    return style.decimal


def _describe_dates(table: Table, loaded: Loaded, rows: Rows, late: Rows, source: Source) -> dict[str, Any]:
    stamps = rows.stamps if len(rows) else late.stamps
    start, end = format_stamps(np.array([stamps.min(), stamps.max()]), source)
    described: dict[str, Any] = {"format": source.date_format, "start": start, "end": end}
    if source.zone:
        described["zone"] = source.zone
    name = loaded.columns.time.name
    if name in table.columns:
        texts = clean_text(table.head[name])[: len(loaded.stamps.missing)]  # without a footer
        first = np.flatnonzero(~is_missing(texts) & ~loaded.stamps.missing[: len(texts)])
        if len(first):
            read = loaded.stamps.stamps[first[0]]
            plain = str(read) if read.dtype.kind != "M" else pd.Timestamp(read).isoformat()
            described["example"] = {"text": texts.iloc[first[0]], "read_as": plain}
    return described


def _describe_lengths(lengths: np.ndarray, usual_horizon: int) -> dict[str, int]:
    if not len(lengths):
        return {"min": 0, "median": 0, "max": 0, "short": 0}
    short = int((lengths < PLENTY * usual_horizon).sum())
    return {"min": int(lengths.min()), "median": int(np.median(lengths)), "max": int(lengths.max()), "short": short}


class _Gaps:
    """Runs of steps without a value between two values of a series."""

    def __init__(self, before: np.ndarray, after: np.ndarray, series: np.ndarray, steps: np.ndarray) -> None:
        self.before, self.after, self.series, self.steps = before, after, series, steps

    @classmethod
    def of(cls, rows: Rows, source: Source) -> "_Gaps":
        """Return the gaps of rows in order; weekends, closing hours and a holiday or two are none."""
        calendar = source.calendar
        assert calendar is not None
        missing = np.isnan(rows.y)
        valued = rows.take(~missing) if missing.any() else rows
        stamps, series = valued.stamps, valued.series
        ticks, step = stamps.view(np.int64), calendar.step or 31 * DAY  # only what is larger can be a gap
        blocks = (slice(begin, begin + BLOCK + 1) for begin in range(0, len(ticks), BLOCK))
        found = [np.flatnonzero(np.diff(ticks[block]) > step) + block.start for block in blocks]
        places = np.concatenate(found) if found else np.zeros(0, dtype=np.int64)
        places = places[series[places] == series[places + 1]]
        steps = calendar.count(stamps[places], stamps[places + 1])
        wide = np.flatnonzero(steps > (1.5 if calendar.has_grid else HOLIDAYS + 1.5))
        places = places[wide]
        return cls(stamps[places], stamps[places + 1], series[places], steps[wide])

    @property
    def count(self) -> int:
        return len(self.steps)

    @property
    def widest(self) -> int:
        """Steps without a value in the widest gap."""
        return round(float(self.steps.max())) - 1 if len(self.steps) else 0

    def warning(self, ids: np.ndarray, source: Source) -> list[str]:
        """Return a warning about the widest gap, if it is a wide one."""
        if self.widest < WIDE_GAP:
            return []
        at = int(self.steps.argmax())
        start, end = format_stamps(np.array([self.before[at], self.after[at]]), source)
        series = f" of series '{ids[self.series[at]]}'" if len(ids) > 1 else ""
        return [
            f"the largest gap{series} is {self.widest:,} steps wide, from {start} to {end} "
            f"(of {WIDE_GAP} steps and more: {int((self.steps > WIDE_GAP + 0.5).sum()):,})"
        ]


def _plain(choice: Choice | None) -> dict[str, str] | None:
    return {"name": choice.name, "why": choice.why} if choice else None
