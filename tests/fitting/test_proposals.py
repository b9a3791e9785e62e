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


@pytest.mark.parametrize("freq", ["YS", "h"])
def test_tables_without_a_season_or_with_two_have_none(freq):
    days = 5 * wave(1200, 24) + np.where(np.arange(1200) % 168 < 120, 5.0, 0.0)
    values = days if freq == "h" else wave(60)
    plan = plan_of(values, freq=freq, horizon=6)
    assert sorted(plan.task.season_lengths) == ([24, 168] if freq == "h" else [1])
    assert make_proposals(plan, jobs=1).pretrained is None
