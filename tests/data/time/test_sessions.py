import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecastr.data import Calendar
from forecastr.data.time.frequency import learn_calendar
from forecastr.data.time.sessions import find_holidays

WEEK = (0, 1, 2, 3, 4)


def bars(start, days, minutes, weekdays=WEEK):
    """Return stamps at the given minutes of those weekdays."""
    dates = pd.date_range(start, periods=days)
    dates = dates[dates.day_of_week.isin(weekdays)]
    times = np.array(list(minutes), dtype="timedelta64[m]")
    return pd.DatetimeIndex((dates.to_numpy()[:, None] + times).ravel())


def learned(stamps, **options):
    return learn_calendar(np.zeros(len(stamps), dtype=np.int64), stamps.to_numpy().astype("datetime64[ns]"), **options)


def five_minutes(start="2024-01-01", days=40):
    return bars(start, days, range(570, 960, 5))  # 9:30 to 15:55


EXCHANGES = {
    "five minutes": (five_minutes("2024-01-01", 80), (78, 390)),
    "hours of business": (bars("2024-01-01", 80, range(600, 1021, 60)), (8, 40)),
    "a lunch break": (bars("2024-01-01", 80, [*range(570, 691, 5), *range(780, 901, 5)]), (50, 250)),
    "hours from Monday to Friday": (bars("2024-01-01", 80, range(0, 1440, 60)), (24, 120)),
    "Saturdays until noon": (
        bars("2024-01-01", 80, range(540, 1021, 60)).union(bars("2024-01-01", 80, range(540, 721, 60), (5,))),
        (9, 49),
    ),
    "an evening's pause": (
        bars("2024-01-01", 80, range(1020)[::60]).union(bars("2024-01-01", 80, range(1080, 1440, 60), (6, 0, 1, 2, 3))),
        (23, 115),
    ),
    "two bars a day": (bars("2024-01-01", 80, [540, 1020], range(7)), (2, 14)),
}  # fmt: skip


@pytest.mark.parametrize("name", EXCHANGES)
def test_sessions_are_learned_and_gone_on_with(name):
    stamps, seasons = EXCHANGES[name]
    past, future = stamps[:-60], stamps[-60:]

    calendar = learned(past)

    np.testing.assert_array_equal(calendar.future(past[-1], 60), future.to_numpy())
    assert calendar.season_candidates == seasons
    assert calendar.name.endswith("in sessions") and not calendar.has_grid
    assert Calendar.from_dict(calendar.to_dict()) == calendar


@settings(max_examples=40, deadline=None, derandomize=True)  # a law of chance: it has its rare exceptions
@given(name=st.sampled_from(sorted(EXCHANGES)), seed=st.integers(0, 10**6), share=st.floats(0, 0.08))
def test_bars_that_are_missing_close_no_exchange(name, seed, share):
    stamps, _ = EXCHANGES[name]
    past, future = stamps[:-60], stamps[-60:]
    kept = np.random.default_rng(seed).random(len(past)) >= share
    kept[-1] = True

    np.testing.assert_array_equal(learned(past[kept]).future(past[-1], 60), future.to_numpy())


def test_half_days_change_nothing():
    stamps = five_minutes(days=60)
    half = stamps[~(stamps.normalize().isin(["2024-01-10", "2024-02-14"]) & (stamps.hour >= 13))]

    assert learned(half).sessions == learned(stamps).sessions


def test_the_last_session_goes_on_where_it_stopped():
    stamps = five_minutes()[:-30]

    assert learned(stamps).future(stamps[-1], 1)[0] == stamps[-1] + pd.Timedelta(minutes=5)


def test_round_the_clock_is_no_session_whatever_is_missing():
    stamps = pd.date_range("2024-01-01 13:00", periods=2000, freq="30s")
    kept = np.random.default_rng(1).random(2000) > 0.1

    assert not learned(stamps[kept]).sessions
    assert not learned(pd.date_range("2024-01-01 20:00", periods=8, freq="h")).sessions


def test_two_days_of_the_same_hours_are_sessions():
    stamps = bars("2024-01-02", 2, range(600, 1021, 60))

    assert [str(stamp)[:16] for stamp in learned(stamps).future(stamps[-1], 2)] == [
        "2024-01-04T10:00",
        "2024-01-04T11:00",
    ]


def test_hours_that_were_changed_are_learned_from_the_latest_days():
    early = bars("2023-01-02", 300, range(600, 1021, 60))
    late = bars("2023-10-30", 120, range(480, 961, 60))

    assert learned(early.append(late)).sessions[0][1:] == (8 * 3600 * 10**9, 16 * 3600 * 10**9)


def test_holidays_of_every_year_are_passed_over():
    days = pd.bdate_range("2018-01-01", "2023-12-20")
    closed = (days.month * 100 + days.day).isin([101, 1225])

    calendar = learned(days[~closed])

    assert calendar.holidays == ((1, 1), (12, 25))
    assert [str(stamp)[:10] for stamp in calendar.future("2023-12-22", 2)] == ["2023-12-26", "2023-12-27"]
    assert [str(stamp)[:10] for stamp in calendar.future("2023-12-29", 1)] == ["2024-01-02"]


def test_one_holiday_or_many_gaps_are_no_rule():
    days = pd.bdate_range("2018-01-01", "2020-06-30")  # 25 December came twice
    assert find_holidays(days[~((days.month == 12) & (days.day == 25))].to_numpy(), WEEK) == ()

    days = pd.bdate_range("2018-01-01", "2021-12-31").delete([100, 400])
    assert find_holidays(days.to_numpy(), WEEK) == ()

    thin = np.random.default_rng(1).random(len(days)) < 0.6
    assert find_holidays(days[thin].to_numpy(), WEEK) == ()


def test_a_holiday_is_known_only_if_no_series_trades():
    days = pd.bdate_range("2018-01-01", "2023-12-20")
    closed = days[~((days.month == 12) & (days.day == 25))]
    stamps = np.concatenate([closed.to_numpy(), days.to_numpy()]).astype("datetime64[ns]")
    codes = np.repeat([0, 1], [len(closed), len(days)])

    assert learn_calendar(codes, stamps).holidays == ()


def test_sessions_skip_holidays_too():
    stamps = bars("2017-01-02", 1500, range(600, 1021, 60))
    kept = stamps[~((stamps.month == 12) & (stamps.day == 25))]

    ahead = learned(kept).future("2023-12-22 17:00", 2)

    assert [str(stamp)[:16] for stamp in ahead] == ["2023-12-26T10:00", "2023-12-26T11:00"]
