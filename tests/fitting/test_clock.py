import time

import pytest

from forecastr.fitting.clock import (
    LEAST_SLOWNESS,
    MOST_TELLING_SHARE,
    REFIT_SHARE,
    TELLING,
    TELLING_SHARE,
    WORKER_START,
    Clock,
)


def clock_at(time_limit: float, elapsed: float) -> Clock:
    return Clock(time_limit, started=time.monotonic() - elapsed)


def test_time_counts_from_the_start_of_the_command():
    clock = clock_at(100.0, 30.0)
    assert clock.elapsed == pytest.approx(30, abs=0.5)
    assert clock.left == pytest.approx(70, abs=0.5)


def test_phases_add_up_and_are_counted_when_a_block_fails():
    clock = Clock(100.0)
    for _ in range(2):
        with clock.phase("search"):
            time.sleep(0.02)
    with pytest.raises(KeyError), clock.phase("judge"):
        raise KeyError
    assert list(clock.phases) == ["search", "judge"]
    assert 0.04 <= clock.phases["search"] < 1
    assert clock.phases["judge"] < 0.02


def test_the_search_leaves_time_to_refit_and_to_tell():
    clock = clock_at(120.0, 20.0)
    assert clock.left_to_search(10.0) == pytest.approx(100 - TELLING - 10, abs=0.5)
    assert 0 < clock.left_to_refit() - clock.left_to_search(0.0) < TELLING


def test_a_refit_gets_no_more_than_its_share():
    clock = clock_at(120.0, 20.0)
    expected = pytest.approx(100 - TELLING - REFIT_SHARE * 120, abs=0.5)
    assert clock.left_to_search(1e6) == expected


def test_a_short_limit_keeps_its_share_for_the_search():
    assert Clock(10.0).telling == pytest.approx(10 * TELLING_SHARE)
    assert Clock(1000.0).telling == TELLING


def test_a_search_ends_sooner_or_later_in_proportion_to_what_workers_took_to_start():
    clock = Clock(120.0)
    clock.learn(2 * WORKER_START)
    assert clock.telling == pytest.approx(2 * TELLING)
    clock.learn(0.8 * WORKER_START)
    assert clock.telling == pytest.approx(0.8 * TELLING)
    clock.learn(0.1 * WORKER_START)  # a fast one is no reason to be late
    assert clock.telling == pytest.approx(LEAST_SLOWNESS * TELLING)


def test_the_slowest_machine_searches_too():
    clock = Clock(20.0)
    clock.learn(100 * WORKER_START)
    assert clock.telling == pytest.approx(20 * MOST_TELLING_SHARE)
