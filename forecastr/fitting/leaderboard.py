"""Every trial, the ensemble and the baselines in one table, lower is better."""

import json
from typing import Any

import pandas as pd

from forecastr.evaluation.judgement import Judgement
from forecastr.schema import MODEL, NETWORKS
from forecastr.search.trials import Trial

ERRORS = ("mase", "mae", "wql")
COLUMNS = [
    "name",
    "kind",
    "status",
    *(f"{part}_{error}" for part in ("validation", "test") for error in ERRORS),
    "seconds",
    "updates",
    "parameters",
    "config",
    "reason",
]
Errors = dict[str, dict[str, float | None]]


def leaderboard_table(trials: list[Trial], validation: Errors, judgement: Judgement, test: Errors) -> pd.DataFrame:
    """Return the leaderboard: what was tested first, then the other trials, failed ones last.

    Parameters
    ----------
    trials : list of Trial
        All of a search.
    validation : dict
        Validation errors of the ensemble, of its networks alone where baselines share in it, and of the
        baselines, by name.
    judgement : Judgement
        Names the baselines.
    test : dict
        Test errors of the same and of the ensemble's members, by name.
    """
    rows: list[dict[str, Any]] = [
        {
            "name": name,
            "kind": "ensemble" if name in (MODEL, NETWORKS) else "baseline",
            "status": "completed",
            **validation[name],
            **test[name],
        }
        for name in [*judgement.metrics.index, *([NETWORKS] if NETWORKS in test else [])]
    ]
    rows += [_trial_row(trial, test.get(trial.name, {})) for trial in trials]
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.sort_values(["status", "test_mase", "validation_mase", "name"], na_position="last", ignore_index=True)


def _trial_row(trial: Trial, test: dict[str, float | None]) -> dict[str, Any]:
    measured = {name: trial.result.get(name) for name in ("seconds", "updates", "parameters")}
    return {
        "name": trial.name,
        "kind": "trial",
        "status": trial.status,
        **trial.metrics,
        **test,
        **measured,
        "config": json.dumps(vars(trial.config)),
        "reason": trial.reason,
    }
