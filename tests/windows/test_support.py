import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from forecastr.windows import store as store_module
from forecastr.windows.store import Cutoffs, SeriesStore
from forecastr.windows.support import Support, fit_support

NAN = np.nan


def support_of(*series: list[float]) -> list[tuple[bool, float]]:
    """Return whether each is of whole numbers, and its lowest value."""
    support = fit_support(SeriesStore(np.concatenate(series), np.cumsum([0, *map(len, series)])))
    return list(zip(support.whole.tolist(), support.lowest.tolist(), strict=True))


def test_counts_are_whole_and_never_negative():
    assert support_of([3, 0, 7], [12, 15], [0, 0]) == [(True, 0)] * 3


def test_a_gap_is_no_fraction_and_what_is_not_known_is_nothing():
    assert support_of([3, NAN, 7], [NAN, NAN], []) == [(True, 0), (False, -np.inf), (False, -np.inf)]


def test_whole_numbers_may_be_negative():
    assert support_of([3, -1, 7]) == [(True, -np.inf)]


def test_values_end_at_zero_where_it_is_common_and_nothing_is_below():
    rain, warm = [0.0, 0.0, 3.5, 0.2], [0.0, *np.linspace(0.5, 30, 100)]
    assert support_of(rain, warm, [*rain, -0.1]) == [(False, 0), (False, -np.inf), (False, -np.inf)]


@pytest.mark.parametrize("block", [3, 1 << 20])
def test_series_are_looked_at_piece_by_piece_as_far_as_they_are_known(monkeypatch, block):
    monkeypatch.setattr(store_module, "BLOCK", block)
    store = SeriesStore(np.array([1.0, 2, 3, 4.5, 1, 2, -1, 7.5]), np.array([0, 4, 7, 8]))
    known = fit_support(store.drop_last(np.array([1, 1, 0])))
    assert known.whole.tolist() == [True, True, False]
    assert known.lowest.tolist() == [0, 0, -np.inf]


def test_windows_know_what_came_before_the_first_of_their_series():
    store = SeriesStore(np.array([1.0, 2, 3.5, 4, 5]), np.array([0, 5]))
    for steps, whole in (([2, 4], [True, True]), ([3, 4], [False, False])):
        assert Support.of(store, Cutoffs(np.zeros(2, int), np.array(steps))).whole.tolist() == whole


def quantiles_by_loops(quantiles: np.ndarray, whole: np.ndarray, lowest: np.ndarray) -> np.ndarray:
    possible = quantiles.copy()
    for window, step in np.ndindex(quantiles.shape[:2]):
        row = [max(value, lowest[window]) for value in quantiles[window, step]]
        median = float(round(row[2])) if whole[window] else row[2]
        possible[window, step] = [*(min(q, median) for q in row[:2]), median, *(max(q, median) for q in row[3:])]
    return possible


@given(arrays(float, (3, 2, 5), elements=st.floats(-9, 9)))
def test_possible_quantiles_are_those_of_plain_loops_in_order_and_stay_as_they_are(drawn):
    quantiles = np.sort(drawn)
    support = Support(np.array([True, False, True]), np.array([0, 0, -np.inf]))
    possible = support.possible(quantiles)
    np.testing.assert_array_equal(possible, quantiles_by_loops(quantiles, support.whole, support.lowest))
    assert (np.diff(possible) >= 0).all()
    np.testing.assert_array_equal(support.possible(possible), possible)


@pytest.mark.parametrize("mean", [0.3, 2.0, 5.0])
def test_a_whole_number_near_the_median_errs_less_than_the_median_itself(mean):
    """Over forecasts that are off by anything, on average."""
    rng = np.random.default_rng(0)
    counts, forecasts = rng.poisson(mean, 40_000), np.abs(mean + rng.normal(size=40_000))
    rounded = np.rint(forecasts)
    assert np.abs(counts - rounded).mean() < 0.995 * np.abs(counts - forecasts).mean()
