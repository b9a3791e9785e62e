"""How good a forecast is: metrics, baselines, calibration and the verdict."""

from forecastr.evaluation.baselines import (
    BASELINES,
    HOLT_WINTERS,
    POINT_BASELINES,
    RANDOM_WALK,
    are_prices,
    forecast_baselines,
)
from forecastr.evaluation.calibration import apply_offsets, as_quantiles, fit_offsets
from forecastr.evaluation.metrics import METRICS, errors_by_horizon, evaluate, seasonal_scale
from forecastr.evaluation.significance import diebold_mariano
from forecastr.evaluation.verdict import Verdict, judge

__all__ = [
    "BASELINES",
    "HOLT_WINTERS",
    "METRICS",
    "POINT_BASELINES",
    "RANDOM_WALK",
    "Verdict",
    "apply_offsets",
    "are_prices",
    "as_quantiles",
    "diebold_mariano",
    "errors_by_horizon",
    "evaluate",
    "fit_offsets",
    "forecast_baselines",
    "judge",
    "seasonal_scale",
]
