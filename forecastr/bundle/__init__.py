"""A fitted forecaster on disk, and what it forecasts."""

from forecastr.bundle.backtest import Backtest
from forecastr.bundle.bundle import Bundle, load_bundle

__all__ = ["Backtest", "Bundle", "load_bundle"]
