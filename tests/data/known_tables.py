"""Tables with known values, and the many ways in which people write such tables down."""

import gzip
import io
import lzma
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

import pandas as pd

Key = tuple[str, datetime]
Values = dict[Key, float]
LONG_AGO = datetime(1899, 12, 30)  # the zeroth day of spreadsheets


@dataclass(frozen=True, repr=False)
class Known:
    """A table whose every value is known.

    Parameters
    ----------
    stamps, ids : list
        Of its rows; ``ids`` is None where the table holds one series, or one series per column.
    columns : dict
        Numbers of each column, None where one is missing.
    decimals : dict
        Digits behind the point, by column.
    date_formats : tuple of str
        Ways to write these stamps that lose nothing.
    """

    name: str
    time: str
    stamps: list[datetime]
    columns: dict[str, list[float | None]]
    decimals: dict[str, int]
    date_formats: tuple[str, ...]
    id: str | None = None
    ids: list[str] | None = None
    wide: bool = False

    def __repr__(self) -> str:
        return self.name

    def values(self, target: str) -> Values:
        """Return the values of a column by series and stamp."""
        names = self.ids or [target] * len(self.stamps)
        rows = zip(names, self.stamps, self.columns[target], strict=True)
        return {(name, stamp): value for name, stamp, value in rows if value is not None}

    def all_values(self) -> Values:
        """Return the values of all columns, each a series of its own."""
        return {key: value for name in self.columns for key, value in self.values(name).items()}

    def frame(self) -> pd.DataFrame:
        """Return the table as pandas holds it."""
        ids = {self.id: self.ids} if self.id else {}
        return pd.DataFrame({self.time: pd.to_datetime(pd.Series(self.stamps)), **ids, **self.columns})


DAYS = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%-d.%-m.%Y", "%-m/%-d/%Y"),
    *("%Y%m%d", "%d-%b-%Y", "%d %b %Y", "%b %d, %Y", "%B %d, %Y", "%a, %d %b %Y", "%Y-%m-%dT%H:%M:%S"),
    *("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S.000", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S+00:00"),
    *("%d.%m.%y", "%m/%d/%y", "%d.%m.%Y %H:%M", "%m/%d/%Y %I:%M %p", "epoch", "epoch ms", "serial"),
)
HOURS = (
    *("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S+00:00"),
    *(
        "%d.%m.%Y %H:%M",
        "%m/%d/%Y %H:%M",
        "%d/%m/%Y %H:%M:%S",
        "%m/%d/%Y %I:%M %p",
        "%Y%m%d%H%M%S",
        "epoch",
        "epoch ms",
    ),
)
MONTHS = ("%Y-%m-%d", "%Y-%m", "%b %Y", "%m/%Y", "%d.%m.%Y", "%m/%d/%Y", "%b-%y", "%Y%m", "%Y%m%d")


def _walk(n: int, start: float, step: float, decimals: int, salt: int) -> list[float]:
    """Return numbers that wander, the same in every run."""
    wander, value, found = Random(salt), start, []
    for _ in range(n):
        value += step * wander.uniform(-1, 1)
        found.append(float(f"{value:.{decimals}f}"))
    return found


def _days(start: datetime, n: int, step: timedelta = timedelta(days=1)) -> list[datetime]:
    return [start + step * place for place in range(n)]


def _workdays(start: datetime, n: int) -> list[datetime]:
    return [day for day in _days(start, 2 * n + 10) if day.weekday() < 5][:n]


def daily() -> Known:
    """Return one series a day, with two holes."""
    sales: list[float | None] = [*_walk(40, 20.0, 8.0, 1, 1)]
    sales[7] = sales[23] = None
    stamps = _days(datetime(2023, 12, 20), 40)
    return Known("daily", "date", stamps, {"sales": sales}, {"sales": 1}, DAYS)


def prices() -> Known:
    """Return a price file of trading days, one holiday left out."""
    n, close = 45, _walk(45, 1012.5, 9.0, 2, 2)
    stamps = [day for day in _workdays(datetime(2024, 2, 26), n + 1) if day != datetime(2024, 3, 29)]
    columns: dict[str, list[float | None]] = {
        "Open": [round(value - 1.25, 2) for value in close],
        "High": [round(value + 4.5, 2) for value in close],
        "Low": [round(value - 6.75, 2) for value in close],
        "Close": [*close],
        "Volume": [*_walk(n, 1_650_000, 400_000, 0, 3)],
    }
    digits = dict.fromkeys(columns, 2) | {"Volume": 0}
    return Known("prices", "Date", stamps, columns, digits, DAYS)


def rates() -> Known:
    """Return small numbers of both signs, three decimals each: a mark before them could mark thousands."""
    stamps = _workdays(datetime(2024, 1, 1), 30)
    return Known("rates", "Datum", stamps, {"Kurs": [*_walk(30, 2.5, 1.5, 3, 4)]}, {"Kurs": 3}, DAYS)


def long_panel() -> Known:
    """Return three series of different spans, with a number that is known beside them."""
    spans = {"^GSPC": (0, 24), "BRK/B": (5, 30), "Ä b": (10, 26)}
    days = _days(datetime(2024, 4, 25), 30)
    stamps = [day for start, end in spans.values() for day in days[start:end]]
    ids = [name for name, (start, end) in spans.items() for _ in range(start, end)]
    y: list[float | None] = [*_walk(len(ids), 140.0, 30.0, 2, 5)]
    y[30] = None
    promo: list[float | None] = [float(place % 7 == 0) for place in range(len(ids))]
    return Known("long", "ds", stamps, {"y": y, "promo": promo}, {"y": 2, "promo": 0}, DAYS, "unique_id", ids)


def wide() -> Known:
    """Return a column for each of three series, by month."""
    stamps = [datetime(2019 + month // 12, month % 12 + 1, 1) for month in range(5, 41)]
    columns: dict[str, list[float | None]] = {
        name: [*_walk(36, 5200.0, 900.0, 1, salt)] for salt, name in enumerate(("AAPL", "MSFT", "^N225"), 6)
    }
    columns["MSFT"][4] = None
    return Known("wide", "Month", stamps, columns, dict.fromkeys(columns, 1), MONTHS, wide=True)


def hourly() -> Known:
    """Return one series by the hour."""
    stamps = _days(datetime(2024, 5, 10, 3), 60, timedelta(hours=1))
    return Known("hourly", "timestamp", stamps, {"load": [*_walk(60, 800.0, 90.0, 2, 9)]}, {"load": 2}, HOURS)


TABLES: tuple[Callable[[], Known], ...] = (daily, prices, rates, long_panel, wide, hourly)


@dataclass(frozen=True, kw_only=True)
class Style:
    """One way to write a table down. ``rows`` and ``order`` are the order of rows and of columns."""

    date_format: str
    separator: str = ","
    decimal: str = "."
    group: str = ""
    unit: str = ""  # before or after each number of the target
    quoting: str = "needed"  # needed, all, text
    newline: str = "\n"
    final_newline: bool = True
    bom: bool = False
    encoding: str = "utf-8"
    na: str = ""
    names: dict[str, str] = field(default_factory=dict)
    order: tuple[int, ...] | None = None
    rows: tuple[int, ...] | None = None
    blank_lines: tuple[int, ...] = ()
    preamble: tuple[str, ...] = ()
    footer: tuple[str, ...] = ()
    trailing: bool = False
    packing: str = ""  # gzip, xz, zip

    def called(self, name: str) -> str:
        """Return what a column is called in this file."""
        return self.names.get(name, name)


def written_date(stamp: datetime, date_format: str) -> str:
    """Return a stamp as text."""
    seconds = int(stamp.replace(tzinfo=UTC).timestamp())
    if date_format.startswith("epoch"):
        return f"{seconds}000" if date_format == "epoch ms" else str(seconds)
    return str((stamp - LONG_AGO).days) if date_format == "serial" else stamp.strftime(date_format)


def written_number(value: float | None, decimals: int, style: Style) -> str:
    """Return a number as text."""
    if value is None:
        return style.na
    text = f"{value:,.{decimals}f}".replace(",", "\0").replace(".", style.decimal)
    return text.replace("\0", style.group)


def header_names(known: Known, style: Style) -> list[str]:
    """Return the columns of the file in their order."""
    names = [known.time, *([known.id] if known.id else []), *known.columns]
    return [style.called(names[place]) for place in (style.order or range(len(names)))]


def data_lines(known: Known, style: Style) -> list[str]:
    """Return the file's line for each row of the table, in the table's order."""
    cells = [[written_date(stamp, style.date_format) for stamp in known.stamps]]
    if known.ids:
        cells.append(known.ids)
    for name, numbers in known.columns.items():
        texts = [written_number(number, known.decimals[name], style) for number in numbers]
        if style.unit and known.decimals[name]:
            after = style.unit != "$"
            texts = [text if text == style.na else text + style.unit if after else style.unit + text for text in texts]
        cells.append(texts)
    order = style.order or range(len(cells))
    return [_line([cells[place][row] for place in order], style) for row in range(len(known.stamps))]


def header_line(known: Known, style: Style) -> str:
    """Return the first line of the file."""
    return _line(header_names(known, style), style)


def _line(cells: Sequence[str], style: Style) -> str:
    quoted = [_quote(cell, style) for cell in cells]
    return style.separator.join([*quoted, *([""] if style.trailing else [])])


def _quote(cell: str, style: Style) -> str:
    text = style.quoting == "text" and not cell.replace(".", "").replace("-", "").isdigit()
    if style.quoting == "all" or text or style.separator in cell or '"' in cell:
        return '"' + cell.replace('"', '""') + '"'
    return cell


def as_bytes(lines: list[str], style: Style) -> bytes:
    """Return lines as a file's content."""
    text = style.newline.join(lines) + (style.newline if style.final_newline else "")
    raw = (("\ufeff" if style.bom and style.encoding == "utf-8" else "") + text).encode(style.encoding)
    if style.packing == "gzip":
        return gzip.compress(raw, mtime=0)
    if style.packing == "xz":
        return lzma.compress(raw)
    if style.packing == "zip":
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("table.csv", raw)
        return archive.getvalue()
    return raw


def render(known: Known, style: Style) -> bytes:
    """Return the whole file."""
    rows = data_lines(known, style)
    lines = [rows[place] for place in (style.rows or range(len(rows)))]
    for place in sorted(style.blank_lines, reverse=True):
        lines.insert(place, "")
    return as_bytes([*style.preamble, header_line(known, style), *lines, *style.footer], style)
