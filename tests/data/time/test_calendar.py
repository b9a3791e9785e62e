import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecastr.data import Calendar, find_calendar
from forecastr.data.time.aliases import calendar_of_alias
from forecastr.data.time.frequency import learn_calendar
from forecastr.errors import ConfigError


def calendar_of(*series):
    frames = [pd.DataFrame({"unique_id": f"s{place}", "ds": stamps}) for place, stamps in enumerate(series)]
    return find_calendar(pd.concat(frames, ignore_index=True))


def ahead(calendar, last, horizon):
    return [str(stamp)[:10] for stamp in calendar.future(last, horizon)]


@pytest.mark.parametrize(
    ("freq", "name", "alias", "horizon", "seasons"),
    [
        ("h", "hourly", "h", 48, (24, 168)),
        ("D", "daily", "D", 14, (7,)),
        ("B", "business-daily", "B", 20, (5,)),
        ("W-MON", "weekly", "W-MON", 13, (52,)),
        ("MS", "monthly", "MS", 18, (12,)),
        ("ME", "monthly", "ME", 18, (12,)),
        ("BME", "monthly", "BME", 18, (12,)),
        ("BMS", "monthly", "BMS", 18, (12,)),
        ("QE", "quarterly", "QE", 8, (4,)),
        ("QS", "quarterly", "QS", 8, (4,)),
        ("QE-JAN", "quarterly", "QE-JAN", 8, (4,)),
        ("QS-FEB", "quarterly", "QS-FEB", 8, (4,)),
        ("YE", "yearly", "YE", 6, (1,)),
        ("YE-JUN", "yearly", "YE-JUN", 6, (1,)),
        ("2MS", "every 2 months", "2MS", 10, (6,)),
        ("14D", "every 2 weeks", "14D", 10, (26,)),
        ("10min", "every 10 minutes", "10min", 96, (144, 1008)),
        ("30s", "every 30 seconds", "30s", 96, (120, 2880)),
        ("15min", "every 15 minutes", "15min", 96, (96, 672)),
        ("5min", "every 5 minutes", "5min", 96, (288, 2016)),
        ("6h", "every 6 hours", "6h", 8, (4, 28)),
        ("28D", "every 4 weeks", "28D", 10, (13,)),
        ("3D", "every 3 days", "3D", 10, ()),
    ],
)
def test_the_usual_calendars_are_learned_even_with_holes(freq, name, alias, horizon, seasons):
    stamps = pd.date_range("2021-01-01", periods=400, freq=freq)
    stamps = stamps[stamps < "2250"]

    calendar = calendar_of(stamps.delete([17, 18, 30]))

    assert (calendar.name, calendar.alias) == (name, alias)
    assert (calendar.default_horizon, calendar.season_candidates) == (horizon, seasons)
    assert Calendar.from_dict(calendar.to_dict()) == calendar


@pytest.mark.parametrize(
    "freq",
    [
        "h",
        "D",
        "B",
        "W-WED",
        "14D",
        "28D",
        "MS",
        "ME",
        "BME",
        "BMS",
        "QE",
        "QE-JAN",
        "BQE-FEB",
        "YS",
        "YE-JUN",
        "15min",
    ],
)
def test_the_future_goes_on_as_pandas_would(freq):
    stamps = pd.date_range("2020-01-01 00:00", periods=120, freq=freq)

    for cut in range(60, 70):
        after = calendar_of(stamps[:60]).future(stamps[cut], 40)
        np.testing.assert_array_equal(after, stamps[cut + 1 : cut + 41].to_numpy())


@settings(max_examples=60, deadline=None)
@given(
    freq=st.sampled_from(["h", "10min", "6h", "D", "B", "W-FRI", "14D", "MS", "ME", "BME", "QE-OCT", "YS"]),
    start=st.integers(0, 2000),
    length=st.integers(40, 150),
    gaps=st.sets(st.integers(1, 38), max_size=4),
)
def test_rows_that_are_missing_change_no_calendar(freq, start, length, gaps):
    stamps = pd.date_range(pd.Timestamp("2015-01-01") + pd.Timedelta(days=start), periods=length + 30, freq=freq)

    calendar = calendar_of(stamps[:length].delete(sorted(gaps)))

    np.testing.assert_array_equal(calendar.future(stamps[length - 1], 30), stamps[length:].to_numpy())


def test_month_ends_on_working_days_stay_on_working_days():
    monthly = calendar_of(pd.date_range("2020-01-01", periods=30, freq="BME"))

    assert ahead(monthly, "2024-04-30", 3) == ["2024-05-31", "2024-06-28", "2024-07-31"]  # 30 June is a Sunday


@pytest.mark.parametrize(
    ("freq", "last", "following"),
    [
        ("W", "2024-01-05", "2024-01-12"),  # weeks keep the data's own weekday
        ("W-MON", "2024-01-01", "2024-01-08"),
        ("D", "2024-01-05", "2024-01-06"),
        ("B", "2024-01-05", "2024-01-08"),
        ("M", "2024-01-31", "2024-02-29"),
        ("MS", "2024-01-01", "2024-02-01"),
        ("BME", "2024-02-29", "2024-03-29"),
        ("QE-JAN", "2024-01-31", "2024-04-30"),
        ("H", "2024-01-05", "2024-01-05"),
        ("15min", "2024-01-05", "2024-01-05"),
        ("3D", "2024-01-05", "2024-01-08"),
    ],
)
def test_a_frequency_that_is_named_overrides_the_data(freq, last, following):
    odd = pd.DatetimeIndex(["2023-12-29", "2024-01-05"])
    calendar = find_calendar(pd.DataFrame({"unique_id": "a", "ds": odd}), freq)

    assert ahead(calendar, last, 1) == [following]


@pytest.mark.parametrize("freq", ["fortnightly", "5", "-1D", "SME", "cbh", ""])
def test_a_frequency_that_does_not_exist_is_a_configuration_error(freq):
    with pytest.raises(ConfigError, match="freq is"):
        calendar_of_alias(freq)


def test_integers_take_an_integer_as_their_frequency():
    frame = pd.DataFrame({"unique_id": "a", "ds": [10, 20, 30]})

    assert find_calendar(frame, "5").future(30, 2).tolist() == [35, 40]
    with pytest.raises(ConfigError, match="a step between integers is itself an integer"):
        find_calendar(frame, "D")


@pytest.mark.parametrize(
    ("freq", "before", "after", "steps"),
    [
        ("B", "2024-03-01", "2024-03-11", 6),
        ("MS", "2024-01-01", "2024-06-01", 5),
        ("h", "2024-01-01 00:00", "2024-01-02 12:00", 36),
        ("W-FRI", "2024-01-05", "2024-02-02", 4),
        ("bh", "2024-03-01 15:00", "2024-03-04 10:00", 3),  # 16:00, Monday 9:00, 10:00
    ],
)
def test_steps_are_counted_without_the_time_that_the_calendar_leaves_out(freq, before, after, steps):
    first, last = (np.array([text], dtype="datetime64[ns]") for text in (before, after))

    assert calendar_of_alias(freq).count(first, last).tolist() == [steps]


def test_month_ends_stay_month_ends_after_a_february():
    monthly = calendar_of(pd.date_range("2022-01-31", periods=14, freq="ME"))

    assert ahead(monthly, "2023-02-28", 3) == ["2023-03-31", "2023-04-30", "2023-05-31"]


def test_the_thirtieth_stays_the_thirtieth_after_a_february():
    months = [pd.Timestamp(2022, 1, 30) + pd.DateOffset(months=step) for step in range(14)]

    assert ahead(calendar_of(months), "2022-02-28", 2) == ["2022-03-30", "2022-04-30"]


def test_a_series_on_another_day_of_the_month_keeps_its_day():
    starts = [pd.date_range("2020-01-01", periods=30, freq="MS")] * 20
    monthly = calendar_of(*starts, pd.date_range("2020-01-15", periods=30, freq="MS") + pd.Timedelta(days=14))

    assert ahead(monthly, "2022-07-15", 2) == ["2022-08-15", "2022-09-15"]


def test_weeks_shifted_by_a_holiday_return_to_their_weekday():
    weekly = calendar_of(pd.date_range("2024-01-05", periods=30, freq="W-FRI"))

    assert ahead(weekly, "2024-03-28", 2) == ["2024-04-05", "2024-04-12"]  # the last was a Thursday


def test_weekdays_that_never_occur_are_skipped():
    days = pd.date_range("2024-01-01", periods=200)
    sunday_to_thursday = calendar_of(days[~days.day_of_week.isin([4, 5])])

    assert sunday_to_thursday.name == "business-daily"
    assert ahead(sunday_to_thursday, "2024-07-18", 3) == ["2024-07-21", "2024-07-22", "2024-07-23"]


def test_a_stray_weekend_row_leaves_business_days_alone():
    days = pd.bdate_range("2020-01-01", periods=500).append(pd.DatetimeIndex(["2020-01-04"])).sort_values()

    assert calendar_of(days).name == "business-daily"


def test_a_few_days_that_skipped_no_weekend_are_daily():
    assert calendar_of(pd.date_range("2024-01-02", periods=3)).name == "daily"
    assert calendar_of(pd.bdate_range("2024-01-03", periods=5)).name == "business-daily"


def test_integers_go_on_by_their_own_step():
    calendar = calendar_of(np.array([10, 20, 30, 50]))

    assert (calendar.name, calendar.default_horizon, calendar.season_candidates) == ("integer", 10, ())
    assert calendar.future(50, 3).tolist() == [60, 70, 80]


def test_a_lone_row_has_some_calendar():
    assert calendar_of(pd.DatetimeIndex(["2024-01-01"])).name == "daily"
    assert calendar_of(np.array([7])).future(7, 2).tolist() == [8, 9]


def test_steps_between_series_are_no_steps():
    calendar = calendar_of(*[pd.DatetimeIndex(["2024-01-01 00:00", "2024-01-01 01:00"])] * 3)

    assert calendar.name == "hourly"


def test_ten_thousand_series_take_no_loop():
    stamps = np.tile(pd.date_range("2020-01-01", periods=50, freq="MS").to_numpy(), 10_000)
    ids = pd.array(np.char.add("s", np.arange(10_000).astype(str)).astype(object), dtype="str")
    frame = pd.DataFrame({"unique_id": ids.repeat(50), "ds": stamps})

    start = time.perf_counter()
    assert find_calendar(frame).name == "monthly"
    assert time.perf_counter() - start < 3  # a loop over the series takes several times that


def test_ten_million_rows_are_looked_at_in_pieces():
    stamps = np.tile(np.arange(1000, dtype=np.int64) * 86_400 * 10**9, 3000).view("datetime64[ns]")
    codes = np.arange(3000, dtype=np.int32).repeat(1000)

    start = time.perf_counter()
    assert learn_calendar(codes, stamps).name == "daily"
    assert time.perf_counter() - start < 2
