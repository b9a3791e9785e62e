from pathlib import Path

import numpy as np
import pytest

from forecastr.engine.work import EXPORT, TRAIN
from forecastr.fitting.refit import FURTHER, START, _refit_job, refit_members, refit_seconds
from forecastr.models.config import PRETRAINED, NetworkConfig
from forecastr.search.trials import SearchSetting, Trial
from forecastr.windows.store import Cutoffs


@pytest.fixture
def setting(tmp_path):
    cutoffs = Cutoffs(np.zeros(1, int), np.ones(1, int))
    return SearchSetting(
        train=tmp_path / "train", known=tmp_path / "known", validation=cutoffs, horizon=3, season_lengths=(1,), seed=1,
        scratch=tmp_path,
    )  # fmt: skip


def test_a_member_goes_on_from_its_judged_weights_on_all_rows(setting):
    trial = Trial(4, NetworkConfig(updates=400, learning_rate=1e-2), result={"best_updates": 350, "updates": 400})
    job = _refit_job(trial, setting, rows=Path("all"), networks=Path("networks"), seconds=9.0)

    assert job.begin_with == setting.scratch / "0004" / "weights.npz"
    assert (job.train, job.known, job.validation, job.seconds) == (Path("all"), Path("all"), None, 9.0)
    assert (job.config.updates, job.config.learning_rate) == (FURTHER * 350, FURTHER * 1e-2)
    assert job.output != setting.scratch / "0004"  # the judged weights stay as they are


def test_members_are_refitted_side_by_side():
    """1,000 kept updates at 5 ms, 2 ms and 1 ms: 400 further ones each."""
    results = [{"best_updates": 1000, "update_seconds": ms / 1000} for ms in (5, 2, 1)]
    trials = [Trial(n, NetworkConfig(), result=result) for n, result in enumerate(results)]

    assert refit_seconds(trials, jobs=1) == pytest.approx(3 * START + 2.0 + 0.8 + 0.4)
    assert refit_seconds(trials, jobs=2) == pytest.approx((3 * START + 3.2) / 2)
    assert refit_seconds(trials, jobs=8) == pytest.approx(START + 2.0)  # no sooner than the longest


def test_a_member_that_needed_no_training_is_not_trained_further(setting):
    trial = Trial(1, PRETRAINED, result={"best_updates": 0, "updates": 0, "update_seconds": 0.0})
    job = _refit_job(trial, setting, rows=Path("all"), networks=Path("networks"), seconds=9.0)
    assert (job.config.updates, job.train) == (0, Path("all"))
    assert refit_seconds([trial], jobs=1) == START


@pytest.mark.parametrize(
    ("seconds", "cut_short", "ran"), [(0.55, False, [TRAIN]), (0.55, True, [TRAIN, EXPORT]), (0.45, False, [EXPORT])]
)
def test_refitting_is_tried_in_half_of_the_time_reckoned_and_leaves_the_judged_networks_where_that_is_too_little(
    setting, tmp_path, seconds, cut_short, ran
):
    trial = Trial(0, NetworkConfig(), result={"best_updates": 0, "updates": 0, "update_seconds": 0.0, "seconds": 1.0})
    functions = []

    class Pool:
        def run(self, work, *, seconds):
            given = list(work)
            functions.extend(function for _, function, *_ in given)
            return {trial: {"cut_short": cut_short} for trial, *_ in given}

    refitted = refit_members(
        [trial], setting, rows=Path("all"), networks=tmp_path / "networks", pool=Pool(), jobs=1,
        seconds=seconds * START, watch=lambda event: None,
    )  # fmt: skip
    assert functions == ran
    assert refitted == (ran == [TRAIN])
