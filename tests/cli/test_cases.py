"""What users hand in, and what they get back: one test for each row of the catalogue, through the command line."""

import bz2
import gzip
import io
import json
import lzma
import os
import re
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecastr.cli.main import main

N = 60


# The command, in this process


class Outcome:
    """What a command did: its exit code, and what it wrote."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Outcome]]:
    """Return a function that runs the command here, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    handler = signal.getsignal(signal.SIGTERM)

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["forecastr", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return Outcome(int(ended.value.code or 0), out, err)

    yield run
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture
def read(run: Callable[..., Outcome], write: Callable[..., Path]) -> Callable[..., dict[str, Any]]:
    """Return a function that has a table inspected, and gives back what was understood."""

    def read(content: str | bytes, *options: str, name: str = "table.csv") -> dict[str, Any]:
        done = run("inspect", write(content, name), *options, "--json")
        assert done.code == 0, done.err
        return dict(json.loads(done.out))

    return read


@pytest.fixture
def refused(run: Callable[..., Outcome], write: Callable[..., Path]) -> Callable[..., str]:
    """Return a function that has a table inspected, which must be an error, and gives back the sentence."""

    def refused(content: str | bytes, *options: str, name: str = "table.csv") -> str:
        return error_of(run("inspect", write(content, name), *options))

    return refused


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a file."""

    def write(content: str | bytes, name: str = "table.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return Path(name)

    return write


def error_of(done: Outcome) -> str:
    """Return the one message of a command that ended with 2."""
    assert done.code == 2, (done.code, done.out[-500:], done.err)
    assert "Traceback" not in done.err
    last = done.err.splitlines()[-1]
    assert last.startswith("error: "), done.err
    require_real_options(last)
    return last.removeprefix("error: ")


def require_real_options(message: str) -> None:
    """Fail if a message names an option that no command has."""
    from typer.main import get_command

    from forecastr.cli.main import app

    commands = getattr(get_command(app), "commands").values()  # noqa: B009
    known = {name for command in commands for parameter in command.params for name in parameter.opts}
    assert set(re.findall(r"--[a-z][a-z-]*[a-z]", message)) <= known, message


# Tables


def numbers(n: int = N, salt: int = 0) -> list[float]:
    """Return numbers that wander, all positive, with two decimals."""
    steps = np.random.default_rng(salt).normal(0, 1, n)
    return [round(float(value), 2) for value in 100 + np.cumsum(steps)]


def days(n: int = N, start: str = "2024-01-01", freq: str = "D", form: str = "%Y-%m-%d") -> list[str]:
    """Return stamps as text."""
    return pd.date_range(start, periods=n, freq=freq).strftime(form).tolist()


def lines(*columns: Sequence[object], header: str = "date,sales", separator: str = ",") -> list[str]:
    """Return the lines of a table."""
    rows = [separator.join(map(str, row)) for row in zip(*columns, strict=True)]
    return [header.replace(",", separator), *rows]


def table(*columns: Sequence[object], header: str = "date,sales", separator: str = ",") -> str:
    """Return a table as text."""
    return "\n".join(lines(*columns, header=header, separator=separator)) + "\n"


PLAIN = table(days(), numbers())
LINES = PLAIN.splitlines()


def with_line(place: int, line: str, text: str = PLAIN) -> str:
    """Return a table with another line at a place; the header is line 1."""
    changed = text.splitlines()
    changed[place - 1] = line
    return "\n".join(changed) + "\n"


def with_value(place: int, value: str, text: str = PLAIN) -> str:
    """Return a table with another last cell in a line."""
    return with_line(place, text.splitlines()[place - 1].rpartition(",")[0] + "," + value, text)


@pytest.fixture
def plain(read: Callable[..., dict[str, Any]]) -> str:
    """Return the fingerprint of the plain table: of its series, stamps and values."""
    return fingerprint(read(PLAIN, name="plain.csv"))


def fingerprint(document: dict[str, Any]) -> str:
    return str(document["data"]["fingerprint"])


def said(document: dict[str, Any]) -> str:
    """Return all that was repaired and warned of, as one text."""
    report = document["data_report"]
    repairs = [f"{found['what']}: {found['count']}, line {found['first_line']}" for found in report["repairs"]]
    return "\n".join([*repairs, *report["warnings"], *document["warnings"]])


def count(document: dict[str, Any], word: str) -> tuple[int, int | None]:
    """Return how often the one repair with a word in its name was made, and in which line first."""
    found = [repair for repair in document["data_report"]["repairs"] if word in repair["what"]]
    assert len(found) == 1, document["data_report"]["repairs"]
    return found[0]["count"], found[0]["first_line"]


def shown(document: dict[str, Any]) -> tuple[str, str, int]:
    """Return the first and the last stamp as they were understood, and the number of rows."""
    dates = document["data_report"]["dates"]
    return dates["start"], dates["end"], document["data"]["rows"]


# Messages


def test_every_option_that_an_error_names_exists():
    import forecastr

    for path in Path(forecastr.__file__).parent.rglob("*.py"):
        if path.parent.name != "tracking":  # which names options of other programs
            require_real_options(path.read_text())


# Files as such


def test_case_01_an_empty_file_is_called_empty(refused):
    assert "is empty" in refused("")


def test_case_02_a_header_alone_lacks_rows(refused):
    assert "no rows" in refused("date,sales\n")


def test_case_03_a_single_row_is_told_how_many_are_needed(refused):
    message = refused("date,sales\n2024-01-01,5\n")
    assert "1 row" in message
    assert re.search(r"at least \d+|\d+ are needed", message)


def test_case_04_a_short_series_is_refused_with_the_minimum(refused):
    message = refused("\n".join(LINES[:5]) + "\n")
    assert "has 4 rows; at least 5 are needed" in message


def test_case_04_a_series_shorter_than_the_context_is_padded_and_the_plan_says_so(run, write):
    done = run("inspect", write("\n".join(LINES[:31]) + "\n"), "--context", "60")
    if done.code == 0:
        assert "padded" in done.out
    else:
        assert "context" in error_of(done)


def test_case_04_a_short_series_of_a_panel_is_forecast_by_what_the_others_teach_and_listed(read):
    ids = [f"s{n:02d}" for n in range(12) for _ in range(N)] + ["brief"] * 3
    stamps = days() * 12 + days(3)
    found = read(table(ids, stamps, numbers(12 * N + 3), header="id,date,sales"))
    listed = [row for row in found["first_exceptions"] if row["unique_id"] == "brief"]
    assert len(listed) == 1
    assert listed[0]["status"] == "short"
    assert "3 rows" in listed[0]["reason"]
    assert "forecast by what the others teach" in listed[0]["reason"]


def test_case_05_a_byte_order_mark_is_no_part_of_the_header(read, plain):
    assert fingerprint(read(b"\xef\xbb\xbf" + PLAIN.encode())) == plain


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_case_06_utf_16_is_decoded_and_noted(read, plain, encoding):
    mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(encoding, b"")
    found = read(mark + PLAIN.encode(encoding))
    assert fingerprint(found) == plain
    assert found["data_report"]["dialect"]["encoding"].startswith("utf-16")


def test_case_07_cp1252_is_tried_for_names_and_noted(read):
    text = table(["Zürich"] * N + ["Genève"] * N, days() * 2, numbers(2 * N), header="id,date,sales")
    found = read(text.encode("cp1252"))
    assert fingerprint(found) == fingerprint(read(text, name="utf.csv"))
    assert "cp1252" in said(found)


def test_case_07_cp1252_among_the_values_is_noted_and_undecided_bytes_ask(read, refused):
    values = [round(1000 + value, 2) for value in numbers()]
    text = table(days(), [f"{value:,.2f}".replace(",", "\u00a0") for value in values])
    found = read(text.encode("cp1252"))
    assert fingerprint(found) == fingerprint(read(table(days(), values), name="clean.csv"))
    assert "cp1252" in said(found)
    mixed = table(["Zürich", "Genève"] * 30, days(), values, header="shop,date,sales").encode()
    assert "--encoding" in refused(mixed.replace("Genève".encode(), "Genève".encode("cp1252"), 1))


def zipped(text: str, name: str = "table.csv") -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, text)
    return archive.getvalue()


PACKERS = {
    "gz": lambda text: gzip.compress(text.encode()),
    "xz": lambda text: lzma.compress(text.encode()),
    "bz2": lambda text: bz2.compress(text.encode()),
    "zip": zipped,
}


@pytest.mark.parametrize("ending", PACKERS)
def test_case_08_compressed_files_are_unpacked(read, plain, ending):
    found = read(PACKERS[ending](PLAIN), name=f"table.csv.{ending}")
    assert fingerprint(found) == plain
    assert found["data_report"]["dialect"]["compression"]


@pytest.mark.parametrize("ending", PACKERS)
def test_case_09_compression_is_told_by_content_not_by_name(read, plain, ending):
    found = read(PACKERS[ending](PLAIN), name="table.csv")
    assert fingerprint(found) == plain
    assert found["data_report"]["dialect"]["compression"]


def stored(kind: str, frame: pd.DataFrame) -> bytes:
    whole = io.BytesIO()
    frame.to_parquet(whole) if kind == "parquet" else frame.to_feather(whole)
    return whole.getvalue()


def typed() -> pd.DataFrame:
    return pd.DataFrame({"date": pd.to_datetime(days()), "sales": numbers()})


@pytest.mark.parametrize("kind", ["parquet", "feather"])
def test_case_09_stored_tables_named_csv_are_read_as_what_they_are(read, plain, kind):
    assert fingerprint(read(stored(kind, typed()), name="table.csv")) == plain


def test_case_09_a_workbook_named_csv_says_what_it_is(refused):
    assert "Excel" in refused(zipped("<xml/>", "[Content_Types].xml"))
    assert "Excel" in refused(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500))


@pytest.mark.parametrize("kind", ["parquet", "feather"])
def test_case_10_stored_tables_pass_the_same_checks(read, refused, plain, kind):
    assert fingerprint(read(stored(kind, typed()), name=f"table.{kind}")) == plain
    again = pd.concat([typed(), typed().head(2).assign(sales=1.0)], ignore_index=True)
    assert "--duplicates" in refused(stored(kind, again), name=f"again.{kind}")


def test_case_11_a_nul_byte_is_refused_with_its_place(refused):
    content = PLAIN.encode()
    place = content.index(b"\n", 700) - 1
    message = refused(content[:place] + b"\x00" + content[place:])
    assert "NUL" in message
    assert f"{place:,}" in message or f"line {content[:place].count(10) + 1}" in message


@pytest.mark.parametrize("ends", [["\r"], ["\r\n"], ["\n", "\r\n"], ["\n", "\r\n", "\r"]])
def test_case_12_any_line_end_ends_a_line(read, plain, ends):
    text = "".join(line + ends[number % len(ends)] for number, line in enumerate(LINES))
    assert fingerprint(read(text.encode())) == plain


def test_case_13_an_open_quote_is_refused_with_the_line_where_it_starts(refused):
    message = refused(with_line(20, '2024-01-19,"101.5'))
    assert "line 20" in message
    assert "quote" in message


def test_case_14_too_many_fields_are_refused_with_the_line_or_skipped_and_counted(refused, read):
    text = with_line(20, "2024-01-19,101.5,7")
    message = refused(text)
    assert "line 20" in message
    assert "--on-bad-lines" in message
    found = read(text, "--on-bad-lines", "skip")
    assert count(found, "too many") == (1, 20)
    assert found["data"]["rows"] == N  # the day stands there without a value: no other day moves
    assert "missing" in said(found) or "absent" in said(found)


def test_case_15_a_cut_last_line_is_told_from_a_cell_left_out(read):
    three = table(days(), numbers(), numbers(salt=1), header="date,sales,visits")
    cut = three.rstrip("\n").rpartition(",")[0]  # the last line ends before its last cell
    found = read(cut, "--target", "sales")
    assert "last line" in said(found)
    short = with_line(20, three.splitlines()[19].rpartition(",")[0], three)
    found = read(short, "--target", "visits")
    assert count(found, "missing values")[0] == 1
    assert found["data"]["rows"] == N


def test_case_16_a_file_that_still_grows_is_refused(run, write, monkeypatch):
    from forecastr.data.files import table as opening

    path = write(PLAIN)
    read_text = opening._from_text

    def slow_read(*arguments: Any) -> Any:
        with path.open("a") as file:  # somebody writes the next line meanwhile
            file.write("2024-03-01,1\n")
        return read_text(*arguments)

    monkeypatch.setattr(opening, "_from_text", slow_read)
    assert "changed while it was read" in error_of(run("inspect", path))


def test_case_16_the_same_values_have_the_same_fingerprint(read, plain):
    assert fingerprint(read(with_value(30, "999"))) != plain
    assert re.fullmatch("[0-9a-f]{64}", plain)


# Separators and numbers


@pytest.mark.parametrize("separator", [";", "\t", "|", ","])
def test_case_17_and_19_the_separator_is_found(read, plain, separator):
    found = read(table(days(), numbers(), separator=separator))
    assert fingerprint(found) == plain
    assert found["data_report"]["dialect"]["separator"] == separator


def test_case_18_semicolons_with_decimal_commas_are_read_as_meant(read, plain):
    german = table(days(form="%d.%m.%Y"), [f"{value:.2f}".replace(".", ",") for value in numbers()], separator=";")
    found = read(german)
    assert fingerprint(found) == plain
    assert found["data_report"]["dialect"]["separator"] == ";"
    assert found["data_report"]["dialect"]["decimal"] == ","
    whole = read("date;sales\n" + "".join(f"{day};{n + 1}\n" for n, day in enumerate(days(form="%d.%m.%Y"))))
    assert fingerprint(whole) == fingerprint(read(table(days(), range(1, N + 1)), name="whole.csv"))


def test_case_20_an_unquoted_thousands_mark_is_never_an_index(refused):
    message = refused(table(days(), [f"{1000 + value:,.2f}" for value in numbers()], header="Date,Close"))
    assert "line 2" in message
    assert "quotes" in message


def test_case_21_quoted_thousands_are_read_and_noted(read):
    values = [round(1000 + value, 2) for value in numbers()]
    found = read(table(days(), [f'"{value:,.2f}"' for value in values]))
    assert fingerprint(found) == fingerprint(read(table(days(), values), name="clean.csv"))
    assert count(found, "thousands") == (N, 2)


def test_case_22_a_full_stop_between_thousands_is_read_where_a_comma_follows(read):
    values = [round(1000 + value, 2) for value in numbers()]
    written = [f"{value:,.2f}".translate(str.maketrans(",.", ".,")) for value in values]
    found = read(table(days(), written, separator=";"))
    assert fingerprint(found) == fingerprint(read(table(days(), values), name="clean.csv"))


@pytest.mark.parametrize("mark", [".", ","])
def test_case_22_a_mark_before_three_digits_everywhere_is_a_question(refused, read, mark):
    values = [1000 + 7 * n for n in range(N)]
    text = table(days(), [f"{value:,}".replace(",", mark) for value in values], separator=";")
    assert "--decimal" in refused(text)
    thousands = read(text, "--decimal", "," if mark == "." else ".")
    assert fingerprint(thousands) == fingerprint(read(table(days(), values), name="thousands.csv"))
    decimals = read(text, "--decimal", mark)
    assert fingerprint(decimals) == fingerprint(read(table(days(), [v / 1000 for v in values]), name="decimals.csv"))


@pytest.mark.parametrize("mark", ["\u00a0", "\u2009", "\u202f", "'", "\u2019", " "])
def test_case_23_other_marks_between_thousands_are_taken_out(read, mark):
    values = [round(1000 + value, 2) for value in numbers()]
    found = read(table(days(), [f"{value:,.2f}".replace(",", mark) for value in values]))
    assert fingerprint(found) == fingerprint(read(table(days(), values), name="clean.csv"))
    assert count(found, "thousands")[0] == N


@pytest.mark.parametrize("pattern", ["${}", "€{}", "{} €", "{} USD", "£{}"])
def test_case_24_one_currency_is_taken_off(read, plain, pattern):
    found = read(table(days(), [pattern.format(value) for value in numbers()]))
    assert fingerprint(found) == plain
    assert count(found, "currency") == (N, 2)


def test_case_24_two_currencies_are_refused(refused):
    patterns = ["${}"] * 40 + ["€{}"] * 20
    message = refused(table(days(), [p.format(v) for p, v in zip(patterns, numbers(), strict=True)]))
    assert "line 42" in message
    assert "$" in message
    assert "€" in message


def test_case_25_percent_signs_are_taken_off_and_the_scale_is_noted(read, plain):
    found = read(table(days(), [f"{value}%" for value in numbers()]))
    assert fingerprint(found) == plain
    assert count(found, "percent") == (N, 2)
    assert "1.5% is read as 1.5" in said(found)


def test_case_26_accounting_and_typographic_minus_signs_are_minus_signs(read):
    values = [round(value - 100, 2) for value in numbers()]
    clean = fingerprint(read(table(days(), values), name="clean.csv"))
    brackets = [f"({-value})" if value < 0 else str(value) for value in values]
    found = read(table(days(), brackets))
    assert fingerprint(found) == clean
    assert count(found, "brackets")[0] == sum(value < 0 for value in values)
    assert fingerprint(read(table(days(), [str(value).replace("-", "\u2212") for value in values]))) == clean


def test_case_27_suffixes_of_volumes_are_multiplied_out_and_noted(read):
    volumes = [f"{value / 10:.2f}{'KMB'[n % 3]}" for n, value in enumerate(numbers())]
    found = read(table(days(), numbers(), volumes, header="date,price,volume"), "--target", "price")
    assert found["data_report"]["covariates"]["past"][0]["name"] == "volume"
    assert "millions" in said(found)


@pytest.mark.parametrize("token", ["null", "-", "N/A", ".", "#DIV/0!", "None", "NaN", "#N/A", "", "n/a", "--"])
def test_case_28_words_for_missing_values_are_counted(read, token):
    found = read(with_value(30, token, with_value(20, token)))
    assert count(found, "missing values") == (2, 20)
    assert found["data"]["rows"] == N


@pytest.mark.parametrize("token", ["inf", "-Infinity", "1e400"])
def test_case_29_infinite_values_are_missing_and_counted_or_too_many(read, refused, token):
    assert count(read(with_value(20, token)), "infinite") == (1, 20)
    message = refused(table(days(), [token if n % 3 == 0 else value for n, value in enumerate(numbers())]))
    assert "infinite" in message
    assert "line 2" in message


@pytest.mark.parametrize("words", [["True", "False"], ["fine", "rainy", "windy"], ["yes", "no"]])
def test_case_30_words_are_no_target(refused, words):
    message = refused(table(days(), [words[n % len(words)] for n in range(N)]), "--target", "sales")
    assert "'sales' is not" in message
    for word in words:
        assert word in message
    boolean = pd.DataFrame({"date": pd.to_datetime(days()), "sales": [n % 2 == 0 for n in range(N)]})
    assert "True" in refused(stored("parquet", boolean), "--target", "sales", name="b.parquet")


def test_case_31_integers_beyond_64_bits_are_rounded_with_a_warning(read):
    found = read(table(days(), [10**20 + 10**18 * (n % 7) for n in range(N)]))
    assert "16 digits" in said(found)


def test_case_32_numbers_beyond_32_bit_floats_are_refused(refused):
    message = refused(with_value(20, "1e308"))
    assert "line 20" in message
    assert "1e+308" in message


# Columns and values


def test_case_33_a_target_without_any_value_is_refused(refused):
    message = refused(table(days(), [""] * N))
    assert "sales" in message
    assert "value" in message or "missing" in message


def test_case_33_a_series_without_any_value_is_left_out_of_a_panel_and_listed(read):
    ids = [f"s{n:02d}" for n in range(12) for _ in range(N)]
    values = [str(value) for value in numbers(12 * N)]
    values[:N] = [""] * N
    found = read(table(ids, days() * 12, values, header="id,date,sales"))
    assert found["data"]["series"] == 11
    assert found["first_exceptions"][0]["unique_id"] == "s00"
    assert found["first_exceptions"][0]["status"] == "left out"


def test_case_34_a_constant_series_is_known_before_training(read):
    ids = [f"s{n:02d}" for n in range(12) for _ in range(N)]
    values = [*[3.0] * N, *numbers(11 * N)]
    found = read(table(ids, days() * 12, values, header="id,date,sales"))
    assert [row["status"] for row in found["first_exceptions"] if row["unique_id"] == "s00"] == ["constant"]


def test_case_35_a_giant_outlier_is_a_warning_with_its_line(read):
    found = read(with_value(20, "9999999"))
    assert "line 20" in said(found)


def test_case_36_missing_ends_are_trimmed_and_holes_are_counted(read, refused):
    values: list[object] = list(numbers())
    values[:2], values[-3:], values[30:32] = ["", ""], ["", "", ""], ["", ""]
    text = table(days(), values)
    found = read(text)
    assert found["data"]["rows"] == N - 5
    assert count(found, "missing values kept") == (2, 32)
    assert "line 32" in refused(text, "--missing", "error")
    forward = read(text, "--missing", "forward")
    values[30:32] = [values[29]] * 2
    assert fingerprint(forward) == fingerprint(read(table(days(), values), name="filled.csv"))
    assert "forward" in said(forward) or "last value" in said(forward)


def test_case_37_a_target_that_is_not_there_lists_the_columns(refused):
    message = refused(PLAIN, "--target", "price")
    assert "'price'" in message
    assert "'sales'" in message


def test_case_37_case_and_blanks_in_a_name_are_forgiven_and_noted(read, plain):
    found = read(PLAIN.replace("sales", " Sales "), "--target", "sales")
    assert found["data"]["target"].strip() == "Sales"


def test_case_37_of_close_and_adjusted_close_the_adjusted_one_is_taken_and_it_says_so(read, refused):
    close = numbers()
    text = table(days(), *[close] * 4, numbers(salt=1), header="Date,Open,High,Low,Close,Adj Close")
    columns = read(text)["data_report"]["columns"]
    assert columns["target"]["name"] == "Adj Close"
    assert "'Adj Close'" in columns["target"]["why"]
    message = refused(text.replace("Adj Close", "CLOSE "))
    assert "'Close'" in message
    assert "'CLOSE" in message


def test_case_38_two_columns_of_one_name_are_refused(refused):
    message = refused(table(days(), numbers(), numbers(salt=1), header="date,sales,sales"))
    assert "'sales'" in message


def test_case_39_a_missing_header_is_noticed(refused, read):
    headless = PLAIN.partition("\n")[2]
    assert "--no-header" in refused(headless)
    found = read(headless, "--no-header")
    assert shown(found) == ("2024-01-01", "2024-02-29", N)


def test_case_40_comments_before_the_header_are_passed_over(read, plain):
    found = read("# daily sales\n# in thousands, of euros\n" + PLAIN)
    assert fingerprint(found) == plain
    assert "#" in said(found) or "comment" in said(found) or "before the header" in said(found)


def test_case_40_other_lines_before_the_header_need_an_option(read, run, write, plain):
    text = "Daily sales of the shop\nExported on 2024-03-01, by somebody, for somebody\n\n" + PLAIN
    done = run("inspect", write(text), "--json")
    if done.code:
        assert "--skip-rows" in error_of(done)
    else:
        assert fingerprint(json.loads(done.out)) == plain
        assert "header" in said(json.loads(done.out))
    assert fingerprint(read(text, "--skip-rows", "3")) == plain


YFINANCE = "Price,Close,High,Low,Open,Volume\nTicker,AAPL,AAPL,AAPL,AAPL,AAPL\nDate,,,,,\n"


def prices(n: int = N, salt: int = 0) -> list[list[str]]:
    """Return rows of close, high, low, open, volume."""
    close = numbers(n, salt)
    return [[f"{v:.2f}", f"{v + 2:.2f}", f"{v - 2:.2f}", f"{v + 1:.2f}", f"{1000 * n}"] for n, v in enumerate(close)]


def test_case_40_a_row_above_the_header_is_no_comment(refused):
    swapped = "\n".join([LINES[1], LINES[0], *LINES[2:]]) + "\n"
    assert "line" in refused(swapped)


def test_case_41_yfinances_three_header_lines_are_one_header(read):
    rows = [",".join([day, *row]) for day, row in zip(days(freq="B"), prices(), strict=True)]
    found = read(YFINANCE + "\n".join(rows) + "\n", "--target", "Close")
    assert shown(found) == ("2024-01-01", "2024-03-22", N)
    assert found["data_report"]["columns"]["time"]["name"] == "Date"
    plain = table(days(freq="B"), *zip(*prices(), strict=True), header="Date,Close,High,Low,Open,Volume")
    assert fingerprint(found) == fingerprint(read(plain, "--target", "Close", name="plain.csv"))


def test_case_41_yfinances_columns_of_several_tickers_are_series(read):
    header = "Price,Close,Close,Volume,Volume\nTicker,AAPL,MSFT,AAPL,MSFT\nDate,,,,\n"
    rows = zip(days(freq="B"), numbers(), numbers(salt=1), range(N), range(N), strict=True)
    text = header + "".join(",".join(map(str, row)) + "\n" for row in rows)
    found = read(text, "--target", "Close")
    assert found["data"]["series"] == 2
    assert found["data"]["rows"] == 2 * N


def test_case_42_lines_below_the_table_are_dropped_with_a_note(read, refused, plain):
    found = read(PLAIN + "Total,6000\nPrices may be delayed.\n")
    assert fingerprint(found) == plain
    assert f"line {N + 2}" in said(found) or str(N + 2) in said(found)
    assert "line 20" in refused(with_line(20, "Total,6000"))


def test_case_43_a_comma_at_every_end_is_no_column(read, plain):
    found = read("".join(f"{line},\n" for line in LINES))
    assert fingerprint(found) == plain


def test_case_44_rows_are_steps_only_when_told(refused, read):
    text = table([f"{value:.2f}" for value in numbers()], header="sales")
    message = refused(text)
    assert "--no-dates" in message
    found = read(text, "--no-dates")
    assert found["data"]["rows"] == N
    assert "integer" in str(found["data_report"]["calendar"]) or "step" in str(found["data_report"])


# Dates


def test_case_45_two_ways_to_write_a_date_are_refused_with_the_first_line(refused):
    message = refused(with_line(20, "01/19/2024,101.5"))
    assert "line 20" in message
    assert "01/19/2024" in message


def test_case_46_month_or_day_first_is_a_question_where_nothing_tells(refused, read):
    stamps = [f"{n:02d}/{n + 1:02d}/2024" for n in range(1, 12)]
    message = refused(table(stamps, numbers(11)))
    assert "--date-format" in message
    assert "line 2" in message


def test_case_46_the_order_of_rows_tells_month_from_day(read):
    first = [f"{day:02d}/{month:02d}/2024" for month in range(1, 4) for day in range(1, 13)]
    found = read(table(first, numbers(36)), "--date-format", "%d/%m/%Y")
    assert found["data_report"]["dates"]["example"]["read_as"].startswith("2024-01-01")
    monthly = [f"{month:02d}/01/{year}" for year in range(2019, 2024) for month in range(1, 13)]
    found = read(table(monthly, numbers()), name="monthly.csv")  # the first of each month: a step a month
    assert found["data_report"]["calendar"]["alias"] == "MS"


def test_case_47_a_day_beyond_twelve_tells_the_whole_column(read, plain):
    assert fingerprint(read(table(days(form="%d/%m/%Y"), numbers()))) == plain
    assert fingerprint(read(table(days(form="%m/%d/%Y"), numbers()), name="us.csv")) == plain


def test_case_48_years_of_two_digits_need_the_format(refused, read, plain):
    text = table(days(form="%d.%m.%y"), numbers())
    assert "--date-format" in refused(text)
    assert fingerprint(read(text, "--date-format", "%d.%m.%y")) == plain


def epoch(day: str) -> int:
    return int(pd.Timestamp(day).timestamp())


SECONDS = [epoch(day) for day in days()]
INTEGERS = {
    "seconds": SECONDS,
    "milliseconds": [1000 * stamp for stamp in SECONDS],
    "yyyymmdd": days(form="%Y%m%d"),
    "spreadsheet": [stamp // 86400 + 25569 for stamp in SECONDS],
}


@pytest.mark.parametrize("kind", INTEGERS)
def test_case_49_dates_as_integers_are_told_by_their_size_and_noted(run, write, plain, kind):
    done = run("inspect", write(table(INTEGERS[kind], numbers())), "--json")
    if kind == "spreadsheet" and done.code:  # 45,292 could count steps
        assert "--date-format" in error_of(done)
        return
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert fingerprint(found) == plain
    assert found["data_report"]["dates"]["example"]["read_as"].startswith("2024-01-01")


def test_case_50_a_day_that_never_was_is_refused_with_its_line(refused):
    message = refused(with_line(61, "2024-02-30,101.5", PLAIN + "2024-03-02,5\n"))
    assert "line 61" in message
    assert "2024-02-30" in message


def test_case_51_offsets_that_change_with_summer_are_one_zone(read):
    stamps = pd.date_range("2024-03-30 12:00", periods=48, freq="h", tz="UTC").tz_convert("Europe/Berlin")
    written = [stamp.isoformat() for stamp in stamps]
    found = read(table(written, numbers(48)))
    assert found["data"]["rows"] == 48
    assert found["data_report"]["calendar"]["alias"] == "h"
    utc = table([f"{stamp:%Y-%m-%dT%H:%M:%SZ}" for stamp in stamps.tz_convert("UTC")], numbers(48))
    assert fingerprint(found) == fingerprint(read(utc, name="utc.csv"))


def test_case_52_stamps_with_and_without_offsets_are_refused(refused):
    stamps = [f"2024-01-{1 + n // 24:02d}T{n % 24:02d}:00:00" + ("+01:00" if n < 30 else "") for n in range(48)]
    message = refused(table(stamps, numbers(48)))
    assert "--tz" in message
    assert "line 32" in message


def clock(start: str, n: int) -> list[str]:
    """Return hours of a wall clock in Berlin."""
    return [f"{stamp:%Y-%m-%d %H:%M}" for stamp in pd.date_range(start, periods=n, freq="h", tz="Europe/Berlin")]


def test_case_53_an_hour_that_spring_left_out_is_shifted_with_a_note(read):
    stamps = clock("2024-03-30 00:00", 72)
    found = read(table(stamps, numbers(72)), "--tz", "Europe/Berlin")
    assert found["data"]["rows"] == 72  # no hour is missing
    invented = [stamp.replace("03-31 03:00", "03-31 02:30") for stamp in stamps]
    found = read(table(invented, numbers(72)), "--tz", "Europe/Berlin", "--duplicates", "last", name="invented.csv")
    assert "02:30" in said(found) or "shift" in said(found) or "clock" in said(found)


def test_case_54_the_hour_that_autumn_repeats_is_no_duplicate(read, refused):
    stamps = clock("2024-10-26 00:00", 72)
    assert len(set(stamps)) == 71
    text = table(stamps, numbers(72))
    found = read(text, "--tz", "Europe/Berlin")
    assert found["data"]["rows"] == 72
    assert "--tz" in refused(text)


def test_case_55_unsorted_rows_are_sorted_and_counted(read, plain):
    found = read("\n".join([LINES[0], *LINES[:0:-1]]) + "\n")
    assert fingerprint(found) == plain
    assert "order" in said(found) or "sorted" in said(found)
    swapped = [*LINES[:20], LINES[21], LINES[20], *LINES[22:]]
    found = read("\n".join(swapped) + "\n")
    assert fingerprint(found) == plain
    assert "order" in said(found) or "sorted" in said(found)


def test_case_56_equal_rows_are_dropped_and_counted(read, plain):
    found = read("\n".join([*LINES[:21], LINES[20], LINES[20], *LINES[21:]]) + "\n")
    assert fingerprint(found) == plain
    assert count(found, "repetitions") == (2, 22)


def test_case_57_two_values_at_one_time_need_a_policy(refused, read):
    day = days()[19]
    text = "\n".join([*LINES[:21], f"{day},300", *LINES[21:]]) + "\n"
    message = refused(text)
    assert "line 22" in message
    assert "--duplicates" in message
    last = read(text, "--duplicates", "last")
    assert fingerprint(last) == fingerprint(read(with_value(21, "300"), name="last.csv"))
    mean = read(text, "--duplicates", "mean")
    middle = (300 + numbers()[19]) / 2
    assert fingerprint(mean) == fingerprint(read(with_value(21, repr(middle)), name="mean.csv"))
    assert "300" in said(mean) or "mean" in said(mean)


# Several series


def test_case_58_a_column_that_tells_series_apart_is_found(read):
    text = table(["A", "B"] * N, [day for day in days() for _ in "AB"], numbers(2 * N), header="ticker,date,close")
    found = read(text)
    assert found["data"]["series"] == 2
    assert found["data"]["id"] == "ticker"
    named = text.replace("ticker", "thing")
    assert read(named, "--id", "thing", name="named.csv")["data"]["series"] == 2


def test_case_59_a_column_for_each_series_is_a_question_or_an_option(refused, read):
    text = table(days(), numbers(), numbers(salt=1), numbers(salt=2), header="date,A,B,C")
    message = refused(text)
    assert "--wide" in message
    assert "--target" in message
    assert read(text, "--wide")["data"]["series"] == 3
    two = read(text, "--target", "A,B")
    assert two["data"]["series"] == 2
    long = table(["A"] * N + ["B"] * N, days() * 2, numbers() + numbers(salt=1), header="unique_id,ds,y")
    assert fingerprint(two) == fingerprint(read(long, name="long.csv"))


@pytest.mark.parametrize("name", ["y", "unique_id", "ds"])
def test_case_59_the_time_of_a_wide_table_may_have_any_name(read, name):
    text = table(days(), numbers(), numbers(salt=1), header="date,A,B")
    found = read(text.replace("date", name), "--time", name, "--wide")
    assert fingerprint(found) == fingerprint(read(text, "--wide", name="plain.csv"))


def test_case_60_no_window_crosses_from_one_series_to_the_next(read):
    text = table(["A"] * N + ["B"] * N, days() * 2, numbers() + numbers(salt=1), header="unique_id,ds,y")
    for content, n_series in ((PLAIN, 1), (text, 2)):
        found = read(content, "--horizon", "3", "--context", "10")
        windows = found["splits"]["train"]["rows"] - 3 * n_series  # each row but a series' last three is followed by 3
        assert found["estimate"]["windows"]["train"] == windows


# Calendars


def test_case_61_weekends_and_holidays_are_no_gaps(read):
    stamps = days(N, freq="B")
    del stamps[25]  # a holiday
    found = read(table(stamps, numbers(N - 1)))
    assert found["data_report"]["calendar"] == {"name": "business-daily", "alias": "B"}
    assert found["data_report"]["gaps"]["count"] == 0
    assert found["data"]["rows"] <= N  # at most the holiday stands there without a value


def test_case_62_missing_weeks_are_reported_with_place_and_size(read):
    stamps = days(N + 21)
    found = read(table(stamps[:30] + stamps[51:], numbers()))
    assert found["data_report"]["gaps"]["count"] == 1
    assert found["data_report"]["gaps"]["widest"] == 21
    assert "2024-01-30" in said(found)


def test_case_63_a_step_that_changes_is_refused_or_resampled(refused, read):
    stamps = days(40) + days(20, start="2024-03-01", freq="MS")
    text = table(stamps, numbers())
    message = refused(text)
    assert "--resample" in message
    assert "line 4" in message
    found = read(text, "--resample", "MS")
    assert found["data_report"]["calendar"]["alias"] == "MS"
    assert found["data"]["rows"] == 22


def test_case_64_a_last_bar_that_was_not_over_is_left_out(read, plain):
    text = PLAIN + "2024-03-01,555\n2024-03-02,556\n"
    found = read(text, "--as-of", "2024-03-01 11:00")
    assert fingerprint(found) == plain
    assert "2" in said(found)
    endless = read(PLAIN, "--as-of", "9999-12-31", name="endless.csv")
    assert fingerprint(endless) == plain
    future = table(days(start="2101-01-01"), numbers())
    assert "future" in said(read(future, name="future.csv"))


def test_case_66_a_jump_that_looks_like_a_split_is_a_warning_with_its_line(read):
    close = [value * (2 if n < 30 else 1) for n, value in enumerate(numbers())]
    single = numbers()
    text = table(
        days(freq="B"),
        single,
        [v + 1 for v in single],
        [v - 1 for v in single],
        close,
        header="Date,Open,High,Low,Close",
    )
    found = read(text, "--target", "Close")
    assert "split" in said(found)
    assert "line 3" in said(found) or "line 2" in said(found)
    assert "adjusted" in said(found)


# Sizes


def test_case_67_a_table_beyond_memory_is_refused_before_it_is_read(run, write, monkeypatch):
    from forecastr.data.files import rectangle

    monkeypatch.setattr(rectangle, "available_memory", lambda: 100_000)
    write(table(days(20_000, freq="h", form="%Y-%m-%d %H:%M"), numbers(20_000)))
    assert "memory" in error_of(run("inspect", "table.csv"))


def test_case_68_too_many_columns_and_too_long_lines_have_limits(refused):
    header = ",".join(["date", *(f"c{n}" for n in range(100_000))])
    row = ",".join(["2024-01-01", *["1"] * 100_000])
    assert "columns" in refused(f"{header}\n{row}\n")
    assert "line 5" in refused(with_value(5, "9" * 10_000_000))


# What else can be named


def test_case_71_standard_input_is_a_table(forecastr, tmp_path, command_environment, plain):
    done = subprocess.run(
        [sys.executable, "-m", "forecastr.cli.main", "inspect", "-", "--json"],
        input=PLAIN, text=True, capture_output=True, env=command_environment, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert fingerprint(json.loads(done.stdout)) == plain


def test_case_71_a_folder_is_a_table_of_its_files(run, tmp_path):
    (tmp_path / "shops").mkdir()
    for name in ("north", "south"):
        (tmp_path / "shops" / f"{name}.csv").write_text(PLAIN)
    done = run("inspect", "shops", "--json")
    assert json.loads(done.out)["data"]["series"] == 2
    (tmp_path / "none").mkdir()
    assert "folder" in error_of(run("inspect", "none"))


@pytest.mark.parametrize(
    ("source", "words"), [("https://example.com/prices.csv", "Download"), ("nowhere.csv", "no such file")]
)
def test_case_71_what_cannot_be_opened_says_why(run, source, words):
    assert words in error_of(run("inspect", source))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_case_71_a_file_without_permission_says_so(run, write, tmp_path):
    path = write(PLAIN)
    (tmp_path / path).chmod(0)
    assert "ermission" in error_of(run("inspect", path))


def test_case_72_no_data_from_yahoo_is_not_bad_input(run, yahoo):
    yahoo.trouble[:] = ["always busy"]
    done = run("fetch", "AAPL", "--start", "2024-01-01", "-o", "prices.csv", "--retries", "0")
    assert done.code == 1
    assert "no data came" in done.err
    assert not Path("prices.csv").exists()
