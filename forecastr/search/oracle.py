"""Keras Tuner's Bayesian oracle, which starts from a portfolio and writes no files."""

import warnings
from typing import Any

import keras_tuner
import numpy as np
from keras_tuner.oracles import BayesianOptimizationOracle
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern

from forecastr.search.space import SearchSpace

RANDOM_POINTS = 4  # drawn at random between the portfolio and the first Gaussian process
CANDIDATES = 2000  # random points that a proposal is picked from
NOISE = 1e-2  # variance of a score, of normalized ones: another seed gives another


class PortfolioOracle(BayesianOptimizationOracle):  # type: ignore[misc]
    """Proposes known good values first, then what Bayesian optimization makes of their scores.

    It writes no files: the ledger holds all that is needed to tell it again.
    """

    def __init__(self, space: SearchSpace, **kwargs: Any) -> None:
        self.space, self.portfolio = space, space.portfolio()
        super().__init__(
            num_initial_points=len(self.portfolio) + RANDOM_POINTS,
            max_trials=None,
            max_consecutive_failed_trials=10**9,
            **kwargs,
        )
        self.verbose = 0

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Return the portfolio's next values, or the optimizer's."""
        number = len(self.trials)
        if number < len(self.portfolio):
            return {"status": "RUNNING", "values": self.portfolio[number]}
        if len([trial for trial in self.trials.values() if trial.status == "COMPLETED"]) < self.num_initial_points:
            return {"status": "RUNNING", "values": self._affordable(self._draw(CANDIDATES))}
        return {"status": "RUNNING", "values": self._affordable(self._most_promising())}

    def _affordable(self, points: np.ndarray) -> dict[str, Any]:
        """Return the values of the first point that the search can afford; the portfolio's first if none is."""
        for point in points:
            values = self._vector_to_values(point)
            if self.space.affordable(values):
                return dict(values)
        return self.portfolio[0]

    def _draw(self, n: int) -> np.ndarray:
        """Return random points [n, D] of the space, as probabilities."""
        return self._random_state.uniform(size=(n, len(self._nonfixed_space())))

    def _most_promising(self) -> np.ndarray:
        """Return many random points, lowest confidence bound of a Gaussian process of the scores first.

        Keras Tuner descends this bound from 50 points by gradient. Nearly all choices here are categories, so
        it is a landscape of steps without one; that took 0.2 to 14 s a proposal, this takes 0.05.
        """
        points, scores = self._vectorize_trials()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a length scale at its bound: few points, flat scores
            self.gpr.fit(points, scores)
        candidates = self._draw(CANDIDATES)
        mean, deviation = self.gpr.predict(candidates, return_std=True)
        return candidates[np.argsort(mean - self.beta * deviation)]

    def _make_gpr(self) -> GaussianProcessRegressor:
        return GaussianProcessRegressor(
            kernel=Matern(nu=2.5), n_restarts_optimizer=2, normalize_y=True, alpha=NOISE, random_state=self.seed
        )

    def save(self) -> None:
        """Do nothing: the ledger is the truth."""

    def _save_trial(self, trial: Any) -> None:
        """Do nothing, likewise."""


def make_oracle(space: SearchSpace, *, seed: int) -> PortfolioOracle:
    """Return the oracle of a search space, which minimizes ``score``."""
    hyperparameters = keras_tuner.HyperParameters()
    space.declare(hyperparameters)
    return PortfolioOracle(
        space,
        objective=keras_tuner.Objective("score", "min"),
        hyperparameters=hyperparameters,
        seed=seed + 1,  # Keras Tuner takes a seed of 0 for none
    )
