"""How good a forecast is: metrics, baselines, calibration and the verdict."""

from forecastr.evaluation.baselines import (
    BASELINES,
    drift,
    forecast_baselines,
    last_value,
    seasonal_naive,
    theta,
)
from forecastr.evaluation.calibration import apply_offsets, as_quantiles, fit_offsets
from forecastr.evaluation.metrics import METRICS, errors_by_horizon, evaluate, seasonal_scale
from forecastr.evaluation.significance import diebold_mariano
from forecastr.evaluation.verdict import Verdict, judge

__all__ = [
    "BASELINES",
    "METRICS",
    "Verdict",
    "apply_offsets",
    "as_quantiles",
    "diebold_mariano",
    "drift",
    "errors_by_horizon",
    "evaluate",
    "fit_offsets",
    "forecast_baselines",
    "judge",
    "last_value",
    "seasonal_naive",
    "seasonal_scale",
    "theta",
]
