"""Searches whose trials are scripted; networks of other tests run on JAX, unless Keras is loaded already."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from forecastr.engine.backend import use_backend
from forecastr.engine.pool import Message
from forecastr.models.config import NetworkConfig
from forecastr.search.ledger import Ledger
from forecastr.search.trials import Search, SearchSetting
from forecastr.windows.store import Cutoffs

use_backend("jax")

SMALL = NetworkConfig(layers=1, units=4, context_length=8, stride=4, updates=50, batch_size=8)


class Listed:
    """Proposals from a list, over and over."""

    def __init__(self, *configs: NetworkConfig) -> None:
        self.configs, self.asked, self.told, self.ready = configs, 0, {}, True

    def ask(self) -> NetworkConfig | None:
        self.asked += 1
        return self.configs[(self.asked - 1) % len(self.configs)] if self.configs else None

    def tell(self, number: int, score: float | None) -> None:
        self.told[number] = score


class Scripted:
    """A pool of one worker that says at the next poll what a list of outcomes tells it to."""

    def __init__(self, outcomes: list[float | str], folder: Path) -> None:
        self.outcomes, self.folder, self.job = outcomes, folder, None
        self.idle, self.busy = 1, False
        self.trained: list[str] = []
        self.allowed: list[float] = []
        self.hurried: list[float] = []

    def submit(self, job, function, work, *, seconds: float) -> None:
        self.job, self.idle, self.busy = job, 0, True
        self.trained.append(job.name)
        self.allowed.append(seconds)

    def hurry(self, seconds: float) -> None:
        self.hurried.append(seconds)

    def poll(self, timeout: float) -> list[Message]:
        job, outcome = self.job, self.outcomes[self.job.number % len(self.outcomes)]
        self.idle, self.busy = 1, False
        if isinstance(outcome, str):
            return [Message(job, "failed", outcome)]
        (self.folder / job.name).mkdir(exist_ok=True)
        np.save(self.folder / job.name / "validation.npy", np.full((1, 1, 5), outcome))
        return [Message(job, "done", {"seconds": 1.0})]


@pytest.fixture
def small() -> NetworkConfig:
    """Return the network of a search where it does not matter."""
    return SMALL


@pytest.fixture
def listed() -> type[Listed]:
    """Return the proposals of a search where they do not matter."""
    return Listed


@pytest.fixture
def scripted_search() -> Callable[..., Search]:
    """Return a function that makes a search in a folder, its trials' scores or failures given."""

    def make(tmp_path: Path, outcomes: list[float | str], configs: Sequence[NetworkConfig] = (SMALL,)) -> Search:
        setting = SearchSetting(
            train=tmp_path,
            known=tmp_path,
            validation=Cutoffs(np.zeros(1, int), np.ones(1, int)),
            horizon=1,
            season_lengths=(1,),
            seed=1,
            scratch=tmp_path,
        )
        return Search(
            setting=setting,
            proposals=Listed(*configs),
            score=lambda quantiles: {"validation_mase": float(quantiles.mean())},
            pool=Scripted(outcomes, tmp_path),
            ledger=Ledger(tmp_path / "ledger.jsonl"),
            watch=lambda event: None,
        )

    return make


@pytest.fixture
def run() -> Callable[..., str]:
    """Return a function that runs a search to its end."""

    def go(search: Search, *, seconds: list[float] | None = None, max_trials: int | None = None) -> str:
        left = iter(seconds or [])
        with search.ledger:
            return search.run(
                seconds_left=lambda: next(left, 0.0) if seconds else 1e6,
                trial_seconds=lambda: 1e6,
                max_trials=max_trials,
            )

    return go
