import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from forecastr.evaluation import apply_offsets, apply_widths, fit_offsets, fit_widths
from forecastr.schema import MEDIAN, QUANTILE_LEVELS

FINITE = st.floats(-1e6, 1e6)


def repeated(point):
    return np.repeat(np.asarray(point, dtype=float)[..., None], len(QUANTILE_LEVELS), axis=-1)


def test_offsets_of_nine_residuals_worked_out_by_hand():
    errors = np.array([-7.0, 3.0, 0.0, -1.0, 12.0, 5.0, -2.0, 8.0, 1.0])[:, None]
    offsets = fit_offsets(errors, np.zeros((9, 1, 5)), np.ones(9))
    # sorted: -7 -2 -1 0 1 3 5 8 12; 10 * 0.1 is the 1st, 10 * 0.9 the 9th, 0.025 and 0.975 lie beyond
    np.testing.assert_array_equal(offsets, [[-7, -7, 0, 12, 12]])


def test_offsets_of_a_point_forecast_are_its_conformal_residual_quantiles():
    rng = np.random.default_rng(0)
    point, y_true = rng.normal(size=(211, 2)), rng.normal(size=(211, 2))
    scale = rng.uniform(1, 3, 211)
    offsets = fit_offsets(y_true, repeated(point), scale)
    for step in range(2):
        residuals = sorted((y_true[:, step] - point[:, step]) / scale)
        ranks = [
            math.floor(212 * 0.025),
            math.floor(212 * 0.1),
            None,
            math.ceil(212 * 0.9),
            math.ceil(212 * 0.975),
        ]
        expected = [0.0 if rank is None else residuals[rank - 1] for rank in ranks]
        np.testing.assert_array_equal(offsets[step], expected)


def test_intervals_too_narrow_and_too_wide_are_both_corrected():
    errors = np.linspace(-10, 10, 401)[:, None]
    quantiles = np.broadcast_to([-1.0, -0.5, 0.0, 20.0, 30.0], (401, 1, 5))
    calibrated = apply_offsets(quantiles, fit_offsets(errors, quantiles, np.ones(401)), np.ones(401))
    np.testing.assert_allclose(calibrated[0, 0], [-9.5, -8, 0, 8.05, 9.55], atol=0.06)


def test_each_step_has_its_own_offsets_where_it_has_enough_residuals():
    rng = np.random.default_rng(1)
    y_true = rng.normal(size=(4000, 2)) * [1.0, 10.0]
    offsets = fit_offsets(y_true, np.zeros((4000, 2, 5)), np.ones(4000))
    np.testing.assert_allclose(offsets[:, 3], [1.2816, 12.816], rtol=0.1)


def test_steps_with_few_residuals_borrow_from_their_nearest_neighbours():
    y_true = np.tile(np.arange(1.0, 6.0), (40, 1))  # the error of step h is h
    offsets = fit_offsets(y_true, np.zeros((40, 5, 5)), np.ones(40))
    np.testing.assert_array_equal(offsets[:, 4], [3, 3, 4, 5, 5])  # 40 a step: three of them reach 100
    np.testing.assert_array_equal(offsets[:, 0], [1, 1, 2, 3, 3])


def test_every_residual_is_used_when_all_are_too_few():
    y_true = np.array([[1.0, np.nan, 3.0]])
    offsets = fit_offsets(y_true, np.zeros((1, 3, 5)), np.ones(1))
    np.testing.assert_array_equal(offsets, [[1, 1, 0, 3, 3]] * 3)


@pytest.mark.parametrize("scale", [np.nan, 0.0])
def test_windows_without_a_scale_or_a_value_teach_nothing(scale):
    y_true = np.array([[5.0], [np.nan], [1.0]])
    offsets = fit_offsets(y_true, np.zeros((3, 1, 5)), np.array([scale, 1.0, 1.0]))
    np.testing.assert_array_equal(offsets, [[1, 1, 0, 1, 1]])
    assert not fit_offsets(y_true[:2], np.zeros((2, 1, 5)), np.array([scale, 1.0])).any()


def test_a_window_without_a_scale_is_left_as_it_was():
    quantiles = np.array([[[1.0, 2.0, 3.0, 4.0, 5.0]]])
    np.testing.assert_array_equal(apply_offsets(quantiles, np.ones((1, 5)), np.array([np.nan])), quantiles)


@pytest.mark.parametrize("seed", range(3))
def test_stated_coverage_is_reached_on_new_data(seed):
    rng = np.random.default_rng(seed)
    n, n_new = 800, 4000
    noise = rng.gamma(2.0, size=(n + n_new, 3)) * [1, 2, 3]  # skewed, and wider by the step
    scale = rng.uniform(0.1, 100, n + n_new)
    y_true = noise * scale[:, None]
    median = 1.6783 * np.array([1, 2, 3]) * scale[:, None]  # of the noise: right, but without an interval
    quantiles = repeated(median)
    offsets = fit_offsets(y_true[:n], quantiles[:n], scale[:n])
    calibrated = apply_offsets(quantiles[n:], offsets, scale[n:])
    for k, level in enumerate(QUANTILE_LEVELS):
        if k != MEDIAN:
            below = (y_true[n:] <= calibrated[..., k]).mean(axis=0)
            spread = np.sqrt(level * (1 - level) * (1 / n + 1 / n_new))
            np.testing.assert_allclose(below, level, atol=4 * spread)


@settings(max_examples=60, deadline=None)
@given(
    arrays(float, (3, 2, 5), elements=FINITE),
    arrays(float, (2, 5), elements=FINITE),
    arrays(float, 3, elements=st.floats(0, 1e3)),
)
def test_calibrated_quantiles_never_cross_and_keep_their_median(quantiles, offsets, scale):
    offsets[:, MEDIAN] = 0
    calibrated = apply_offsets(quantiles, offsets, scale)
    assert (np.diff(calibrated, axis=-1) >= 0).all()
    np.testing.assert_array_equal(calibrated[..., MEDIAN], quantiles[..., MEDIAN])


@settings(max_examples=30, deadline=None)
@given(arrays(float, (6, 2), elements=FINITE), arrays(float, (6, 2, 5), elements=FINITE))
def test_calibration_scales_with_the_data(y_true, quantiles):
    scale = np.arange(1.0, 7.0)
    offsets = fit_offsets(y_true, quantiles, scale)
    np.testing.assert_array_equal(fit_offsets(1024 * y_true, 1024 * quantiles, 1024 * scale), offsets)
    np.testing.assert_array_equal(
        apply_offsets(1024 * quantiles, offsets, 1024 * scale),
        1024 * apply_offsets(quantiles, offsets, scale),
    )


def widths_by_loops(y_true, quantiles):
    widths = []
    for lower, upper in ((0, 4), (1, 3)):
        ratios = []
        for y, row in zip(y_true.ravel(), quantiles.reshape(-1, 5), strict=True):
            distance = row[upper] - row[MEDIAN] if y >= row[MEDIAN] else row[MEDIAN] - row[lower]
            if not math.isnan(y) and distance > 0:
                ratios.append(abs(y - row[MEDIAN]) / distance)
        share = round(QUANTILE_LEVELS[upper] - QUANTILE_LEVELS[lower], 3)
        rank = min(math.ceil((len(ratios) + 1) * share), len(ratios))
        widths.append(max(1.0, sorted(ratios)[rank - 1]))
    return [widths[0], widths[1], 1.0, widths[1], widths[0]]


@pytest.fixture
def too_narrow():
    """Two hundred windows of skewed errors, three steps each, and quantiles that are half as wide as they should be."""
    rng = np.random.default_rng(5)
    y_true = rng.gamma(2.0, size=(200, 3)) * [1, 2, 3]
    y_true[rng.random(y_true.shape) < 0.1] = np.nan
    stated = 1.68 + 0.5 * (np.array([0.24, 0.53, 1.68, 3.89, 5.57]) - 1.68)
    return y_true, np.tile(stated, (200, 3, 1)) * np.array([1.0, 2.0, 3.0])[:, None]


def test_widths_are_those_of_plain_loops(too_narrow):
    widths = fit_widths(*too_narrow)
    np.testing.assert_allclose(widths, widths_by_loops(*too_narrow))
    assert widths[0] > 1.5 < widths[1]


def test_widened_intervals_hold_what_they_state(too_narrow):
    y_true, quantiles = too_narrow
    wide = apply_widths(quantiles, fit_widths(y_true, quantiles))
    y = y_true[np.isfinite(y_true)]
    for k, share in ((1, 0.8), (0, 0.95)):
        held = (y_true >= wide[..., k]) & (y_true <= wide[..., -1 - k])
        assert share <= held[np.isfinite(y_true)].mean() <= share + 2 / len(y)


def test_widths_have_no_unit_and_do_not_know_up_from_down(too_narrow):
    y_true, quantiles = too_narrow
    widths = fit_widths(y_true, quantiles)
    np.testing.assert_array_equal(fit_widths(1024 * y_true, 1024 * quantiles), widths)
    np.testing.assert_array_equal(fit_widths(-y_true, -quantiles[..., ::-1]), widths)


def test_an_interval_is_never_made_narrower():
    """Of counts that are mostly 0, an interval of hardly any width would hold 90 %, and its upper quantile 90 % too."""
    y_true = np.array([0.0] * 18 + [3.0, 5.0])[:, None]
    quantiles = np.tile([-0.1, 0.0, 0.0, 4.0, 6.0], (20, 1, 1))
    np.testing.assert_array_equal(fit_widths(y_true, quantiles), np.ones(5))


@pytest.mark.parametrize("y_true", [[[1.0], [2.0]], [[np.nan], [np.nan]]])
def test_a_point_has_no_width_to_stretch_and_nothing_observed_asks_for_none(y_true):
    np.testing.assert_array_equal(fit_widths(np.array(y_true), np.zeros((2, 1, 5))), np.ones(5))


@settings(max_examples=60, deadline=None)
@given(arrays(float, (3, 2, 5), elements=FINITE), arrays(float, 2, elements=st.floats(1, 10)))
def test_widened_quantiles_never_cross_and_keep_their_median(quantiles, widths):
    wide = apply_widths(np.sort(quantiles), [widths[0], widths[1], 1, widths[1], widths[0]])
    assert (np.diff(wide, axis=-1) >= 0).all()
    np.testing.assert_array_equal(wide[..., MEDIAN], np.sort(quantiles)[..., MEDIAN])
