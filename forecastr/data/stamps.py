"""The time column of a table, of whatever type, as one checked array of stamps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecastr.data.dates import (
    TWO_DIGIT_YEAR,
    exact_format,
    guess_formats,
    keep_one_zone,
    midnight_format,
    parse_integers,
    parse_text,
)
from forecastr.data.source import EPOCHS, INTEGER
from forecastr.data.values import clean_text, is_missing
from forecastr.errors import DataError

YEAR_NAMES = ("year", "yr")
Where = Callable[[int], str]


@dataclass(frozen=True)
class Stamps:
    """A time column's stamps [B], datetime64[ns] or int64; what stands where ``missing`` means nothing."""

    stamps: np.ndarray
    missing: np.ndarray
    date_format: str
    note: str | None = None


def looks_like_time(head: pd.Series, *, named: bool) -> bool:
    """Say whether most of a sample are dates; where the name says time, integers will do."""
    if pd.api.types.is_datetime64_any_dtype(head):
        return True
    head = _whole(head)
    if pd.api.types.is_numeric_dtype(head) and not pd.api.types.is_integer_dtype(head):
        return False
    text = clean_text(head)
    texts = text[~is_missing(text)].unique().tolist()
    if not texts:
        return False
    if all(map(_is_integer, texts)):
        integers = np.array([int(value) for value in texts], dtype=np.int64)
        return parse_integers(integers, axis=named) is not None or _are_years(integers, head.name)
    formats = guess_formats(texts)
    shares = [np.mean(~np.isnat(parse_text(texts, form))) for form in formats]
    return max(shares, default=0) >= 0.5 or TWO_DIGIT_YEAR.fullmatch(texts[0]) is not None


def read_stamps(column: pd.Series, groups: np.ndarray | None, *, where: Where, like: str | None) -> Stamps:
    """Return the stamps of a time column, all read in one way.

    Parameters
    ----------
    column : Series
        Timestamps, integers, or text as categories.
    groups : ndarray of int or None, shape [B]
        The series of each row: dates are in order within one, if at all.
    where : callable
        Names a row, for errors.
    like : str or None
        The format of an earlier file, which settles how this one is read if all of it fits.

    Raises
    ------
    DataError
        If a value is no date, or the order of day and month cannot be told.
    """
    if pd.api.types.is_datetime64_any_dtype(column):
        return _from_timestamps(column)
    column = _whole(column)
    name = str(column.name)
    if not isinstance(column.dtype, pd.CategoricalDtype):
        integers = pd.api.types.is_integer_dtype(column)
        column = (column if integers else clean_text(column)).astype("category")
    codes = column.cat.codes.to_numpy().astype(np.int64)
    text = clean_text(pd.Series(column.cat.categories))
    absent = is_missing(text)
    missing = absent[codes] | (codes < 0)
    texts = text[~absent].tolist()
    if not texts:
        raise DataError(f"{where(0)}: '{column.name}' holds no date at all. Name the time column with --time.")
    place = np.cumsum(~absent) - 1  # from a category to its text
    rows = place[codes]
    ordered = np.where(missing, -1, rows)
    read = _Reading(name, texts, ordered, groups, where, like)
    uniques, date_format, note = read.integers() if all(map(_is_integer, texts)) else read.dates()
    return Stamps(uniques[np.maximum(ordered, 0)], missing, date_format, note)


@dataclass(frozen=True)
class _Reading:
    """The distinct texts [U] of a time column and, row by row, which of them stands there (-1: none)."""

    name: str
    texts: list[str]
    rows: np.ndarray
    groups: np.ndarray | None
    where: Where
    like: str | None

    def integers(self) -> tuple[np.ndarray, str, str | None]:
        values = np.array([int(text) for text in self.texts], dtype=np.int64)
        if self.like == "%Y" or (self.like is None and _are_years(values, self.name)):
            return parse_text(self.texts, "%Y"), "%Y", None
        if self.like == INTEGER:
            return values, INTEGER, None
        if self.like in EPOCHS:
            return (values * EPOCHS[self.like]).astype("datetime64[ns]"), self.like, None
        parsed = parse_integers(values, axis=True)
        assert parsed is not None  # axis=True takes any integer
        note = f"'{self.name}' holds integers, read as {parsed[1]}" if parsed[1] in EPOCHS else None
        return *parsed, note

    def dates(self) -> tuple[np.ndarray, str, str | None]:
        if self.like:
            stamps = parse_text(self.texts, self.like)
            if not np.isnat(stamps).any():
                return stamps, self.like, None
        formats = guess_formats(self.texts)
        if not formats and TWO_DIGIT_YEAR.fullmatch(self.texts[0]):
            raise DataError(
                f"{self._place(0)}: '{self.texts[0]}' in '{self.name}' has a year of two digits, so its "
                "century is a guess. Write the dates as YYYY-MM-DD."
            )
        formats = [keep_one_zone(self.texts, form) for form in formats]
        readings = [parse_text(self.texts, form) for form in formats]
        whole = [place for place, stamps in enumerate(readings) if not np.isnat(stamps).any()]
        if not whole:
            self._refuse(formats, readings)
        chosen = whole[0] if len(whole) == 1 else self._settle(readings)
        zone = "offsets from UTC differ: all stamps are taken to UTC" if "%z" in formats[chosen] else None
        return readings[chosen], exact_format(self.texts, formats[chosen]), zone

    def _settle(self, readings: Sequence[np.ndarray]) -> int:
        """Return which of two readings gives an axis in order or, failing that, a regular one."""
        rows = self.rows[self.rows >= 0]
        groups = self.groups[self.rows >= 0] if self.groups is not None else None
        axes = [_Axis(stamps[rows], groups) for stamps in readings]
        for quality in ([axis.in_order() for axis in axes], [axis.is_regular() for axis in axes]):
            if quality[0] != quality[1]:
                return quality.index(True)
        text = self.texts[rows[0]]
        raise DataError(
            f"{self._place(rows[0])}: '{text}' in '{self.name}' may have the month or the day first, and "
            "nothing in the column tells which. Writing the dates as YYYY-MM-DD settles it."
        )

    def _refuse(self, formats: list[str], readings: list[np.ndarray]) -> None:
        """Raise the error for the first row that the best reading leaves out."""
        if not readings:
            raise DataError(
                f"{self._place(0)}: '{self.texts[0]}' in '{self.name}' is not a date. "
                "Write the dates as YYYY-MM-DD, or name another column with --time."
            )
        bad = [np.isnat(stamps) for stamps in readings]
        best = int(np.argmin([mask.sum() for mask in bad]))
        rows = np.flatnonzero((self.rows >= 0) & bad[best][self.rows])
        text = self.texts[self.rows[rows[0]]]
        raise DataError(
            f"{self.where(int(rows[0]))}: '{text}' in '{self.name}' is not a date written like the others "
            f"({formats[best]}; {len(rows):,} of {len(self.rows):,} rows are not). "
            "Correct it, or remove the line."
        )

    def _place(self, text: int) -> str:
        return self.where(int((self.rows == text).argmax()))


@dataclass(frozen=True)
class _Axis:
    """The stamps [B] of one reading in the order of the file, and the series of each."""

    axis: np.ndarray
    groups: np.ndarray | None

    def in_order(self) -> bool:
        """Say whether every series runs one way only, forwards or backwards."""
        steps = self._steps(self.axis.view(np.int64))
        return bool((steps >= 0).all() or (steps <= 0).all())

    def is_regular(self) -> bool:
        """Say whether all steps are the same, in days or in calendar months."""
        months, dates = self.axis.astype("datetime64[M]"), self.axis.astype("datetime64[D]")
        days = (dates - months).astype(np.int64)
        month_steps = self._steps(months.astype(np.int64))
        same_day = bool((days == days[0]).all())
        return _all_equal(self._steps(self.axis.view(np.int64))) or (same_day and _all_equal(month_steps))

    def _steps(self, values: np.ndarray) -> np.ndarray:
        if self.groups is None:
            return np.diff(values)
        order = np.argsort(self.groups, kind="stable")
        return np.diff(values[order])[np.diff(self.groups[order]) == 0]


def _from_timestamps(column: pd.Series) -> Stamps:
    note = None
    if column.dt.tz is not None:
        column, note = column.dt.tz_convert("UTC").dt.tz_localize(None), "stamps are taken to UTC"
    missing = column.isna().to_numpy()
    values = column.to_numpy(dtype="datetime64[ns]")
    date_format = midnight_format(values[~missing])
    if note:
        date_format = date_format.replace("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", 1) if " " not in date_format else date_format
        date_format += "+00:00"
    return Stamps(values, missing, date_format, note)


def _whole(column: pd.Series) -> pd.Series:
    """Return floats as integers where they are whole: a gap in a column of integers makes floats of them."""
    if not pd.api.types.is_float_dtype(column):
        return column
    values = column.dropna().to_numpy(dtype=np.float64)
    return column.astype("Int64") if (np.isfinite(values) & (values == np.round(values))).all() else column


def _is_integer(text: str) -> bool:
    return text.removeprefix("-").isdecimal() and abs(int(text)) < 2**63


def _are_years(values: np.ndarray, name: object) -> bool:
    named = str(name).strip().lower() in YEAR_NAMES
    return named and bool(values.min() >= 1700 and values.max() <= 2250)


def _all_equal(steps: np.ndarray) -> bool:
    return len(steps) > 0 and bool((steps == steps[0]).all())
