"""Which night predicts, which refits and which searches, and what it says."""

import pytest

from forecastr.pipeline.decide import Situation, decide
from forecastr.pipeline.spec import TriggersSpec

CASES = [
    ({}, "search", "there is no champion yet"),
    ({"trouble": "the champion a cannot be used: gone"}, "search", "the champion a cannot be used: gone"),
    ({"champion": "a", "new_rows": 1}, "predict", "1 new row, and nothing calls for a challenge"),
    ({"champion": "a", "new_rows": 20}, "refit", "20 new rows (refit_after is 20)"),
    ({"champion": "a", "new_rows": 250}, "search", "the champion is old: 250 new rows (search_after is 250)"),
    ({"champion": "a", "rolling": 1.6, "baseline": 1.6, "test": 1.0}, "search",
     "its rolling error 1.600 is 1.60 times that of its test part (limit 1.5)"),
    ({"champion": "a", "rolling": 1.2, "baseline": 1.0, "test": 1.0}, "search",
     "its rolling error 1.200 is 1.20 times its baseline's (limit 1.1)"),
    ({"champion": "a", "drift": 0.5}, "search", "the data drifts: its steps differ by 0.50 (drift is 0.4)"),
    ({"champion": "a", "drift": 0.5, "since_challenge": 3}, "predict",
     "the data drifts: its steps differ by 0.50 (drift is 0.4); but the last challenge was 3 rows ago (pause is 10)"),
    ({"champion": "a", "new_rows": 30, "since_challenge": 12}, "predict", "30 new rows, and nothing calls for"),
    ({"champion": "a", "rolling": 1.0, "baseline": 0.0, "test": None}, "predict", "0 new rows"),
]  # fmt: skip


@pytest.mark.parametrize(("now", "action", "reason"), CASES)
def test_a_night_decides_with_its_reason(now, action, reason):
    decided = decide(Situation(**now), TriggersSpec())

    assert decided.action == action
    assert decided.reason.startswith(reason)


def test_a_trigger_that_is_switched_off_never_pulls():
    off = TriggersSpec(refit_after=None, search_after=None, worse_than_test=None, worse_than_baseline=None, drift=None)
    worst = Situation(champion="a", new_rows=999, rolling=99.0, baseline=1.0, test=1.0, drift=1.0)

    assert decide(worst, off).action == "predict"
