"""A bundle made by hand: three small networks with random weights, on JAX unless Keras is loaded already."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecastr.bundle import Bundle, load_bundle
from forecastr.data import read_panel
from forecastr.engine.backend import use_backend
from forecastr.evaluation.baselines import BASELINES
from forecastr.fitting.pack import write_bundle
from forecastr.fitting.plan import make_plan
from forecastr.fitting.scores import training_scales
from forecastr.models.config import CLASSIC, NetworkConfig, WindowShape
from forecastr.schema import MODEL
from forecastr.search.trials import Trial

use_backend("jax")

HORIZON, SEASON = 3, 4
WEIGHTS = (0.4, 0.24, 0.16)
SHARES = {"seasonal_naive": 0.2}
SMALL = NetworkConfig(layers=1, units=4, context_length=8, stride=4)
CONFIGS = (
    replace(SMALL, bases="deviations"),
    replace(SMALL, cell="lstm", transform="log", local_scale=True),
    replace(CLASSIC, layers=1, units=4, context_length=8),
)


def make_table(n: int = 120, *, size: float = 1.0) -> pd.DataFrame:
    """Two daily series of ``n`` and ``n - 20`` days with a season of four and a few gaps."""
    rng = np.random.default_rng(0)
    parts = []
    for name, length in (("a", 120), ("b", 100)):
        y = 20 + 5 * np.sin(2 * np.pi * np.arange(length) / SEASON) + rng.normal(size=length)
        y[[30, 95]] = np.nan
        days = pd.date_range("2024-01-01", periods=length)
        parts.append(pd.DataFrame({"unique_id": name, "ds": days, "y": size * y}).iloc[: length - (120 - n)])
    return pd.concat(parts, ignore_index=True)


@dataclass(frozen=True)
class Factory:
    """Writes bundles that differ in their table alone."""

    networks: Path

    def __call__(self, table: pd.DataFrame, folder: Path) -> Bundle:
        """Return the bundle of a table, written into a new folder."""
        plan = make_plan(read_panel(table), horizon=HORIZON, season=SEASON)
        spread = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
        write_bundle(
            folder,
            plan,
            weights={Trial(n, config): weight for n, (config, weight) in enumerate(zip(CONFIGS, WEIGHTS, strict=True))},
            shares=SHARES,
            offsets={name: np.tile(spread, (HORIZON, 1)) for name in (MODEL, *BASELINES)},
            baseline="last_value",
            networks=self.networks,
            scaled_on=plan.store,
            scale=training_scales(plan.train_store, SEASON),
        )
        return load_bundle(folder)


@pytest.fixture(scope="session")
def make_bundle(tmp_path_factory) -> Factory:
    """Return a function from a table and a folder to a bundle."""
    from forecastr.models.network import build_networks

    networks, rng = tmp_path_factory.mktemp("networks"), np.random.default_rng(1)
    for n, config in enumerate(CONFIGS):
        horizon = 1 if config.head == "plain" else HORIZON
        _, network = build_networks(config, WindowShape(horizon=horizon, season_lengths=(SEASON,)))
        network.set_weights([rng.normal(scale=0.2, size=weight.shape) for weight in network.weights])
        network.save(networks / f"{n:04d}.keras")
    return Factory(networks)


@pytest.fixture(scope="session")
def bundle(make_bundle, tmp_path_factory) -> Bundle:
    """Return a bundle of the first hundred days. Look, do not touch."""
    return make_bundle(make_table(100), tmp_path_factory.mktemp("run") / "bundle")


@pytest.fixture(scope="session")
def table() -> pd.DataFrame:
    """Return all days: the last twenty are news to the bundle."""
    return make_table()


@pytest.fixture(scope="session")
def table_of():
    """Return the function that makes tables."""
    return make_table
