"""forecastr: from a table of past values to a forecast that can be trusted."""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# Public names and where they live: resolved on first use, so that importing forecastr costs nothing.
_ROOMS = {
    "Bundle": "forecastr.bundle",
    "BundleError": "forecastr.errors",
    "ConfigError": "forecastr.errors",
    "DataError": "forecastr.errors",
    "Forecaster": "forecastr.forecaster",
    "ForecastrError": "forecastr.errors",
    "SearchError": "forecastr.errors",
    "Task": "forecastr.schema",
    "TrackingError": "forecastr.errors",
    "load_bundle": "forecastr.bundle",
    "read_panel": "forecastr.data",
}

__all__ = [*sorted(_ROOMS), "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module 'forecastr' has no attribute '{name}'")
    return getattr(import_module(_ROOMS[name]), name)


def __dir__() -> list[str]:
    return __all__
