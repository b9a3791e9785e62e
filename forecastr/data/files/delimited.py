"""Delimited text: its lines checked, its columns read by Arrow, its rows traced back to lines."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from io import TextIOWrapper
from itertools import islice

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import csv as arrow_csv

from forecastr.data.files.encoding import LONGEST_LINE, TOO_LONG, Scan, broken_text, plain_text, scan, single_returns
from forecastr.data.files.header import EMPTY, Header, find_header
from forecastr.data.files.mend import Mended, mend
from forecastr.data.files.native import WHOLE, native_mark, to_frame
from forecastr.data.files.rectangle import HEAD, Repair, require_room
from forecastr.data.files.unpack import Content
from forecastr.data.options import ReadOptions
from forecastr.data.values import MISSING
from forecastr.errors import DataError

BLOCK = 4 << 20
WIDE_BLOCK = 64 << 20  # holds any line that is short enough to be one
HEAD_TEXT = 1 << 20
HEAD_CELLS = 1_000_000
# Arrow compares the whole cell, so each mark comes in the cases people write.
MISSING_MARKS = sorted({case(mark) for mark in MISSING for case in (str, str.upper, str.title)} | {"NaN", "NaT"})
CONVERSION = re.compile(r"In CSV column #(\d+): .*conversion error")


@dataclass(frozen=True)
class Delimited:
    """A delimited text whose lines have been checked.

    Parameters
    ----------
    content : Content
        UTF-8, as read by Arrow.
    encoding : str
        What it was written in.
    header : Header
    scan : Scan
        What one look at the bytes after the header has shown.
    options : ReadOptions
    skip : int
        Lines of ``content`` above the first row.
    row_per_line : bool
        Whether no row has a line break within quotes.
    lines : ndarray of int or None
        The line of each row, where rows were mended.
    sample : tuple of list of str
        The cells of the first rows.
    empty : tuple of str
        Columns left out because they have neither a name nor a value.
    repairs, warnings : tuple
    """

    content: Content
    encoding: str
    header: Header
    scan: Scan
    options: ReadOptions
    skip: int
    row_per_line: bool = True
    lines: np.ndarray | None = None
    sample: tuple[list[str], ...] = ()
    empty: tuple[str, ...] = ()
    repairs: tuple[Repair, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, in the order of the file."""
        return tuple(name for name in self.header.columns if name not in self.empty)

    @cached_property
    def head(self) -> pd.DataFrame:
        """The first rows as text."""
        wide = len(self.header.columns) > HEAD
        frame = pd.DataFrame(self.sample, columns=list(self.header.columns), dtype=object if wide else "str")
        return frame[list(self.columns)] if self.empty else frame

    def first(self, count: int) -> tuple[list[str], ...]:
        """Return the cells of the first rows."""
        return tuple(cells for _, cells in islice(self._rows(), count))

    def load(self, texts: Sequence[str], numbers: Sequence[str]) -> pd.DataFrame:
        """Return whole columns: ``texts`` as categories, ``numbers`` as floats or, failing that, text."""
        require_room(self.content.label, self.scan.n_lines, len(texts) + len(numbers))
        marks = {name: self._mark(name) for name in numbers}
        decimal = "," if "," in marks.values() else "."
        native = {name: pa.float64() for name in numbers if marks[name] == decimal}
        native |= {name: pa.int64() for name in numbers if marks[name] == WHOLE}
        while True:
            try:
                return self._read(texts, numbers, native, decimal)
            except pa.ArrowInvalid as error:
                found = CONVERSION.search(str(error))
                name = self.header.columns[int(found[1])] if found else ""
                if name not in native:
                    self.content.require_unchanged()
                    mend(self.content.label, self._rows(), self.header, self.options)  # names the line
                    raise DataError(f"{self.content.label} cannot be read: {error}") from error
                del native[name]  # it holds a number that is no plain one: take its text

    def line(self, row: int) -> int:
        """Return the line of the file on which row number ``row`` (the first being 0) ends."""
        if self.lines is not None:
            return int(self.lines[row])
        if self.row_per_line and not self.scan.n_blank:
            return self.header.line + 1 + row
        return int(self._line_numbers[row])

    @cached_property
    def _line_numbers(self) -> np.ndarray:
        if not self.row_per_line:
            return np.fromiter((line for line, _ in self._rows()), dtype=np.int64)
        with self.content.open() as stream:
            filled = (bool(line.strip(b"\r\n")) for line in islice(stream, self.skip, None))
            return np.flatnonzero(np.fromiter(filled, dtype=bool)) + self.skip + 1

    def _read(
        self, texts: Sequence[str], numbers: Sequence[str], native: dict[str, pa.DataType], decimal: str
    ) -> pd.DataFrame:
        types = dict.fromkeys(numbers, pa.string()) | native
        types |= dict.fromkeys(texts, pa.dictionary(pa.int32(), pa.string()))
        convert = arrow_csv.ConvertOptions(
            include_columns=list(dict.fromkeys([*texts, *numbers])),
            column_types=types,
            null_values=MISSING_MARKS,
            strings_can_be_null=False,
            decimal_point=decimal,
        )
        parse = arrow_csv.ParseOptions(delimiter=self.header.separator, newlines_in_values=self.scan.quotes)
        source = pa.OSFile(str(self.content.path)) if self.content.path else pa.BufferReader(self.content.data)
        frame = to_frame(arrow_csv.read_csv(source, self._read_options(), parse, convert))  # nobody else holds it
        self.content.require_unchanged()
        return frame

    def _read_options(self) -> arrow_csv.ReadOptions:
        wide = len(self.header.columns) > HEAD
        return arrow_csv.ReadOptions(
            column_names=list(self.header.columns), skip_rows=self.skip, block_size=WIDE_BLOCK if wide else BLOCK
        )

    def _mark(self, name: str) -> str | None:
        cells = self.head[name].tolist()
        return native_mark(cells, separator=self.header.separator, decimal=self.options.decimal)

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield (line, cells) for every row that is not blank."""
        yield from read_rows(self.content, self.header.separator, self.skip)


def open_delimited(content: Content, options: ReadOptions, *, n_head: int = HEAD) -> Delimited:
    """Return a delimited text with its encoding, separator and header found, and every line as long as the header.

    Raises
    ------
    DataError
        If the text is empty, damaged, or its lines do not make a table.
    """
    content, encoding, header, seen = _decode(content, options)
    if seen.n_lines == seen.n_blank:
        raise DataError(f"{content.label} holds column names and no rows. It needs a line per time step.")
    file = Delimited(content, encoding, header, seen, options, header.line)
    n_sample = max(min(n_head, HEAD_CELLS // len(header.columns)), 5)
    file = replace(file, sample=file.first(n_sample))
    repairs, warnings = list(header.repairs), list(header.warnings)
    if encoding == "cp1252" and not options.encoding:
        warnings.append("the file is not UTF-8; it was read as Windows-1252 (cp1252)")
    if seen.quotes:
        _require_closed_quotes(file, broken=False)
    n_rows = _count_even_rows(file)
    if seen.quotes and n_rows != seen.n_lines - seen.n_blank:
        _require_closed_quotes(file, broken=True)
    file = replace(file, row_per_line=n_rows == seen.n_lines - seen.n_blank)
    if options.on_bad_lines == "skip" or n_rows is None:
        mended = mend(content.label, file._rows(), header, options)
        file = _with_rows(file, mended)
        file = replace(file, sample=file.first(n_sample))
        repairs += mended.repairs
        warnings += mended.warnings
    if seen.n_blank:
        repairs.append({"what": "blank lines passed over", "count": seen.n_blank, "first_line": seen.first_blank})
    empty = _nameless(file)
    if empty:
        what = "columns without name or value left out"
        repairs.append({"what": what, "count": len(empty), "first_line": header.line or None})
    return replace(file, empty=empty, repairs=tuple(repairs), warnings=tuple(warnings))


def _decode(content: Content, options: ReadOptions) -> tuple[Content, str, Header, Scan]:
    """Return a text as UTF-8 with line feeds, what it was encoded in, its header, and a look at all of its bytes."""
    content, encoding = plain_text(content, options.encoding)
    text, content, broken = _head_text(content)
    if not text.strip():
        raise DataError(f"{content.label} {EMPTY}")
    header = find_header(text, content.label, options)
    seen = scan(content, header.separator, header_line=header.line)
    if broken := broken or seen.broken_line:
        asked = bool(options.encoding) or encoding != "utf-8"
        content, encoding = broken_text(content, broken, asked=asked)
    if seen.lone_returns:
        content = single_returns(content)
        seen = scan(content, header.separator, header_line=header.line)
    return content, encoding, header, seen


def read_rows(content: Content, separator: str, skip: int) -> Iterator[tuple[int, list[str]]]:
    """Yield (line, cells) for every row of a UTF-8 text that is not blank, after some lines."""
    with content.open() as stream:
        lines = TextIOWrapper(stream, encoding="utf-8-sig", newline=None)  # a line ends in a line feed alone
        for _ in range(skip):
            lines.readline()
        reader = csv.reader(lines, delimiter=separator)
        try:
            for cells in reader:
                if cells:
                    yield skip + reader.line_num, cells
        except csv.Error as error:
            raise DataError(f"{content.label}, line {skip + reader.line_num}: {error}. Correct the line.") from error


def _head_text(content: Content) -> tuple[str, Content, int]:
    """Return the first whole lines, the content with line feeds, and the first line that is not UTF-8 (0: all are)."""
    size = HEAD_TEXT
    data = content.head(size)
    while len(data) == size and data.count(b"\n") < 3 and size < WIDE_BLOCK:
        size *= 4
        data = content.head(size)
    if len(data) > LONGEST_LINE and b"\n" not in data and b"\r" not in data:
        raise DataError(f"{content.label}: {TOO_LONG}")
    if data.replace(b"\r\n", b"").count(b"\r"):
        content = single_returns(content)
        data = content.head(size)
    if len(data) == size:
        data = data[: data.rfind(b"\n") + 1]
    try:
        return data.decode("utf-8-sig"), content, 0
    except UnicodeDecodeError as error:
        return data.decode("cp1252", errors="replace"), content, data.count(b"\n", 0, error.start) + 1


def _count_even_rows(file: Delimited) -> int | None:
    """Return the number of rows if each has as many cells as the header, as far as counting can tell; else None.

    Where one line's excess makes up for another one's lack, ``load`` finds out.
    """
    width, n_lines = len(file.header.columns), file.scan.n_lines - file.scan.n_blank
    if any(len(cells) != width for cells in file.sample):
        return None
    if not file.scan.quotes:
        return n_lines if file.scan.n_separators == n_lines * (width - 1) else None
    try:
        return len(file._read([file.header.columns[0]], [], {}, "."))
    except pa.ArrowInvalid:
        return None


def _with_rows(file: Delimited, mended: Mended) -> Delimited:
    """Return a text of the mended rows, each traced to its line of the file."""
    file.content.require_unchanged()
    content = Content(file.content.label, file.content.compression, data=mended.data)
    seen = replace(file.scan, quotes=b'"' in mended.data)
    return replace(file, content=content, scan=seen, skip=0, lines=mended.lines)


def _nameless(file: Delimited) -> tuple[str, ...]:
    """Return the columns that have neither a name nor any value, such as the one after a trailing comma."""
    nameless = [name for place, name in enumerate(file.header.columns, start=1) if name == f"column {place}"]
    places = {name: file.header.columns.index(name) for name in nameless}
    likely = [name for name, place in places.items() if not any(cells[place].strip() for cells in file.sample)]
    if not likely:
        return ()
    loaded = file.load(likely, [])
    return tuple(name for name in likely if not any(str(text).strip() for text in loaded[name].cat.categories))


def _require_closed_quotes(file: Delimited, *, broken: bool) -> None:
    """Raise a DataError where a quote is never closed or, if ``broken``, where one closes lines later by chance."""
    with file.content.open() as stream:
        odd = sum(piece.count(b'"') for piece in iter(lambda: stream.read(BLOCK), b"")) % 2
    if not odd and not broken:
        return
    with file.content.open() as stream:
        lines = TextIOWrapper(stream, encoding="utf-8-sig", newline="\n")
        reader = csv.reader(lines, delimiter=file.header.separator, strict=True)
        while True:
            line = reader.line_num + 1
            try:
                next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                if odd or reader.line_num > line:  # else quotes are misplaced, but within a line
                    raise DataError(
                        f"{file.content.label}, line {line}: a quote is opened here and never closed."
                    ) from error
