"""From a table to its rows: series, stamps, values and covariates, each column read as one."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from pyarrow import default_memory_pool

from forecastr.data.columns import Columns, choose_columns
from forecastr.data.covariate_values import ReadCovariates, read_covariates
from forecastr.data.covariates import ChosenCovariates, choose_covariates
from forecastr.data.files.rectangle import HEAD
from forecastr.data.files.table import Table
from forecastr.data.files.wide import melt
from forecastr.data.ids import Series, follow_one_another, one_series, read_ids, require_names
from forecastr.data.left_out import LeftOut
from forecastr.data.options import ReadOptions
from forecastr.data.repairs import Log, Rows, drop_unstamped
from forecastr.data.source import Source
from forecastr.data.time.reading import Stamps
from forecastr.data.time.stamps import read_stamps, step_axis
from forecastr.data.values import (
    FEW_INFINITE,
    INFINITE_READ,
    MOST_INFINITE,
    Numbers,
    looks_numeric,
    parse_numbers,
)
from forecastr.errors import quoted

MOST_REMARKS = 3
Where = Callable[[int], str]


@dataclass
class Loaded:
    """What was found out about a table on the way to its rows.

    Parameters
    ----------
    table : Table
        The file; of a wide one, what it is in long form.
    columns, chosen
        What its columns are.
    ids : ndarray of object, shape [N]
        Names of the series.
    covariates : ReadCovariates
        By the ``places`` of the rows.
    stamps, numbers
        How dates and values are written; of the arrays only the beginning is kept.
    left_out, log
        What could not be read, and what was done.
    where : callable
        Names the row at a place.
    """

    table: Table
    columns: Columns
    chosen: ChosenCovariates
    ids: np.ndarray
    covariates: ReadCovariates
    stamps: Stamps
    numbers: Numbers
    left_out: LeftOut
    log: Log
    where: Where


def load_rows(table: Table, options: ReadOptions, like: Source | None) -> tuple[Rows, Loaded]:
    """Return the rows of a table as the file has them, and what was found out on the way.

    Raises
    ------
    DataError
        If a column cannot be found, or cannot be read in one way only.
    """
    columns = choose_columns(table, options, like)
    chosen = choose_covariates(table, columns, options, like)
    if columns.wide:
        names = {"id_name": columns.ids[0], "value_name": columns.target.name}
        table = melt(table, time=columns.time.name, targets=columns.wide, **names)
    loaded = _load(table, columns, chosen)
    columns, series = read_ids(loaded, table, columns)
    chosen.perhaps_static = [name for name in chosen.perhaps_static if name not in columns.ids]
    groups = series.codes if columns.id else None
    if options.dates:
        stamps = read_stamps(loaded[columns.time.name], groups, where=table.where, like=like, options=options)
        loaded = loaded.drop(columns=columns.time.name)  # ten million texts, which nothing else looks at
        default_memory_pool().release_unused()
    else:
        stamps = step_axis(groups, len(loaded))
    parts = bool(columns.id and table.named_by and not columns.id_asked) and follow_one_another(series, stamps)
    if parts:
        columns, series = replace(columns, id=None, ids=()), one_series(len(loaded))
    remarks = _remarks(loaded[columns.target.name], stamps)
    loaded, series, stamps, kept = _without_footers(loaded, series, stamps, remarks)
    order = np.arange(len(loaded), dtype=np.int32)
    places = kept if kept is not None else order
    require_names(series, places, table, columns)
    ids = series.ids if columns.id else np.array([_lone_name(columns, options, like)], dtype=object)

    def where(place: int) -> str:
        return table.where(int(places[place]))

    line = table.line
    log = Log((lambda place: line(int(places[place]))) if line else None, list(table.repairs), list(table.warnings))
    log.warnings += chosen.warnings
    if parts:
        log.warnings.append(f"{table.path} follow one another in time and are read as parts of one series")
    if len(remarks):
        log.warnings.append(
            f"footer dropped: {len(remarks)} of the last rows hold no date and no number, from "
            f"{table.where(int(remarks[0]))} on"
        )
    for repair in stamps.repairs:
        log.note(repair["what"], repair["rows"])
    left_out = LeftOut(ids, where)
    rows = Rows(series.codes, stamps.stamps, np.empty(0), order)
    rows, numbers = _read_values(loaded, table, columns, options, rows, left_out, log)
    covariates = read_covariates(loaded, chosen, table, places, options, log)
    rows = drop_unstamped(rows, stamps.missing[rows.places], left_out, log)
    stamps = replace(stamps, stamps=stamps.stamps[:HEAD].copy(), missing=stamps.missing[:HEAD].copy())
    numbers = replace(numbers, numbers=numbers.numbers[:0], bad=None)
    return rows, Loaded(table, columns, chosen, ids, covariates, stamps, numbers, left_out, log, where)


def _load(table: Table, columns: Columns, chosen: ChosenCovariates) -> pd.DataFrame:
    texts = [*columns.ids, *chosen.as_texts]
    if columns.time.name in table.columns:
        texts.insert(0, columns.time.name)
    numbers = [name for name in (columns.target.name, *chosen.as_numbers) if name in table.columns]
    loaded = table.load(list(dict.fromkeys(texts)), list(dict.fromkeys(numbers)))
    if columns.target.name not in loaded:  # a table of nothing but what is known of the future
        loaded[columns.target.name] = np.nan
    return loaded


def _remarks(column: pd.Series, stamps: Stamps) -> np.ndarray:
    """Return the last rows, a few at most, that have no date and words for a value."""
    if pd.api.types.is_numeric_dtype(column):
        return np.array([], dtype=np.int64)
    last = np.arange(max(0, len(column) - MOST_REMARKS), len(column))
    words = [bool(stamps.missing[row]) and not looks_numeric(column.iloc[[row]]) for row in last.tolist()]
    begin = len(words) - next((n for n, word in enumerate(reversed(words)) if not word), len(words))
    return last[begin:]


def _without_footers(
    loaded: pd.DataFrame, series: Series, stamps: Stamps, remarks: np.ndarray
) -> tuple[pd.DataFrame, Series, Stamps, np.ndarray | None]:
    """Return everything without the last rows that hold a total or a remark, and which rows are left."""
    kept = ~stamps.unreadable
    kept[remarks] = False
    if kept.all():
        return loaded, series, stamps, None
    left = replace(stamps, stamps=stamps.stamps[kept], missing=stamps.missing[kept])
    return loaded[kept].reset_index(drop=True), series.keep(kept), left, np.flatnonzero(kept).astype(np.int32)


def _lone_name(columns: Columns, options: ReadOptions, like: Source | None) -> str:
    return like.target if like and not options.target else columns.target.name


def _read_values(
    loaded: pd.DataFrame,
    table: Table,
    columns: Columns,
    options: ReadOptions,
    rows: Rows,
    left_out: LeftOut,
    log: Log,
) -> tuple[Rows, Numbers]:
    """Return the rows with their values; a series that holds something else is left out, if it may be."""
    column = loaded[columns.target.name]
    numbers = parse_numbers(
        column,
        separator=table.dialect.get("separator"),
        where=left_out.where,
        decimal=options.decimal,
        strict=not left_out.lenient,
    )
    for what, found in numbers.repairs:
        log.note(what, found)
    log.warnings += numbers.notes
    rows = replace(rows, y=numbers.numbers)
    if numbers.bad is not None and numbers.bad.any():
        rows = left_out.refuse(
            rows,
            numbers.bad,
            lambda row: f"'{column.name}' is {quoted(column.iloc[row])}, no number that can be used",
            "Correct the value or leave it empty.",
            problem=numbers.problem,
        )
    infinite = [found for what, found in numbers.repairs if what == INFINITE_READ]
    return (_without_infinite(rows, infinite[0], column.name, left_out) if infinite else rows), numbers


def _without_infinite(rows: Rows, places: np.ndarray, name: object, left_out: LeftOut) -> Rows:
    """Return the rows of series that are infinite, at ``places``, in few rows only."""
    infinite, size = np.isin(rows.places, places), len(left_out.ids)
    counts = np.bincount(rows.series[infinite], minlength=size)
    totals = np.bincount(rows.series[infinite | ~np.isnan(rows.y)], minlength=size)
    many = counts > np.maximum(FEW_INFINITE, MOST_INFINITE * totals)

    def reason(row: int) -> str:
        number = rows.series[row]
        return (
            f"'{name}' is infinite here and in {counts[number]:,} of {totals[number]:,} rows of the series, too many "
            "to be taken as missing"
        )

    return left_out.refuse(rows, infinite & many[rows.series], reason, "Correct the values, or leave them empty.")
