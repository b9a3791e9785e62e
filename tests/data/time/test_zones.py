import numpy as np
import pandas as pd
import pytest

from forecastr.data import ReadOptions, Source, format_stamps
from forecastr.data.time.frequency import learn_calendar
from forecastr.data.time.stamps import Stamps, read_stamps
from forecastr.data.time.zones import fold_advice, guess_zone, to_utc, to_wall
from forecastr.errors import ConfigError, DataError

BERLIN = "Europe/Berlin"


def where(row):
    return f"line {row + 2}"


def read(texts, groups=None, like=None, **options):
    column = pd.Series(texts, name="time")
    return read_stamps(column, groups, where=where, like=like, options=ReadOptions(**options))


def source(stamps: Stamps):
    return Source(target="y", time="time", date_format=stamps.date_format, zone=stamps.zone)


def written(stamps: Stamps):
    return format_stamps(stamps.stamps, source(stamps))


def future(stamps: Stamps, horizon):
    """Return the stamps after the last one, as the user would write them."""
    calendar = learn_calendar(np.zeros(len(stamps.stamps), dtype=np.int64), stamps.stamps, zone=stamps.zone)
    return format_stamps(calendar.future(stamps.stamps[-1], horizon), source(stamps))


def texts_of(index, form="%Y-%m-%d %H:%M"):
    return index.strftime(form).tolist()


def test_times_of_a_zone_are_utc_inside_and_written_back_as_they_were():
    texts = texts_of(pd.date_range("2024-07-01", periods=5, freq="h"))

    stamps = read(texts, tz=BERLIN)

    assert (stamps.zone, stamps.stamps[0]) == (BERLIN, np.datetime64("2024-06-30T22:00"))
    assert written(stamps) == texts


def test_hours_run_over_the_night_in_which_one_comes_twice():
    index = pd.date_range("2024-10-26", "2024-10-28", freq="h", tz=BERLIN)
    texts = texts_of(index)
    assert texts.count("2024-10-27 02:00") == 2

    for backwards in (False, True):
        stamps = read(texts[::-1] if backwards else texts, tz=BERLIN)
        expected = index.tz_convert("UTC").tz_localize(None).to_numpy()
        np.testing.assert_array_equal(stamps.stamps, expected[::-1] if backwards else expected)
        assert written(stamps) == (texts[::-1] if backwards else texts)


def test_half_hours_run_twice_through_the_hour():
    index = pd.date_range("2024-10-26", "2024-10-28", freq="30min", tz=BERLIN)

    np.testing.assert_array_equal(
        read(texts_of(index), tz=BERLIN).stamps, index.tz_convert("UTC").tz_localize(None).to_numpy()
    )


def test_each_series_has_its_own_order_in_that_night():
    index = pd.date_range("2024-10-27", periods=8, freq="h", tz=BERLIN)
    texts = texts_of(index)
    both = [text for pair in zip(texts, texts, strict=True) for text in pair]  # rows of two series take turns

    stamps = read(both, np.tile([0, 1], 8), tz=BERLIN)

    np.testing.assert_array_equal(stamps.stamps[::2], index.tz_convert("UTC").tz_localize(None).to_numpy())
    np.testing.assert_array_equal(stamps.stamps[::2], stamps.stamps[1::2])


def test_an_hour_of_that_night_that_comes_once_is_refused_with_its_line():
    texts = [f"2024-10-27 {hour:02d}:00" for hour in range(6)]

    with pytest.raises(DataError, match=r"line 4: clocks in Europe/Berlin showed 2024-10-27 02:00 twice .*--tz out"):
        read(texts, tz=BERLIN)


def test_once_a_day_an_hour_more_or_less_changes_no_order():
    texts = texts_of(pd.date_range("2024-10-20 02:30", periods=14, freq="D"))

    stamps = read(texts, tz=BERLIN)

    [repair] = stamps.repairs
    assert "twice" in repair["what"] and repair["rows"].tolist() == [7]
    assert written(stamps) == texts


def test_a_time_that_the_clocks_skip_is_moved_and_counted():
    texts = texts_of(pd.date_range("2024-03-25 02:30", periods=10, freq="D"))  # 31 March has no 02:30

    stamps = read(texts, tz=BERLIN)

    [repair] = stamps.repairs
    assert "skipped" in repair["what"] and repair["rows"].tolist() == [6]
    assert written(stamps)[6] == "2024-03-31 03:00"


def test_times_that_are_not_of_the_zone_are_not_moved_onto_others():
    texts = texts_of(pd.date_range("2024-03-30", periods=48, freq="h"))

    with pytest.raises(DataError, match=r"line 28: clocks in Europe/Berlin skipped this hour .*--tz UTC"):
        read(texts, tz=BERLIN)


def test_offsets_of_a_known_zone_are_kept_for_display():
    index = pd.date_range("2024-03-30", "2024-04-02", freq="h", tz=BERLIN)
    texts = [stamp.isoformat(sep=" ") for stamp in index]

    stamps = read(texts)

    assert stamps.zone == BERLIN and "Europe/Berlin" in stamps.note
    assert written(stamps) == texts
    assert future(stamps, 2) == ["2024-04-02 01:00:00+02:00", "2024-04-02 02:00:00+02:00"]


def test_offsets_of_no_zone_are_taken_to_utc_and_said():
    stamps = read(["2024-01-01 01:00+03:17", "2024-01-01 03:00-02:00", "2024-01-01 04:00+02:00"])

    assert stamps.zone is None
    assert written(stamps)[1] == "2024-01-01 05:00+00:00"
    assert stamps.note == "offsets from UTC differ: all stamps are taken to UTC"


def test_one_offset_is_the_clock_of_the_file_unless_a_zone_is_named():
    texts = ["2024-03-30 22:00+01:00", "2024-03-30 23:00+01:00", "2024-03-31 00:00+01:00"]

    plain, named = read(texts), read(texts, tz=BERLIN)

    assert plain.zone is None and plain.stamps[0] == np.datetime64("2024-03-30T22:00")
    assert future(plain, 3)[-1] == "2024-03-31 03:00+01:00"
    assert future(named, 3)[-1] == "2024-03-31 04:00+02:00"
    assert written(plain) == written(named) == texts


def test_utc_stays_utc():
    texts = ["2024-03-31T00:00:00Z", "2024-03-31T01:00:00Z", "2024-03-31T02:00:00Z"]

    assert written(read(texts)) == written(read(texts, tz=BERLIN)) == texts


def test_times_with_and_without_offset_need_a_zone():
    texts = ["2024-07-01 00:00+02:00", "2024-07-01 01:00", "2024-07-01 02:00+02:00"]

    with pytest.raises(DataError, match=r"line 3: '2024-07-01 01:00' in 'time' has no offset .*1 of 3 .*--tz"):
        read(texts)
    stamps = read(texts, tz=BERLIN)
    assert stamps.stamps.astype("datetime64[h]").astype(str).tolist() == [
        "2024-06-30T22",
        "2024-06-30T23",
        "2024-07-01T00",
    ]


def test_the_duplicates_of_an_autumn_night_name_the_option():
    night = np.array(["2024-10-27T02:00", "2024-10-27T02:30"], dtype="datetime64[ns]")

    assert "--tz" in fold_advice(night)
    assert "--tz" in fold_advice(np.array(["2024-11-03T01:00"], dtype="datetime64[ns]"))
    assert fold_advice(np.append(night, np.datetime64("2024-05-05T02:00", "ns"))) is None
    assert fold_advice(night[:0]) is None
    assert fold_advice(np.array([3])) is None


def test_hours_go_on_over_both_changes():
    for last, hours in (
        ("2024-03-31 00:00", ["01:00", "03:00", "04:00"]),
        ("2024-10-27 00:00", ["01:00", "02:00", "02:00"]),
    ):
        index = pd.date_range(end=last, periods=40, freq="h", tz=BERLIN)
        assert [text[11:] for text in future(read(texts_of(index), tz=BERLIN), 3)] == hours


@pytest.mark.parametrize("zone", [BERLIN, "America/New_York", "Australia/Sydney"])
def test_days_that_begin_at_local_midnight_go_on_so(zone):
    index = pd.date_range("2023-01-01", periods=400, freq="D", tz=zone)
    stamps = read(index[:300])

    assert stamps.zone == zone
    assert future(stamps, 100) == [stamp.isoformat(sep=" ") for stamp in index[300:]]


def test_sessions_keep_their_local_hours():
    days = pd.bdate_range("2024-01-01", "2024-04-30")
    local = pd.DatetimeIndex([day + pd.Timedelta(hours=hour) for day in days for hour in range(10, 17)])
    index = local.tz_localize("America/New_York")
    cut = int((local < "2024-03-08").sum())  # the clocks change on 10 March

    stamps = read(index[:cut].tz_convert("UTC").tz_convert("America/New_York"))

    assert future(stamps, 70) == [stamp.isoformat(sep=" ") for stamp in index[cut : cut + 70]]


def test_months_are_months_of_the_zone():
    index = pd.date_range("2022-01-01", periods=30, freq="MS", tz=BERLIN)
    calendar = learn_calendar(np.zeros(30, dtype=int), read(index).stamps, zone=BERLIN)

    assert (calendar.name, calendar.alias, calendar.zone) == ("monthly", "MS", BERLIN)


def test_dates_alone_have_no_zone():
    assert read(["2024-03-30", "2024-03-31"], tz=BERLIN).zone is None


def test_a_later_file_is_read_in_the_zone_of_the_earlier_one():
    first = read(texts_of(pd.date_range("2024-07-01", periods=5, freq="h")), tz=BERLIN)

    later = read(["2024-12-01 00:00", "2024-12-01 01:00"], like=source(first))

    assert later.zone == BERLIN and later.stamps[0] == np.datetime64("2024-11-30T23:00")


def test_a_zone_survives_json():
    stamps = read(["2024-07-01 00:00", "2024-07-01 01:00"], tz=BERLIN)

    assert Source.from_dict(source(stamps).to_dict()) == source(stamps)


def test_a_zone_that_does_not_exist_is_a_configuration_error():
    for name in ("Berlin", "Europe/Atlantis", "../etc/passwd", ""):
        if name:
            with pytest.raises(ConfigError, match="there is no such time zone"):
                read(["2024-07-01 00:00"], tz=name)


def test_stamps_of_a_frame_keep_their_zone():
    index = pd.date_range("2024-01-01", periods=3, freq="h", tz=BERLIN)

    stamps = read(index)

    assert stamps.stamps[0] == np.datetime64("2023-12-31T23:00")
    assert written(stamps)[0] == "2024-01-01 00:00:00+01:00"


def test_there_and_back_is_the_same_time():
    utc = pd.date_range("2024-01-01", periods=9000, freq="h").to_numpy().astype("datetime64[ns]")
    back = to_utc(to_wall(utc, BERLIN), BERLIN)

    assert (back != utc).sum() == 1  # of two equal times the first is meant
    assert guess_zone(utc, (to_wall(utc, BERLIN) - utc).astype(np.int64)) == BERLIN
