import gzip
import time

import pandas as pd
import pytest

from forecastr.data import read_panel
from forecastr.data.files.table import open_table
from forecastr.data.options import ReadOptions
from forecastr.errors import DataError


@pytest.fixture
def folder(tmp_path):
    def folder(**files: str):
        for name, text in files.items():
            (tmp_path / f"{name}.csv").write_text(text)
        return tmp_path

    return folder


def test_the_files_of_a_folder_are_a_series_each(folder):
    place = folder(b="Date,Close\n2024-01-01,1\n2024-01-02,2\n", a="Close,Date\n3,2024-01-01\n")
    (place / ".hidden.csv").write_text("no,table")
    (place / "notes.md").write_text("no table")
    (place / "c.csv.gz").write_bytes(gzip.compress(b"Date,Close\n2024-01-01,4\n"))

    table = open_table(place)
    loaded = table.load(["unique_id", "Date"], ["Close"])

    assert table.columns == ("unique_id", "Close", "Date")
    assert loaded["unique_id"].tolist() == ["a", "b", "b", "c"]
    assert loaded["Close"].tolist() == [3, 1, 2, 4]
    assert isinstance(loaded["Date"].dtype, pd.CategoricalDtype)
    assert table.head["unique_id"].tolist() == ["a", "b", "b", "c"]
    assert [table.line(row) for row in range(4)] == [2, 2, 3, 2]
    assert [table.where(row) for row in (0, 2)] == [f"{place}/a.csv, line 2", f"{place}/b.csv, line 3"]
    assert table.path == f"{place} (3 files)" and table.name == place.name


def test_several_paths_are_read_in_their_order(folder):
    place = folder(x="Date,Close\n2024-01-01,1\n", y="Date,Close\n2024-01-01,2\n")

    table = open_table([place / "y.csv", place / "x.csv"])

    assert table.load(["unique_id"], ["Close"]).to_numpy().tolist() == [["y", 2.0], ["x", 1.0]]
    assert table.path == "2 files"
    assert open_table([place / "x.csv"]).columns == ("Date", "Close")


def test_files_with_other_columns_are_refused_with_the_difference(folder):
    place = folder(x="Date,Close,Volume\n2024-01-01,1,2\n", y="Date,close,Volume\n2024-01-01,1,2\n")

    with pytest.raises(DataError, match=r"y.csv: its columns are not those of .*: it lacks 'Close' and has 'close'"):
        open_table(place)


def test_files_that_name_their_series_keep_the_names(folder):
    rows = "2024-01-01,1\n"
    place = folder(x=f"ticker,Date,Close\nA,{rows}", y=f"ticker,Date,Close\nB,{rows}")

    table = open_table(place)

    assert table.columns == ("ticker", "Date", "Close")
    assert table.load(["ticker"], [])["ticker"].tolist() == ["A", "B"]


def test_an_id_column_asked_for_is_that_of_all_files(folder):
    place = folder(x="shop,Date,y\nA,2024-01-01,1\n", y="shop,Date,y\nB,2024-01-01,1\n")

    assert open_table(place).columns[0] == "unique_id"
    assert open_table(place, ReadOptions(id="shop")).columns == ("shop", "Date", "y")


def test_two_files_of_one_name_are_refused(folder, tmp_path):
    place = folder(x="Date,Close\n2024-01-01,1\n")
    (place / "x.csv.gz").write_bytes(gzip.compress(b"Date,Close\n2024-01-01,1\n"))

    with pytest.raises(DataError, match=r"would both be the series 'x'. Rename one of them"):
        open_table(place)


def test_a_folder_without_tables_is_refused(tmp_path):
    (tmp_path / "readme.md").write_text("hello")

    with pytest.raises(DataError, match="is a folder without CSV or Parquet files"):
        open_table(tmp_path)
    with pytest.raises(DataError, match="no file is named"):
        open_table([])


def test_repairs_of_several_files_add_up_and_name_the_first(folder):
    place = folder(x="Date,y\n2024-01-01,1\n", y="#\nDate,y\n2024-01-01,1\n", z="#\n#\nDate,y\n2024-01-01,1\n")

    [repair] = open_table(place).repairs

    assert (repair["count"], repair["first_line"], repair["file"]) == (3, 1, f"{place}/y.csv")


def test_where_one_file_needs_a_second_look_all_are_text(folder):
    place = folder(x="Date,y\n2024-01-01,1.50\n", y='Date,y\n2024-01-01,"1,234.5"\n')

    assert open_table(place).load(["unique_id"], ["y"])["y"].tolist() == ["1.50", "1,234.5"]


def test_csv_and_parquet_stand_together(folder):
    place = folder(x="Date,y\n2024-01-01,1\n")
    pd.DataFrame({"Date": ["2024-01-01"], "y": [2.0]}).to_parquet(place / "z.parquet")

    table = open_table(place)

    assert table.load(["unique_id", "Date"], ["y"]).to_numpy().tolist() == [
        ["x", "2024-01-01", 1.0],
        ["z", "2024-01-01", 2.0],
    ]
    assert table.line is None and table.where(1) == f"{place}/z.parquet, row 1"


def test_two_hundred_small_files_are_read_at_once(tmp_path):
    for number in range(200):
        (tmp_path / f"s{number}.csv").write_text("Date,y\n2024-01-01,1\n2024-01-02,2\n")
    start = time.perf_counter()

    table = open_table(tmp_path)
    loaded = table.load(["unique_id", "Date"], ["y"])

    assert len(loaded) == 400
    assert time.perf_counter() - start < 10  # well below one on an idle machine


def days(first: str, n: int, value: float = 1.0) -> str:
    """Return a table of so many days."""
    stamps = pd.date_range(first, periods=n)
    return "Date,Close\n" + "".join(f"{day:%Y-%m-%d},{value + number:g}\n" for number, day in enumerate(stamps))


def test_files_named_by_their_day_are_parts_of_one_table_even_where_they_overlap(folder):
    place = folder(**{"oil-2024-01-01": days("2024-01-01", 30), "oil-2024-01-21": days("2024-01-21", 30, 21.0)})

    panel = read_panel(place)

    assert panel.frame["unique_id"].unique().tolist() == ["Close"]
    assert panel.frame["y"].tolist() == [float(number) for number in range(1, 51)]


def test_files_that_follow_one_another_in_time_are_parts_of_one_series(folder):
    place = folder(part_b=days("2024-02-01", 29), part_a=days("2024-01-01", 31))

    panel = read_panel(place)

    assert panel.frame["unique_id"].unique().tolist() == ["Close"]
    assert "follow one another in time and are read as parts of one series" in panel.report["warnings"][0]
    (place / "part_c.csv").write_text(days("2024-02-29", 3))
    assert read_panel(place).frame["unique_id"].unique().tolist() == ["part_a", "part_b", "part_c"]


def test_series_of_the_same_day_stay_apart(folder):
    place = folder(**{"a-2024-01-01": days("2024-01-01", 30), "b-2024-01-01": days("2024-01-01", 30)})

    assert read_panel(place).frame["unique_id"].unique().tolist() == ["a-2024-01-01", "b-2024-01-01"]
