import bz2
import gzip
import json
import lzma
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecastr.data import Panel, ReadOptions, Source, format_stamps, read_panel
from forecastr.errors import DataError

PRICES = Path(__file__).parents[2] / "examples" / "prices.csv"
SMALL = "Date,Close\n2024-01-01,10\n2024-01-02,11.5\n2024-01-03,12\n"


@pytest.fixture
def write(tmp_path):
    def write(content: str | bytes, name: str = "table.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return write


def stamps(panel: Panel) -> list[str]:
    return format_stamps(panel.frame["ds"], panel.source)


def values(panel: Panel) -> list[float]:
    return panel.frame["y"].tolist()


def repairs(panel: Panel) -> dict[str, tuple[int, int | None]]:
    return {found["what"]: (found["count"], found["first_line"]) for found in panel.report["repairs"]}


def test_the_crude_oil_prices_are_read_as_found():
    panel = read_panel(PRICES)

    assert list(panel.frame.columns) == ["unique_id", "ds", "y"]
    assert panel.frame["ds"].dtype == "datetime64[ns]" and panel.frame["y"].dtype == np.float64
    assert len(panel.frame) == 8611
    assert set(panel.frame["unique_id"]) == {"DCOILWTICO"}
    assert panel.frame["y"].iloc[[0, 1, -1]].tolist() == [25.56, 26.0, 46.92]
    assert panel.calendar.name == "business-daily"
    lines = PRICES.read_text().splitlines()
    holidays = [number for number, line in enumerate(lines, 1) if line.endswith(",.")]
    assert repairs(panel) == {"missing values kept as gaps": (len(holidays), holidays[0])}
    assert stamps(panel) == [line.split(",")[0] for line in lines[1:]]
    assert panel.report["dates"] == {
        "format": "%-m/%-d/%Y",
        "start": "1/2/1986",
        "end": "1/3/2019",
        "example": {"text": "1/2/1986", "read_as": "1986-01-02T00:00:00"},
    }
    json.dumps(panel.report, allow_nan=False)


def test_what_was_chosen_comes_with_its_reason(write):
    report = read_panel(
        write("Date,Open,Volume,Note\n2024-01-01,1,5,a\n2024-01-02,2,6,b\n"), ReadOptions(target=("open",))
    ).report

    assert report["columns"] == {
        "time": {"name": "Date", "why": "its name is 'Date' and it reads as a time"},
        "target": {"name": "Open", "why": "named by --target ('open')"},
        "id": None,
        "unused": ["Note"],
    }
    assert report["covariates"]["past"] == [{"name": "Volume", "why": "numeric, known to the cutoff"}]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_any_usual_separator_is_found(write, separator):
    panel = read_panel(write(SMALL.replace(",", separator)))

    assert values(panel) == [10, 11.5, 12]
    assert panel.report["dialect"]["separator"] == separator


def test_a_decimal_comma_is_no_separator(write):
    panel = read_panel(write("Datum;Kurs\n01.02.2020;1,5\n02.02.2020;12\n13.02.2020;1.234,25\n"))

    assert values(panel) == [1.5, 12, 1234.25]
    assert stamps(panel) == ["01.02.2020", "02.02.2020", "13.02.2020"]
    assert panel.report["dialect"] == {
        "separator": ";", "decimal": ",", "encoding": "utf-8", "compression": None,
    }  # fmt: skip


def test_quoted_thousands_are_numbers_and_reported(write):
    panel = read_panel(write('Date,Volume\n1/30/2017,"1,657,300"\n1/31/2017,900\n2/1/2017,"1,335.5"\n'))

    assert values(panel) == [1657300, 900, 1335.5]
    assert repairs(panel) == {"thousands marks taken out of numbers": (2, 2)}


def test_thousands_and_decimals_that_cannot_be_told_apart_are_refused(write):
    with pytest.raises(DataError, match="line 2: 'y' can be read in two ways"):
        read_panel(write("ds;y\n2024-01-01;1,234\n2024-01-02;2,345\n"))


@pytest.mark.parametrize(("suffix", "pack"), [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)])
@pytest.mark.parametrize("honest", [True, False])
def test_compressed_files_are_told_by_their_content(write, suffix, pack, honest):
    path = write(pack(SMALL.encode()), f"prices.csv.{suffix}" if honest else "prices.csv")

    panel = read_panel(path)

    assert values(panel) == [10, 11.5, 12]
    assert panel.source.name == "prices"


def test_a_zip_of_one_table_is_read_and_of_two_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "one.zip", "w") as archive:
        archive.writestr("inner.csv", SMALL)
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.csv", SMALL)
        archive.writestr("b.csv", SMALL)

    assert values(read_panel(tmp_path / "one.zip")) == [10, 11.5, 12]
    with pytest.raises(DataError, match=r"holds 2 files \(a.csv, b.csv\)"):
        read_panel(tmp_path / "two.zip")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_encodings_are_told(write, encoding):
    panel = read_panel(write(SMALL.replace("Close", "Schlußkurs"), encoding=encoding))

    assert panel.source.target == "Schlußkurs"
    assert panel.source.time == "Date"
    assert panel.report["dialect"]["encoding"] == encoding


@pytest.mark.parametrize("ending", ["\r\n", "\r"])
def test_any_line_ending_will_do(write, ending):
    panel = read_panel(write(SMALL.replace("\n", ending)))

    assert values(panel) == [10, 11.5, 12]


def test_missing_marks_are_gaps_and_empty_ends_are_trimmed(write):
    marks = [".", "NA", "5", "", "N/A", "null", "None", "-", "#DIV/0!", "nan", "inf", "-inf", "1e400", "6", "na"]
    lines = [f"2024-01-{day:02d},{mark}" for day, mark in enumerate(marks, 1)]

    panel = read_panel(write("ds,y\n" + "\n".join(lines)))

    np.testing.assert_array_equal(values(panel), [5, *[np.nan] * 10, 6])
    assert repairs(panel) == {
        "rows before the first value dropped": (2, 2),
        "rows after the last value dropped": (1, 16),
        "infinite values taken as missing": (3, 12),
        "missing values kept as gaps": (10, 5),
    }


def test_a_panel_keeps_its_ids_as_text_and_its_series_in_order_of_appearance(write):
    text = "id,ds,y\n007,2024-01-01,1\n007,2024-01-02,2\nNA,2024-01-01,3\nNA,2024-01-02,4\n"

    frame = read_panel(write(text)).frame

    assert frame["unique_id"].tolist() == ["007", "007", "NA", "NA"]
    assert frame["y"].tolist() == [1, 2, 3, 4]
    assert frame.index.equals(pd.RangeIndex(4))


def test_an_id_that_numbers_the_rows_is_no_series(write):
    panel = read_panel(write("id,date,y\n1,2024-01-01,5\n2,2024-01-02,6\n3,2024-01-03,7\n"))

    assert panel.source.id is None
    assert set(panel.frame["unique_id"]) == {"y"}


def test_interleaved_and_unsorted_rows_are_put_in_order_and_counted(write):
    text = "ticker,Date,Close\nB,2024-01-02,2\nA,2024-01-01,3\nB,2024-01-01,1\nA,2024-01-02,4\n"

    panel = read_panel(write(text))

    assert panel.frame["unique_id"].tolist() == ["B", "B", "A", "A"]
    assert values(panel) == [1, 2, 3, 4]
    assert repairs(panel) == {"rows put in time order": (1, 4)}


def test_exact_repetitions_are_dropped_and_contradictions_refused(write):
    again = SMALL + "2024-01-02,11.5\n"
    panel = read_panel(write(again))
    assert values(panel) == [10, 11.5, 12]
    assert repairs(panel)["exact repetitions of a row dropped"] == (1, 5)

    with pytest.raises(DataError, match=r"line 5: this time has another value already \(11.5, now 99"):
        read_panel(write(SMALL + "2024-01-02,99\n"))


def test_text_that_tells_repeated_stamps_apart_is_the_id(write):
    text = "Date,Name,Close\n2024-01-01,AAL,1\n2024-01-01,AMD,2\n2024-01-02,AAL,3\n2024-01-02,AMD,4\n"

    panel = read_panel(write(text))

    assert panel.frame["unique_id"].tolist() == ["AAL", "AAL", "AMD", "AMD"]
    assert panel.report["columns"]["id"] == {
        "name": "Name",
        "why": "2 rows repeat a time, and 'Name' tells them apart",
    }


def test_numbers_that_could_tell_series_apart_are_asked_for(write):
    rows = [
        f"2024-01-0{day},{store},{item},{day * store * item}"
        for day in (1, 2, 3)
        for store in (1, 2)
        for item in (7, 8)
    ]
    path = write("Date,Store,Item,Sales\n" + "\n".join(rows) + "\n")

    with pytest.raises(DataError, match=r"line 3: this time has another .* with --id: 'Store,Item'"):
        read_panel(path, ReadOptions(target=("Sales",)))
    panel = read_panel(path, ReadOptions(target=("Sales",), id="Store,Item"))
    assert panel.frame["unique_id"].unique().tolist() == ["1/7", "1/8", "2/7", "2/8"]
    assert panel.source.id == "Store,Item"


def test_a_series_without_any_value_is_dropped_and_counted(write):
    panel = read_panel(write("id,ds,y\na,1,\na,2,\nb,1,5\nb,2,6\n"))

    assert panel.frame["unique_id"].tolist() == ["b", "b"]
    assert repairs(panel) == {"rows of series without any value dropped": (2, 2)}


def test_a_saved_index_column_is_no_target(write):
    panel = read_panel(write(",Date,Price\n0,2024-01-01,5\n1,2024-01-02,6\n2,2024-01-03,9\n"))

    assert panel.source.target == "Price"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("  \n\n", "is empty"),
        ("ds,y\n", "holds column names and no rows"),
        ("Date,Close\n2024-01-01,1,234.56\n2024-01-02,5\n", "line 2: 3 fields where the header has 2"),
        ('ds,y\n2024-01-01,1\n2024-01-02,"2\n2024-01-03,3\n', "line 3: a quote is opened here"),
        ("ds,y\n2024-01-01,\n2024-01-02,.\n", "every value of 'y' is missing"),
        ("ds,y\n2024-01-01,1\n2024-01-02,twelve\n", "line 3: 'y' is not a number: 'twelve'"),
        ("ds,note\n2024-01-01,a\n2024-01-02,b\n", "no numeric column is left .*'note' begins 'a', 'b'"),
        ("a,b\n1.5,2\n2.5,3\n", "no column reads as dates. It has: 'a', 'b'"),
        ("ds,High,Low\n2024-01-01,1,2\n", "several columns could be the target: 'High', 'Low'"),
        ("start,end,y\n2024-01-01,2024-01-02,3\n", "several columns hold dates: 'start', 'end'"),
        ("2024-01-01,5\n2024-01-02,6\n", "the first line holds values"),
        ("ds,y,y\n2024-01-01,1,2\n", "two columns are named 'y'"),
        ("ds,y\n2024-01-01,1\n,2\n", "line 3: a value without a date"),
        ("id,ds,y\na,1,1\n,2,2\na,3,3\n", "line 3: 'id' is empty"),
        ("ds,y\n2024-01-01,1\n2024-01-0\x00,2\n", "line 3: the file holds a NUL byte"),
    ],
)
def test_what_cannot_be_read_says_where_and_why(write, text, message):
    with pytest.raises(DataError, match=message):
        read_panel(write(text))


def test_a_bad_value_deep_in_a_file_is_named_by_its_own_line(write):
    lines = [f"{day:%Y-%m-%d},{place}" for place, day in enumerate(pd.date_range("2000-01-01", periods=5000))]
    lines[4321] = "2011-11-01,oops"

    with pytest.raises(
        DataError, match=r"line 4323: 'y' is not a number: 'oops' \(1 of 5,000 values are not; .*'0', '1', '2'"
    ):
        read_panel(write("ds,y\n" + "\n".join(lines)))


def test_blank_lines_and_quoted_line_breaks_do_not_shift_line_numbers(write):
    text = 'ds,note,y\n2024-01-01,"two\nlines",1\n\n2024-01-02,b,2\n2024-01-03,c,x\n'

    with pytest.raises(DataError, match="line 6: 'y' is not a number"):
        read_panel(write(text))


@pytest.mark.parametrize("role", ["target", "time", "id"])
def test_a_column_that_is_not_there_gets_the_list_of_those_that_are(write, role):
    with pytest.raises(DataError, match=f"--{role} names 'nope', .* It has: 'Date', 'Close'"):
        read_panel(write(SMALL), ReadOptions(**{role: ("nope",) if role == "target" else "nope"}))


def test_no_such_file_and_a_folder_are_said_plainly(tmp_path):
    with pytest.raises(DataError, match="there is no such file"):
        read_panel(tmp_path / "nothing.csv")
    with pytest.raises(DataError, match="is a folder"):
        read_panel(tmp_path)


def test_csv_parquet_and_frames_of_the_same_table_have_the_same_fingerprint(write, tmp_path):
    frame = pd.DataFrame(
        {
            "unique_id": ["b", "b", "a", "a"],
            "ds": pd.to_datetime(["2024-01-01", "2024-01-02"] * 2),
            "y": [1.0, 2, 3, np.nan],
        }
    )
    frame = pd.concat([frame, frame.tail(1).assign(ds=pd.Timestamp("2024-01-03"), y=4.0)], ignore_index=True)
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    frame.iloc[::-1].to_csv(tmp_path / "reversed.csv", index=False, sep=";")

    prints = {
        read_panel(source).fingerprint
        for source in (frame, frame.iloc[[2, 0, 4, 1, 3]], *tmp_path.glob("*.csv"), tmp_path / "t.parquet")
    }

    assert len(prints) == 1
    assert read_panel(frame.assign(y=[1.0, 2, 3, np.nan, 4.001])).fingerprint not in prints
    assert read_panel(frame.replace({"unique_id": {"a": "c"}})).fingerprint not in prints


def test_a_datetime_index_is_the_time_column(tmp_path):
    frame = pd.DataFrame({"price": [1.0, 2, 3]}, index=pd.date_range("2024-01-31", periods=3, freq="ME"))
    frame.rename_axis("when").to_parquet(tmp_path / "t.parquet")

    for source in (frame, tmp_path / "t.parquet"):
        panel = read_panel(source)
        assert stamps(panel) == ["2024-01-31", "2024-02-29", "2024-03-31"]
        assert panel.calendar.name == "monthly"


def test_a_newer_file_of_one_row_reads_like_the_older_one(write):
    older = read_panel(
        write("Date,Open,Close\n" + "".join(f"1/{day}/2017,{day},0\n" for day in (3, 4, 5, 6, 9, 10, 13))),
        ReadOptions(target=("Open",)),
    )
    like = Source.from_dict(json.loads(json.dumps(older.source.to_dict())))

    newer = read_panel(write("Date,Open,Close\n2/1/2017,8,0\n", "newer.csv"), like=like)

    assert newer.frame["ds"].tolist() == [pd.Timestamp("2017-02-01")]
    assert newer.frame["unique_id"].tolist() == ["Open"]
    assert newer.calendar == older.calendar
    assert stamps(newer) == ["2/1/2017"]


def test_a_newer_frame_in_our_own_names_continues_the_older_series(write):
    like = read_panel(write(SMALL)).source
    newer = pd.DataFrame({"unique_id": ["Close"], "ds": [pd.Timestamp("2024-01-04")], "y": [13.0]})

    panel = read_panel(newer, like=like)

    assert panel.frame["unique_id"].tolist() == ["Close"]
    assert panel.source.target == "Close"


def test_a_wide_gap_is_a_warning_and_weekends_are_none(write):
    days = pd.bdate_range("2024-01-01", periods=60)
    text = "ds,y\n" + "".join(f"{day:%Y-%m-%d},1\n" for day in days.delete(range(20, 40)))

    assert read_panel(write("ds,y\n" + "".join(f"{day:%Y-%m-%d},1\n" for day in days))).report["warnings"] == []
    [warning] = read_panel(write(text)).report["warnings"]

    assert warning.startswith("the largest gap is 20 steps wide, from 2024-01-26 to 2024-02-26")


def test_one_column_cannot_have_two_roles(write):
    with pytest.raises(DataError, match="one column cannot be both"):
        read_panel(write(SMALL), ReadOptions(target=("Date",), time="Date"))


def test_a_table_without_rows_is_refused(tmp_path):
    frame = pd.DataFrame({"ds": pd.to_datetime([]), "y": np.array([], dtype=float)})
    frame.to_parquet(tmp_path / "t.parquet")

    for source in (frame, tmp_path / "t.parquet"):
        with pytest.raises(DataError, match="has no rows"):
            read_panel(source)


@pytest.mark.parametrize("dtypes", [{"ds": "date32[pyarrow]", "y": "double[pyarrow]"}, {"y": "Int64"}, {"ds": object}])
def test_any_column_type_of_a_frame_reads_alike(dtypes):
    frame = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=3), "y": [1.0, 2, 3]})

    assert read_panel(frame.astype(dtypes)).fingerprint == read_panel(frame).fingerprint


def test_the_files_of_a_folder_are_series_by_their_names(tmp_path):
    for name in ("aapl", "msft"):
        (tmp_path / f"{name}.csv").write_text(SMALL)

    panel = read_panel(tmp_path)

    assert panel.frame["unique_id"].unique().tolist() == ["aapl", "msft"]
    assert panel.report["columns"]["id"] == {"name": "unique_id", "why": "the files' names"}


def test_a_decimal_comma_is_reported_also_where_every_number_is_plain(write):
    panel = read_panel(write("date;sales\n" + "".join(f"{day:02d}.01.2024;{100 + day},13\n" for day in range(1, 21))))

    assert values(panel)[0] == 101.13
    assert panel.report["dialect"]["decimal"] == ","
