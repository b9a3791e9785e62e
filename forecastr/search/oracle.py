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

CANDIDATES = 2000  # random points that a proposal is picked from
BEST = 3  # trials that proposals are variations of
VARIED = 2  # values that a variation changes, on average
ANYWHERE = 2  # every so many proposals are picked from the whole space: networks unlike each other err less together
NOISE = 1e-2  # variance of a score, of normalized ones: another seed gives another


class PortfolioOracle(BayesianOptimizationOracle):  # type: ignore[misc]
    """Proposes known good values first, then what Bayesian optimization makes of their scores.

    It writes no files: the ledger holds all that is needed to tell it again.
    """

    def __init__(self, space: SearchSpace, **kwargs: Any) -> None:
        self.space, self.portfolio = space, space.portfolio()
        super().__init__(max_trials=None, max_consecutive_failed_trials=10**9, **kwargs)
        self.verbose = 0

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Return the portfolio's next values, or the optimizer's."""
        number = len(self.trials)
        if number < len(self.portfolio):
            return {"status": "RUNNING", "values": self.portfolio[number]}
        points, scores = self._vectorize_trials()
        candidates = self._random_state.uniform(size=(CANDIDATES, len(self._nonfixed_space())))
        if len(scores):
            if number % ANYWHERE:
                candidates = self._variations(points[np.argsort(scores, kind="stable")[:BEST]], candidates)
            candidates = self._by_promise(candidates, points, scores)
        return {"status": "RUNNING", "values": self._affordable(candidates)}

    def _affordable(self, points: np.ndarray) -> dict[str, Any]:
        """Return the values of the first new point that the search can afford; the portfolio's first if none is."""
        tried = [trial.hyperparameters.values for trial in self.trials.values()]
        for point in points:
            values = self._vector_to_values(point)
            if values not in tried and self.space.affordable(values):
                return dict(values)
        return self.portfolio[0]

    def _variations(self, best: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Return points [n, D] of the best with a few values of others: most of the space is far worse."""
        near = best[self._random_state.randint(len(best), size=len(others))]
        return np.where(self._random_state.uniform(size=near.shape) < VARIED / near.shape[1], others, near)

    def _by_promise(self, candidates: np.ndarray, points: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Return candidates [n, D], lowest confidence bound of a Gaussian process of the scores so far first.

        Keras Tuner descends this bound from 50 points by gradient. Nearly all choices here are categories, so
        it is a landscape of steps without one; that took 0.2 to 14 s a proposal, this takes 0.05.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a length scale at its bound: few points, flat scores
            self.gpr.fit(points, scores)
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
