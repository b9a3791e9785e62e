import numpy as np
import pandas as pd
import pytest

from forecastr.data import ReadOptions, read_panel
from forecastr.errors import ConfigError, DataError


def write(tmp_path, rows: list[str], header: str = "ds,y"):
    path = tmp_path / "t.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def repairs(panel) -> dict[str, tuple[int, int | None]]:
    return {found["what"]: (found["count"], found["first_line"]) for found in panel.report["repairs"]}


def test_rows_in_falling_order_are_turned_round_and_counted(tmp_path):
    rows = [f"2024-01-{day:02d},{day}" for day in range(9, 0, -1)]

    panel = read_panel(write(tmp_path, rows))

    assert panel.frame["y"].tolist() == list(range(1, 10))
    assert repairs(panel) == {"rows put in time order": (8, 3)}


@pytest.mark.parametrize(
    ("policy", "expected"), [("first", [1, 4, 3]), ("last", [1, 8, 3]), ("mean", [1, 6, 3]), ("sum", [1, 24, 3])]
)
def test_several_values_at_one_time_follow_the_policy(tmp_path, policy, expected):
    rows = ["2024-01-01,1", "2024-01-02,4", "2024-01-02,4", "2024-01-02,8", "2024-01-02,8", "2024-01-03,3"]
    path = write(tmp_path, rows)

    with pytest.raises(DataError, match=r"line 5: .*\(4, now 8\) \(2 of 6 rows\).*--duplicates: first, last, mean or"):
        read_panel(path)
    panel = read_panel(path, ReadOptions(duplicates=policy))

    assert panel.frame["y"].tolist() == expected
    assert repairs(panel) == {f"rows at one time made one ({policy})": (3, 4)}


def test_a_value_outlives_an_empty_row_at_the_same_time(tmp_path):
    panel = read_panel(write(tmp_path, ["2024-01-01,1", "2024-01-02,", "2024-01-02,4", "2024-01-03,3"]))

    assert panel.frame["y"].tolist() == [1, 4, 3]


def test_two_values_around_an_empty_row_at_the_same_time_are_still_two(tmp_path):
    path = write(tmp_path, ["2024-01-01,1", "2024-01-02,4", "2024-01-02,", "2024-01-02,6", "2024-01-03,3"])

    with pytest.raises(DataError, match=r"line 5: this time has another value already \(4, now 6\)"):
        read_panel(path)


@pytest.mark.parametrize(
    ("policy", "expected", "what"),
    [
        ("mask", [1, np.nan, np.nan, 4], "missing values kept as gaps"),
        ("forward", [1, 1, 1, 4], "missing values filled with the value before them"),
        ("zero", [1, 0, 0, 4], "missing values taken as zero"),
    ],
)
def test_missing_values_follow_the_policy_and_empty_ends_never_count(tmp_path, policy, expected, what):
    rows = ["2024-01-01,", "2024-01-02,1", "2024-01-03,", "2024-01-04,.", "2024-01-05,4", "2024-01-06,"]

    panel = read_panel(write(tmp_path, rows), ReadOptions(missing=policy))

    np.testing.assert_array_equal(panel.frame["y"], expected)
    assert repairs(panel)[what] == (2, 4)


def test_missing_values_can_be_an_error(tmp_path):
    path = write(tmp_path, ["2024-01-01,1", "2024-01-02,", "2024-01-03,3", "2024-01-04,4"])

    with pytest.raises(DataError, match=r"line 3: the value is missing \(1 of 4 rows\).*--missing"):
        read_panel(path, ReadOptions(missing="error"))
    path = write(tmp_path, [f"2024-01-{day:02d},1" for day in (1, 2, 3, 4, 6, 7, 8, 9)])
    with pytest.raises(DataError, match=r"no row for the step 2024-01-05.* \(1 of 9 rows\)"):
        read_panel(path, ReadOptions(missing="error"))


def test_a_gap_is_filled_from_its_own_series_alone():
    days = pd.date_range("2024-01-01", periods=3)
    table = pd.DataFrame({"unique_id": list("aaabbb"), "ds": [*days, *days], "y": [1, 2, 3, 4, np.nan, 6]})

    assert read_panel(table, ReadOptions(missing="forward")).frame["y"].tolist() == [1, 2, 3, 4, 4, 6]


def test_steps_without_a_row_are_gaps_that_are_counted(tmp_path):
    days = [day for day in range(1, 31) if day not in (10, 11, 20)]
    rows = [f"2024-01-{day:02d},{day}" for day in days]

    panel = read_panel(write(tmp_path, rows))

    assert len(panel.frame) == 30 and panel.frame["y"].isna().sum() == 3
    assert panel.frame["ds"].diff().iloc[1:].eq(pd.Timedelta(days=1)).all()
    assert repairs(panel) == {"absent steps kept as gaps": (3, 11)}
    assert panel.report["gaps"] == {"count": 2, "widest": 2}
    zeros = read_panel(write(tmp_path, rows), ReadOptions(missing="zero"))
    assert zeros.frame["y"].tolist() == [day if day in days else 0 for day in range(1, 31)]


def test_weekends_and_holidays_are_no_gaps():
    days = pd.bdate_range("2024-01-01", periods=200).delete([60, 100, 101])
    table = pd.DataFrame({"ds": days, "y": np.arange(len(days))})

    panel = read_panel(table)

    assert len(panel.frame) == 197 and panel.report["gaps"] == {"count": 0, "widest": 0}


def test_a_longer_step_takes_the_mean_and_covariates_with_it():
    days = pd.date_range("2024-01-01", periods=91)
    table = pd.DataFrame({"ds": days, "y": days.month * 10.0 + days.day % 2, "visits": days.month * 2.0})

    panel = read_panel(table, ReadOptions(resample="MS"))

    assert panel.calendar.name == "monthly" and len(panel.frame) == 3
    assert panel.frame["y"].round(1).tolist() == [10.5, 20.5, 30.5]
    assert panel.frame["visits"].tolist() == [2, 4, 6]


def test_rows_after_a_date_are_not_read_but_tell_what_is_known():
    days = pd.date_range("2024-01-01", periods=20)
    table = pd.DataFrame({"ds": days, "y": np.arange(20.0), "promo": np.arange(20) % 2})

    panel = read_panel(table, ReadOptions(as_of="2024-01-10"))
    assert panel.frame["ds"].iloc[-1] <= pd.Timestamp("2024-01-10")
    panel = read_panel(table, ReadOptions(as_of="2024-01-10", known_covariates=("promo",)))
    assert panel.frame["ds"].iloc[-1] <= pd.Timestamp("2024-01-10")
    assert panel.future["ds"].iloc[-1] == days[-1] and "y" not in panel.future


def test_no_row_before_a_date_is_an_error_that_says_where_the_rows_begin():
    table = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=20), "y": np.arange(20.0)})

    with pytest.raises(DataError, match=r"no row is left by 1990-01-01 .--as-of.: the first is of 2024-01-01"):
        read_panel(table, ReadOptions(as_of="1990-01-01"))
    assert len(read_panel(table, ReadOptions(as_of="9999-12-31")).frame) == 20


def test_a_step_that_is_said_and_that_the_rows_do_not_keep_is_named():
    table = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=20), "y": np.arange(20.0)})

    with pytest.raises(DataError, match=r"--resample h makes steps shorter than those between the rows.*daily"):
        read_panel(table, ReadOptions(resample="h"))
    with pytest.raises(DataError, match=r"--freq W does not fit: 0% of the steps between rows are weekly.*--resample"):
        read_panel(table, ReadOptions(freq="W"))
    with pytest.raises(ConfigError, match="resample is '0D'"):
        read_panel(table, ReadOptions(resample="0D"))


def test_a_footer_is_dropped_with_a_word(tmp_path):
    rows = [*(f"a,2024-01-{day:02d},{day}" for day in range(1, 21)), ",Total,210"]

    panel = read_panel(write(tmp_path, rows, "unique_id,ds,y"))

    assert panel.frame["unique_id"].unique().tolist() == ["a"]
    assert len(panel.frame) == 20


def test_what_was_said_of_a_table_is_said_of_the_next_one(tmp_path):
    rows = ["2024-01-01,1", "2024-01-02,2", "2024-01-02,4", "2024-01-03,3"]
    like = read_panel(write(tmp_path, rows), ReadOptions(duplicates="mean", as_of="2030-01-01")).source

    assert like.reading == {"duplicates": "mean", "as_of": "2030-01-01"}
    newer = read_panel(write(tmp_path, ["2030-01-04,1", "2030-01-04,3"]), like=like)
    assert newer.frame["y"].tolist() == [2.0]
    newer = read_panel(write(tmp_path, ["2030-01-04,1", "2030-01-04,3"]), ReadOptions(duplicates="last"), like=like)
    assert newer.frame["y"].tolist() == [3.0]


def test_words_below_the_last_date_are_a_footer(tmp_path):
    rows = [*(f"2024-01-{day:02d},{day}" for day in range(1, 21)), ",Total", ",Source: us"]

    panel = read_panel(write(tmp_path, rows))

    assert len(panel.frame) == 20
    [warning] = panel.report["warnings"]
    assert warning.startswith("footer dropped: 2 of the last rows") and "line 22" in warning
    with pytest.raises(DataError, match="a value without a date"):
        read_panel(write(tmp_path, [*rows[:20], ",210"]))


def test_rows_between_the_steps_are_told(tmp_path):
    hours = [f"2024-01-{1 + n // 24:02d} {n % 24:02d}:00,{n}" for n in range(60)]

    panel = read_panel(write(tmp_path, [*hours, "2024-01-03 12:07,60"]))

    [warning] = panel.report["warnings"]
    assert warning.startswith("1 row lies between the hourly steps, the first in ") and "line 62" in warning


def test_a_newer_table_is_brought_to_the_longer_step_too():
    days = pd.date_range("2024-01-01", periods=182)
    table = pd.DataFrame({"ds": days, "y": days.month * 1.0})
    like = read_panel(table.head(91), ReadOptions(resample="MS")).source

    newer = read_panel(table.tail(91), like=like)

    assert newer.frame["y"].tolist() == [4, 5, 6]
    assert newer.frame["ds"].tolist() == list(pd.date_range("2024-04-01", periods=3, freq="MS"))
