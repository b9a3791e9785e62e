import time
from pathlib import Path

import numpy as np
import pytest

from forecastr.data import find_seasons, read_panel
from forecastr.data.time.seasons import season_strengths

PRICES = Path(__file__).parents[3] / "examples" / "prices.csv"


def hours(rng, *, daily, weekly, steps=1000):
    t = np.arange(steps)
    weekend = (t // 24) % 7 >= 5
    return (
        daily * np.sin(2 * np.pi * t / 24)
        - weekly * weekend
        + rng.normal(size=steps)
        + rng.normal(size=steps).cumsum() / 9
    )


def test_the_oil_price_has_no_season():
    panel = read_panel(PRICES)

    assert find_seasons([panel.frame["y"].to_numpy()], panel.calendar.season_candidates) == (1,)


def test_random_walks_are_hardly_ever_called_seasonal():
    rng = np.random.default_rng(1)
    found = [find_seasons([rng.standard_t(3, size=400).cumsum()], [5]) for _ in range(200)]

    assert sum(seasons != (1,) for seasons in found) <= 8
    assert find_seasons([rng.normal(size=60).cumsum() for _ in range(400)], [12]) == (1,)
    assert find_seasons([rng.normal(size=60) for _ in range(400)], [12]) == (1,)
    slopes = [rng.normal(size=300).cumsum().cumsum() for _ in range(50)]  # their very steps are a walk
    assert find_seasons(slopes, [7]) == (1,)


@pytest.mark.parametrize(
    ("daily", "weekly", "expected"), [(6, 0, (24,)), (6, 6, (24, 168)), (0, 8, (168,)), (0, 0, (1,))]
)
def test_a_week_of_hours_counts_only_for_what_the_day_leaves(daily, weekly, expected):
    rng = np.random.default_rng(2)
    panel = [hours(rng, daily=daily, weekly=weekly) for _ in range(20)]

    assert find_seasons(panel, (24, 168)) == expected


def test_a_noisy_season_shows_in_a_panel_of_short_series():
    rng = np.random.default_rng(3)
    season = np.tile(np.sin(2 * np.pi * np.arange(12) / 12), 4)

    assert find_seasons([season + rng.normal(size=48) for _ in range(500)], [12]) == (12,)


def test_less_than_two_seasons_confirm_nothing():
    season = np.tile([1.0, 5.0, 2.0, 9.0], 6)

    assert find_seasons([season[:7]], [4]) == (1,)
    assert find_seasons([season], [4]) == (4,)


def test_gaps_and_scale_do_not_matter():
    rng = np.random.default_rng(4)
    y = np.tile([0.0, 3, 1, 7, 2, 5, 4], 30) + rng.normal(size=210)
    y[rng.choice(210, 20, replace=False)] = np.nan

    assert find_seasons([y], [7]) == find_seasons([1e9 * y], [7]) == find_seasons([1e-9 * y], [7]) == (7,)


@pytest.mark.parametrize("values", [[], [np.full(50, 3.0)], [np.full(50, np.nan)], [np.array([])]])
def test_nothing_to_see_is_no_season(values):
    assert find_seasons(values, [7]) == (1,)
    assert find_seasons(values, []) == (1,)


def test_the_strength_grows_with_the_season():
    rng = np.random.default_rng(5)
    season = np.tile([0.0, 3, 1, 7, 2, 5, 4], 60)
    [weak, strong, exact] = [season_strengths([scale * season + rng.normal(size=420)], [7]) for scale in (0.3, 1, 1e6)]

    assert 0 < weak[7] < strong[7] < exact[7] < 1.05
    assert season_strengths([rng.normal(size=420)], [7]) == {}


def test_a_season_that_explains_nothing_counts_in_a_panel_alone():
    rng = np.random.default_rng(8)
    faint = [0.2 * np.tile([1.0, -1, 1, -1, 0], 2000) + rng.normal(size=10_000).cumsum() for _ in range(20)]

    assert season_strengths(faint, [5])[5] < 0.1
    assert find_seasons(faint, [5]) == (5,)
    assert [find_seasons([y], [5]) for y in faint] == [(1,)] * 20


def test_minutes_have_days_and_weeks_found_in_seconds():
    minute = np.arange(4 * 7 * 1440)
    rng = np.random.default_rng(6)
    panel = [np.sin(2 * np.pi * minute / 1440) + rng.normal(size=len(minute)) for _ in range(20)]

    start = time.perf_counter()
    assert find_seasons(panel, (1440, 10080)) == (1440,)
    assert time.perf_counter() - start < 3


def test_gaps_do_not_bend_the_level():
    rng = np.random.default_rng(7)
    y = 1e6 + np.tile([0.0, 3, 1, 7], 100) + rng.normal(size=400)
    holed = y.copy()
    holed[40:60] = np.nan

    assert find_seasons([holed], [4]) == find_seasons([y], [4]) == (4,)
