import time
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecastr.data import ReadOptions, Source, format_stamps
from forecastr.data.time.stamps import looks_like_time, read_stamps, step_axis
from forecastr.errors import ConfigError, DataError


def where(row):
    return f"line {row + 2}"


def read(texts, name="Date", groups=None, like=None, **options):
    column = texts.rename(name) if isinstance(texts, pd.Series) else pd.Series(texts, name=name)
    return read_stamps(column, groups, where=where, like=like, options=ReadOptions(**options))


def written(stamps):
    source = Source(target="y", time="t", date_format=stamps.date_format, zone=stamps.zone)
    return format_stamps(stamps.stamps, source)


def days(stamps):
    return [str(stamp)[:10] for stamp in stamps.stamps]


@pytest.mark.parametrize(
    "texts",
    [
        ["2020-W05", "2020-W06", "2020-W53"],
        ["2020W05", "2020W06"],
        ["2020-Q1", "2020-Q2"],
        ["2020 Q1", "2020 Q2"],
        ["Q1 2020", "Q2 2020"],
        ["2020M01", "2020M12"],
        ["Jan 2020", "Feb 2020"],
        ["January 2020", "May 2020"],
        ["2020-Jan", "2020-Feb"],
        ["3 March 2020", "4 March 2020"],
        ["Mar 3 2020", "Mar 14 2020"],
        ["Jan-1-1995", "Feb-11-1995"],
        ["Mon, 06 Jan 2020", "Tue, 07 Jan 2020"],
        ["Monday, January 6, 2020", "Tuesday, January 7, 2020"],
        ["03JAN2017", "04FEB2017"],
        ["20200101 093000", "20200101 093100"],
        ["20200101T0930", "20200101T0931"],
        ["202001010930", "202001010931"],
        ["20200101093000", "20200101093001"],
        ["2020-01-01 09:30:00,250", "2020-01-01 09:30:00,500"],
        ["2020-01-01T09:30:00.123456", "2020-01-01T09:30:00.123457"],
        ["2020-01-01T09:30:00+0100", "2020-01-01T09:30:01+0100"],
        ["13/1/2020, 1:05:00 pm", "13/1/2020, 1:06:00 pm"],
        ["13.01.2020 09:30", "13.01.2020 09:31"],
        ["202001", "202002", "202012"],
        ["44197", "44198", "44199"],
        ["44197.5", "44198.25"],
        ["1700000000.25", "1700000000.5"],
        ["1990", "1991"],
    ],
)
def test_more_dates_are_read_and_written_back_as_they_were(texts):
    assert written(read(texts)) == texts


def test_what_these_dates_mean():
    for text, day in {
        "2020-W01": "2019-12-30", "2020-W53": "2020-12-28", "2020-Q3": "2020-07-01", "44197": "2021-01-01",
        "202002": "2020-02-01", "2020M03": "2020-03-01", "1990": "1990-01-01",
    }.items():  # fmt: skip
        assert days(read([text])) == [day]


def test_seconds_and_their_fractions_may_be_left_out_where_they_are_zero():
    stamps = read(["2024-01-01 10:00:00.5", "2024-01-01 10:00:01", "2024-01-01 10:01"])

    seconds = (stamps.stamps - np.datetime64("2024-01-01T10:00", "ns")).astype("timedelta64[ms]").astype(int)
    assert seconds.tolist() == [500, 1000, 60_000]


def test_an_hour_of_twelve_is_read_with_its_half_of_the_day():
    stamps = read(["1/13/2020 12:00 AM", "1/13/2020 12:00 PM", "1/13/2020 11:59 PM"])

    assert [str(stamp)[11:16] for stamp in stamps.stamps] == ["00:00", "12:00", "23:59"]


def test_dates_of_two_kinds_are_refused_at_the_first_odd_one():
    with pytest.raises(DataError, match=r"line 4: '01/03/2020' .* written like the others .*2 of 5"):
        read(["2020-01-01", "2020-01-02", "01/03/2020", "01/04/2020", "2020-01-05"])


def test_day_and_month_that_cannot_be_told_apart_need_the_option():
    texts = ["01/02/2020", "01/03/2020", "01/04/2020"]

    with pytest.raises(DataError, match=r"line 2: '01/02/2020' .*--date-format '%d/%m/%Y' or --date-format '%m/%d/%Y'"):
        read(texts)
    assert days(read(texts, date_format="%d/%m/%Y")) == ["2020-02-01", "2020-03-01", "2020-04-01"]
    assert days(read(texts, date_format="%m/%d/%Y")) == ["2020-01-02", "2020-01-03", "2020-01-04"]


def test_an_asked_date_leaves_the_time_of_day_to_the_reader():
    texts = ["01/02/2020 09:30", "01/03/2020 09:30"]

    assert days(read(texts, date_format="%d/%m/%Y")) == ["2020-02-01", "2020-03-01"]


def test_a_day_above_twelve_decides_for_the_column():
    assert days(read(["05/01/2020", "13/01/2020"])) == ["2020-01-05", "2020-01-13"]


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("13.01.20", "%d.%m.%y"),
        ("1/13/20", "%m/%d/%y"),
        ("Jan-20", "%b-%y"),
        ("13-Jan-20", "%d-%b-%y"),
        ("13.01.20 09:30", "%d.%m.%y %H:%M"),
    ],
)
def test_years_of_two_digits_need_the_option(text, offered):
    with pytest.raises(DataError, match=r"line 2: .* a year of two digits") as error:
        read([text])

    assert f"--date-format '{offered}'" in str(error.value)
    assert days(read([text], date_format=offered))[0][:7] == "2020-01"
    assert written(read([text], date_format=offered)) == [text]


def test_two_digits_are_of_this_century_up_to_68_and_the_far_future_is_said():
    stamps = read(["01.01.68", "01.01.69", "01.01.70"], date_format="%d.%m.%y")

    assert days(stamps) == ["2068-01-01", "1969-01-01", "1970-01-01"]
    assert "far in the future: 2068-01-01" in stamps.note


def test_an_impossible_date_is_named_with_its_line():
    for bad in ("2020-02-30", "2020-13-01", "2020-00-10", "2021-02-29"):
        with pytest.raises(DataError, match=f"line 3: '{bad}' in 'Date' is not a date"):
            read(["2020-01-01", bad, "2020-01-03"])
    with pytest.raises(DataError, match="line 4: '2020-02-30'"):  # the last row is no footer
        read(["2020-02-28", "2020-02-29", "2020-02-30"])


@pytest.mark.parametrize("footer", [[], ["Source: us"]])
def test_dates_mean_the_same_row_by_row_as_told_apart(footer):
    texts = ["2024-01-01", " 2024-01-02 ", "2024-01-02", "NA", "2024-01-04", *footer]
    apart = pd.Series(texts, dtype="category", name="Date")
    plain = pd.Series(texts, dtype="str", name="Date")
    expected, found = (read_stamps(column, None, where=where, like=None) for column in (apart, plain))
    assert found.missing.tolist() == expected.missing.tolist()
    assert found.unreadable.tolist() == expected.unreadable.tolist()
    assert found.stamps[~found.missing].tolist() == expected.stamps[~expected.missing].tolist()
    assert (found.date_format, found.note) == (expected.date_format, expected.note)


def test_footers_are_dropped_and_said():
    stamps = read(["2020-01-01", "2020-01-02", None, "Total", "Source: FRED, 2020"])

    assert stamps.unreadable.tolist() == [False, False, False, True, True]
    assert stamps.missing.tolist() == [False, False, True, False, False]
    assert stamps.note == "footer dropped: 2 of the last rows hold no date, from line 5 ('Total')"


def test_a_footer_below_integers_is_dropped_too():
    stamps = read(["1", "2", "3", "Total"], name="t")

    assert stamps.stamps[:3].tolist() == [1, 2, 3] and stamps.unreadable.tolist() == [False] * 3 + [True]


def test_words_in_the_middle_are_no_footer():
    with pytest.raises(DataError, match="line 4: 'Total' in 'Date' is not a date"):
        read(["2020-01-01", "2020-01-02", "Total", "2020-01-03"])
    with pytest.raises(DataError, match=r"line 3: 'Total' .* 5 of 6 rows"):  # too many for a footer
        read(["2020-01-01", *["Total"] * 5])


@pytest.mark.parametrize(
    ("values", "name", "date_format", "day"),
    [
        ([1700000000, 1700003600], "time", "epoch seconds", "2023-11-14"),
        ([1700000000000, 1700003600000], "time", "epoch milliseconds", "2023-11-14"),
        ([1700000000000000, 1700003600000000], "anything", "epoch microseconds", "2023-11-14"),
        ([1700000000000000000, 1700003600000000000], "t", "epoch nanoseconds", "2023-11-14"),
        ([20240131, 20240201], "t", "%Y%m%d", "2024-01-31"),
        ([202401, 202402], "month", "%Y%m", "2024-01-01"),
        ([201911, 201912, 202001], "x", "%Y%m", "2019-11-01"),
        ([44197, 44198], "Date", "excel", "2021-01-01"),
        ([44197.0, 44198.0], "Datum", "excel", "2021-01-01"),
        ([44197.5, 44198.5], "ds", "excel", "2021-01-01"),
        ([1990, 1991], "Year", "%Y", "1990-01-01"),
        ([1990.0, 1991.0], "fiscal year", "%Y", "1990-01-01"),
    ],
)
@pytest.mark.parametrize("as_text", [True, False])
def test_numbers_are_times_by_their_size_and_their_columns_name(values, name, date_format, day, as_text):
    stamps = read([repr(value).removesuffix(".0") for value in values] if as_text else values, name=name)

    assert (stamps.date_format, days(stamps)[0]) == (date_format, day)
    assert (stamps.note is None) == (date_format in ("%Y%m%d", "%Y"))


def test_a_long_cell_is_shown_by_its_beginning():
    with pytest.raises(DataError) as caught:
        read(["2024-01-01", "2024-01-02", "1/" * 60_000, "2024-01-03"])
    assert f"'{'1/' * 30}...' in " in str(caught.value) and len(str(caught.value)) < 400


@pytest.mark.parametrize("values", [[1, 2, 3], [30000, 30001, 30002], [20200101, 99999999], [-2, -1, 0]])
def test_other_integers_are_steps(values):
    stamps = read(values, name="step")

    assert stamps.date_format == "integer" and stamps.stamps.tolist() == values


@pytest.mark.parametrize(
    ("values", "name"),
    [([30000, 30001], "ds"), ([31122024, 30122024], "Date"), ([1.5, 2.5], "Date"), ([1949.0833, 1949.1667], "time")],
)
def test_numbers_of_two_meanings_or_none_need_the_option(values, name):
    with pytest.raises(DataError, match=f"line 2: '{values[0]}' in '{name}' .*--date-format"):
        read(values, name=name)


@pytest.mark.parametrize(
    ("asked", "value", "stamp"),
    [
        ("excel", 30000, "1982-02-18T00:00"),
        ("integer", 30000, 30000),
        ("epoch seconds", 86400, "1970-01-02T00:00"),
        ("epoch ms", 86_400_000, "1970-01-02T00:00"),
        ("epoch", 3600, "1970-01-01T01:00"),
        ("%Y%m%d", 20240131, "2024-01-31T00:00"),
        ("%d%m%Y", 31122024, "2024-12-31T00:00"),
        ("%y%m%d", 240131, "2024-01-31T00:00"),
    ],
)
@pytest.mark.parametrize("as_text", [True, False])
def test_the_option_says_what_numbers_mean(asked, value, stamp, as_text):
    stamps = read([str(value) if as_text else value], name="ds", date_format=asked)

    expected = stamp if isinstance(stamp, int) else np.datetime64(stamp)
    assert stamps.stamps[0] == expected
    assert written(stamps) == [str(value)]


def test_numbers_that_no_date_can_hold_are_refused():
    for asked, value in (("excel", 1592842260), ("epoch seconds", 10**13), ("epoch", -(10**11)), ("excel", 1e300)):
        with pytest.raises(DataError, match=r"line 2: .* is not a date written as"):
            read([value], date_format=asked)


@pytest.mark.parametrize("asked", ["DD.MM.YYYY", "%d.%m", "%Y-%j", "%Y-%m-%Y", "epoch days", ""])
def test_a_format_that_says_nothing_is_a_configuration_error(asked):
    if asked:
        with pytest.raises(ConfigError, match="date_format is"):
            read(["2020-01-01"], date_format=asked)


def test_dates_without_marks_need_all_their_digits():
    with pytest.raises(DataError, match="line 2: '1022020'"):
        read(["1022020"], date_format="%d%m%Y")


def test_a_format_that_does_not_fit_names_the_first_row():
    with pytest.raises(DataError, match=r"line 3: '2020-01-02' .* written as --date-format '%d.%m.%Y'"):
        read(["01.01.2020", "2020-01-02"], date_format="%d.%m.%Y")
    with pytest.raises(DataError, match="is not a number, and --date-format excel reads numbers"):
        read(["2020-01-01"], date_format="excel")


def test_the_format_of_an_earlier_file_decides_a_later_one():
    like = Source(target="y", time="Date", date_format="%-d/%-m/%Y")

    assert days(read(["1/2/2020"], like=like)) == ["2020-02-01"]
    assert days(read([1022020], like=replace(like, date_format="%d%m%Y"))) == ["2020-02-01"]
    assert days(read(["01022020"], like=replace(like, date_format="%d%m%Y"))) == ["2020-02-01"]
    assert days(read(["2020-02-03"], like=like)) == ["2020-02-03"]  # a file in another format is read by itself


def test_missing_marks_and_blanks_have_no_date():
    stamps = read(["2020-01-01", "", "n/a", None, " 2020-01-02 "])

    assert stamps.missing.tolist() == [False, True, True, True, False]
    with pytest.raises(DataError, match="holds no date at all"):
        read(["", None])


def test_years_written_as_floats_are_years():
    assert days(read(["1950.0", "1951.0"], name="Year")) == ["1950-01-01", "1951-01-01"]


def test_gaps_among_native_numbers_and_timestamps_have_no_date():
    numbers = read(pd.Series([20240101.0, np.nan, 20240103.0]))
    stamps = read(pd.Series(pd.to_datetime(["2024-01-01", None, "2024-01-03"])))

    for found in (numbers, stamps):
        assert found.missing.tolist() == [False, True, False]
        assert str(found.stamps[2])[:10] == "2024-01-03"


def test_periods_are_written_as_periods():
    for freq, first in (("M", "2020-01"), ("Q", "2020Q1"), ("Y", "2020"), ("D", "2020-01-01")):
        stamps = read(pd.Series(pd.period_range("2020-01-01", periods=3, freq=freq)))
        assert written(stamps)[0] == first


def test_a_table_without_a_time_column_counts_its_rows():
    assert step_axis(None, 3).stamps.tolist() == [1, 2, 3]
    assert step_axis(np.array([1, 0, 1, 1, 0]), 5).stamps.tolist() == [1, 1, 2, 3, 2]


def test_what_looks_like_time():
    def looks(values, name="x", named=False, date_format=None):
        return looks_like_time(pd.Series(values, name=name), named=named, date_format=date_format)

    assert looks(["2020-01-01", "2020-01-02"]) and looks(["Jan-20"]) and looks(["2020Q1"]) and looks([20240131])
    assert looks([1990, 1991], "Year") and looks([1, 2], named=True) and looks([44197.5], "date", named=True)
    assert looks(["31|12|2020"], date_format="%d|%m|%Y") and looks([5, 6], date_format="integer")
    assert looks([201901, 201902], "Month") and looks([44197, 44198], "Order date") and not looks([201901], "price")
    assert not looks([1, 2]) and not looks([1.5, 2.5], named=True) and not looks(["a", "b"]) and not looks([None, None])
    assert not looks([True, False]) and not looks([1234.5, 1235.5])


@settings(max_examples=80, deadline=None)
@given(
    form=st.sampled_from(
        [
            "%Y-%m-%d",
            "%d.%m.%Y",
            "%m/%d/%Y",
            "%Y%m%d",
            "%d-%b-%Y",
            "%B %d, %Y",
            "%b %Y",
            "%Y-%m",
            "%Y-%m-%dT%H:%M:%S",
            "%d/%m/%Y %I:%M %p",
            "%Y-%m-%d %H:%M:%S.%f",
            "%d.%m.%Y %H:%M",
            "%a, %d %b %Y %H:%M:%S",
            "%y%m%d",
        ]
    ),
    minutes=st.lists(st.integers(0, 30 * 10**6), min_size=1, max_size=20, unique=True),
)
def test_any_dates_mean_what_the_standard_library_says(form, minutes):
    texts = [(datetime(1985, 1, 1) + timedelta(minutes=minute)).strftime(form) for minute in minutes]

    stamps = read(texts, date_format=form)

    assert stamps.stamps.astype("datetime64[us]").tolist() == [datetime.strptime(text, form) for text in texts]
    assert written(stamps) == texts


@pytest.mark.parametrize("form", ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%d.%m.%Y %H:%M:%S", "%Y%m%d"])
def test_many_dates_of_one_width_mean_the_same_as_few(form):
    texts = pd.date_range("2020-01-01", periods=3000, freq="D" if form == "%Y%m%d" else "7h").strftime(form)

    np.testing.assert_array_equal(read(texts).stamps[:900], read(texts[:900]).stamps)
    with pytest.raises(DataError, match=r"line 2002: .* is not a date|is a number"):
        read([*texts[:2000], texts[5][:-1] + "x", *texts[2001:]])


def test_a_hundred_thousand_distinct_times_take_no_loop():
    texts = pd.date_range("2020-01-01", periods=100_000, freq="min").strftime("%Y-%m-%d %H:%M:%S").astype("category")

    start = time.perf_counter()
    read(pd.Series(texts))
    assert time.perf_counter() - start < 1


def test_hours_in_a_row_decide_between_month_and_day_in_any_order_of_the_rows():
    texts = pd.date_range("2024-05-10 06:00", periods=60, freq="h").strftime("%m/%d/%Y %I:%M %p")
    shuffled = np.random.default_rng(1).permutation(texts)

    for rows in (texts, texts[::-1], shuffled, np.delete(shuffled, 7)):
        assert set(days(read(rows))) == {"2024-05-10", "2024-05-11", "2024-05-12"}


def test_one_time_with_an_offset_among_many_without_names_the_zone_option():
    plain = [f"2024-05-{day:02d} 03:00" for day in range(1, 29)]
    for odd in ("2024-05-29T03:00:00+02:00", "2024-05-29 03:00+02:00", "2024-05-29T03:00Z"):
        with pytest.raises(DataError, match=r"line 2: .* has no offset from UTC, .*28 of 29 rows have none.*--tz"):
            read([*plain, odd])
