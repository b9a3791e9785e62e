import numpy as np
import pytest

from forecastr.windows import store as store_module
from forecastr.windows.scaling import fit_scaler, mean_absolute_difference
from forecastr.windows.store import SeriesStore

NAN = np.nan


def one(*values: float) -> SeriesStore:
    return SeriesStore(np.array(values, float), np.array([0, len(values)]))


def fitted(store: SeriesStore, *, transform: str = "level", scaling: str = "causal", lag: int = 1):
    return fit_scaler(store, transform=transform, scaling=scaling, lag=lag)


def test_the_causal_scale_is_the_mean_absolute_seasonal_difference():
    scaler = fitted(one(1, 10, 3, 14, 7, 12), lag=2)
    assert scaler.scale.tolist() == [(2 + 4 + 4 + 2) / 4]
    assert scaler.center.tolist() == [47 / 6]


def test_a_series_that_wanders_has_the_larger_unit_the_farther_apart_its_steps_and_noise_has_not():
    noise = np.random.default_rng(0).normal(size=4000)
    for values, grows in ((noise.cumsum(), 3.0), (noise, 1.0)):
        near, far = (fitted(one(*values), lag=lag).scale[0] for lag in (1, 9))
        assert far / near == pytest.approx(grows, rel=0.1)


def test_pairs_with_a_gap_are_left_out_of_the_scale():
    assert fitted(one(1, 2, NAN, 7, 9)).scale.tolist() == [(1 + 2) / 2]


def test_a_series_shorter_than_a_season_or_that_repeats_it_is_scaled_by_neighbours():
    assert fitted(one(1, 2, 4), lag=7).scale.tolist() == [1.5]
    assert fitted(one(1, 3, 1, 3), lag=2).scale.tolist() == [2.0]


def test_minmax_maps_the_training_part_onto_zero_to_one_and_back():
    store = one(5, 9, 7)
    scaler = fitted(store, scaling="minmax")
    scaled = scaler.transform(store.values, np.zeros(3, int))
    np.testing.assert_allclose(scaled, [0, 1, 0.5])
    np.testing.assert_allclose(scaler.inverse(scaled[None], np.array([0])), [[5, 9, 7]])


def test_logarithms_are_scaled_and_come_back():
    store = one(1, np.e, np.e**3)
    scaler = fitted(store, transform="log")
    np.testing.assert_allclose(scaler.scale, [1.5])
    scaled = scaler.transform(store.values, np.zeros(3, int))
    np.testing.assert_allclose(scaler.inverse(scaled[None], np.array([0]))[0], store.values)


def test_values_without_a_logarithm_are_missing_not_fatal():
    """Oil once cost less than nothing: a log network of the years before must survive that day."""
    with_dip, without = one(1, 2, -37, 2, 4), one(1, 2, NAN, 2, 4)
    scaler = fitted(with_dip, transform="log")
    np.testing.assert_array_equal(scaler.scale, fitted(without, transform="log").scale)
    assert np.isnan(scaler.transform(np.array([0.0, -37.0]), np.zeros(2, int))).all()


@pytest.mark.parametrize("scaling", ["causal", "minmax"])
def test_constant_empty_and_unknown_series_have_no_scale(scaling):
    store = SeriesStore(np.array([2.0, 2, 2, NAN, NAN, 1, 4]), np.array([0, 3, 3, 5, 7]))
    scaler = fitted(store, scaling=scaling)
    np.testing.assert_array_equal(np.isnan(scaler.scale), [True, True, True, False])


@pytest.mark.parametrize("size", [1e-12, 1e-3, 1e9])
@pytest.mark.parametrize("scaling", ["causal", "minmax"])
def test_the_scale_follows_the_unit_of_the_series_however_small(scaling, size):
    values = np.array([3.0, 1, 4, 1, 5, 9])
    scale = fitted(one(*values), scaling=scaling).scale
    np.testing.assert_allclose(fitted(one(*(size * values)), scaling=scaling).scale, size * scale)


def test_rounding_is_no_variation():
    assert np.isnan(fitted(one(0.1 + 0.2, 0.3, 0.3)).scale).all()
    assert np.isnan(fitted(one(1 + 2e-16, 1, 1), transform="log").scale).all()


@pytest.mark.parametrize("transform", ["level", "log", "difference"])
@pytest.mark.parametrize("scaling", ["causal", "minmax"])
def test_no_scaling_constant_moves_with_what_follows_the_training_part(transform, scaling):
    rng = np.random.default_rng(0)
    values = rng.uniform(1, 2, 60)
    shocked = np.r_[values[:40], 1e6 * values[40:]]
    before, after = (
        fitted(SeriesStore(y, np.array([0, 30, 60])).drop_last(np.array([0, 20])), transform=transform, scaling=scaling)
        for y in (values, shocked)
    )
    np.testing.assert_array_equal(before.center, after.center)
    np.testing.assert_array_equal(before.scale, after.scale)


@pytest.mark.parametrize("block", [1, 2, 5, 1000])
@pytest.mark.parametrize("lag", [1, 3, 50])
def test_differences_by_series_are_what_a_loop_says_whatever_the_block(monkeypatch, block, lag):
    monkeypatch.setattr(store_module, "BLOCK", block)
    rng = np.random.default_rng(0)
    values = np.where(rng.random(40) < 0.2, NAN, rng.normal(size=40))
    store = SeriesStore(values, np.array([0, 7, 8, 8, 30, 40])).drop_last(np.array([2, 1, 0, 3, 0]))
    found = mean_absolute_difference(store, lag, store.values.__getitem__)
    for n in range(store.n_series):
        y = store.series(n)
        pairs = [abs(y[t] - y[t - lag]) for t in range(lag, len(y)) if not np.isnan(y[t] - y[t - lag])]
        np.testing.assert_allclose(found[n], np.mean(pairs) if pairs else NAN)
