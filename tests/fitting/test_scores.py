import numpy as np
import pytest

from forecastr.evaluation import as_quantiles
from forecastr.fitting import scores
from forecastr.fitting.scores import Part, history_of, training_scales
from forecastr.windows.store import Cutoffs, SeriesStore

NAN = np.nan


def test_scales_are_of_seasons_or_of_neighbours_where_no_season_fits():
    store = SeriesStore(np.array([1.0, 2, 4, 8, 5, 7, 3, 3]), np.array([0, 4, 6, 8]))
    np.testing.assert_array_equal(training_scales(store, 2), [(3 + 6) / 2, 2, 0])


@pytest.fixture
def part() -> Part:
    """Two series, one of them without a scale; a horizon of two."""
    store = SeriesStore(np.array([1.0, 2, 4, 6, 5, 5, 5, 5]), np.array([0, 4, 8]))
    cutoffs = Cutoffs(np.array([0, 1]), np.array([2, 2]))
    return Part.of(store, cutoffs, 2, np.array([0.5, NAN]))


def test_windows_one_horizon_apart_are_counted_from_each_series_end():
    store = SeriesStore(np.arange(14.0), np.array([0, 8, 14]))
    cutoffs = Cutoffs(np.array([0, 0, 0, 0, 1, 1, 1]), np.array([3, 4, 5, 6, 2, 3, 4]))
    part = Part.of(store, cutoffs, 2, np.ones(2))
    assert np.flatnonzero(part.one_horizon_apart()).tolist() == [1, 3, 4, 6]


def test_a_part_knows_what_came_before_and_after_its_cutoffs(part):
    assert part.y_true.tolist() == [[4, 6], [5, 5]]
    assert part.last.tolist() == [2, 5]
    assert part.window_scale.tolist() == [0.5, 0]


def test_errors_are_named_for_their_part(part):
    metrics = part.metrics(as_quantiles(np.array([[4.0, 5.0], [5.0, 9.0]])), part="validation")
    assert metrics["validation_mae"] == pytest.approx((0 + 1 + 0 + 4) / 4)
    assert metrics["validation_mase"] == pytest.approx(0.5 / 0.5)  # the second series has no scale
    assert set(metrics) == {"validation_mase", "validation_mae", "validation_wql"}


def test_of_counts_the_nearest_count_is_judged():
    store = SeriesStore(np.array([1.0, 2, 4, 6]), np.array([0, 4]))
    part = Part.of(store, Cutoffs(np.array([0]), np.array([2])), 2, np.ones(1))
    metrics = part.metrics(as_quantiles(np.array([[4.4, 6.9]])), part="validation")
    assert metrics["validation_mae"] == (0 + 1) / 2


def test_what_values_can_be_is_known_before_the_first_cutoff():
    def errors(later: float) -> dict:
        store = SeriesStore(np.array([1.0, 2, later, later]), np.array([0, 4]))
        part = Part.of(store, Cutoffs(np.array([0]), np.array([2])), 2, np.ones(1))
        return part.metrics(as_quantiles(np.array([[0.4, -0.9]])), part="test")

    assert errors(-3.5)["test_mae"] == 3.5  # both are 0, for no count had been negative
    assert errors(3.5)["test_mae"] == 3.5


def test_the_plain_error_ranks_where_no_series_has_a_scale(part):
    unscaled = Part(part.store, part.cutoffs, part.y_true, part.last, np.array([0.0, NAN]))
    metrics = unscaled.metrics(as_quantiles(np.array([[4.0, 5.0], [5.0, 9.0]])), part="test")
    assert metrics["test_mase"] == metrics["test_mae"] == pytest.approx(1.25)


def test_a_hole_in_a_forecast_is_no_score(part):
    metrics = part.metrics(as_quantiles(np.array([[4.0, NAN], [5.0, 5.0]])), part="test")
    assert np.isnan(metrics["test_mase"])


def test_calibration_widens_by_the_series_own_unit(part):
    point = as_quantiles(np.array([[4.0, 6.0], [5.0, 5.0]]))
    offsets = np.tile([-2.0, -1.0, 0.0, 1.0, 2.0], (2, 1))
    calibrated = part.calibrated(point, offsets)
    assert calibrated[0, 0].tolist() == [3, 3.5, 4, 4.5, 5]
    assert calibrated[1, 0].tolist() == [5] * 5  # no unit, nothing to widen by


@pytest.mark.parametrize("most", [3, 1000])
def test_baselines_read_what_is_known_and_no_more_of_it_than_they_need(monkeypatch, most):
    monkeypatch.setattr(scores, "LEAST_HISTORY", most)
    monkeypatch.setattr(scores, "MOST_READ", 0)
    store = SeriesStore(np.arange(20.0) ** 2, np.array([0, 12, 20])).drop_last(np.array([2, 1]))
    cutoffs = Cutoffs(np.array([0, 0, 1]), np.array([8, 9, 6]))
    found = Part.of(store, cutoffs, 1, np.ones(2)).baselines(horizon=1, season_length=2, names=["seasonal_naive"])
    np.testing.assert_array_equal(found["seasonal_naive"][:, 0, 2], [6.0**2, 7.0**2, 16.0**2])


@pytest.mark.parametrize(("n_series", "steps"), [(1, 10), (2, 10), (3, 8), (12, 4)])
def test_baselines_read_less_of_each_series_the_more_there_are_down_to_a_least(monkeypatch, n_series, steps):
    for name, value in {"MOST_HISTORY": 10, "LEAST_HISTORY": 4, "MOST_READ": 24}.items():
        monkeypatch.setattr(scores, name, value)
    store = SeriesStore(np.arange(30.0 * n_series), 30 * np.arange(n_series + 1))
    values, starts, *_ = history_of(store, Cutoffs(np.arange(n_series), np.full(n_series, 28)))
    assert np.diff(starts).tolist() == [steps + 2] * n_series
    assert values[-1] == 30 * n_series - 1


@pytest.mark.parametrize(("n_windows", "share"), [(1, 1 / 9), (5, 2 / 10), (73, 19 / 27)])
def test_what_a_network_states_is_corrected_by_as_much_as_horizons_have_shown(n_windows, share):
    store = SeriesStore(np.zeros(80), np.array([0, 80]))
    cutoffs = Cutoffs(
        np.zeros(n_windows, int), 76 - np.arange(n_windows)[::-1]
    )  # a horizon of 4: (n - 1) / 4 + 1 of them
    part = Part.of(store, cutoffs, 4, np.array([1.0]))
    stated = np.tile([-2.0, -1.0, 0.0, 1.0, 2.0], (n_windows, 4, 1))
    missed = np.zeros((n_windows, 4, 5))
    np.testing.assert_allclose(part.offsets(stated + 3)[:, [0, 1, 3, 4]], share * np.tile([-1.0, -2, -4, -5], (4, 1)))
    np.testing.assert_allclose(part.offsets(missed + 3)[:, [0, 1, 3, 4]], -3)


@pytest.mark.parametrize(("n_windows", "power"), [(1, 1 / 2), (5, 2 / 3), (73, 19 / 20)])
def test_intervals_become_as_wide_as_horizons_have_shown(n_windows, power):
    store = SeriesStore(np.zeros(80), np.array([0, 80]))
    cutoffs = Cutoffs(np.zeros(n_windows, int), 76 - np.arange(n_windows)[::-1])
    part = Part.of(store, cutoffs, 4, np.array([1.0]))
    stated = np.tile([-2.0, -1.0, 0.0, 1.0, 2.0], (n_windows, 4, 1))
    np.testing.assert_allclose(part.widths(stated + 3), np.array([1.5, 3, 1, 3, 1.5]) ** power)
    np.testing.assert_array_equal(part.widths(stated + 999), [4, 4, 1, 4, 4])
