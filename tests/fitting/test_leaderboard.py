import json

import numpy as np

from forecastr.evaluation.judgement import judge_forecasts
from forecastr.fitting.leaderboard import COLUMNS, leaderboard_table
from forecastr.models.config import NetworkConfig
from forecastr.search.trials import Trial


def errors(part: str, mase: float) -> dict[str, float]:
    return {f"{part}_{name}": mase for name in ("mase", "mae", "wql")}


def board():
    y_true = np.random.default_rng(0).normal(size=(20, 2))
    cubes = {name: np.full((20, 2, 5), value) for name, value in (("forecastr", 0.0), ("last_value", 1.0))}
    judgement = judge_forecasts(y_true, cubes, series=np.zeros(20, int), last=np.ones(20), scale=np.ones(1))
    trials = [
        Trial(0, NetworkConfig(), status="failed", reason="died of signal 9"),
        Trial(1, NetworkConfig(units=8), "completed", 0.9, errors("validation", 0.9), {"updates": 50, "seconds": 2.0}),
        Trial(2, NetworkConfig(units=16), "completed", 0.7, errors("validation", 0.7), {"updates": 60}),
        Trial(3, NetworkConfig(units=32), "completed", 0.8, errors("validation", 0.8), {"updates": 70}),
    ]
    validation = {"forecastr": errors("validation", 0.65), "last_value": errors("validation", 1.0)}
    test = {"forecastr": errors("test", 0.7), "last_value": errors("test", 1.1), "0001": errors("test", 0.6)}
    return leaderboard_table(trials, validation, judgement, test)


def test_what_was_tested_comes_first_then_by_validation_and_failed_trials_last():
    table = board()
    assert table["name"].tolist() == ["0001", "forecastr", "last_value", "0002", "0003", "0000"]
    assert table["kind"].tolist() == ["trial", "ensemble", "baseline", "trial", "trial", "trial"]
    assert list(table.columns) == COLUMNS


def test_a_trial_s_row_holds_what_repeats_it_and_a_failed_one_says_why():
    table = board().set_index("name")
    assert NetworkConfig(**json.loads(table.loc["0002", "config"])) == NetworkConfig(units=16)
    assert table.loc["0002", "updates"] == 60
    assert np.isnan(table.loc["0002", "test_mase"])
    assert table.loc["0000", "reason"] == "died of signal 9"
    assert np.isnan(table.loc["0000", "validation_mase"])
