import pandas as pd
import pytest

from forecastr.data.files.table import open_table
from forecastr.data.files.wide import melt

WIDE = "Date,A,B,C\n2024-01-01,1,2,\n\n2024-01-02,3,4,5\n"


@pytest.fixture
def wide(tmp_path):
    path = tmp_path / "wide.csv"
    path.write_text(WIDE)
    return open_table(path)


def test_a_column_per_series_becomes_a_row_per_time_and_series(wide):
    long = melt(wide, time="Date", targets=["A", "C"])
    loaded = long.load(["Date", "unique_id"], ["y"])

    assert long.columns == ("Date", "unique_id", "y")
    assert loaded["Date"].tolist() == ["2024-01-01", "2024-01-02"] * 2
    assert loaded["unique_id"].tolist() == ["A", "A", "C", "C"]
    assert loaded["y"].tolist()[:2] == [1, 3] and loaded["y"].isna().tolist() == [False, False, True, False]


def test_a_melted_row_keeps_its_line(wide):
    long = melt(wide, time="Date", targets=["A", "B", "C"])
    long.load(["Date", "unique_id"], ["y"])

    assert [long.line(row) for row in range(6)] == [2, 4, 2, 4, 2, 4]
    assert long.where(5).endswith("wide.csv, line 4")


def test_the_head_shows_several_series(wide):
    head = melt(wide, time="Date", targets=["A", "B"], id_name="series", value_name="value").head

    assert list(head.columns) == ["Date", "series", "value"]
    assert head["series"].tolist() == ["A", "A", "B", "B"]
    assert head["value"].tolist() == ["1", "3", "2", "4"]


def test_where_one_series_needs_a_second_look_all_are_text(tmp_path):
    path = tmp_path / "wide.csv"
    path.write_text('Date,A,B\n2024-01-01,1.50,"1,234"\n2024-01-02,,5\n')

    loaded = melt(open_table(path), time="Date", targets=["A", "B"]).load(["Date", "unique_id"], ["y"])

    assert loaded["y"].tolist() == ["1.50", "", "1,234", "5"]


def test_a_wide_frame_keeps_its_stamps():
    frame = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=2), "a": [1, 2], "b": [3.5, 4]})

    loaded = melt(open_table(frame), time="ds", targets=["a", "b"]).load(["ds", "unique_id"], ["y"])

    assert loaded["ds"].tolist() == list(frame["ds"]) * 2
    assert loaded["y"].tolist() == [1, 2, 3.5, 4]
