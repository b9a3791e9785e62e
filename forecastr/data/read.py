"""From any table a user has to one checked panel."""

from dataclasses import replace

import numpy as np
import pandas as pd

from forecastr.data.columns import Columns
from forecastr.data.covariate_values import ReadCovariates, find_static
from forecastr.data.covariates import describe_covariates
from forecastr.data.describe import describe_panel
from forecastr.data.files.table import TableSource, open_table
from forecastr.data.ids import advise_on_repeats
from forecastr.data.load import Loaded, load_rows
from forecastr.data.options import ReadOptions
from forecastr.data.panel import Panel
from forecastr.data.repairs import Rows, fill_missing, put_in_order, settle_repeats, trim_ends
from forecastr.data.source import Source, format_stamps
from forecastr.data.suspicious import warn_of_values
from forecastr.data.time.aliases import calendar_of_alias
from forecastr.data.time.calendar import Calendar
from forecastr.data.time.frequency import learn_calendar
from forecastr.data.time.grid import is_after, place_on_grid, require_one_frequency, rows_between_steps
from forecastr.data.time.resample import resample
from forecastr.data.time.zones import fold_advice
from forecastr.errors import DataError
from forecastr.schema import ID, TARGET, TIME, Covariates

ONE_TABLE_ONLY = ("target", "wide", "time", "id", "date_format", "as_of", "known_covariates", "past_covariates")


def read_panel(
    source: TableSource, options: ReadOptions | None = None, *, like: Source | None = None, group_by: str | None = None
) -> Panel:
    """Return the panel in a CSV or Parquet file, in several, or in a DataFrame.

    Parameters
    ----------
    source : str, Path, sequence of them, or DataFrame
        A file (also compressed), ``-`` for standard input, a folder or several files, or a table; its
        DatetimeIndex counts as the time column.
    options : ReadOptions or None
        What the table's content does not say.
    like : Source or None
        How an earlier table was read: this one then has the same columns, dates and calendar.
    group_by : str or None
        A static column that is kept even where all series are of one group.

    Returns
    -------
    Panel
        A file without an id column gives one series, named as its target.

    Raises
    ------
    DataError
        If the table cannot be read in one way only; the sentence says where and what to do.

    Examples
    --------
    >>> days = pd.date_range("2024-01-01", periods=3)
    >>> read_panel(pd.DataFrame({"date": days, "price": [1.0, 2.0, 4.0]})).frame
      unique_id         ds    y
    0     price 2024-01-01  1.0
    1     price 2024-01-02  2.0
    2     price 2024-01-03  4.0
    """
    options = _continued(options or ReadOptions(), like)
    table = open_table(source, options)
    rows, loaded = load_rows(table, options, like)
    rows = _in_order(rows, loaded, options)
    static, why_static = find_static(rows, loaded.ids, loaded.chosen, loaded.covariates, group_by)
    if options.resample:
        rows = _resampled(rows, loaded, options.resample)
    calendar = _calendar(rows, loaded, options, like)
    rows, late = _cut(rows, loaded, options, calendar, like)
    described = _source(loaded, options, calendar, like)
    if not like:
        rows = _evenly_spaced(rows, loaded, described)
        rows = _on_grid(rows, loaded, calendar)
    rows = fill_missing(rows, options.missing, loaded.log, loaded.left_out)
    covariates, roles = describe_covariates(loaded.chosen, why_static)
    described = replace(described, covariates=covariates)
    frame = _frame(rows, loaded.ids, loaded.covariates, (*covariates.past, *covariates.known))
    future = _future(late, loaded, covariates)
    report = describe_panel(table, loaded, rows, late, described, roles)
    report["warnings"] += warn_of_values(rows, loaded, calendar)
    return Panel(
        frame=frame,
        calendar=calendar,
        source=described,
        report=report,
        covariates=covariates,
        future=future,
        static=static.reindex(frame[ID].unique()) if static is not None else None,
        exceptions=loaded.left_out.table(),
    )


def _continued(options: ReadOptions, like: Source | None) -> ReadOptions:
    """Return what is said of a newer table: what was said of the earlier one, but for what is said anew."""
    if like is None:
        return options
    earlier = {name: value for name, value in like.reading.items() if name not in ONE_TABLE_ONLY}
    if like.reading.get("wide") or len(like.reading.get("target", ())) > 1:
        earlier |= {name: like.reading[name] for name in ("wide", "target") if name in like.reading}
    return ReadOptions.from_dict({**earlier, **options.to_dict()})


def _in_order(rows: Rows, loaded: Loaded, options: ReadOptions) -> Rows:
    """Return the rows series by series in time order, one for each stamp."""

    def explain(rows: Rows, differ: np.ndarray) -> str | None:
        return fold_advice(rows.stamps[differ]) if loaded.stamps.zone is None else None

    return settle_repeats(
        put_in_order(rows, loaded.log),
        options.duplicates,
        loaded.left_out,
        loaded.log,
        explain=explain,
        advise=lambda: advise_on_repeats(loaded.table, loaded.columns),
    )


def _resampled(rows: Rows, loaded: Loaded, step: str) -> Rows:
    """Return the mean of each longer step; rows then have no lines of their own."""
    zone, read = loaded.stamps.zone, loaded.covariates
    asked, usual = calendar_of_alias(step, "resample"), learn_calendar(rows.series, rows.stamps, zone=zone)
    if rows.stamps.dtype.kind == "M" and usual.length > asked.length:
        raise DataError(
            f"{loaded.table.path}: --resample {step} makes steps shorter than those between the rows, which are "
            f"{usual.name}. Name a longer step, or leave --resample out."
        )
    columns = np.column_stack([rows.y, *(values[rows.places] for values in read.numbers.values())])
    codes, stamps, means = resample(rows.series, rows.stamps, columns, step, zone=zone)
    for number, name in enumerate(list(read.numbers), start=1):
        read.numbers[name] = means[:, number].astype(np.float32)
    loaded.log.note(f"rows averaged over longer steps ({step})", rows.places)
    loaded.log.line, loaded.left_out.where = None, lambda place: loaded.table.path
    return Rows(codes, stamps, means[:, 0].copy(), np.arange(len(codes), dtype=np.int32))


def _calendar(rows: Rows, loaded: Loaded, options: ReadOptions, like: Source | None) -> Calendar:
    if like and like.calendar:
        return like.calendar
    return learn_calendar(rows.series, rows.stamps, options.freq or options.resample, zone=loaded.stamps.zone)


def _cut(
    rows: Rows, loaded: Loaded, options: ReadOptions, calendar: Calendar, like: Source | None
) -> tuple[Rows, Rows]:
    """Return each series from its first value to its last, and the rows after it that tell of the future."""
    known = bool(loaded.chosen.known)
    if options.as_of:
        after = is_after(rows.stamps, options.as_of, calendar, zone=loaded.stamps.zone)
        if len(after) and after.all():
            [first] = format_stamps(rows.stamps.min(keepdims=True), _source(loaded, options, calendar, like))
            raise DataError(
                f"{loaded.table.path}: no row is left by {options.as_of} (--as-of): the first is of {first}. "
                "Pass a later date."
            )
        loaded.log.note("rows that were not over by then dropped (--as-of)", rows.places[after])
        rows = replace(rows, y=np.where(after, np.nan, rows.y)) if known else rows.take(~after)
    kept, late = trim_ends(rows, loaded.left_out, loaded.log, keep_early=like is not None, keep_late=known)
    if known and not like:
        started = np.isin(late.series, kept.series)
        for number in np.unique(late.series[~started]).tolist():
            loaded.left_out.empty[number] = "no value in any of its rows"
        late = late.take(started)
    if not len(kept) and not (like and len(late)):
        raise DataError(
            f"{loaded.where(0)}: from here on, every value of '{loaded.columns.target.name}' is missing. "
            "Name another column with --target."
        )
    return kept, late


def _evenly_spaced(rows: Rows, loaded: Loaded, source: Source) -> Rows:
    """Return the rows of series that keep to one step."""
    assert source.calendar is not None
    changed = require_one_frequency(
        rows.series,
        rows.stamps,
        source.calendar,
        where=lambda row: loaded.left_out.where(int(rows.places[row])),
        written=lambda stamps: format_stamps(stamps, source),
        freq=source.reading.get("freq"),
    )
    beside = rows_between_steps(rows.series, rows.stamps, source.calendar)
    if len(beside):
        lie = "rows lie" if len(beside) > 1 else "row lies"
        loaded.log.warnings.append(
            f"{len(beside):,} {lie} between the {source.calendar.name} steps, the first in "
            f"{loaded.left_out.where(int(rows.places[beside[0]]))}; each counts as a step of its own. "
            "--resample brings all rows to one step."
        )
    bad = np.isin(rows.series, changed) if len(changed) else np.zeros(len(rows), dtype=bool)
    return loaded.left_out.refuse(
        rows, bad, lambda row: "the step between the rows of this series changes", "Bring them to one with --resample."
    )


def _on_grid(rows: Rows, loaded: Loaded, calendar: Calendar) -> Rows:
    """Return the rows with one, without a value, for each step that is absent."""
    grid = place_on_grid(rows.series, rows.stamps, calendar)
    if grid is None:
        return rows
    y, places = np.full(len(grid.codes), np.nan), np.full(len(grid.codes), -1, dtype=rows.places.dtype)
    y[grid.rows], places[grid.rows] = rows.y, rows.places
    after = np.flatnonzero(np.diff(grid.rows) > 1) + 1  # rows with an absent step before them
    first = rows.places[after].min()
    line = loaded.log.line(int(first)) if loaded.log.line else None
    loaded.log.repairs.append({"what": "absent steps kept as gaps", "count": len(y) - len(rows), "first_line": line})
    return Rows(grid.codes.astype(rows.series.dtype), grid.stamps, y, places)


def _source(loaded: Loaded, options: ReadOptions, calendar: Calendar, like: Source | None) -> Source:
    """Return how the table was read; a table in our own names keeps the names of the one it continues."""
    columns: Columns = loaded.columns
    return Source(
        target=like.target if like else columns.target.name,
        time=like.time if like else columns.time.name,
        id=like.id if like else columns.id.name if columns.id else None,
        date_format=loaded.stamps.date_format,
        name=loaded.table.name,
        calendar=calendar,
        reading=like.reading if like else options.to_dict(),
        zone=loaded.stamps.zone,
    )


def _frame(rows: Rows, ids: np.ndarray, read: ReadCovariates, names: tuple[str, ...]) -> pd.DataFrame:
    own = [np.require(array, requirements="W") for array in (rows.stamps, rows.y)]  # not the caller's own frame
    columns = {ID: pd.array(ids, dtype="str").take(rows.series), TIME: own[0], TARGET: own[1]}
    for name in names:
        values = read.numbers[name]
        columns[name] = np.where(rows.places < 0, np.float32(np.nan), values[rows.places])
    return pd.DataFrame(columns, copy=False)


def _future(late: Rows, loaded: Loaded, covariates: Covariates) -> pd.DataFrame | None:
    """Return the rows after each series' last value with what is known of them; None where nothing is."""
    if not covariates.known:
        return None
    known = _frame(late, loaded.ids, loaded.covariates, covariates.known).drop(columns=TARGET)
    return known[known[list(covariates.known)].notna().any(axis=1)].reset_index(drop=True)
