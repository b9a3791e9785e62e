import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecastr.data.time.aliases import calendar_of_alias
from forecastr.data.time.frequency import learn_calendar
from forecastr.data.time.grid import is_after, place_on_grid, require_one_frequency, rows_between_steps
from forecastr.data.time.resample import resample
from forecastr.errors import ConfigError, DataError


def ns(index):
    return pd.DatetimeIndex(index).to_numpy().astype("datetime64[ns]")


def one(count):
    return np.zeros(count, dtype=np.int64)


def texts(stamps):
    return [str(stamp)[:10] for stamp in stamps]


def check(stamps, codes=None, zone=None):
    codes = one(len(stamps)) if codes is None else codes
    return require_one_frequency(
        codes, stamps, learn_calendar(codes, stamps, zone=zone), where=lambda row: f"line {row + 2}", written=texts
    ).tolist()


@settings(max_examples=60, deadline=None)
@given(
    freq=st.sampled_from(["h", "10min", "D", "W-FRI", "14D", "MS", "ME", "BME", "QE-OCT", "YE"]),
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=5),
    seed=st.integers(0, 10**6),
)
def test_absent_steps_are_put_back_where_they_were(freq, sizes, seed):
    rng = np.random.default_rng(seed)
    full_codes, full, kept = [], [], []
    for code, size in enumerate(sizes):
        stamps = pd.date_range("2015-03-01", periods=size + 5, freq=freq)[rng.integers(5) :][:size]
        keep = rng.random(size) > 0.3
        keep[[0, -1]] = True
        keep |= keep.sum() * 2 < size  # a series that would more than double is left as it is
        full_codes.append(np.full(size, code))
        full.append(ns(stamps))
        kept.append(keep)
    codes, stamps, keep = np.concatenate(full_codes), np.concatenate(full), np.concatenate(kept)

    grid = place_on_grid(codes[keep], stamps[keep], calendar_of_alias(freq))

    if keep.all():
        assert grid is None
    else:
        np.testing.assert_array_equal(grid.codes, codes)
        np.testing.assert_array_equal(grid.stamps, stamps)
        np.testing.assert_array_equal(grid.rows, np.flatnonzero(keep))


def test_business_days_and_sessions_have_no_grid():
    holiday = ns(pd.bdate_range("2024-01-01", periods=60).delete(20))

    assert place_on_grid(one(59), holiday, learn_calendar(one(59), holiday)) is None
    assert place_on_grid(one(2), ns(["2024-01-05 16:00", "2024-01-08 10:00"]), calendar_of_alias("bh")) is None


def test_a_gap_that_would_double_a_series_is_left():
    stamps = ns(["2024-01-01", "2024-01-02", "2024-03-01", "2024-01-01", "2024-01-03"])
    codes = np.array([0, 0, 0, 1, 1])

    grid = place_on_grid(codes, stamps, calendar_of_alias("D"))

    assert grid.codes.tolist() == [0, 0, 0, 1, 1, 1] and grid.rows.tolist() == [0, 1, 2, 3, 5]


def test_rows_beside_the_grid_keep_their_stamps():
    stamps = ns(["2024-01-01 10:00", "2024-01-01 11:07", "2024-01-01 13:00", "2024-01-01 14:00"])

    grid = place_on_grid(one(4), stamps, calendar_of_alias("h"))

    assert [str(stamp)[11:16] for stamp in grid.stamps] == ["10:00", "11:07", "12:07", "13:00", "14:00"]


def test_two_rows_in_one_step_leave_their_series_alone():
    stamps = ns(["2024-01-01 10:00", "2024-01-01 10:07", "2024-01-01 12:00", "2024-01-01 13:00"])

    assert place_on_grid(one(4), stamps, calendar_of_alias("h")) is None


def test_a_week_shifted_by_a_holiday_is_no_gap():
    stamps = ns(["2024-03-15", "2024-03-22", "2024-03-28", "2024-04-12"])  # Fridays, but for Good Friday

    grid = place_on_grid(one(4), stamps, calendar_of_alias("W-FRI"))

    assert texts(grid.stamps) == ["2024-03-15", "2024-03-22", "2024-03-28", "2024-04-05", "2024-04-12"]


def test_integers_have_a_grid_of_their_step():
    grid = place_on_grid(one(3), np.array([10, 20, 40]), learn_calendar(one(3), np.array([10, 20, 40])))

    assert grid.stamps.tolist() == [10, 20, 30, 40]


def test_days_of_a_zone_are_even_over_the_change_of_clocks():
    index = pd.date_range("2024-03-01", periods=60, freq="D", tz="Europe/Berlin")
    stamps = ns(index.tz_convert("UTC").tz_localize(None))
    calendar = learn_calendar(one(60), stamps, zone="Europe/Berlin")

    assert place_on_grid(one(60), stamps, calendar) is None
    grid = place_on_grid(one(59), np.delete(stamps, 30), calendar)
    np.testing.assert_array_equal(grid.stamps, stamps)


def test_days_that_become_months_are_refused_where_they_do():
    stamps = ns(pd.date_range("2023-01-01", "2023-06-30").append(pd.date_range("2023-07-31", periods=12, freq="ME")))

    with pytest.raises(DataError, match=r"line 183: .* changes here: .*'2023-06-30' to '2023-07-31'.*--resample MS"):
        check(stamps)


@pytest.mark.parametrize(
    "parts",
    [
        (pd.date_range("2020-01-01", periods=30, freq="MS"), pd.date_range("2022-07-01", periods=200)),
        (pd.date_range("2020-01-01", periods=30, freq="W-MON"), pd.date_range("2020-07-28", periods=200)),
        (
            pd.date_range("2020-01-01", periods=300, freq="h"),
            pd.date_range("2020-01-13 12:00", periods=400, freq="30min"),
        ),
        (pd.bdate_range("2020-01-01", periods=300), pd.date_range("2021-03-01", periods=20, freq="W-MON")),
        (pd.date_range("2020-01-01", periods=60, freq="MS"), pd.date_range("2025-01-01", periods=20, freq="D")),
    ],
)
def test_any_change_of_the_step_is_found(parts):
    with pytest.raises(DataError, match="the step between rows changes here"):
        check(ns(parts[0].append(parts[1])))


def test_events_at_any_time_need_resampling():
    rng = np.random.default_rng(1)
    stamps = np.sort(ns(pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 10**7, 300), unit="s")))

    with pytest.raises(DataError, match=r"the rows are not equally spaced: .*--resample D"):
        check(np.unique(stamps))


def test_events_with_long_pauses_are_no_change_of_the_step():
    seconds = np.cumsum(np.random.default_rng(3).exponential(30_000, 300)).astype(np.int64)

    with pytest.raises(DataError, match="the rows are not equally spaced"):
        check((seconds * 10**9).view("datetime64[ns]"))


def test_rows_beside_the_steps_are_named():
    stamps = ns(["2024-01-01 10:00", "2024-01-01 11:00", "2024-01-01 12:30", "2024-01-01 13:30"])

    assert rows_between_steps(one(4), stamps, calendar_of_alias("h")).tolist() == [2]
    assert not len(rows_between_steps(one(4), stamps, calendar_of_alias("30min")))
    assert not len(
        rows_between_steps(one(3), ns(["2024-03-22", "2024-03-28", "2024-04-05"]), calendar_of_alias("W-FRI"))
    )


@pytest.mark.parametrize("freq", ["h", "D", "B", "W-FRI", "MS", "ME", "BME", "QE", "5min"])
def test_holes_and_holidays_are_no_change(freq):
    index = pd.date_range("2020-01-01", periods=400, freq=freq)
    kept = np.random.default_rng(2).random(400) > 0.1
    kept[100:104] = False

    assert check(ns(index[kept])) == []


def test_one_odd_series_of_many_is_named_and_many_are_refused():
    daily, monthly = pd.date_range("2020-01-01", periods=100), pd.date_range("2020-04-10", periods=9, freq="MS")
    odd = ns(daily.append(monthly))

    def panel(n_odd):
        series = [odd if code < n_odd else ns(daily) for code in range(30)]
        codes = np.repeat(np.arange(30), [len(stamps) for stamps in series])
        return np.concatenate(series), codes

    assert check(*panel(0)) == []
    assert check(*panel(2)) == [0, 1]
    with pytest.raises(DataError, match="line 102: the step between rows changes"):
        check(*panel(10))


@pytest.mark.parametrize("freq", ["D", "W-FRI", "W", "MS", "ME", "QE", "QE-JAN", "QS-FEB", "YE", "YS", "2h", "15min"])
def test_means_of_larger_steps_are_those_of_pandas(freq):
    index = pd.date_range("2023-01-05 01:07", periods=3000, freq="5h" if freq != "15min" else "4min")
    values = np.random.default_rng(1).normal(size=(3000, 2))
    values[100:300, 0] = np.nan
    frame = pd.DataFrame(values, index=index).resample(freq).mean()
    frame = frame[pd.Series(1, index=index).resample(freq).sum() > 0]

    codes, stamps, means = resample(one(3000), ns(index), values, freq)

    np.testing.assert_array_equal(stamps, ns(frame.index))
    np.testing.assert_allclose(means, frame.to_numpy())
    assert not codes.any()


def test_series_are_averaged_apart_and_empty_steps_stay_absent():
    stamps = ns(["2024-01-01", "2024-01-20", "2024-03-01", "2024-01-10"])

    codes, months, means = resample(np.array([0, 0, 0, 1]), stamps, np.array([1.0, 3.0, np.nan, 7.0]), "MS")

    assert codes.tolist() == [0, 0, 1] and texts(months) == ["2024-01-01", "2024-03-01", "2024-01-01"]
    np.testing.assert_array_equal(means, [2.0, np.nan, 7.0])


def test_days_begin_at_midnight_of_the_zone():
    utc = ns(pd.date_range("2024-07-01 20:00", periods=6, freq="h"))

    _, stamps, means = resample(one(6), utc, np.arange(6.0), "D", zone="Europe/Berlin")

    assert [str(stamp)[:13] for stamp in stamps] == ["2024-06-30T22", "2024-07-01T22"]
    assert means.tolist() == [0.5, 3.5]


def test_what_cannot_be_resampled_is_refused():
    with pytest.raises(ConfigError, match="there is no such step"):
        resample(one(1), ns(["2024-01-01"]), np.ones(1), "fortnight")
    with pytest.raises(DataError, match="--resample needs dates"):
        resample(one(1), np.array([1]), np.ones(1), "D")


@pytest.mark.parametrize(
    ("freq", "as_of", "last"),
    [
        ("D", "2024-03-10", "2024-03-10"),
        ("D", "2024-03-10 15:00", "2024-03-09"),
        ("B", "2024-03-08", "2024-03-08"),
        ("h", "2024-03-10 10:30", "2024-03-10 09:00"),
        ("h", "2024-03-10 11:00", "2024-03-10 10:00"),
        ("h", "2024-03-10", "2024-03-10 23:00"),
        ("MS", "2024-03-10", "2024-02-01"),
        ("MS", "2024-03-31", "2024-03-01"),
        ("MS", "2024-03", "2024-03-01"),
        ("ME", "2024-03-30", "2024-02-29"),
        ("ME", "2024-03-31", "2024-03-31"),
        ("YS", "2024", "2024-01-01"),
        ("W-MON", "2024-03-14", "2024-03-04"),
        ("W-MON", "2024-03-17", "2024-03-11"),
        ("W-FRI", "2024-03-14", "2024-03-08"),
        ("W-FRI", "2024-03-15", "2024-03-15"),
    ],
)
def test_the_last_row_is_the_last_whose_step_was_over(freq, as_of, last):
    stamps = ns(pd.date_range("2022-01-01", "2025-12-31", freq=freq))

    kept = stamps[~is_after(stamps, as_of, calendar_of_alias(freq))]

    assert kept[-1] == np.datetime64(last)


def test_a_day_with_a_closing_time_is_over_with_its_date():
    stamps = ns(pd.bdate_range("2024-01-01", periods=60) + pd.Timedelta(hours=16))
    calendar = learn_calendar(one(60), stamps)

    assert str(stamps[~is_after(stamps, "2024-01-10", calendar)][-1])[:10] == "2024-01-10"


def test_as_of_is_on_the_clock_of_the_zone():
    utc = ns(["2024-07-01T08:00", "2024-07-01T09:00"])

    assert is_after(utc, "2024-07-01 11:00", calendar_of_alias("h"), zone="Europe/Berlin").tolist() == [False, True]


def test_as_of_among_integers_is_an_integer():
    calendar = learn_calendar(one(3), np.array([1, 2, 3]))

    assert is_after(np.array([1, 2, 3]), "2", calendar).tolist() == [False, False, True]
    with pytest.raises(ConfigError, match="holds integers"):
        is_after(np.array([1, 2, 3]), "2024-01-01", calendar)
    with pytest.raises(ConfigError, match="is no date"):
        is_after(ns(["2024-01-01"]), "yesterday evening", calendar)


def test_a_panel_of_a_million_rows_takes_no_loop():
    codes = np.arange(10_000, dtype=np.int32).repeat(100)
    stamps = np.tile(ns(pd.date_range("2024-01-01", periods=100)), 10_000)
    kept = np.random.default_rng(1).random(10**6) > 0.05

    start = time.perf_counter()
    place_on_grid(codes[kept], stamps[kept], calendar_of_alias("D"))
    assert time.perf_counter() - start < 1.5
