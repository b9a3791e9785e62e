"""A model beside its baselines on the same windows: metrics, error by horizon, verdict."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecastr.evaluation.metrics import errors_by_horizon, evaluate
from forecastr.evaluation.verdict import Verdict, judge
from forecastr.schema import MODEL


@dataclass(frozen=True, eq=False)
class Judgement:
    """What came of holding forecasts against what happened.

    Parameters
    ----------
    metrics : DataFrame
        A row for the model and each baseline.
    horizon_errors : DataFrame
        Mean absolute error by horizon step, a column each.
    verdict : Verdict
        Whether the model beats the best baseline.
    """

    metrics: pd.DataFrame
    horizon_errors: pd.DataFrame
    verdict: Verdict

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as ``summary.json`` holds them."""
        errors = self.horizon_errors
        return {
            "metrics": {str(name): row.to_dict() for name, row in self.metrics.iterrows()},
            "horizon_errors": {"step": errors.index.tolist(), **{name: errors[name].tolist() for name in errors}},
            "baseline": self.verdict.baseline,
            "verdict": vars(self.verdict),
        }


def judge_forecasts(
    y_true: np.ndarray,
    forecasts: Mapping[str, np.ndarray],
    *,
    series: np.ndarray,
    last: np.ndarray,
    scale: np.ndarray,
) -> Judgement:
    """Score quantiles [W, H, Q] by name, ``forecastr`` and its baselines, on the same windows.

    Parameters are those of ``evaluate``.
    """
    metrics = evaluate(y_true, forecasts, series=series, last=last, scale=scale)
    baselines = [name for name in forecasts if name != MODEL]
    verdict = judge(y_true, forecasts, series=series, last=last, scale=scale, baselines=baselines, errors=metrics)
    return Judgement(metrics, errors_by_horizon(y_true, forecasts), verdict)
