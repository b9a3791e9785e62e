"""Times that are written as numbers: epochs, days of a spreadsheet, years, dates without marks, or plain steps."""

import re
from dataclasses import dataclass

import numpy as np

from forecastr.data.source import EPOCHS, EXCEL, EXCEL_START, INTEGER
from forecastr.data.time.calendar import DAY, SECOND
from forecastr.data.time.dates import NAT, combine_fields
from forecastr.data.time.formats import FIRST_YEAR, LAST_YEAR

YEAR_NAMES = re.compile(r"(?:\w*[ _])?(?:years?|yr|jahr)", re.IGNORECASE)
SAYS_DATE = re.compile(r"(?:\w+[ _])?(?:date|datum|fecha|month|period)", re.IGNORECASE)
DATE_NAMES = re.compile(r".*(?:date|datum|fecha|data|month|period|day).*", re.IGNORECASE)
TIME_NAMES = re.compile(r"ds|time|timestamp", re.IGNORECASE)  # dates as well as steps
SERIALS = (29221, 54789)  # days of a spreadsheet from 1980 to 2049
MOST_NANOSECONDS = 6 * 10**18  # since 1970 or 1899, either way: 190 years
MOST_STEPS = 10**6  # a column of dates that counts steps counts no higher
# Dates written without marks -> the digits of each field, the last first.
UNMARKED = {
    "%Y%m%d": (("d", 2), ("m", 2), ("Y", 4)),
    "%Y%m": (("m", 2), ("Y", 4)),
    "%Y": (("Y", 4),),
    "%Y%m%d%H%M": (("M", 2), ("H", 2), ("d", 2), ("m", 2), ("Y", 4)),
    "%Y%m%d%H%M%S": (("S", 2), ("M", 2), ("H", 2), ("d", 2), ("m", 2), ("Y", 4)),
}


@dataclass(frozen=True)
class Serial:
    """The stamps [U] of numbers, how they were written, and what to tell about it.

    ``doubt`` is the reason why the numbers may as well mean something else, or mean nothing.
    """

    stamps: np.ndarray
    date_format: str
    note: str | None = None
    doubt: str | None = None


def guess_serials(values: np.ndarray, name: str) -> Serial:
    """Return what numbers [U] in a column of that name mean as times.

    Their size tells; where it does not, the name does: 44197 is a day of a spreadsheet in a column of
    dates, and a step in one called ``t``.

    Examples
    --------
    >>> guess_serials(np.array([3, 4, 5]), "t").date_format
    'integer'
    >>> guess_serials(np.array([44197, 44198]), "Date").stamps.astype("datetime64[D]")
    array(['2021-01-01', '2021-01-02'], dtype='datetime64[D]')
    """
    low, high = float(values.min()), float(values.max())
    whole = values.dtype.kind in "iu"
    dated = DATE_NAMES.fullmatch(name) is not None
    if whole and (unmarked := _unmarked(values, name, dated)):
        return unmarked
    for epoch, unit in EPOCHS.items():
        if low * unit >= 10**17 and high * unit < MOST_NANOSECONDS:  # 1973 to 2160
            return read_serials(values, epoch, note=f"'{name}' holds numbers, read as {epoch} (UTC)")
    serial = SERIALS[0] <= low and high <= SERIALS[1]
    if serial and (dated or (not whole and TIME_NAMES.fullmatch(name))):
        note = f"'{name}' holds numbers, read as a spreadsheet's days since 1899-12-30"
        return read_serials(values, EXCEL, note=note)
    if not whole:
        return Serial(values, INTEGER, doubt="is a number with decimals, and not a date")
    if serial and TIME_NAMES.fullmatch(name):
        return Serial(values, INTEGER, doubt="may be a spreadsheet's day (--date-format excel) or a step")
    if dated and high >= MOST_STEPS:
        return Serial(values, INTEGER, doubt="is a number that reads as no date")
    return Serial(values.astype(np.int64), INTEGER, note=f"'{name}' holds numbers, read as steps" if dated else None)


def are_dates(values: np.ndarray, name: str, *, named: bool) -> bool:
    """Say whether numbers [U] may be the time of a table: by their size, or by the name of their column.

    Where the name does not say that it is the time (``named``), dates such as 20240131 are told from other
    numbers, and what a column called a date, a month or a year holds.
    """
    whole = values.dtype.kind in "iu"
    found = guess_serials(values, name)
    if named:
        return whole or found.doubt is None
    if SAYS_DATE.fullmatch(name.strip()) and found.date_format != INTEGER:
        return True
    return found.date_format == "%Y%m%d" or (whole and _are_years(values, name))


def read_serials(values: np.ndarray, date_format: str, *, note: str | None = None) -> Serial:
    """Return the stamps of numbers [U] that are written in that format; NaT where one is no such date."""
    if date_format == INTEGER:
        return Serial(values.astype(np.int64), INTEGER, note)
    if date_format in UNMARKED:
        stamps = _read_unmarked(values, date_format)
        return Serial(np.full(len(values), NAT) if stamps is None else stamps, date_format, note)
    unit, start = (DAY, EXCEL_START) if date_format == EXCEL else (EPOCHS[date_format], np.datetime64(0, "ns"))
    held = np.abs(values.astype(np.float64)) < MOST_NANOSECONDS / unit
    whole, rest = np.divmod(np.where(held, values, 0), 1)
    # A spreadsheet's time of day is good to the second; a float of today's seconds holds microseconds.
    grain = SECOND if date_format == EXCEL else 1000
    since = whole.astype(np.int64) * unit + (np.rint(rest * unit / grain) * grain).astype(np.int64)
    return Serial(np.where(held, start + since.astype("timedelta64[ns]"), NAT), date_format, note)


def _unmarked(values: np.ndarray, name: str, dated: bool) -> Serial | None:
    """Return dates written without marks, as long as all of them are dates."""
    named = dated or TIME_NAMES.fullmatch(name) is not None
    if _are_years(values, name) or (dated and values.min() >= 1800 and values.max() <= 2100):
        note = None if YEAR_NAMES.fullmatch(name) else f"'{name}' holds numbers, read as years"
        return read_serials(values, "%Y", note=note)
    months = named or _jump_at_new_year(values)
    for date_format, told in (("%Y%m%d", True), ("%Y%m", months), ("%Y%m%d%H%M", named), ("%Y%m%d%H%M%S", True)):
        stamps = _read_unmarked(values, date_format) if told else None
        if stamps is not None:
            note = None if date_format == "%Y%m%d" else f"'{name}' holds numbers, read as {date_format}"
            return Serial(stamps, date_format, note)
    return None


def _jump_at_new_year(values: np.ndarray) -> bool:
    """Say whether numbers go from 201912 to 202001."""
    steps = np.diff(np.unique(values))
    return bool((steps == 89).any() and np.isin(steps, (1, 89)).all())


def _read_unmarked(values: np.ndarray, date_format: str) -> np.ndarray | None:
    """Return the stamps of numbers such as 20240131, or None where one is no date."""
    fields, rest = {}, values.astype(np.int64)
    digits = sum(size for _, size in UNMARKED[date_format])
    if rest.min() < FIRST_YEAR * 10 ** (digits - 4) or rest.max() >= (LAST_YEAR + 1) * 10 ** (digits - 4):
        return None
    for letter, size in UNMARKED[date_format]:
        rest, fields[letter] = np.divmod(rest, 10**size)
    stamps = combine_fields(fields, len(values))
    return None if np.isnat(stamps).any() else stamps


def _are_years(values: np.ndarray, name: str) -> bool:
    within = values.min() >= FIRST_YEAR and values.max() <= LAST_YEAR
    return bool(within) and YEAR_NAMES.fullmatch(name.strip()) is not None
