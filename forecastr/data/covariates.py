"""The columns beside the target: known to the cutoff, known through the horizon, or the same for a whole series."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from forecastr.data.columns import Choice, Columns, listed, only_future, require_column
from forecastr.data.files.table import Table
from forecastr.data.ids import id_candidates
from forecastr.data.options import ReadOptions
from forecastr.data.repairs import Log, Rows
from forecastr.data.source import Source
from forecastr.data.traits import TRUTHS, Traits
from forecastr.data.values import clean_text, is_missing, looks_numeric, parse_numbers
from forecastr.errors import DataError, quoted
from forecastr.schema import CUTOFF, ID, TARGET, TIME, Covariates

MOST_PAST = 100  # columns taken without being asked
OWN_NAMES = (ID, TIME, TARGET, CUTOFF)  # columns of every panel and forecast
PRESENT = "is text: 1 where it says something, 0 where it is empty"
SHOWN = 3


@dataclass
class ChosenCovariates:
    """Columns that may be covariates, and why.

    Parameters
    ----------
    past, known : dict of str to str
        Column and reason.
    perhaps_static : list of str
        Columns that are static if every series has one value of its own; words serve for nothing else.
    static : tuple of str or None
        What an earlier table had; None to find out.
    numeric : set of str
        Columns to be loaded as numbers.
    warnings : list of str
        About columns that are not taken.
    """

    past: dict[str, str] = field(default_factory=dict)
    known: dict[str, str] = field(default_factory=dict)
    perhaps_static: list[str] = field(default_factory=list)
    static: tuple[str, ...] | None = None
    numeric: set[str] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)

    @property
    def as_numbers(self) -> list[str]:
        """Columns to load as numbers."""
        return [name for name in self.names if name in self.numeric]

    @property
    def as_texts(self) -> list[str]:
        """Columns to load as text."""
        return [name for name in self.names if name not in self.numeric]

    @property
    def names(self) -> list[str]:
        """All columns, once each."""
        return list(dict.fromkeys((*self.past, *self.known, *self.perhaps_static)))


@dataclass(frozen=True)
class ReadCovariates:
    """Covariates of every row of the file: numbers [B], and texts as codes [B] with their texts (-1: none)."""

    numbers: dict[str, np.ndarray]
    texts: dict[str, tuple[np.ndarray, np.ndarray]]


def choose_covariates(
    table: Table, columns: Columns, options: ReadOptions, like: Source | None = None
) -> ChosenCovariates:
    """Return the columns that are covariates, or may be.

    Raises
    ------
    DataError
        If one that was asked for, or that an earlier table had, is not there.
    """
    if columns.wide:
        return ChosenCovariates()
    if like:
        earlier = Covariates(known=like.covariates.known) if only_future(table, like) else like.covariates
        chosen = _as_before(table, earlier)
    else:
        chosen = ChosenCovariates(known=_asked(table, columns, options.known_covariates, "known"))
        used = columns.used | set(chosen.known)
        past = options.past_covariates
        if past == ("none",) and "none" not in table.columns:
            past = ()
        if past is not None:
            chosen.past = _asked(table, columns, past, "past")
            others = columns.traits.numeric_columns(used | set(chosen.past) | set(OWN_NAMES))
            chosen.perhaps_static = _same_within_series(table, columns, others)
        else:
            _take_past(chosen, columns.traits, used)
            chosen.perhaps_static = list(chosen.past)
        chosen.perhaps_static += _static_texts(table, columns, used)
    chosen.numeric = {name for name in chosen.names if columns.traits.is_number(name)}
    return chosen


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


def describe_covariates(chosen: ChosenCovariates, static: dict[str, str]) -> tuple[Covariates, dict[str, list[Choice]]]:
    """Return the names of the covariates, and each role's columns with their reasons."""
    names = Covariates(past=tuple(chosen.past), known=tuple(chosen.known), static=tuple(static))
    roles = {"past": chosen.past, "known": chosen.known, "static": static}
    return names, {role: [Choice(name, why) for name, why in found.items()] for role, found in roles.items()}


def _as_before(table: Table, earlier: Covariates) -> ChosenCovariates:
    names = (*earlier.known, *earlier.past, *earlier.static)
    lacking = [name for name in names if name not in table.columns]
    if lacking:
        raise DataError(
            f"{table.path}: the bundle was fitted with the covariates {listed(names)}, and this table has no "
            f"{listed(lacking)}. Bring every one of them."
        )
    why = "as in the earlier table"
    return ChosenCovariates(
        past=dict.fromkeys(earlier.past, why),
        known=dict.fromkeys(earlier.known, why),
        perhaps_static=list(earlier.static),
        static=earlier.static,
    )


def _asked(table: Table, columns: Columns, wanted: tuple[str, ...], role: str) -> dict[str, str]:
    option = f"--{role}-covariates"
    found: dict[str, str] = {}
    for name in wanted:
        column = require_column(table, name, f"{option} names")
        if column in columns.used:
            raise DataError(f"{table.path}: {option} names '{name}', and that is the time, the target or the id.")
        if column in OWN_NAMES:
            raise DataError(f"{table.path}: {option} names '{name}', a name that forecasts need. Rename the column.")
        found[column] = f"named by {option}" + (f" ('{name}')" if name != column else "")
    return found


def _take_past(chosen: ChosenCovariates, traits: Traits, used: set[str]) -> None:
    names = [name for name in traits.numeric_columns(used | set(OWN_NAMES)) if not traits.is_empty(name)]
    names += [name for name in traits.table.columns if name not in used and traits.is_truth(name)]
    if len(names) > MOST_PAST:
        chosen.warnings.append(
            f"{len(names):,} further columns hold numbers; more than {MOST_PAST} are not taken as covariates "
            "unasked. Name those that matter with --past-covariates."
        )
        return
    chosen.past = {name: "numeric, known to the cutoff" for name in traits.table.columns if name in names}


def _static_texts(table: Table, columns: Columns, used: set[str]) -> list[str]:
    """Return the columns of text that may be the same in all rows of a series, as far as the first rows show."""
    traits = columns.traits
    free = [name for name in table.columns if name not in used and name not in OWN_NAMES]
    if columns.id is None:  # one of them may turn out to be the id
        return [name for name in id_candidates(traits, columns.used) if name in free and traits.is_text(name)]
    texts = [name for name in free if traits.is_text(name) and not traits.is_empty(name)]
    return _same_within_series(table, columns, texts)


def _same_within_series(table: Table, columns: Columns, names: list[str]) -> list[str]:
    """Return the columns that have one value in each series, as far as the first rows show."""
    if columns.id is None or not names:
        return []
    groups = table.head.groupby([table.head[name] for name in columns.ids])
    return [name for name in names if groups[name].nunique().max() <= 1]


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
