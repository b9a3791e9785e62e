"""Covariates of every row, as numbers or texts, and those that are the same in every row of a series."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecastr.data.covariates import ChosenCovariates
from forecastr.data.files.table import Table
from forecastr.data.options import ReadOptions
from forecastr.data.repairs import Log, Rows
from forecastr.data.traits import TRUTHS
from forecastr.data.values import clean_text, is_missing, looks_numeric, parse_numbers
from forecastr.errors import DataError, quoted
from forecastr.schema import ID

PRESENT = "is text: 1 where it says something, 0 where it is empty"
SHOWN = 3


@dataclass(frozen=True)
class ReadCovariates:
    """Covariates of every row of the file: numbers [B], and texts as codes [B] with their texts (-1: none)."""

    numbers: dict[str, np.ndarray]
    texts: dict[str, tuple[np.ndarray, np.ndarray]]


def read_covariates(
    loaded: pd.DataFrame, chosen: ChosenCovariates, table: Table, places: np.ndarray, options: ReadOptions, log: Log
) -> ReadCovariates:
    """Return the covariates as float32, NaN where missing or no number; columns of no use are taken off ``chosen``.

    Parameters
    ----------
    loaded : DataFrame
        The columns.
    places : ndarray of int, shape [B]
        Where its rows stand in the file.
    """
    numbers: dict[str, np.ndarray] = {}
    texts: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for name in chosen.names:
        if name not in chosen.known and name not in chosen.past and name not in chosen.numeric:
            texts[name] = _text_codes(loaded[name])
            continue
        try:
            numbers[name] = _read_one(loaded[name], name in chosen.known, table, places, options, log)
        except DataError as error:
            if name in chosen.known:
                raise
            chosen.past.pop(name, None)
            log.warnings.append(f"'{name}' is not used as a covariate: {error}")
    return ReadCovariates(numbers, texts)


def find_static(
    rows: Rows, ids: np.ndarray, chosen: ChosenCovariates, read: ReadCovariates, group_by: str | None = None
) -> tuple[pd.DataFrame | None, dict[str, str]]:
    """Return the static covariates, a row per series, and why each is one.

    Parameters
    ----------
    rows : Rows
        In order, with the file's places.
    ids : ndarray of object, shape [N]
        Names of all series; only those with rows get a row.
    group_by : str or None
        A column that is kept even where all series are of one group.
    """
    starts = rows.starts[:-1]
    if not len(starts):
        return None, {}
    columns: dict[str, np.ndarray] = {}
    lone = len(starts) == 1 and chosen.static is None
    for name, values in read.numbers.items():
        if name not in chosen.perhaps_static:
            continue
        own = values[rows.places]
        low, high = np.fmin.reduceat(own, starts), np.fmax.reduceat(own, starts)
        if name in (chosen.static or ()) or ((low == high) | np.isnan(low)).all():
            columns[name] = high.astype(np.float64)
    for name, (codes, texts) in read.texts.items():
        own_codes = codes[rows.places]
        high_code = np.maximum.reduceat(own_codes, starts)
        low_code = np.minimum.reduceat(np.where(own_codes < 0, len(texts), own_codes), starts)
        if name in (chosen.static or ()) or ((low_code == high_code) | (high_code < 0)).all():
            columns[name] = np.array([*texts, None], dtype=object)[high_code]
    for name in columns:
        chosen.past.pop(name, None)
        read.numbers.pop(name, None)
    static = pd.DataFrame(columns, index=pd.Index(ids[rows.series[starts]], name=ID, dtype="str"))
    if chosen.static is None:
        static = static[[name for name in static if name == group_by or (not lone and _tells(static[name]))]]
    if static.empty or not len(static.columns):
        return None, {}
    why = "as in the earlier table" if chosen.static is not None else "the same in every row of a series"
    return static, dict.fromkeys(map(str, static.columns), why)


def _tells(column: pd.Series) -> bool:
    """Say whether a static covariate groups series: it differs, and texts are not just another name for each."""
    distinct = column.nunique()
    own_name = not pd.api.types.is_numeric_dtype(column) and distinct == len(column) >= 10
    return distinct > 1 and not own_name


def _read_one(
    column: pd.Series, known: bool, table: Table, places: np.ndarray, options: ReadOptions, log: Log
) -> np.ndarray:
    if pd.api.types.is_bool_dtype(column):
        return column.to_numpy(dtype=np.float32, na_value=np.nan)
    if isinstance(column.dtype, pd.CategoricalDtype) or not pd.api.types.is_numeric_dtype(column):
        codes, texts = _text_codes(column)
        said = {text.lower() for text in texts.tolist()}
        if said and said <= set(TRUTHS):
            truths = np.array([*(TRUTHS[text.lower()] for text in texts), np.nan], dtype=np.float32)
            return truths[codes]
        if known and not looks_numeric(pd.Series(texts, dtype="str")):
            return _read_presence(column, codes, texts, table, places, log)
    numbers = parse_numbers(
        column,
        separator=table.dialect.get("separator"),
        where=lambda row: table.where(int(places[row])),
        decimal=options.decimal,
        strict=False,
    )
    if numbers.bad is not None and numbers.bad.any():
        log.note(f"values of '{column.name}' that are no numbers taken as missing", places[numbers.bad])
    for what, rows in numbers.repairs:
        log.note(f"{what}, in '{column.name}'", places[rows])
    with np.errstate(over="ignore"):
        values = numbers.numbers.astype(np.float32)
    values[~np.isfinite(values)] = np.nan
    return values


def _read_presence(
    column: pd.Series, codes: np.ndarray, texts: np.ndarray, table: Table, places: np.ndarray, log: Log
) -> np.ndarray:
    if (codes >= 0).all():
        samples = ", ".join(map(quoted, texts[:SHOWN]))
        raise DataError(
            f"{table.where(int(places[0]))}: '{column.name}' is text in every row ({samples}), and what is known of "
            "the future must be numbers. Write numbers, or leave the cell empty where there is nothing."
        )
    log.warnings.append(f"'{column.name}' {PRESENT}")
    return (codes >= 0).astype(np.float32)


def _text_codes(column: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Return which text stands in each row [B], -1 where none does, and the texts."""
    if not isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype("category")
    texts = clean_text(pd.Series(column.cat.categories))
    absent = is_missing(texts)
    merged, distinct = pd.factorize(texts.where(~absent))
    return np.append(merged, -1)[column.cat.codes.to_numpy()].astype(np.int32), np.asarray(distinct, dtype=object)
