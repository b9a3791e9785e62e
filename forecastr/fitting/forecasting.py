"""The process that makes a fit's forecast, as tomorrow's `predict` will."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from forecastr.engine.backend import backend_to_forecast
from forecastr.engine.pool import WorkerPool
from forecastr.fitting.pack import FORECAST_BUNDLE


class ForecastProcess:
    """A process of its own, on the backend that `predict` chooses: both agree to the last digit."""

    def __init__(self) -> None:
        self._pool: WorkerPool | None = None

    def __enter__(self) -> "ForecastProcess":
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool:
            self._pool.close()

    def start(self) -> WorkerPool:
        """Let the process load its libraries, unless it does already."""
        self._pool = self._pool or WorkerPool(1, backend=backend_to_forecast())
        return self._pool

    def forecast(self, bundle: Path, *, meanwhile: Callable[[], None]) -> pd.DataFrame:
        """Return a bundle's forecast past the end of its data."""
        pool = self.start()
        pool.submit("forecast", FORECAST_BUNDLE, bundle, seconds=float("inf"))
        meanwhile()
        forecast: pd.DataFrame = pool.run([], seconds=float("inf"))["forecast"]["forecast"]
        return forecast
