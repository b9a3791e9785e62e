from pathlib import Path

import numpy as np
import pytest

from forecastr.fitting.refit import FURTHER, OF_TRIAL, _refit_job, refit_seconds
from forecastr.models.config import NetworkConfig
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
    trials = [Trial(n, NetworkConfig(), result={"seconds": seconds}) for n, seconds in enumerate((10.0, 6.0, 4.0))]

    assert refit_seconds(trials, jobs=1) == OF_TRIAL * 20
    assert refit_seconds(trials, jobs=2) == OF_TRIAL * 10
    assert refit_seconds(trials, jobs=8) == OF_TRIAL * 10  # no sooner than the longest
