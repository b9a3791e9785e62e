import time

import numpy as np
import pandas as pd
import pytest

from forecastr.data import Calendar, find_calendar


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
        ("BME", "monthly", "ME", 18, (12,)),
        ("BMS", "monthly", "MS", 18, (12,)),
        ("QE", "quarterly", "QE", 8, (4,)),
        ("QS", "quarterly", "QS", 8, (4,)),
        ("YE", "yearly", "YE", 6, (1,)),
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


@pytest.mark.parametrize("freq", ["h", "D", "B", "W-WED", "MS", "ME", "QE", "YS", "15min"])
def test_the_future_goes_on_as_pandas_would(freq):
    stamps = pd.date_range("2020-01-01 00:00", periods=120, freq=freq)

    for cut in range(60, 70):
        after = calendar_of(stamps[:60]).future(stamps[cut], 40)
        np.testing.assert_array_equal(after, stamps[cut + 1 : cut + 41].to_numpy())


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
