"""Tables rewritten and damaged by the thousand: the same values come out, or an error, and never another number."""

import importlib.util
import io
import re
import string
import sys
from collections import Counter
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecastr.data import Panel, ReadOptions, read_panel
from forecastr.errors import ConfigError, DataError

_spec = importlib.util.spec_from_file_location("known_tables", Path(__file__).with_name("known_tables.py"))
assert _spec and _spec.loader
tables = importlib.util.module_from_spec(_spec)
sys.modules["known_tables"] = tables
_spec.loader.exec_module(tables)

Style, Known, Key = tables.Style, tables.Known, tables.Key
KNOWN = {known.name: known for known in (make() for make in tables.TABLES)}
FEW = settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
OTHER_NAMES = (
    "Date",
    "time",
    "DS",
    "value",
    "y",
    "target",
    "Ticker",
    "Name",
    "a b",
    " Wert ",
    "Größe",
    "x-1",
    "q",
)
TOKENS = (
    *(
        "",
        "NA",
        "-",
        ".",
        "inf",
        "-inf",
        "1e400",
        "1e308",
        "abc",
        "nan",
        "1,5",
        "1.5",
        "1.234,5",
        "1,234.5",
        "$5",
        "5%",
    ),
    *(
        "(5)",
        "12K",
        "1.2M",
        "True",
        "0x1F",
        "1_000",
        "१२",
        "１２",
        "2024-02-30",
        "null",
        '"',
        '"1"',
        "'",
        "1 000",
        "5-",
        "=1+1",
    ),
    *(
        "#DIV/0!",
        "99999999999999999999",
        "0000-00-00",
        "2024-13-01",
        "3024-01-01",
        "1/2/3",
        "\x00",
        "\ufeff",
        "\u22123",
    ),
)


# What came out


def outcome(source: Any, options: ReadOptions, tally: Counter[str]) -> Panel | None:
    """Return the panel, or None where reading was refused; anything but a DataError is a failure."""
    tally["tried"] += 1
    try:
        panel = read_panel(source, options)
    except (DataError, ConfigError) as error:
        assert str(error).strip(), "an error without a word"
        tally["refused"] += 1
        return None
    tally["read"] += 1
    return panel


def found_values(panel: Panel) -> dict[Key, float]:
    """Return every value of a panel by series and stamp."""
    frame = panel.frame.dropna(subset=["y"])
    stamps = frame["ds"] if frame["ds"].dtype == np.int64 else frame["ds"].dt.to_pydatetime()
    found = dict(zip(zip(frame["unique_id"].map(_bare), stamps, strict=True), frame["y"], strict=True))
    assert len(found) == len(frame), "two values of one series at one time"
    return found


def _bare(name: str) -> str:
    return " ".join(str(name).replace('"', "").split()).casefold()


def named(values: dict[Key, Any], names: dict[str, str]) -> dict[Key, Any]:
    """Return values under the names that a file gives its series."""
    return {(_bare(names.get(name, name)), stamp): value for (name, stamp), value in values.items()}


# The same table, written otherwise


@st.composite
def styles(draw: st.DrawFn, known: Any) -> Any:
    """Draw a way to write a table down that loses nothing."""
    names = [known.time, *([known.id] if known.id else []), *known.columns]
    n, n_rows = len(names), len(known.stamps)
    decimal = draw(st.sampled_from((".", ".", ",")))
    groups = [mark for mark in ("", "", "", ",", ".", " ", "'", "\u00a0") if mark != decimal]
    shuffle = Random(draw(st.integers(0, 9_999)))
    new = shuffle.sample(OTHER_NAMES, n) if draw(st.booleans()) else ()
    repeated = draw(st.lists(st.integers(0, n_rows - 1), max_size=2))
    rows = draw(st.sampled_from(("as is", "reversed", "by time", "swapped", "shuffled")))
    return Style(
        date_format=draw(st.sampled_from(known.date_formats)),
        separator=draw(st.sampled_from((",", ",", ";", "\t", "|"))),
        decimal=decimal,
        group=draw(st.sampled_from(groups)),
        unit=draw(st.sampled_from(("", "", "", "", "$", " €", "%"))),
        quoting=draw(st.sampled_from(("needed", "needed", "text", "all"))),
        newline=draw(st.sampled_from(("\n", "\n", "\r\n", "\r"))),
        final_newline=draw(st.booleans()),
        bom=draw(st.booleans()),
        encoding=draw(
            st.sampled_from(("utf-8", "utf-8", "utf-8", "utf-16", "cp1252" if ord(max(groups)) < 256 else "utf-8"))
        ),
        na=draw(st.sampled_from(("", "", "NA", ".", "-", "null", "#N/A"))),
        names=dict(zip(names, new, strict=False)),
        order=tuple(shuffle.sample(range(n), n) if draw(st.booleans()) else range(n)),
        rows=(*_arranged(draw, known, rows), *repeated),
        blank_lines=tuple(draw(st.lists(st.integers(0, n_rows), max_size=2))),
        preamble=tuple(draw(st.sampled_from(((), (), ("# prices, as they are",), ("# a,b", "# 1,2"))))),
        footer=tuple(draw(st.sampled_from(((), (), ("Total",), ("", "Source: somebody's terminal"))))),
        trailing=draw(st.sampled_from((False, False, True))),
        packing=draw(st.sampled_from(("", "", "", "gzip", "xz", "zip"))),
    )


def _arranged(draw: st.DrawFn, known: Any, rows: str) -> list[int]:
    """Return the order of a file's rows."""
    places = list(range(len(known.stamps)))
    if rows == "reversed":
        return places[::-1]
    if rows == "by time":
        return sorted(places, key=lambda place: known.stamps[place])
    if rows == "swapped":
        one, other = draw(st.tuples(st.sampled_from(places), st.sampled_from(places)))
        places[one], places[other] = places[other], places[one]
    return Random(draw(st.integers(0, 999))).sample(places, len(places)) if rows == "shuffled" else places


@st.composite
def rewritten(draw: st.DrawFn) -> tuple[Any, Any, ReadOptions]:
    """Draw a table, a way to write it, and what the user says about it."""
    known = KNOWN[draw(st.sampled_from(sorted(KNOWN)))]
    style = draw(styles(known))
    target = draw(st.sampled_from(sorted(known.columns)))
    say = draw(st.tuples(*[st.sampled_from((True, True, False))] * 3, *[st.sampled_from((False, False, True))] * 2))
    plain = "%" in style.date_format and "%-" not in style.date_format
    options = ReadOptions(
        target=(style.called(target).strip(),) if say[0] and not known.wide else (),
        time=style.called(known.time).strip() if say[1] else None,
        id=style.called(known.id).strip() if known.id and say[2] else None,
        wide=known.wide and say[0],
        date_format=style.date_format if say[3] and plain else None,
        decimal=style.decimal if say[4] else None,
    )
    return known, style, options


def expected_values(known: Any, style: Any, options: ReadOptions, panel: Panel) -> dict[Any, float]:
    """Return what a panel must hold, for the columns it says it has taken."""
    wanted = _expected_values(known, style, options, panel)
    if panel.frame["ds"].dtype == np.int64 and style.date_format == "serial":  # 45,292 may well be a step
        return {(name, (stamp - tables.LONG_AGO).days): value for (name, stamp), value in wanted.items()}
    return wanted


def _expected_values(known: Any, style: Any, options: ReadOptions, panel: Panel) -> dict[Key, float]:
    if known.wide and options.wide:
        return named(known.all_values(), style.names)
    columns = {_bare(style.called(name)): name for name in known.columns}
    taken = _bare(panel.source.target)
    if known.wide and taken not in columns:
        return named(known.all_values(), style.names)
    return named(known.values(columns[taken]), style.names if not known.id else {})


def assert_equal_or_listed(panel: Panel, wanted: dict[Key, float]) -> None:
    """Fail unless a panel holds these values, all of them but for the series it says it has left out."""
    found = found_values(panel)
    left_out = set(panel.exceptions["unique_id"].map(_bare))
    wrong = {key: (value, wanted.get(key)) for key, value in found.items() if wanted.get(key) != value}
    lost = {key: value for key, value in wanted.items() if key not in found and key[0] not in left_out}
    assert not wrong, f"another number than the file's: {dict(list(wrong.items())[:3])}"
    assert not lost, f"dropped without a word: {dict(list(lost.items())[:3])}"


def check_rewritten(folder: Path, case: tuple[Any, Any, ReadOptions], tally: Counter[str]) -> None:
    """Read a table as rewritten, and compare."""
    known, style, options = case
    ending = {"gzip": ".csv.gz", "xz": ".csv.xz", "zip": ".zip"}.get(style.packing, ".csv")
    path = folder / f"table{ending}"
    path.write_bytes(tables.render(known, style))
    panel = outcome(path, options, tally)
    if panel is not None:
        try:
            assert_equal_or_listed(panel, expected_values(known, style, options, panel))
        except AssertionError:
            tally["wrong"] += 1
            raise


# The same table, damaged


ORIGINALS = {
    "daily": Style(date_format="%Y-%m-%d"),
    "prices": Style(date_format="%m/%d/%Y", group=","),
    "rates": Style(date_format="%d.%m.%Y", separator=";", decimal=",", newline="\r\n"),
    "long": Style(date_format="%Y-%m-%d", separator="\t", quoting="text"),
    "wide": Style(date_format="%Y-%m-%d", separator=";", decimal=",", group="."),
    "hourly": Style(date_format="%Y-%m-%d %H:%M", separator="|"),
}
BYTES = st.one_of(st.sampled_from((string.printable + ";,.\t|\"'\n\r-0123456789%$KMBe").encode()), st.integers(0, 255))
PLACE = st.integers(0, 9_999).map(lambda place: place / 10_000)
DAMAGES = (
    "byte",
    "byte",
    "delete",
    "insert",
    "cell",
    "cell",
    "dates",
    "cut",
    "line out",
    "twice",
    "swap",
    "line",
    "end",
)


@st.composite
def damages(draw: st.DrawFn) -> list[tuple[Any, ...]]:
    """Draw what happens to a file: what, where (from 0 to 1), and with what."""
    kinds = draw(st.lists(st.sampled_from(DAMAGES), min_size=1, max_size=3))
    texts = st.one_of(st.sampled_from(TOKENS), st.text(max_size=4))
    return [(kind, draw(PLACE), draw(PLACE), draw(BYTES), draw(texts)) for kind in kinds]


def damaged(content: bytes, wounds: list[tuple[Any, ...]], style: Any, known: Any) -> bytes:
    """Return a file's content after all that happened to it."""
    for kind, first, second, byte, text in wounds:
        lines = content.split(b"\n")
        place, row = int(first * len(content)), int(first * len(lines))
        other = int(second * len(lines))
        if kind == "byte":
            content = content[:place] + bytes([byte]) + content[place + 1 :]
        elif kind == "delete":
            content = content[:place] + content[place + 1 :]
        elif kind == "insert":
            content = content[:place] + bytes([byte]) + content[place:]
        elif kind == "end":
            content = content[:place]
        else:
            content = b"\n".join(_damaged_lines(lines, kind, row, other, second, text, style, known))
    return content


def _damaged_lines(
    lines: list[bytes], kind: str, row: int, other: int, second: float, text: str, style: Any, known: Any
) -> list[bytes]:
    line = lines[row]
    if kind == "line out":
        return lines[:row] + lines[row + 1 :]
    if kind == "twice":
        return [*lines[: other + 1], line, *lines[other + 1 :]]
    if kind == "line":
        return [*lines[:row], text.encode(errors="replace") * 3, *lines[row:]]
    if kind == "swap":
        lines[row], lines[other] = lines[other], line
        return lines
    cells = line.split(style.separator.encode())
    if kind == "cut":
        lines[row] = line[: int(second * (len(line) + 1))]
    elif kind == "cell":
        cells[int(second * len(cells))] = text.encode(errors="replace")
    elif kind == "dates" and (stamp := _stamp(cells[0].decode(errors="replace"), style)):
        formats = known.date_formats
        cells[0] = tables.written_date(stamp, formats[int(second * len(formats))]).encode()
    return [*lines[:row], lines[row] if kind == "cut" else style.separator.encode().join(cells), *lines[row + 1 :]]


def _stamp(text: str, style: Any) -> datetime | None:
    try:
        return datetime.strptime(text.strip().strip('"'), style.date_format)
    except ValueError:
        return None


def _stamps(text: str, style: Any) -> set[datetime]:
    """Return what a stamp says, also where one is written as ISO 8601 in another length."""
    ways = (style, *(Style(date_format=way) for way in tables.DAYS + tables.HOURS if way.startswith("%Y-%m-%d")))
    return {stamp.replace(tzinfo=None) for way in ways if (stamp := _stamp(text, way))}


FACTORS = {"": 1.0, "K": 1e3, "k": 1e3, "M": 1e6, "B": 1e9, "T": 1e12, "bn": 1e9}


def plain_numbers(text: str, style: Any) -> set[float]:
    """Return what a careful person may read in a cell, in a column whose decimal mark is known."""
    text = re.sub("[\u2212\u2013\ufe63\uff0d]", "-", text.replace('"', "").strip())
    text = re.sub(r"^([+-]?)[$€£¥]\s*|\s*[$€£¥%]$", r"\1", text)
    group = "." if style.decimal == "," else ","
    sign, brackets = 1.0, re.fullmatch(r"\((.*)\)", text)
    if brackets or re.fullmatch(r"[^-]+-", text):
        sign, text = -1.0, brackets[1] if brackets else text[:-1]
    found = re.fullmatch(r"([+-]?)\s*([\d.,'’ \u00a0\u2007\u2009\u202f]*?(?:[eE][+-]?\d+)?)\s*(K|k|M|B|T|bn)?", text)
    if not found:
        return set()
    digits = re.sub(rf"[{re.escape(group)}'’ \u00a0\u2007\u2009\u202f]", "", found[2]).replace(style.decimal, ".")
    try:
        value = sign * float(found[1] + digits) * FACTORS[found[3] or ""]
    except ValueError:
        return set()
    return {value, value + 0.0}


class Legible:
    """What a damaged file still says, line by line, to someone who knows how it was written."""

    def __init__(self, content: bytes, known: Any, style: Any) -> None:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("cp1252", errors="replace")
        self.lines = re.split(r"\r\n|\n|\r", text)
        self.known, self.style = known, style
        first = next((line for line in self.lines if line.strip()), "")
        self.header = [_bare(name) for name in first.split(style.separator)]
        self.original = dict(zip(tables.data_lines(known, style), range(len(known.stamps)), strict=True))
        self.names = [_bare(name) for name in tables.header_names(known, style)]

    def may_say(self, place: int, *, name: str | None = None) -> dict[Key, set[float]]:
        """Return every reading of the column at a place; its series is named so, or by its id."""
        said: dict[Key, set[float]] = {}
        for cells in (cells for line in self.lines for cells in (self._cells(line), line.split(self.style.separator))):
            if place < len(cells):
                series = _bare(cells[1]) if name is None else name
                for stamp in _stamps(cells[0], self.style):
                    said.setdefault((series, stamp), set()).update(plain_numbers(cells[place], self.style))
        return said

    def must_say(self, place: int, *, name: str | None = None) -> dict[Key, float]:
        """Return the values of lines that nothing has happened to."""
        said = {}
        column = list(self.known.columns)[place - (2 if self.known.id else 1)]
        for line in self.lines:
            row = self.original.get(line)
            if row is not None and (value := self.known.columns[column][row]) is not None:
                series = _bare(self.known.ids[row]) if name is None else name
                said[(series, self.known.stamps[row])] = value
        return said

    def place(self, column: str) -> int:
        """Return where a column stands: in the damaged header, or in the original's."""
        if blank := re.fullmatch(r"column (\d+)", column):
            return int(blank[1]) - 1
        names = self.header if column in self.header else self.names
        return names.index(column)

    def _cells(self, line: str) -> list[str]:
        """Return a line's cells; separators within quotes do not count."""
        separator = re.escape(self.style.separator)
        return re.split(rf'{separator}(?=(?:[^"]*"[^"]*")*[^"]*$)', line)


@st.composite
def wounded(draw: st.DrawFn) -> tuple[str, list[tuple[Any, ...]], str, bool]:
    """Draw a table by name, what happens to its file, the target, and whether the user names the columns."""
    name = draw(st.sampled_from(sorted(ORIGINALS)))
    target = draw(st.sampled_from(sorted(KNOWN[name].columns)))
    return name, draw(damages()), target, draw(st.booleans())


def check_wounded(folder: Path, case: tuple[str, list[tuple[Any, ...]], str, bool], tally: Counter[str]) -> None:
    """Read a damaged file, and compare every value with what its lines say."""
    name, wounds, target, say = case
    known, style = KNOWN[name], ORIGINALS[name]
    content = damaged(tables.render(known, style), wounds, style, known)
    path = folder / "table.csv"
    path.write_bytes(content)
    given_names = ReadOptions(target=(target,), time=known.time, id=known.id)
    options = ReadOptions(wide=True) if known.wide else given_names if say else ReadOptions()
    panel = outcome(path, options, tally)
    if panel is None:
        return
    try:
        _assert_legible(panel, Legible(content, known, style))
    except AssertionError:
        tally["wrong"] += 1
        raise


def _assert_legible(panel: Panel, legible: Legible) -> None:
    may: dict[Key, set[float]] = {}
    must: dict[Key, float] = {}
    found = found_values(panel)
    if legible.known.wide:
        for series in dict.fromkeys(name for name, _ in found):
            place = legible.place(series)
            may |= legible.may_say(place, name=series)
            must |= legible.must_say(place, name=series)
    else:
        column = _bare(panel.source.target)
        alone = None if legible.known.id and panel.source.id else column
        place = legible.place(column)
        may, must = legible.may_say(place, name=alone), legible.must_say(place, name=alone)
    wrong = {key: (value, may.get(key)) for key, value in found.items() if value not in may.get(key, set())}
    truth = {(_bare(name), stamp): value for (name, stamp), value in legible.known.all_values().items()}
    wrong = {key: seen for key, seen in wrong.items() if must.get(key, truth.get(key)) != seen[0]}
    left_out = set(panel.exceptions["unique_id"].map(_bare))
    lost = {key: value for key, value in must.items() if found.get(key) != value and key[0] not in left_out}
    assert not wrong, f"another number than the file's: {dict(list(wrong.items())[:3])}"
    assert not lost, f"dropped without a word: {dict(list(lost.items())[:3])}"


# The tests


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that examples write into, one after the other."""
    return tmp_path_factory.mktemp("fuzz")


def report(tally: Counter[str], what: str) -> None:
    """Print what came of all examples."""
    counts = ", ".join(f"{tally[key]:,} {key}" for key in ("tried", "read", "refused", "wrong"))
    print(f"\n{what}: {counts}")


def rewrite_many(folder: Path, n: int) -> Counter[str]:
    tally: Counter[str] = Counter()

    @settings(FEW, max_examples=n)
    @given(rewritten())
    def run(case: tuple[Any, Any, ReadOptions]) -> None:
        check_rewritten(folder, case, tally)

    run()
    return tally


def wound_many(folder: Path, n: int) -> Counter[str]:
    tally: Counter[str] = Counter()

    @settings(FEW, max_examples=n)
    @given(wounded())
    def run(case: tuple[str, list[tuple[Any, ...]], str, bool]) -> None:
        check_wounded(folder, case, tally)

    run()
    return tally


@st.composite
def stored_damages(draw: st.DrawFn) -> tuple[str, list[tuple[float, int]], float]:
    """Draw a packed or stored table, bytes that change in it, and where it ends."""
    kind = draw(st.sampled_from(("gzip", "xz", "zip", "parquet", "feather")))
    changes = draw(st.lists(st.tuples(PLACE, st.integers(0, 255)), max_size=3))
    return kind, changes, draw(st.sampled_from((1.0, 1.0, 0.999, 0.9, 0.5)))


def store_many(folder: Path, n: int) -> Counter[str]:
    tally: Counter[str] = Counter()
    known = KNOWN["prices"]
    style = ORIGINALS["prices"]
    contents = {kind: tables.render(known, replace(style, packing=kind)) for kind in ("gzip", "xz", "zip")}
    for kind in ("parquet", "feather"):
        whole = io.BytesIO()
        known.frame().to_parquet(whole) if kind == "parquet" else known.frame().to_feather(whole)
        contents[kind] = whole.getvalue()

    @settings(FEW, max_examples=n)
    @given(stored_damages())
    def run(case: tuple[str, list[tuple[float, int]], float]) -> None:
        kind, changes, end = case
        content = bytearray(contents[kind])
        for place, byte in changes:
            content[int(place * len(content))] = byte
        path = folder / "stored"
        path.write_bytes(content[: int(end * len(content))])
        panel = outcome(path, ReadOptions(target=("Close",), time="Date"), tally)
        if panel is not None and kind not in ("parquet", "feather"):  # those keep no sums of what they hold
            assert_equal_or_listed(panel, named(known.values("Close"), {}))

    run()
    return tally


def test_a_table_written_otherwise_gives_the_same_values_or_is_refused(folder):
    tally = rewrite_many(folder, 100)
    assert tally["read"] > 0.5 * tally["tried"]


def test_a_damaged_file_never_gives_another_number_than_its_lines_say(folder):
    tally = wound_many(folder, 100)
    assert tally["read"] > 0.2 * tally["tried"]


def test_a_damaged_archive_is_refused_or_whole(folder):
    tally = store_many(folder, 40)
    assert tally["read"] and tally["refused"]


@pytest.mark.slow
def test_tables_written_otherwise_by_the_thousand(folder):
    tally = rewrite_many(folder, 6_000)
    report(tally, "written otherwise")
    assert tally["read"] > 0.6 * tally["tried"]


@pytest.mark.slow
def test_damaged_files_by_the_thousand(folder):
    tally = wound_many(folder, 14_000)
    report(tally, "damaged")
    assert tally["read"] > 0.2 * tally["tried"]


@pytest.mark.slow
def test_damaged_archives_by_the_thousand(folder):
    report(store_many(folder, 1_000), "damaged archives")
