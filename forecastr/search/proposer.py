"""Asks the oracle and tells it, in an order that does not depend on the clock."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from forecastr.search.space import SearchSpace

if TYPE_CHECKING:
    from forecastr.search.oracle import PortfolioOracle


@dataclass(eq=False)
class Proposer:
    """Asks for the values of trial 0, 1, 2, ... and takes scores back in that order.

    Trial ``k`` is proposed when exactly the results up to ``k - lag`` have been told, whichever
    arrived first, so equal seeds give equal searches. The portfolio needs no oracle: Keras Tuner,
    seconds to load, is loaded when the first proposal beyond it is asked for.

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
    _asked: int = 0
    _trials: list[Any] = field(default_factory=list)
    _told: int = 0
    _scores: dict[int, float | None] = field(default_factory=dict)
    _oracle: "PortfolioOracle | None" = None

    @property
    def ready(self) -> bool:
        """Whether the next trial may be proposed."""
        return all(k in self._scores for k in range(self._asked - self.lag + 1))

    def ask(self) -> dict[str, Any] | None:
        """Return the next trial's values, or None when the space is exhausted."""
        portfolio = self.space.portfolio()
        if self._asked < len(portfolio):
            self._asked += 1
            return portfolio[self._asked - 1]
        trial = self._ask_oracle(self._asked)
        if trial.status != "RUNNING":
            return None
        self._asked += 1
        return dict(trial.hyperparameters.values)

    def tell(self, number: int, score: float | None) -> None:
        """Remember a trial's score (None: it failed) until it is its turn to be told."""
        self._scores[number] = score

    def _ask_oracle(self, number: int) -> Any:
        """Bring the oracle up to the results that trial ``number`` may know, and ask it."""
        if self._oracle is None:
            from forecastr.search.oracle import make_oracle

            self._oracle = make_oracle(self.space, seed=self.seed)
            self._trials = [self._oracle.create_trial(f"slot-{k}") for k in range(number)]
        while self._told <= number - self.lag:
            self._tell_oracle(self._told)
            self._told += 1
        trial = self._oracle.create_trial(f"slot-{number}")
        self._trials.append(trial)
        return trial

    def _tell_oracle(self, number: int) -> None:
        assert self._oracle is not None
        trial, score = self._trials[number], self._scores[number]
        if score is not None:
            self._oracle.update_trial(trial.trial_id, {"score": score})
        trial.status = "FAILED" if score is None else "COMPLETED"
        self._oracle.end_trial(trial)
