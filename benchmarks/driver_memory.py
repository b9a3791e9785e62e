"""Does the process that leads a search grow with its trials? MiB per trial, for docs/reliability.md.

The search is a real one: table, oracle, ledger and scores; but trials are not trained: what a worker would say is
said at once, with forecasts drawn at random.

    python benchmarks/driver_memory.py --trials 200
"""

import argparse
import os
import resource
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from forecastr.data import read_panel
from forecastr.engine.pool import Message
from forecastr.fitting.plan import make_plan
from forecastr.fitting.proposals import make_proposals
from forecastr.fitting.scores import Part, training_scales
from forecastr.schema import QUANTILE_LEVELS
from forecastr.search import trials as trials_module
from forecastr.search.ledger import Ledger
from forecastr.search.trials import Search, SearchSetting, Trial

PRICES = Path(__file__).parents[1] / "examples" / "prices.csv"
EPOCHS = 16  # of each trial
SETTLED = 40  # trials after which everything is loaded


class Instant:
    """A pool of workers that have always just finished."""

    def __init__(self, folder: Path, shape: tuple[int, int], each: Callable[[], None]) -> None:
        self.folder, self.shape, self.each = folder, shape, each
        self.rng, self.waiting = np.random.default_rng(0), list[Trial]()

    @property
    def idle(self) -> int:
        """Workers without a trial."""
        return 2 - len(self.waiting)

    @property
    def busy(self) -> bool:
        """Whether any has one."""
        return bool(self.waiting)

    def submit(self, job: Trial, *_: object, **__: object) -> None:
        """Take a trial."""
        self.waiting.append(job)

    def poll(self, timeout: float) -> list[Message]:
        """Say all that a worker says of its trial."""
        trial = self.waiting.pop(0)
        folder = self.folder / trial.name
        folder.mkdir()
        cube = np.sort(self.rng.normal(20, 1, size=(*self.shape, len(QUANTILE_LEVELS))), axis=-1)
        np.save(folder / "validation.npy", cube)
        numbers = dict.fromkeys(("loss", "validation_loss", "gradient_norm", "learning_rate", "seconds"), 0.5)
        epochs = [{"epoch": n, "updates": 50 * n, **numbers} for n in range(EPOCHS)]
        self.each()
        done: dict[str, Any] = {"updates": 800, "best_updates": 800, "seconds": 1.0, "parameters": 1000}
        return [*(Message(trial, "event", epoch) for epoch in epochs), Message(trial, "done", done)]


def resident_mib() -> float:
    """Return the memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def main() -> None:
    """Print memory along the way and the slope once everything is loaded."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=200)
    asked = parser.parse_args()
    os.environ.setdefault("KERAS_BACKEND", "jax")
    trials_module.STALLED = asked.trials  # random forecasts do not improve
    plan, seen = make_plan(read_panel(PRICES)), list[float]()
    with tempfile.TemporaryDirectory() as name, Ledger(Path(name) / "ledger.jsonl") as ledger:
        folder = Path(name)
        part = Part.of(
            plan.known_store,
            plan.validation,
            plan.task.horizon,
            training_scales(plan.known_store, plan.task.season_length),
        )
        pool: Any = Instant(folder, part.y_true.shape, lambda: seen.append(resident_mib()))
        search = Search(
            setting=SearchSetting(
                train=folder, known=folder, validation=plan.validation, horizon=plan.task.horizon,
                season_lengths=plan.task.season_lengths, seed=1, scratch=folder,
            ),
            proposals=make_proposals(plan, jobs=2),
            score=lambda quantiles: part.metrics(quantiles, part="validation"),
            pool=pool, ledger=ledger, watch=lambda event: None,
        )  # fmt: skip
        search.run(seconds_left=lambda: 1e6, trial_seconds=lambda: 1e6, max_trials=asked.trials)
        kept = len(list(folder.glob("*/validation.npy")))
    for n in range(0, len(seen), max(1, len(seen) // 10)):
        print(f"{n:4d} trials {seen[n]:8.1f} MiB")
    steps = np.arange(SETTLED, len(seen))
    slope = np.polyfit(steps, seen[SETTLED:], 1)[0] if len(steps) > 1 else float("nan")
    print(f"{slope:.3f} MiB a trial from trial {SETTLED} to {len(seen)}; files of {kept} trials on disk")


if __name__ == "__main__":
    main()
