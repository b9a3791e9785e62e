"""Baselines of one series, and series to try them on."""

from collections.abc import Callable

import numpy as np
import pytest

from forecastr.evaluation import forecast_baselines


@pytest.fixture(scope="session")
def forecast_one() -> Callable[..., np.ndarray]:
    """Return a function to the quantiles [C, H, Q] of one baseline from the cutoffs [C] of one series."""

    def forecast(name: str, y: np.ndarray, cutoffs: np.ndarray, *, horizon: int, season_length: int = 1) -> np.ndarray:
        panel = y, np.array([0, len(y)]), np.zeros(len(cutoffs), dtype=int), np.asarray(cutoffs)
        return forecast_baselines(*panel, horizon=horizon, season_length=season_length, names=[name])[name]

    return forecast


@pytest.fixture(scope="session")
def point_of_one(forecast_one) -> Callable[..., np.ndarray]:
    """Return a function to the medians [C, H] of one baseline from the cutoffs [C] of one series."""
    return lambda *series, **task: forecast_one(*series, **task)[..., 2]


@pytest.fixture(scope="session")
def seasonal_series() -> Callable[..., np.ndarray]:
    """Return a function to a series with a trend, a season and noise, all above zero."""

    def make(n: int = 120, season_length: int = 12, seed: int = 0) -> np.ndarray:
        time = np.arange(n)
        season = 8 * np.sin(2 * np.pi * time / season_length)
        return 50 + 0.1 * time + season + np.random.default_rng(seed).normal(0, 2, n)

    return make
