"""How good a forecast is: metrics, baselines, calibration and the verdict."""

from forecastr.evaluation.baselines import (
    BASELINES,
    HOLT_WINTERS,
    POINT_BASELINES,
    RANDOM_WALK,
    are_prices,
    forecast_baselines,
)
from forecastr.evaluation.calibration import (
    NO_WIDER,
    apply_offsets,
    apply_widths,
    as_quantiles,
    fit_offsets,
    fit_widths,
    is_point,
)
from forecastr.evaluation.metrics import METRICS, errors_by_horizon, evaluate, seasonal_scale
from forecastr.evaluation.significance import diebold_mariano
from forecastr.evaluation.verdict import Verdict, judge

__all__ = [
    "BASELINES",
    "HOLT_WINTERS",
    "METRICS",
    "NO_WIDER",
    "POINT_BASELINES",
    "RANDOM_WALK",
    "Verdict",
    "apply_offsets",
    "apply_widths",
    "are_prices",
    "as_quantiles",
    "diebold_mariano",
    "errors_by_horizon",
    "evaluate",
    "fit_offsets",
    "fit_widths",
    "forecast_baselines",
    "is_point",
    "judge",
    "seasonal_scale",
]
