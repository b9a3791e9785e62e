import numpy as np
import pytest

from forecastr.evaluation import as_quantiles
from forecastr.fitting.scores import Part, training_scales
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


def test_a_part_knows_what_came_before_and_after_its_cutoffs(part):
    assert part.y_true.tolist() == [[4, 6], [5, 5]]
    assert part.last.tolist() == [2, 5]
    assert part.window_scale.tolist() == [0.5, 0]


def test_errors_are_named_for_their_part(part):
    metrics = part.metrics(as_quantiles(np.array([[4.0, 5.0], [5.0, 9.0]])), part="validation")
    assert metrics["validation_mae"] == pytest.approx((0 + 1 + 0 + 4) / 4)
    assert metrics["validation_mase"] == pytest.approx(0.5 / 0.5)  # the second series has no scale
    assert set(metrics) == {"validation_mase", "validation_mae", "validation_wql"}


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
