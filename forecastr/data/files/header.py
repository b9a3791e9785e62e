"""Where a text's header is, what separates its cells, and which columns it names."""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from forecastr.data.files.rectangle import Repair, require_distinct
from forecastr.data.options import ReadOptions
from forecastr.errors import DataError, quoted

SEPARATORS = (",", ";", "\t", "|")
RARE_SEPARATORS = ("\x01", "^", "~", " ")  # only where none of the others splits a line
SNIFFED_LINES = 50
MOST_PREAMBLE = 20
MOST_COLUMNS = 10_000
MOST_BREAKS = 3  # line ends within column names, which people write for show
PRICE_FIELDS = {
    "open", "high", "low", "close", "adj close", "volume", "dividends", "stock splits", "capital gains",
}  # fmt: skip
SEP_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ].*)?|\d{1,2}:\d{2}.*")
YEAR = re.compile(r"[12]\d{3}")
EMPTY = "is empty. It needs a line of column names and a line per time step."


@dataclass(frozen=True)
class Header:
    """What the first lines of a text say about all of them.

    Parameters
    ----------
    separator : str
        Between two cells.
    columns : tuple of str
        A distinct name for every cell of a line.
    line : int
        The last line above the values, the first being 1; 0 where values begin at once.
    tickers : dict
        Per ticker, which column holds which field; empty unless there are several.
    repairs, warnings : tuple
        What was passed over.
    """

    separator: str
    columns: tuple[str, ...]
    line: int
    tickers: dict[str, dict[str, str]] = field(default_factory=dict)
    repairs: tuple[Repair, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Row:
    """A line's cells, and the number of its last line."""

    line: int
    cells: list[str]

    @property
    def names(self) -> list[str]:
        return [cell.strip() for cell in self.cells]


def find_header(text: str, label: str, options: ReadOptions) -> Header:
    """Return the header of a text by its first lines.

    Parameters
    ----------
    text : str
        Whole lines, with line feeds, from the beginning of the file.
    label : str
        The file's name, for errors.
    options : ReadOptions
        ``skip_rows``, ``header`` and what allows many columns.

    Raises
    ------
    DataError
        If there is no line, two columns share a name, or the first line holds values.
    """
    lines = text.split("\n")
    place, said = _skip_sep_line(lines, options.skip_rows)
    start = _skip_comments(lines, place)
    sample = list(islice((line for line in islice(lines, start, None) if line.strip()), SNIFFED_LINES))
    if not sample:
        raise DataError(f"{label} {EMPTY}")
    separator = said or _find_separator(sample)
    start = _uncomment(lines, start, place, separator)
    rows = _rows(lines, start, separator, label)
    comments = [number for number in range(place, start) if lines[number].strip()]
    repairs = [_repair("comment lines above the header passed over", comments)] if comments else []
    first = _find_first(rows) if options.header else 0
    if first:
        repairs.append(_repair("lines above the header passed over", [row.line - 1 for row in rows[:first]]))
    if not options.header:
        columns = [f"column {number}" for number in range(1, len(rows[0].cells) + 1)]
        return Header(separator, tuple(columns), start, {}, tuple(repairs))
    header = _price_header(rows[first:], separator) or _plain_header(rows[first:], separator, label)
    wide = options.wide or bool(options.target)
    if len(header.columns) > MOST_COLUMNS and not wide:
        raise DataError(
            f"{label} has {len(header.columns):,} columns. If each is a series, say so with --wide; "
            "else name the one to forecast with --target."
        )
    return Header(separator, header.columns, header.line, header.tickers, (*repairs, *header.repairs), header.warnings)


def _plain_header(rows: Sequence[_Row], separator: str, label: str) -> Header:
    names = rows[0].names
    names[0] = names[0].removeprefix("# ").removeprefix("#") or names[0]
    columns = tuple(name or f"column {place}" for place, name in enumerate(names, start=1))
    where = f"{label}, line {rows[0].line}"
    broken = sum(name.count("\n") for name in names)
    if broken > MOST_BREAKS:
        raise DataError(
            f"{label}, line {rows[0].line - broken}: a quote in the column names closes only in line {rows[0].line}, "
            "so the lines between would be lost. Correct it, or pass over lines with --skip-rows."
        )
    if _holds_values(rows[0], rows[1] if len(rows) > 1 else None):
        shown = quoted(separator.join(rows[0].cells[:5]))
        raise DataError(
            f"{where}: the first line holds values ({shown}). Pass --no-header if there are no column names, or put "
            "a line of them above it, such as ds,y."
        )
    require_distinct(columns, where)
    return Header(separator, columns, rows[0].line)


def _price_header(rows: Sequence[_Row], separator: str) -> Header | None:
    """Return the header that yfinance writes in three rows (fields, tickers, the time's name), if there is one."""
    if (
        len(rows) < 3
        or len(rows[0].cells) < 2
        or len(rows[0].cells) != len(rows[1].cells)
        or _is_value(rows[0].names[0])
        or _is_value(rows[1].names[0])
    ):
        return None
    upper, lower, third = rows[0].names[1:], rows[1].names[1:], rows[2].names
    named = not any(third[1:])
    if not named and not _is_value(third[0]):
        return None
    if _are_fields(upper) and not any(_is_decimal(name) for name in lower) and all(lower):
        fields, tickers = upper, lower
    elif _are_fields(lower) and all(upper):
        fields, tickers = lower, upper
    else:
        return None
    time = (third[0] if named else "") or "Date"
    line = rows[2].line if named else rows[1].line
    repair = {"what": "header rows of fields and tickers read as one", "count": line - rows[0].line + 1}
    repairs = ({**repair, "first_line": rows[0].line},)
    if len(set(tickers)) == 1 and len(set(fields)) == len(fields):
        note = f"the header is in several rows, as yfinance writes it; its ticker is '{tickers[0]}'"
        return Header(separator, (time, *fields), line, {}, repairs, (note,))
    columns = (time, *(f"{ticker} {name}" for ticker, name in zip(tickers, fields, strict=True)))
    if len(set(columns)) < len(columns):
        return None
    series: dict[str, dict[str, str]] = {}
    for ticker, name, column in zip(tickers, fields, columns[1:], strict=True):
        series.setdefault(ticker, {})[name] = column
    note = f"the header is in several rows, as yfinance writes it: {len(series)} tickers, read as a series each"
    return Header(separator, columns, line, series, repairs, (note,))


def _skip_sep_line(lines: Sequence[str], place: int) -> tuple[int, str | None]:
    """Return the first line after those to skip and after Excel's ``sep=;``, and the separator that it names."""
    found = SEP_LINE.fullmatch(lines[place].strip("\ufeff\r")) if place < len(lines) else None
    return (place + 1, found[1]) if found else (place, None)


def _skip_comments(lines: Sequence[str], place: int) -> int:
    while place < len(lines) and (not lines[place].strip() or lines[place].lstrip("\ufeff").startswith("#")):
        place += 1
    return place


def _uncomment(lines: Sequence[str], start: int, place: int, separator: str) -> int:
    """Return the place of the last comment where that is the header: ``# Date,Close`` right above values."""
    if start == place or not lines[start - 1].lstrip("\ufeff").startswith("#"):
        return start
    above, below = (next(csv.reader([line], delimiter=separator)) for line in (lines[start - 1], lines[start]))
    alike = len(above) == len(below) > 1
    values = [_is_value(cell) for cell in below]
    return start - 1 if alike and any(values) and not any(map(_is_value, above)) else start


def _rows(lines: Sequence[str], start: int, separator: str, label: str) -> list[_Row]:
    """Return the first rows that are not blank."""
    reader = csv.reader((line.lstrip("\ufeff") + "\n" for line in lines[start:]), delimiter=separator)
    found = []
    try:
        for cells in islice(reader, 2 * SNIFFED_LINES):
            if any(cell.strip() for cell in cells):
                found.append(_Row(start + reader.line_num, cells))
    except csv.Error as error:
        raise DataError(f"{label}, line {start + reader.line_num}: {error}. Correct the line.") from error
    if not found:
        raise DataError(f"{label} {EMPTY}")
    return found[:SNIFFED_LINES]


def _find_separator(lines: Sequence[str]) -> str:
    """Return the separator by which most lines have as many cells.

    Of two alike the one that splits all lines to the end wins, for a decimal comma stands in no header.
    """

    def split(separator: str) -> tuple[int, int, int]:
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=separator)]
        except csv.Error:  # a cell of more than 100 kB: this is no separator
            return 0, 0, 0
        counts = [(count, width) for width, count in Counter(widths).items() if width > 1]
        if not counts:
            return 0, 0, 0
        count, width = max(counts)
        alike = [found == width for found in reversed(widths)]
        return count, alike.index(False) if False in alike else len(alike), width

    for candidates in (SEPARATORS, RARE_SEPARATORS):
        best = max(candidates, key=split)
        if split(best) > (0, 0, 0):
            return best
    return SEPARATORS[0]


def _find_first(rows: Sequence[_Row]) -> int:
    """Return the place of the header: the first row, or the one below a few narrower lines of title."""
    widths = Counter(len(row.cells) for row in rows)
    usual = max(widths, key=lambda width: (widths[width], width))
    first = next(place for place, row in enumerate(rows) if len(row.cells) == usual)
    table = rows[first:]
    even = sum(len(row.cells) == usual for row in table) >= 0.9 * len(table)
    # A title has fewer cells than the table, and does not begin with a number or a date as values do.
    narrower = all(len(row.cells) < usual and not _is_value(row.cells[0]) for row in rows[:first])
    named = not any(_is_value(cell) and not YEAR.fullmatch(cell.strip()) for cell in table[0].cells)
    valued = any(_is_value(cell) for row in table[1:3] for cell in row.cells)
    if usual > 1 and first <= MOST_PREAMBLE and even and narrower and named and valued:
        return first
    return 0


def _holds_values(row: _Row, below: _Row | None) -> bool:
    """Say whether a row is no header: values alone, or a date where the row below has one of the same shape."""
    if all(_is_value(cell) for cell in row.cells):
        return True
    if below is None or len(below.cells) != len(row.cells):
        return False
    pairs = zip(row.names, below.names, strict=True)
    return any(bool(DATE.fullmatch(name)) and _shape(name) == _shape(under) for name, under in pairs)


def _is_value(cell: str) -> bool:
    """Say whether a header's cell is a number or begins like a date."""
    text = cell.strip()
    digits = sum(character.isdigit() for character in text)
    return digits > 0 and not any(character.isalpha() for character in text.replace("T", ""))


def _is_decimal(cell: str) -> bool:
    return _is_value(cell) and ("." in cell or "," in cell)


def _are_fields(names: Sequence[str]) -> bool:
    return all(name.casefold() in PRICE_FIELDS for name in names)


def _shape(text: str) -> str:
    return re.sub(r"\d", "9", text)


def _repair(what: str, places: Sequence[int]) -> Repair:
    return {"what": what, "count": len(places), "first_line": places[0] + 1}
