"""Lines with fewer or more cells than the header: which may be mended, which are an error."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import StringIO

import numpy as np

from forecastr.data.files.header import Header
from forecastr.data.files.rectangle import Repair
from forecastr.data.options import ReadOptions
from forecastr.errors import DataError

QUOTES = "a value with the separator in it (such as 1,234.56) needs quotes around it"


@dataclass(frozen=True)
class Mended:
    """Rows as long as the header, as UTF-8 text, and the line of each."""

    data: bytes
    lines: np.ndarray
    repairs: list[Repair]
    warnings: list[str]


@dataclass
class _Tally:
    """Lines of one kind: how many there are, the first one, and how many cells it has."""

    count: int = 0
    line: int = 0
    width: int = 0

    def add(self, line: int, width: int) -> None:
        if not self.count:
            self.line, self.width = line, width
        self.count += 1

    def repair(self, what: str) -> list[Repair]:
        return [{"what": what, "count": self.count, "first_line": self.line}] if self.count else []


@dataclass
class _Lines:
    """What was met on the way through a file."""

    whole: _Tally = field(default_factory=_Tally)
    short: _Tally = field(default_factory=_Tally)
    long: _Tally = field(default_factory=_Tally)
    comma: _Tally = field(default_factory=_Tally)  # one cell too many, and it is empty
    cut: _Tally = field(default_factory=_Tally)  # the last line, if it is short


def mend(label: str, rows: Iterator[tuple[int, list[str]]], header: Header, options: ReadOptions) -> Mended:
    """Return rows that are all as long as the header.

    A last line that is too short is what a download cut short leaves, and is left out. Cells that lack at
    the end of other lines are missing values. An empty cell too many at the end of every line is taken off.

    Raises
    ------
    DataError
        If a line has too many cells and they are not to be skipped, or most lines have too few.
    """
    width = len(header.columns)
    text, lines, seen = StringIO(), [], _Lines()
    writer = csv.writer(text, delimiter=header.separator, lineterminator="\n")
    full = ((line, cells) for line, cells in rows if any(cell.strip() for cell in cells) or len(cells) > 1)
    for (line, cells), last in _mark_last(full):
        if len(cells) == width:
            seen.whole.add(line, width)
        elif len(cells) == width + 1 and not cells[-1].strip():
            seen.comma.add(line, width + 1)
        elif len(cells) > width:
            seen.long.add(line, len(cells))
            continue
        elif last:
            seen.cut.add(line, len(cells))
            continue
        else:
            seen.short.add(line, len(cells))
        writer.writerow(cells[:width] + [""] * (width - len(cells)))
        lines.append(line)
    _require_table(label, seen, width, header.line, skip=options.on_bad_lines == "skip")
    warnings = []
    if seen.cut.count:
        warnings.append(
            f"the last line ({seen.cut.line}) has {seen.cut.width} of {width} fields and was left out; "
            "perhaps the file was not copied whole"
        )
    repairs = [
        *seen.long.repair("lines with too many fields skipped"),
        *seen.short.repair("cells that lack at the end of a line taken as missing"),
        *seen.comma.repair("separators after the last cell of a line taken off"),
        *seen.cut.repair("last line, cut short, left out"),
    ]
    return Mended(text.getvalue().encode(), np.array(lines, dtype=np.int64), repairs, warnings)


def _require_table(label: str, seen: _Lines, width: int, header_line: int, *, skip: bool) -> None:
    total = seen.whole.count + seen.short.count + seen.long.count + seen.comma.count
    # A separator at the end of every line is a habit of its writer; at the end of some it is a cell too many.
    some = seen.comma if seen.whole.count + seen.short.count else _Tally()
    long = [tally for tally in (seen.long, some) if tally.count]
    if long and (not skip or seen.long.count * 2 >= total):
        first, count = min(long, key=lambda tally: tally.line), sum(tally.count for tally in long)
        where = f"{label}, line {first.line}: {first.width} fields where the header has {width}"
        if count * 2 > total and header_line:
            raise DataError(
                f"{where}, and most lines have too many ({count:,} of {total:,}). If the header is not line "
                f"{header_line}, say how many lines stand above it with --skip-rows; {QUOTES}."
            )
        advice = "Where such lines are few, --on-bad-lines skip leaves them out."
        if header_line and seen.whole.line > first.line:  # the line right below what was taken for the header
            advice = f"If the header is not line {header_line}, say how many lines stand above it with --skip-rows."
        raise DataError(f"{where} ({count:,} of {total:,} lines have too many). Correct the line; {QUOTES}. {advice}")
    if seen.short.count * 2 > total:
        raise DataError(
            f"{label}, line {seen.short.line}: {seen.short.width} fields where the header has {width}, and most lines "
            f"are like it ({seen.short.count:,} of {total:,}). Correct the header, or, if it is further "
            "down, say how many lines stand above it with --skip-rows."
        )
    if not total:
        raise DataError(
            f"{label}, line {seen.cut.line}: {seen.cut.width} fields where the header has {width}, and there is no "
            "other line. It needs a line per time step."
        )


def _mark_last(rows: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[tuple[int, list[str]], bool]]:
    """Yield each row, and whether it is the last one."""
    before = next(rows, None)
    for row in rows:
        assert before is not None
        yield before, False
        before = row
    if before is not None:
        yield before, True
