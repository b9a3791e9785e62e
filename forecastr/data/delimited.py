"""Delimited text: its separator told from its first lines, its columns read by Arrow, its lines counted."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import islice
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow import csv as arrow_csv

from forecastr.data.unpack import decode
from forecastr.data.values import MISSING
from forecastr.errors import DataError

SEPARATORS = (",", ";", "\t", "|")
SNIFFED_LINES = 50
BLOCK = 1 << 24
# Arrow compares the whole cell, so each mark comes in the cases people write.
MISSING_MARKS = sorted({case(mark) for mark in MISSING for case in (str, str.upper, str.title)} | {"NaN"})


@dataclass(frozen=True)
class Delimited:
    """A delimited text file whose header has been read.

    Parameters
    ----------
    path : Path
        For errors.
    text : str
        The whole file, lines ending in a line feed.
    encoding, separator : str
        As found.
    columns : tuple of str
        The header's cells; an empty one is named by its place.
    header_line : int
        The header's line, the first being 1.
    """

    path: Path
    text: str
    encoding: str
    separator: str
    columns: tuple[str, ...]
    header_line: int

    def head(self, count: int) -> pd.DataFrame:
        """Return the first rows as text, each with as many cells as the header."""
        rows = []
        for line, cells in islice(self._rows(), count):
            self._require_even(line, cells)
            rows.append(cells)
        if not rows:
            raise DataError(f"{self.path} holds column names and no rows. It needs a line per time step.")
        return pd.DataFrame(rows, columns=list(self.columns), dtype="str")

    def load(self, texts: Sequence[str], numbers: Sequence[str]) -> pd.DataFrame:
        """Return whole columns: ``texts`` as categories, ``numbers`` as floats or, failing that, text."""
        try:
            return self._read(texts, numbers, pa.float64())
        except pa.ArrowInvalid:
            for line, cells in self._rows():
                self._require_even(line, cells)
            # Every row is whole, so what Arrow refused is a number it cannot read: take the text.
            return self._read(texts, numbers, pa.string())

    def line(self, row: int) -> int:
        """Return the line of the file on which row number ``row`` (the first being 0) ends."""
        blank = self.text.startswith("\n") or "\n\n" in self.text
        if not blank and '"' not in self.text:
            return self.header_line + 1 + row
        return next(line for line, _ in islice(self._rows(), row, None))

    def _read(self, texts: Sequence[str], numbers: Sequence[str], number_type: pa.DataType) -> pd.DataFrame:
        types = {name: pa.dictionary(pa.int32(), pa.string()) for name in texts}
        table = arrow_csv.read_csv(
            pa.BufferReader(self.text.encode()),
            arrow_csv.ReadOptions(column_names=list(self.columns), skip_rows=self.header_line, block_size=BLOCK),
            arrow_csv.ParseOptions(delimiter=self.separator, newlines_in_values='"' in self.text),
            arrow_csv.ConvertOptions(
                include_columns=[*texts, *numbers],
                column_types=types | dict.fromkeys(numbers, number_type),
                null_values=MISSING_MARKS,
                strings_can_be_null=False,
            ),
        )
        frame: pd.DataFrame = table.unify_dictionaries().to_pandas()
        return frame

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield (line, cells) for every row after the header that is not blank."""
        reader = csv.reader(StringIO(self.text), delimiter=self.separator)
        try:
            for cells in reader:
                if cells and reader.line_num > self.header_line:
                    yield reader.line_num, cells
        except csv.Error as error:
            raise DataError(f"{self.path}, line {reader.line_num}: {error}. Correct the line.") from error

    def _require_even(self, line: int, cells: list[str]) -> None:
        if len(cells) != len(self.columns):
            raise DataError(
                f"{self.path}, line {line}: {len(cells)} fields where the header has {len(self.columns)}. "
                "Correct the line; a value with the separator in it (such as 1,234.56) needs quotes around it."
            )


def open_delimited(content: bytes, path: Path) -> Delimited:
    """Return a delimited text file with its encoding, separator and header found.

    Raises
    ------
    DataError
        If two columns share a name, or the first line holds values.
    """
    text, encoding = decode(content, path)
    separator = _find_separator(text)
    _require_closed_quotes(text, separator, path)
    reader = csv.reader(StringIO(text), delimiter=separator)
    cells = next((row for row in reader if any(cell.strip() for cell in row)), None)
    if cells is None:
        raise DataError(f"{path} is empty. It needs a line of column names and a line per time step.")
    columns = tuple(cell or f"column {place}" for place, cell in enumerate(cells, start=1))
    twice = [column for column in columns if columns.count(column) > 1]
    if twice:
        raise DataError(f"{path}, line {reader.line_num}: two columns are named '{twice[0]}'. Give each its own.")
    if all(_is_value(cell) for cell in cells):
        raise DataError(
            f"{path}, line {reader.line_num}: the first line holds values ('{separator.join(cells)}'). "
            "Put a line of column names above it, such as ds,y."
        )
    return Delimited(path, text, encoding, separator, columns, reader.line_num)


def _find_separator(text: str) -> str:
    """Return the separator that splits most of the first lines like the header, most cells first."""
    lines = [line for line in text.lstrip("\n").split("\n", SNIFFED_LINES)[:SNIFFED_LINES] if line]

    def split(separator: str) -> tuple[int, int]:
        widths = [len(row) for row in csv.reader(lines, delimiter=separator)]
        alike = sum(width == widths[0] for width in widths)
        return (alike, widths[0]) if widths[0] > 1 else (0, 0)

    return max(SEPARATORS, key=split)  # the first wins where none splits anything


def _is_value(cell: str) -> bool:
    """Say whether a header's cell is a number or begins like a date."""
    text = cell.strip()
    digits = sum(character.isdigit() for character in text)
    return digits > 0 and not any(character.isalpha() for character in text.replace("T", ""))


def _require_closed_quotes(text: str, separator: str, path: Path) -> None:
    if text.count('"') % 2 == 0:
        return
    reader, line = csv.reader(StringIO(text), delimiter=separator, strict=True), 0
    try:
        for _ in reader:
            line = reader.line_num
    except csv.Error as error:
        raise DataError(f"{path}, line {line + 1}: a quote is opened here and never closed.") from error
