"""A fitted forecaster on disk, and what it forecasts."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forecastr.bundle.backtest import Backtest
    from forecastr.bundle.bundle import Bundle
    from forecastr.bundle.load import load_bundle

__all__ = ["Backtest", "Bundle", "load_bundle"]

# Resolved on first use: a plan looks into this room for covariates alone.
_MODULES = {"Backtest": "backtest", "Bundle": "bundle", "load_bundle": "load"}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'forecastr.bundle' has no attribute '{name}'")
    return getattr(import_module(f"forecastr.bundle.{_MODULES[name]}"), name)
