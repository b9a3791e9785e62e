import math

import numpy as np
import pytest

from forecastr.search.proposer import Proposer
from forecastr.search.space import SearchSpace

# Keras Tuner asks threads for their names in an old way.
pytestmark = [
    pytest.mark.filterwarnings("ignore:currentThread:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:getName:DeprecationWarning"),
]
SPACE = SearchSpace(season_length=1, contexts=(60,), positive=True, updates=(25, 50, 100))
TRIALS = len(SPACE.portfolio()) + 9  # the last ones come from the Gaussian process


def score_of(values: dict) -> float | None:
    """What a trial would score; None for those that fail."""
    if values["cell"] == "rnn" and values["layers"] > 2:
        return None
    return abs(math.log(values["learning_rate"] / 3e-3)) + 0.1 * values["layers"] + values["dropout"]


def search(
    *, seed: int = 1, lag: int = 4, arrival: int | None = None, trials: int = TRIALS, score=score_of
) -> list[dict]:
    """Run proposals to the end; results arrive in order, or shuffled by the seed ``arrival``."""
    proposer, asked, waiting = Proposer(SPACE, seed=seed, lag=lag), [], []
    rng = np.random.default_rng(arrival)
    while len(asked) < trials:
        if proposer.ready and len(waiting) < lag:
            waiting.append(len(asked))
            asked.append(proposer.ask())
            continue
        number = waiting.pop(0 if arrival is None else int(rng.integers(len(waiting))))
        proposer.tell(number, score(asked[number]))
    return asked


@pytest.fixture(scope="module")
def in_order() -> list[dict]:
    """The proposals of a search whose results arrive in order."""
    return search()


def test_the_portfolio_comes_first(in_order):
    portfolio = SPACE.portfolio()
    assert in_order[: len(portfolio)] == portfolio
    assert in_order[len(portfolio)] not in portfolio


def test_every_second_proposal_changes_a_few_values_of_a_good_trial_and_others_are_anything(in_order):
    first = len(SPACE.portfolio())
    changes = [
        min(sum(values[name] != tried[name] for name in values) for tried in in_order[:number])
        for number, values in enumerate(in_order[first:], start=first)
    ]
    assert all(changes)  # nothing is tried twice
    by_turns = [changes[n::2] for n in (0, 1)]
    variations, others = sorted(by_turns, key=max)
    assert max(variations) <= 5 < max(others)


@pytest.mark.parametrize("arrival", [0, 1])
def test_proposals_do_not_depend_on_the_order_of_arrival(in_order, arrival):
    assert search(arrival=arrival) == in_order


def test_proposals_depend_on_scores_and_seed(in_order):
    first_model_based = len(SPACE.portfolio())
    other_scores = search(score=lambda values: values["units"])
    assert other_scores[:first_model_based] == in_order[:first_model_based]
    assert other_scores != in_order
    assert search(seed=2) != in_order


def test_every_proposal_is_legal(in_order):
    assert all(SPACE.config(values).updates in SPACE.updates for values in in_order)


def test_no_more_trials_are_under_way_than_the_lag_allows():
    proposer = Proposer(SPACE, seed=1, lag=2)
    assert proposer.ready
    proposer.ask()
    assert proposer.ready
    proposer.ask()
    assert not proposer.ready
    proposer.tell(1, 0.5)  # a later result does not stand in for the first
    assert not proposer.ready
    proposer.tell(0, 0.7)
    assert proposer.ready


def test_a_failed_trial_is_never_the_oracle_s_best():
    proposer, n_first = Proposer(SPACE, seed=1, lag=1), len(SPACE.portfolio())
    for number, score in enumerate([None, 0.9, None, 0.4, *[None] * n_first]):
        proposer.ask()
        proposer.tell(number, score)
    proposer.ask()
    assert [trial.score for trial in proposer._oracle.get_best_trials(2)] == [0.4, 0.9]


def test_a_search_of_failures_goes_on():
    assert len(search(score=lambda values: None, trials=12)) == 12
