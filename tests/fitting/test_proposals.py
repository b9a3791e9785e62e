from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecastr.data import read_panel
from forecastr.fitting.plan import Plan, make_plan
from forecastr.fitting.proposals import make_proposals
from forecastr.models.config import PRETRAINED


def plan_of(values: np.ndarray, *, freq: str, **options) -> Plan:
    table = pd.DataFrame({"ds": pd.date_range("2015-01-01", periods=len(values), freq=freq), "y": values})
    return make_plan(read_panel(table), **options)


def wave(n: int, *periods: int) -> np.ndarray:
    t = np.arange(n)
    noise = np.random.default_rng(0).normal(scale=0.1, size=n)
    return 20 + sum(np.sin(2 * np.pi * t / period) for period in periods) + noise


def test_the_second_network_of_a_seasonal_table_needs_no_training_and_the_oracle_counts_its_own():
    plan = plan_of(wave(200, 12), freq="MS", horizon=6)
    proposals, portfolio = make_proposals(plan, jobs=1), plan.space.portfolio()
    asked = [proposals.ask() for _ in range(4)]

    assert (asked[1].pretrained, asked[1].updates, asked[1].context_length) == (True, 0, plan.space.contexts[-1])
    assert [asked[0], *asked[2:]] == [plan.space.config(values) for values in portfolio[:3]]
    for number, score in enumerate([0.5, 0.6, 0.7, None]):
        proposals.tell(number, score)
    assert proposals.proposer._scores == {0: 0.5, 1: 0.7, 2: None}


@pytest.mark.parametrize("asked, given", [(30, 30), (150, PRETRAINED.context_length)])
def test_it_reads_no_more_than_the_context_that_was_asked_for(asked, given):
    proposals = make_proposals(plan_of(wave(300, 12), freq="MS", horizon=6, context=asked), jobs=1)
    assert proposals.pretrained.context_length == given


def test_a_table_without_a_season_has_one_too():
    plan = plan_of(wave(60), freq="YS", horizon=6)
    assert plan.task.season_lengths == (1,)
    assert make_proposals(plan, jobs=1).pretrained == replace(PRETRAINED, context_length=plan.space.contexts[-1])


def test_prices_have_none():
    changes = np.random.default_rng(1).normal(scale=0.01, size=300)
    prices = plan_of(100 * np.exp(changes.cumsum()), freq="D", horizon=6, season=1)
    returns = plan_of(100 * np.exp(changes), freq="D", horizon=6, season=1)
    assert make_proposals(prices, jobs=1).pretrained is None
    assert make_proposals(returns, jobs=1).pretrained is not None


def test_a_table_with_two_seasons_has_none():
    values = 5 * wave(1200, 24) + np.where(np.arange(1200) % 168 < 120, 5.0, 0.0)
    plan = plan_of(values, freq="h", horizon=6)
    assert sorted(plan.task.season_lengths) == [24, 168]
    assert make_proposals(plan, jobs=1).pretrained is None
