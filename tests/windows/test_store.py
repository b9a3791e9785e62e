from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecastr.windows import store as store_module
from forecastr.windows.store import Cutoffs, SeriesStore, actual_values, known_first, last_values

NAN = np.nan


def two_series() -> SeriesStore:
    return SeriesStore(np.array([1.0, 2, NAN, 4, 5, 10, 20, 30]), np.array([0, 5, 8]))


def test_a_frame_becomes_one_array_in_its_own_order():
    frame = pd.DataFrame({"unique_id": ["b", "b", "a"], "ds": [1, 2, 1], "y": [1.0, NAN, 3.0]})
    store = SeriesStore.from_frame(frame)
    np.testing.assert_array_equal(store.starts, [0, 2, 3])
    np.testing.assert_array_equal(store.values, [1, NAN, 3])


def test_dropped_steps_are_the_last_of_each_series():
    dropped = two_series().drop_last(np.array([2, 0]))
    np.testing.assert_array_equal(dropped.series(0), [1, 2, NAN])
    np.testing.assert_array_equal(dropped.series(1), [10, 20, 30])


def test_a_series_may_be_dropped_whole_and_the_others_stay_where_they_belong():
    dropped = two_series().drop_last(np.array([5, 1]))
    np.testing.assert_array_equal(dropped.lengths, [0, 2])
    np.testing.assert_array_equal(dropped.series(1), [10, 20])
    np.testing.assert_array_equal(last_values(dropped, Cutoffs(np.array([1]), np.array([2]))), [20])


def test_a_saved_store_is_the_same_store(tmp_path):
    loaded = SeriesStore.load(two_series().save(tmp_path / "rows"))
    np.testing.assert_array_equal(loaded.values, two_series().values)
    np.testing.assert_array_equal(loaded.starts, two_series().starts)


def test_actual_values_stop_at_the_end_of_their_series():
    cutoffs = Cutoffs(np.array([0, 0, 1]), np.array([2, 4, 3]))
    np.testing.assert_array_equal(actual_values(two_series(), cutoffs, 2), [[NAN, 4], [5, NAN], [NAN, NAN]])


def test_the_last_known_value_looks_back_over_a_gap_but_not_into_another_series():
    cutoffs = Cutoffs(np.array([0, 0, 1]), np.array([3, 5, 1]))
    np.testing.assert_array_equal(last_values(two_series(), cutoffs), [2, 5, 10])


def test_thinned_cutoffs_keep_the_first_and_the_last():
    cutoffs = Cutoffs(np.zeros(101, int), np.arange(1, 102))
    np.testing.assert_array_equal(cutoffs.thinned(5).steps, [1, 26, 51, 76, 101])
    assert cutoffs.thinned(101) is cutoffs


def test_what_is_known_first_ends_at_each_series_earliest_cutoff():
    known = known_first(two_series(), Cutoffs(np.array([0, 0]), np.array([4, 2])))
    np.testing.assert_array_equal(known.series(0), [1, 2])
    assert known.lengths[1] == 0  # no cutoff: nothing may be read


def test_parts_of_a_store_lie_on_disk_once(tmp_path):
    whole = two_series()
    folder = whole.save(tmp_path / "all")
    part = SeriesStore.load(whole.drop_last(np.array([2, 1])).save(tmp_path / "part", beside=folder))
    np.testing.assert_array_equal(part.series(0), [1, 2, NAN])
    np.testing.assert_array_equal(part.series(1), [10, 20])
    assert (tmp_path / "part" / "values.npy").samefile(tmp_path / "all" / "values.npy")
    assert not (tmp_path / "part" / "lengths.npy").samefile(tmp_path / "all" / "lengths.npy")


def test_filled_values_follow_their_own_array(tmp_path):
    store = SeriesStore.load(two_series().save(tmp_path / "rows"))
    np.testing.assert_array_equal(store.filled("values"), [1, 2, 2, 4, 5, 10, 20, 30])
    other = replace(store, values=np.array([NAN, 2, NAN, 4, 5, NAN, NAN, 30]))
    np.testing.assert_array_equal(other.filled("values"), [2, 2, 2, 4, 5, 30, 30, 30])


@pytest.mark.parametrize("block", [1, 3, 100])
def test_blocks_are_every_known_step_once_whatever_their_size(monkeypatch, block):
    monkeypatch.setattr(store_module, "BLOCK", block)
    store = SeriesStore(np.arange(9.0), np.array([0, 5, 5, 9])).drop_last(np.array([2, 0, 1]))
    found = [
        (n, store.values[rows][i]) for rows, label, known in store.blocks() for i, n in enumerate(label) if known[i]
    ]
    assert found == [(0, 0), (0, 1), (0, 2), (2, 5), (2, 6), (2, 7)]


def test_the_last_steps_of_every_series_are_known_ones():
    store = two_series().drop_last(np.array([1, 0]))
    assert store.last(2).tolist() == [2, 3, 6, 7]
    assert store.last(100).tolist() == [0, 1, 2, 3, 5, 6, 7]
