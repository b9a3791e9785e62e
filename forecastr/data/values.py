"""Numbers as people write them: missing marks, grouped thousands, decimal commas."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecastr.errors import DataError

MISSING = (
    "", ".", "-", "na", "n/a", "#n/a", "nan", "null", "none", "#div/0!",
    "inf", "+inf", "-inf", "infinity", "-infinity",
)  # fmt: skip
EXPONENT = r"(?:[eE][+-]?\d+)?"
PLAIN = rf"[+-]?(?:\d+\.?\d*|\.\d+){EXPONENT}"


@dataclass(frozen=True)
class NumberStyle:
    """One way to write numbers: its decimal mark, the mark between thousands, and the pattern of both."""

    decimal: str
    group: str
    pattern: str
    grouped: str


POINT = NumberStyle(".", ",", rf"{PLAIN}|[+-]?\d{{1,3}}(?:,\d{{3}})+(?:\.\d*)?", r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?")
COMMA = NumberStyle(
    ",",
    ".",
    rf"[+-]?(?:\d+,?\d*|,\d+){EXPONENT}|[+-]?\d{{1,3}}(?:\.\d{{3}})+(?:,\d*)?",
    r"[+-]?\d{1,3}(?:\.\d{3})+(?:,\d*)?",
)
# Either "1,234" or "1.234": one number above a thousand, or one near one with three decimals.
EITHER = r"[+-]?\d{1,3}[.,]\d{3}"


@dataclass(frozen=True)
class Numbers:
    """A column's numbers [B], NaN where there is none, and how they were written."""

    numbers: np.ndarray
    style: NumberStyle
    n_grouped: int = 0
    first_grouped: int | None = None


def parse_numbers(column: pd.Series, *, separator: str | None, where: Callable[[int], str]) -> Numbers:
    """Return the numbers in a column, read alike from its first row to its last.

    Parameters
    ----------
    column : Series
        Native numbers, or text.
    separator : str or None
        Between the columns of the file. Where it is the comma, a comma within quotes marks thousands.
    where : callable
        Names a row, for errors: ``where(3)`` is ``"prices.csv, line 5"``.

    Raises
    ------
    DataError
        Where a value is no number, or the column can be read in two ways.

    Examples
    --------
    >>> parse_numbers(pd.Series(["1,657,300", "."]), separator=",", where=str).numbers
    array([1657300.,      nan])
    """
    if is_number(column):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
        values[~np.isfinite(values)] = np.nan
        return Numbers(values, POINT)
    text = clean_text(column)
    missing = is_missing(text)
    present = text[~missing]
    style = _choose_style(present, separator)
    if style is None:
        _refuse(column, text, missing, separator, where)
        raise AssertionError("unreachable: _refuse always raises")
    marked = np.zeros(len(text), dtype=bool)
    marked[~missing] = present.str.fullmatch(style.grouped).to_numpy(dtype=bool)
    bare = present.str.replace(style.group, "", regex=False) if marked.any() else present
    bare = bare.str.replace(style.decimal, ".", regex=False) if style is COMMA else bare
    values = np.full(len(text), np.nan)
    values[~missing] = bare.astype(np.float64).to_numpy()
    values[np.isinf(values)] = np.nan  # 1e400
    first = int(marked.argmax()) if marked.any() else None
    return Numbers(values, style, int(marked.sum()), first)


def is_number(column: pd.Series) -> bool:
    """Say whether a column already holds numbers (booleans are none)."""
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def clean_text(column: pd.Series) -> pd.Series:
    """Return a column as text without the blanks around it; missing values are empty."""
    return column.astype(object).where(column.notna(), "").astype("str").str.strip()


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
    present = text[~is_missing(text)]
    shares = [present.str.fullmatch(style.pattern).mean() for style in (POINT, COMMA)]
    return len(present) > 0 and max(shares) >= 0.5


def _readings(present: pd.Series) -> list[NumberStyle]:
    return [style for style in (POINT, COMMA) if present.str.fullmatch(style.pattern).all()]


def _choose_style(present: pd.Series, separator: str | None) -> NumberStyle | None:
    """Return the one reading that fits every value; None where there is none, or two."""
    styles = _readings(present)
    if len(styles) < 2:
        return styles[0] if styles else None
    marked = present[present.str.contains("[.,]", regex=True)]
    if marked.empty or separator != ";":
        return POINT
    # A file with semicolons comes from where the comma is the decimal mark, or from a tool that used both.
    if marked.str.fullmatch(EITHER).all():
        return None
    return POINT if marked.str.contains(".", regex=False).all() else COMMA


def _refuse(
    column: pd.Series,
    text: pd.Series,
    missing: np.ndarray,
    separator: str | None,
    where: Callable[[int], str],
) -> None:
    """Raise the error for a column that is not numeric, or numeric in two ways."""
    present = text[~missing]
    samples = ", ".join(f"'{value}'" for value in present.head(3))
    if _readings(present):
        raise DataError(
            f"{where(int((~missing).argmax()))}: '{column.name}' can be read in two ways ({samples}): the "
            "mark may stand before decimals or between thousands. Write the numbers without thousands marks."
        )
    fits = [present.str.fullmatch(style.pattern).to_numpy(dtype=bool) for style in (POINT, COMMA)]
    best = max(fits, key=np.sum)
    row = int(np.flatnonzero(~missing)[int((~best).argmax())])
    raise DataError(
        f"{where(row)}: '{column.name}' is not a number: '{text.iloc[row]}' "
        f"({int((~best).sum()):,} of {len(text):,} values are not; the first values are {samples}). "
        "Correct the value or leave it empty, or name another column with --target."
    )
