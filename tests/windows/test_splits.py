import numpy as np
import pytest

from forecastr.errors import DataError
from forecastr.schema import Splits, Task
from forecastr.windows.splits import min_steps, part_cutoffs, plan_splits, series_long_enough
from forecastr.windows.store import SeriesStore


def stacked(*lengths: int) -> SeriesStore:
    return SeriesStore(np.arange(float(sum(lengths))), np.r_[0, np.cumsum(lengths)])


def test_cutoffs_of_both_parts_of_ten_steps():
    # Steps 1..4 train, 5..7 validation, 8..10 test; two steps ahead.
    store, everyone = stacked(10), np.array([True])
    test = part_cutoffs(store, 2, n_part=3, n_after=0, series=everyone)
    validation = part_cutoffs(store, 2, n_part=3, n_after=3, series=everyone)
    assert test.steps.tolist() == [7, 8]  # forecasts of steps 8-9 and 9-10
    assert validation.steps.tolist() == [4, 5]  # forecasts of steps 5-6 and 6-7


def test_a_stride_counts_back_from_the_last_cutoff():
    cutoffs = part_cutoffs(stacked(20), 2, n_part=8, n_after=0, series=np.array([True]), stride=3)
    assert cutoffs.steps.tolist() == [12, 15, 18]


def test_cutoffs_skip_series_without_the_part():
    cutoffs = part_cutoffs(stacked(10, 3, 6), 2, n_part=2, n_after=0, series=np.array([True, False, True]))
    assert (cutoffs.series.tolist(), cutoffs.steps.tolist()) == ([0, 2], [8, 4])


@pytest.mark.parametrize(
    ("lengths", "horizon", "validation", "test"),
    [([100], 5, 20, 20), ([100], 30, 30, 30), ([100, 100], 5, 20, 5), ([40, 33, 9], 7, 11, 7), ([17, 17], 7, 7, 7)],
)
def test_a_lone_series_gives_a_fifth_and_a_panel_a_horizon_and_more_to_validate_on(lengths, horizon, validation, test):
    splits = plan_splits(np.array(lengths), Task(horizon=horizon))
    assert splits == Splits(n_validation=validation, n_test=test)
    before = plan_splits(np.array(lengths), Task(horizon=horizon)).n_test * 2 + 3
    assert (series_long_enough(np.array(lengths), splits) == (np.array(lengths) >= before)).all()


@pytest.mark.parametrize("horizon", [1, 2, 3, 7])
def test_the_fewest_rows_are_enough_and_one_less_is_not(horizon):
    needed = min_steps(horizon)
    splits = plan_splits(np.array([needed]), Task(horizon=horizon))
    assert series_long_enough(np.array([needed]), splits).all()
    with pytest.raises(DataError, match=rf"\b{needed}\b"):
        plan_splits(np.array([needed - 1]), Task(horizon=horizon))


@pytest.mark.parametrize("rows", range(6, 60))
def test_the_horizon_that_an_error_offers_can_be_used(rows):
    with pytest.raises(DataError, match="--horizon") as caught:
        plan_splits(np.array([rows]), Task(horizon=rows))
    offered = int(str(caught.value).split("--horizon ")[1].rstrip("."))
    assert plan_splits(np.array([rows]), Task(horizon=offered)).n_test >= offered
