"""Numbers as people write them, from a column's text: one reading for the whole column, every change counted."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecastr.data.numerals import COMMA, EITHER, POINT, THOUSANDS, NumberStyle, Numerals, fits, take_apart, to_floats
from forecastr.errors import DataError, quoted

MISSING = (
    "", ".", "..", "-", "--", "---", "?", "na", "n/a", "n.a.", "#n/a", "#n/a n/a", "<na>", "nan", "-nan", "nat", "null",
    "none", "nil", "missing", "#div/0!", "#value!", "#ref!", "#name?", "#num!", "#null!", "\\n", "\u2013", "\u2014",
)  # fmt: skip
INFINITE = ("inf", "+inf", "-inf", "infinity", "+infinity", "-infinity", "\u221e", "-\u221e")
INFINITE_READ = "infinite values taken as missing"
MOST_INFINITE = 0.2  # above this share the column is damaged rather than gapped
FEW_INFINITE = 3
LARGEST = float(np.finfo(np.float32).max)
EXACT = 2.0**53
Where = Callable[[int], str]


@dataclass(frozen=True)
class Numbers:
    """A column's numbers [B], NaN where there is none, and how they were written.

    Parameters
    ----------
    numbers : ndarray of float64
    style : NumberStyle
        The decimal mark and the mark between thousands.
    repairs : tuple of (str, ndarray)
        What was done, and to which rows.
    notes : tuple of str
        What else a person should know, as sentences.
    unit : str
        The currency mark or percent sign that stood at every number; empty where none did.
    bad : ndarray of bool or None
        Rows that hold something else than a number, where the caller goes on without them.
    problem : str or None
        The error that the first bad row would have been.
    """

    numbers: np.ndarray
    style: NumberStyle
    repairs: tuple[tuple[str, np.ndarray], ...] = ()
    notes: tuple[str, ...] = ()
    unit: str = ""
    bad: np.ndarray | None = None
    problem: str | None = None


def parse_numbers(
    column: pd.Series, *, separator: str | None, where: Where, decimal: str | None = None, strict: bool = True
) -> Numbers:
    """Return the numbers in a column, read alike from its first row to its last.

    Parameters
    ----------
    column : Series
        Native numbers, or text.
    separator : str or None
        Between the columns of the file. Where it is the comma, a comma within quotes marks thousands.
    where : callable
        Names a row, for errors: ``where(3)`` is ``"prices.csv, line 5"``.
    decimal : {None, ".", ","}
        The decimal mark, where the user has said so.
    strict : bool
        False to mark values that are no numbers as ``bad``, as long as most are numbers.

    Raises
    ------
    DataError
        Where a value is no number, or the column can be read in two ways.

    Examples
    --------
    >>> parse_numbers(pd.Series(["1,657,300", "."]), separator=",", where=str).numbers
    array([1657300.,      nan])
    >>> parse_numbers(pd.Series(["$1.2M", "($350K)"]), separator=",", where=str).numbers
    array([1200000., -350000.])
    """
    if is_number(column):
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return _check_range(_Reading(column, where, strict), Numbers(numbers, COMMA if decimal == "," else POINT))
    text = clean_text(column)
    infinite = text.str.lower().isin(INFINITE).to_numpy(dtype=bool)
    missing = is_missing(text) | infinite
    reading = _Reading(column, where, strict, text, missing)
    if missing.all():
        found = Numbers(np.full(len(text), np.nan), COMMA if decimal == "," else POINT)
    else:
        found = reading.read(separator, decimal)
    if infinite.any():
        found.numbers[infinite] = np.inf
    return _check_range(reading, found)


def is_number(column: pd.Series) -> bool:
    """Say whether a column holds native numbers; truth values are none."""
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def clean_text(column: pd.Series) -> pd.Series:
    """Return a column as text without the blanks around it; missing values are empty."""
    if not isinstance(column.dtype, pd.StringDtype):
        column = column.astype(object).where(column.notna(), "").astype("str")
    return column.fillna("").str.strip()


def is_missing(text: pd.Series) -> np.ndarray:
    """Return where text [B] stands for no value."""
    return text.str.lower().isin(MISSING).to_numpy(dtype=bool)


def looks_numeric(column: pd.Series) -> bool:
    """Say whether most of a sample are numbers; reading the whole column then finds those that are not."""
    if is_number(column):
        return True
    if pd.api.types.is_bool_dtype(column):
        return False
    text = clean_text(column)
    present = text[~(is_missing(text) | text.str.lower().isin(INFINITE).to_numpy(dtype=bool))]
    cores = take_apart(present.reset_index(drop=True)).cores
    return len(cores) > 0 and bool(max(fits(cores, style.pattern).mean() for style in (POINT, COMMA)) >= 0.5)


@dataclass(frozen=True)
class _Reading:
    """One column on its way to numbers, with what its errors need: text and missing marks [B]."""

    column: pd.Series
    where: Where
    strict: bool
    text: pd.Series | None = None
    missing: np.ndarray | None = None

    def read(self, separator: str | None, decimal: str | None) -> Numbers:
        assert self.text is not None and self.missing is not None
        codes, uniques = pd.factorize(self.text.where(~self.missing), sort=False)  # -1 where missing
        numerals = take_apart(pd.Series(uniques, dtype="str"))
        counts = np.bincount(codes[codes >= 0], minlength=len(uniques))
        style = self._choose_style(numerals, counts, separator, decimal)
        unit = self._choose_unit(numerals, counts, codes)
        bad = ~(fits(numerals.cores, style.pattern) & (numerals.units == unit))
        problem = self._refuse(bad, codes, unit, decimal) if bad.any() else None
        floats = np.full(len(uniques) + 1, np.nan)  # the last one is for missing values
        floats[:-1][~bad] = to_floats(numerals.cores[~bad], style) * numerals.factors[~bad]
        traits = dict(numerals.traits)
        traits[THOUSANDS] = traits[THOUSANDS] | fits(numerals.cores, style.grouped)
        if unit == "%":
            traits["percent signs taken off (1.5% is read as 1.5)"] = numerals.units == unit
        elif unit:
            traits[f"currency marks taken off ('{unit}')"] = numerals.units == unit
        repairs = tuple(
            (what, np.flatnonzero(np.append(mask & ~bad, False)[codes]))
            for what, mask in traits.items()
            if (mask & ~bad).any()
        )
        rows = np.append(bad, False)[codes] if bad.any() else None
        return Numbers(floats[codes], style, repairs, (), unit, rows, problem)

    def _choose_style(
        self, numerals: Numerals, counts: np.ndarray, separator: str | None, decimal: str | None
    ) -> NumberStyle:
        """Return the reading that fits every value or, where none does, most of them."""
        if decimal:
            return COMMA if decimal == "," else POINT
        cores = numerals.cores
        point, comma = (fits(cores, style.pattern) for style in (POINT, COMMA))
        if (point == comma).all():
            marked = cores[point & cores.str.contains("[.,]", regex=True).to_numpy(dtype=bool)]
            # Between commas a dot stands before decimals, and "1,234" beside "5" shows that thousands are meant.
            dots = not marked.str.contains(",", regex=False).any()
            settled = separator == "," and (dots or len(marked) < point.sum())
            if len(marked) and not settled:
                self._refuse_either(marked)
            return POINT
        return POINT if counts[point].sum() >= counts[comma].sum() else COMMA

    def _choose_unit(self, numerals: Numerals, counts: np.ndarray, codes: np.ndarray) -> str:
        """Return the unit of most values; two currencies in one column are an error."""
        units = numerals.units
        present = list(dict.fromkeys(unit for unit in units if unit))
        if len(present) > 1 and self.strict:
            rows = [int(np.isin(codes, np.flatnonzero(units == unit)).argmax()) for unit in present[:2]]
            raise DataError(
                f"{self.where(rows[1])}: '{self.column.name}' mixes units: {self._at(rows[1])} here and "
                f"{self._at(rows[0])} at {self.where(rows[0])}. Keep one unit in a column, or a series for each."
            )
        totals = {unit: int(counts[units == unit].sum()) for unit in ["", *present]}
        return max(totals, key=lambda unit: totals[unit])

    def _at(self, row: int) -> str:
        assert self.text is not None
        return quoted(self.text.iloc[row])

    def _refuse_either(self, marked: pd.Series) -> None:
        """Raise the error for a column that is numeric in two ways."""
        assert self.text is not None and self.missing is not None
        row = int(fits(self.text, EITHER).argmax())
        samples = ", ".join(map(quoted, marked.head(3)))
        raise DataError(
            f"{self.where(row)}: '{self.column.name}' can be read in two ways ({samples}): the mark may stand "
            "before decimals or between thousands. Say which with --decimal . or --decimal ,"
        )

    def _refuse(self, bad: np.ndarray, codes: np.ndarray, unit: str, decimal: str | None) -> str:
        """Return the error for the first value that is no number; raise it if strict, or if most values are none."""
        assert self.text is not None and self.missing is not None
        rows = np.append(bad, False)[codes]
        first = int(rows.argmax())
        samples = ", ".join(map(quoted, self.text[~self.missing].head(3)))
        hint = f" with '{unit}', as the others are" if unit else ""
        hint += f" with '{decimal}' as its decimal mark, as --decimal says" if decimal else ""
        problem = (
            f"{self.where(first)}: '{self.column.name}' is not a number{hint}: {self._at(first)} "
            f"({int(rows.sum()):,} of {len(rows):,} values are not; the first values are {samples}). "
            "Correct the value or leave it empty, or name another column with --target."
        )
        if self.strict or rows.sum() * 2 > (~self.missing).sum():
            raise DataError(problem)
        return problem


def _check_range(reading: _Reading, found: Numbers) -> Numbers:
    """Take infinite values as missing, and refuse or mark those that 32-bit networks cannot hold."""
    numbers, repairs, notes = found.numbers, list(found.repairs), list(found.notes)
    # fmax passes over NaN without a copy of the column.
    if max(np.fmax.reduce(numbers, initial=0.0), -np.fmin.reduce(numbers, initial=0.0)) < EXACT:
        return found
    size = np.abs(numbers)
    infinite = np.isinf(size)
    huge = (size > LARGEST) & ~infinite
    if infinite.any():
        rows = np.flatnonzero(infinite)
        if reading.strict and len(rows) > max(FEW_INFINITE, MOST_INFINITE * (~np.isnan(numbers)).sum()):
            raise DataError(
                f"{reading.where(int(rows[0]))}: '{reading.column.name}' is infinite here and in {len(rows):,} of "
                f"{len(numbers):,} rows, too many to be taken as missing. Correct the column, or leave them empty."
            )
        repairs.append((INFINITE_READ, rows))
    problem, bad = found.problem, found.bad
    if huge.any():
        row = int(huge.argmax())
        said = (
            f"{reading.where(row)}: '{reading.column.name}' is {numbers[row]:g}, beyond what 32-bit numbers hold "
            f"(3.4e38; {int(huge.sum()):,} values are). Correct the value, or state it in a larger unit."
        )
        if reading.strict:
            raise DataError(said)
        problem, bad = problem or said, huge if bad is None else bad | huge
    rounded = (size >= EXACT) & ~infinite & ~huge
    if rounded.any():
        notes.append(
            f"{reading.where(int(rounded.argmax()))}: '{reading.column.name}' has {int(rounded.sum()):,} values beyond "
            "2**53, which are read to 16 digits"
        )
    kept = np.where(infinite | huge, np.nan, numbers)
    return Numbers(kept, found.style, tuple(repairs), tuple(notes), found.unit, bad, problem)
