from itertools import islice

import numpy as np
import pytest

from forecastr.windows.batches import BatchShape, WindowSource, draw_batches
from forecastr.windows.scaling import Scaler, fit_scaler
from forecastr.windows.store import Cutoffs, SeriesStore

NAN = np.nan


def unscaled(n_series: int) -> Scaler:
    return Scaler(log=False, center=np.zeros(n_series), scale=np.ones(n_series))


def panel() -> SeriesStore:
    values = [1.0, 2, NAN, 4, 5, 6, 7, 8, 9, 10, 101, 102, 103, NAN, 105, 106, 107, 201]
    return SeriesStore(np.array(values), np.array([0, 10, 17, 18]))


def source_of(store: SeriesStore) -> WindowSource:
    return WindowSource.from_store(store, unscaled(store.n_series))


def past_by_loop(store: SeriesStore, n: int, steps: int, length: int) -> list[tuple[float, float]]:
    y, window = store.series(n), []
    for step in range(steps - length, steps):
        if step < 0:
            window.append((y[0], 0.0))
            continue
        known = [value for value in y[: step + 1] if not np.isnan(value)]
        window.append((known[-1], float(not np.isnan(y[step]))))
    return window


def future_by_loop(store: SeriesStore, n: int, steps: int, horizon: int, reach: int) -> list[tuple[float, float]]:
    y, window = store.series(n), []
    for step in range(steps - reach, steps + horizon):
        seen = 0 < step < len(y) and not np.isnan(y[step])
        window.append((y[step], 1.0) if seen else (0.0, 0.0))
    return window


def every_cutoff(store: SeriesStore) -> Cutoffs:
    lengths = store.lengths
    return Cutoffs(np.repeat(np.arange(len(lengths)), lengths), np.concatenate([np.arange(1, k + 1) for k in lengths]))


@pytest.mark.parametrize("length", [1, 4, 12])
def test_past_is_what_a_loop_over_steps_says(length):
    store, cutoffs = panel(), every_cutoff(panel())
    expected = [past_by_loop(store, n, steps, length) for n, steps in zip(cutoffs.series, cutoffs.steps, strict=True)]
    np.testing.assert_array_equal(source_of(store).past(cutoffs, length), expected)


@pytest.mark.parametrize(("horizon", "reach"), [(1, 0), (3, 0), (3, 4), (2, 15)])
def test_future_is_what_a_loop_over_steps_says(horizon, reach):
    store, cutoffs = panel(), every_cutoff(panel())
    expected = [
        future_by_loop(store, n, steps, horizon, reach) for n, steps in zip(cutoffs.series, cutoffs.steps, strict=True)
    ]
    np.testing.assert_array_equal(source_of(store).future(cutoffs, horizon, reach=reach), expected)


def test_a_value_without_a_logarithm_is_a_gap_that_repeats_the_one_before():
    store = SeriesStore(np.array([1.0, np.e, -37.0, 1.0]), np.array([0, 4]))
    source = WindowSource.from_store(store, Scaler(True, np.zeros(1), np.ones(1)))
    [window] = source.past(Cutoffs(np.array([0]), np.array([4])), 4)
    np.testing.assert_allclose(window, [[0, 1], [1, 1], [1, 0], [0, 1]], atol=1e-6)


def test_a_series_without_a_scale_is_zero_and_unobserved():
    store = SeriesStore(np.array([2.0, 2, 2, 1, 3]), np.array([0, 3, 5]))
    source = WindowSource.from_store(store, fit_scaler(store, transform="level", scaling="causal", lag=1))
    still, moving = source.past(Cutoffs(np.array([0, 1]), np.array([3, 2])), 2)
    np.testing.assert_array_equal(still, 0)
    np.testing.assert_array_equal(moving[:, 1], 1)


def drawn(store: SeriesStore, *, reach: int, horizon: int = 3, past_length: int = 6, mirrored: bool = False):
    shape = BatchShape(batch_size=64, past_length=past_length, reach=reach, horizon=horizon, mirrored=mirrored)
    batches = list(islice(draw_batches(source_of(store), shape, np.random.default_rng(5)), 20))
    return np.concatenate([past for past, _ in batches]), np.concatenate([future for _, future in batches])


@pytest.mark.parametrize("reach", [0, 4])
def test_batches_hold_rows_of_one_series_of_their_store_and_nothing_else(reach):
    store = panel().drop_last(np.array([3, 2, 1]))  # 8, 9, 10; 106, 107 and the third series are for later
    past, future = drawn(store, reach=reach)
    values = np.where(future[..., 1] > 0, future[..., 0], past[:, -1:, 0])  # [B, R + H]
    whole = np.concatenate([past[..., 0], values], axis=1)
    known = {value for n in range(3) for value in store.series(n) if not np.isnan(value)}
    assert set(np.unique(whole)) <= known
    assert ((whole > 100).all(axis=1) | (whole < 100).all(axis=1)).all()


@pytest.mark.parametrize("reach", [0, 4])
def test_targets_follow_their_window(reach):
    past, future = drawn(panel(), reach=reach)
    last = past[:, -1, 0]
    first_ahead = future[:, reach]
    seen = (first_ahead[:, 1] > 0) & (past[:, -1, 1] > 0)
    np.testing.assert_array_equal(first_ahead[seen, 0], last[seen] + 1)  # both series climb by one
    assert seen.mean() > 0.4


def test_both_usable_series_are_drawn_alike_and_a_single_row_never():
    past, _ = drawn(panel(), reach=0)
    assert 0.45 < np.mean(past[:, -1, 0] > 100) < 0.55
    assert not (past == 201).any()


def test_a_window_supervised_at_its_end_keeps_its_whole_horizon():
    _, future = drawn(panel(), reach=0, horizon=3)
    inside = future[..., 1] + np.isin(future[..., 0], [0.0])  # observed, or a gap
    assert (inside > 0).all()
    assert future[:, -1, 0].max() == 107


def test_every_usable_cutoff_is_drawn():
    past, _ = drawn(panel(), reach=0, horizon=3)
    assert set(past[:, -1, 0]) == {2, 4, 5, 6, 7, 102, 103}  # step 3 of the first is a gap, filled with 2


@pytest.mark.parametrize("reach", [0, 9])
def test_series_shorter_than_horizon_and_context_are_still_drawn(reach):
    store = SeriesStore(np.array([1.0, 2, 3, 4]), np.array([0, 2, 4]))
    past, future = drawn(store, reach=reach, horizon=5)
    assert set(past[:, -1, 0]) == {1, 3}
    assert (future[..., 1].sum(axis=1) == 1).all()


def test_half_of_mirrored_windows_have_the_other_sign_past_and_future_alike():
    plain, turned = drawn(panel(), reach=4), drawn(panel(), reach=4, mirrored=True)
    sign = np.sign(turned[0][:, -1, 0])  # all values of the panel are positive
    assert 0.45 < np.mean(sign < 0) < 0.55
    for values in turned:
        np.testing.assert_array_equal(np.sign(values[..., 0]), sign[:, None] * (values[..., 0] != 0))
    assert {*np.abs(turned[0][..., 0]).ravel()} == {*plain[0][..., 0].ravel()}
    np.testing.assert_array_equal(np.unique(turned[0][..., 1]), [0, 1])  # what was observed has no sign


def test_the_same_seed_draws_the_same_batches():
    first, second = drawn(panel(), reach=4), drawn(panel(), reach=4)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)
