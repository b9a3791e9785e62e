import numpy as np
import pandas as pd
import pytest

from forecastr.data import ReadOptions, Source, format_stamps, read_panel
from forecastr.data.time import dates
from forecastr.errors import DataError


def panel_of(texts, name="Date", **options):
    return read_panel(pd.DataFrame({name: texts, "y": np.arange(len(texts)) + 0.5}), **options)


def written(panel):
    return format_stamps(panel.frame["ds"], panel.source)


@pytest.mark.parametrize(
    "texts",
    [
        ["2017-01-03", "2017-01-04", "2017-01-13"],
        ["2017-1-3", "2017-1-4", "2017-11-13"],
        ["2017/01/03", "2017/01/04"],
        ["1/3/2017", "1/4/2017", "1/13/2017"],
        ["01/03/2017", "01/04/2017", "01/13/2017"],
        ["3.1.2017", "4.1.2017", "13.1.2017"],
        ["3-Jan-2017", "4-Jan-2017", "13-Feb-2017"],
        ["03JAN2017".title(), "04Feb2017"],
        ["Jan 03, 2017", "Feb 13, 2017"],
        ["January 3, 2017", "September 13, 2017"],
        ["2017-01", "2017-02", "2017-12"],
        ["2017Q1", "2017Q2", "2017Q3"],
        ["20170103", "20170104"],
        ["1700000000", "1700003600"],
        ["1700000000000", "1700003600000"],
        ["1700000000000000000", "1700003600000000000"],
        ["2017-01-03 09:30", "2017-01-03 16:00"],
        ["2017-01-03T09:30:00Z", "2017-01-03T09:31:00Z"],
        ["2017-01-03T09:30:00.250", "2017-01-03T09:30:00.500"],
        ["2017-01-03 09:30:00+01:00", "2017-01-03 09:31:00+01:00"],
        ["1/13/2017 9:30 AM", "1/13/2017 12:05 PM", "1/14/2017 12:05 AM"],
    ],
)
def test_dates_are_written_back_as_the_user_wrote_them(texts):
    assert written(panel_of(texts)) == texts


def test_every_format_means_the_same_day():
    day = pd.Timestamp("2017-01-13")
    for text in ("2017-01-13", "1/13/2017", "13.01.2017", "13-Jan-2017", "January 13, 2017", "20170113"):
        assert read_panel(pd.DataFrame({"Date": [text], "y": [1.0]})).frame["ds"].tolist() == [day]


def test_a_value_above_12_decides_the_order_for_the_whole_column():
    days = ["05/01/2020", "06/01/2020", "13/01/2020"]

    assert panel_of(days).frame["ds"].dt.strftime("%m-%d").tolist() == ["01-05", "01-06", "01-13"]


def test_the_order_of_the_rows_decides_where_no_value_is_above_12():
    # Day first these are 10, 11, 12 January and 1, 2 February; month first they jump to and fro.
    panel = panel_of(["10/01/2020", "11/01/2020", "12/01/2020", "01/02/2020", "02/02/2020"])

    assert panel.frame["ds"].dt.month.tolist() == [1, 1, 1, 2, 2]


def test_a_regular_axis_decides_where_both_readings_are_in_order():
    # Day first: the first of every month. Month first: twelve days in January of each year.
    months = [f"01/{month:02d}/{year}" for year in (2020, 2021) for month in range(1, 13)]

    assert panel_of(months).calendar.name == "monthly"


def test_dates_with_two_readings_are_refused_with_the_way_out():
    with pytest.raises(DataError, match=r"row 1: '01/02/2020' .*--date-format '%d/%m/%Y' or"):
        panel_of(["01/02/2020", "01/03/2020", "01/04/2020"])


@pytest.mark.parametrize("bad", ["1/2/2017x", "2017-01-05", "2/30/2017", "13/1/2017"])
def test_one_date_unlike_the_others_is_named_by_its_row(bad):
    with pytest.raises(DataError, match=rf"row 3: '{bad}' in 'Date' is not a date written like the others .*1 of 4"):
        panel_of(["1/13/2017", "1/14/2017", bad, "1/16/2017"])


def test_years_of_two_digits_are_refused():
    with pytest.raises(DataError, match="a year of two digits"):
        panel_of(["1/13/70", "1/14/70"])


def test_integers_that_count_steps_are_a_time_axis_by_name_or_by_option():
    steps = read_panel(pd.DataFrame({"t": [1, 2, 3], "y": [1.0, 2, 3]}))
    asked = read_panel(pd.DataFrame({"tick": ["1", "2", "3"], "y": [1.0, 2, 3]}), ReadOptions(time="tick"))

    for panel in (steps, asked):
        assert panel.calendar.name == "integer"
        assert panel.frame["ds"].dtype == np.int64
        assert written(panel) == ["1", "2", "3"]
    with pytest.raises(DataError, match="no column reads as dates"):
        read_panel(pd.DataFrame({"tick": [1, 2, 3], "y": [1.0, 2, 3]}))


def test_years_are_years_where_the_column_says_so():
    panel = read_panel(pd.DataFrame({"Year": [1990, 1991, 1992], "y": [1.0, 2, 3]}))

    assert panel.calendar.name == "yearly"
    assert written(panel) == ["1990", "1991", "1992"]


def test_a_midnight_without_its_time_is_a_midnight():
    panel = panel_of(["2024-01-01 23:00:00", "2024-01-02", "2024-01-02 01:00:00"])

    assert panel.frame["ds"].dt.hour.tolist() == [23, 0, 1]


def test_a_source_survives_json():
    source = panel_of(["1/13/2017", "1/14/2017"]).source

    assert Source.from_dict(source.to_dict()) == source


def test_texts_are_parsed_in_blocks_as_at_once(monkeypatch):
    texts = [f"2020-01-{day:02d}T00:00{zone}" for day in range(1, 31) for zone in ("", "Z", "+02:00")] + ["?"]
    at_once = dates.parse_zoned(texts, "%Y-%m-%dT%H:%M%z")
    monkeypatch.setattr(dates, "BLOCK", 7)
    in_blocks = dates.parse_zoned(texts, "%Y-%m-%dT%H:%M%z")

    assert np.isnat(at_once.wall).sum() == 1
    assert (at_once.zoned.sum(), len(set(at_once.offsets))) == (60, 2)
    for name in ("wall", "offsets", "zoned"):
        np.testing.assert_array_equal(getattr(in_blocks, name), getattr(at_once, name))
    assert len(dates.parse_zoned([], "%Y-%m-%d").wall) == 0
