"""Keras Tuner's Bayesian oracle, asked and told in an order that does not depend on the clock."""

from dataclasses import dataclass, field
from typing import Any

import keras_tuner
from keras_tuner.oracles import BayesianOptimizationOracle

from forecastr.search.space import SearchSpace

RANDOM_POINTS = 4  # drawn at random between the portfolio and the first Gaussian process


class PortfolioOracle(BayesianOptimizationOracle):  # type: ignore[misc]
    """Proposes known good values first, then what Bayesian optimization makes of their scores.

    It writes no files: the ledger holds all that is needed to tell it again.
    """

    def __init__(self, portfolio: list[dict[str, Any]], **kwargs: Any) -> None:
        super().__init__(
            num_initial_points=len(portfolio) + RANDOM_POINTS,
            max_trials=None,
            max_consecutive_failed_trials=10**9,
            **kwargs,
        )
        self.portfolio = portfolio
        self.verbose = 0

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Return the portfolio's next values, or the optimizer's."""
        number = len(self.trials)
        if number < len(self.portfolio):
            return {"status": "RUNNING", "values": self.portfolio[number]}
        proposal: dict[str, Any] = super().populate_space(trial_id)
        return proposal

    def save(self) -> None:
        """Do nothing: the ledger is the truth."""

    def _save_trial(self, trial: Any) -> None:
        """Do nothing, likewise."""


@dataclass(eq=False)
class Proposer:
    """Asks for the values of trial 0, 1, 2, ... and takes scores back in that order.

    Trial ``k`` is proposed when exactly the results up to ``k - lag`` have been told, whichever
    arrived first, so equal seeds give equal searches.

    Parameters
    ----------
    space : SearchSpace
        What may be tried.
    seed : int
        Of the oracle's draws.
    lag : int
        Trials that may be under way.
    """

    space: SearchSpace
    seed: int
    lag: int
    _asked: list[Any] = field(default_factory=list)
    _told: int = 0
    _scores: dict[int, float | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        hyperparameters = keras_tuner.HyperParameters()
        self.space.declare(hyperparameters)
        self._oracle = PortfolioOracle(
            self.space.portfolio(),
            objective=keras_tuner.Objective("score", "min"),
            hyperparameters=hyperparameters,
            seed=self.seed + 1,  # Keras Tuner takes a seed of 0 for none
        )

    @property
    def ready(self) -> bool:
        """Whether the next trial may be proposed."""
        return all(k in self._scores for k in range(len(self._asked) - self.lag + 1))

    def ask(self) -> dict[str, Any] | None:
        """Return the next trial's values, or None when the space is exhausted."""
        number = len(self._asked)
        while self._told <= number - self.lag:
            self._tell_oracle(self._told)
            self._told += 1
        trial = self._oracle.create_trial(f"slot-{number}")
        if trial.status != "RUNNING":
            return None
        self._asked.append(trial)
        return dict(trial.hyperparameters.values)

    def tell(self, number: int, score: float | None) -> None:
        """Remember a trial's score (None: it failed) until it is its turn to be told."""
        self._scores[number] = score

    def _tell_oracle(self, number: int) -> None:
        trial, score = self._asked[number], self._scores[number]
        if score is not None:
            self._oracle.update_trial(trial.trial_id, {"score": score})
        trial.status = "FAILED" if score is None else "COMPLETED"
        self._oracle.end_trial(trial)
