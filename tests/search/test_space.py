from dataclasses import replace

import keras_tuner
import pytest

from forecastr.models.config import NetworkConfig, n_supervised_steps
from forecastr.search.space import READERS, SearchSpace, context_choices, covariate_levels, trial_updates
from forecastr.windows.covariates import CovariateShape


def space_of(season_length: int, *, positive: bool) -> SearchSpace:
    return SearchSpace(season_length=season_length, contexts=(60, 120), positive=positive, updates=(100, 200, 400, 800))


SPACES = [
    space_of(1, positive=True),
    space_of(1, positive=False),
    space_of(7, positive=True),
    space_of(12, positive=False),
    replace(space_of(1, positive=True), covariates=("known", "none", "all"), calendar=True),
    replace(space_of(1, positive=True), long=True, scaling="horizon"),
    replace(space_of(7, positive=True), long=True),
    replace(space_of(24, positive=False), long=True, calendar=True, slow_calendar=True),
    replace(space_of(12, positive=True), mean_steps=(0, 96)),
    replace(space_of(7, positive=True), mean_steps=(0, 364), long=True),
]


@pytest.mark.parametrize("space", SPACES)
def test_every_draw_is_a_legal_network(space):
    hp = keras_tuner.HyperParameters()
    space.declare(hp)
    readers = set()
    for seed in range(200):
        for k, parameter in enumerate(hp.space):
            hp.values[parameter.name] = parameter.random_sample(1000 * seed + k)
        readers.add(hp.values["reader"])
        config = space.config(dict(hp.values))  # checked when it is made: what could leak raises
        assert config.transform != "log" or space.positive
        assert config.updates in space.updates
        assert config.scaling == space.scaling
        assert (config.patience > 0) == (config.schedule == "constant")
    assert readers == set(READERS)


@pytest.mark.parametrize("space", SPACES)
def test_the_portfolio_is_legal_distinct_and_within_the_space(space):
    hp = keras_tuner.HyperParameters()
    space.declare(hp)
    configs = [space.config(values) for values in space.portfolio()]
    assert len(set(configs)) == len(configs) >= 3
    for values in space.portfolio():
        assert values.keys() == hp.values.keys()
        for parameter in hp.space:
            assert 0 <= parameter.value_to_prob(values[parameter.name]) <= 1
            if isinstance(parameter, keras_tuner.engine.hyperparameters.Choice):
                assert values[parameter.name] in parameter.values


@pytest.mark.parametrize("changes, logs", [({}, False), ({"long": True}, True), ({"season_length": 4}, True)])
def test_a_few_years_are_not_forecast_in_logarithms(changes, logs):
    space = replace(space_of(1, positive=True), **changes)
    assert ("log" in space.transforms) == logs
    assert any(values["transform"] == "log" for values in space.portfolio()) == logs


@pytest.mark.parametrize("long", [True, False])
def test_some_of_the_first_trials_know_what_is_usual_over_many_seasons(long):
    space = replace(space_of(7, positive=True), mean_steps=(0, 364), long=long)
    steps = [values["mean_steps"] for values in space.portfolio()]
    assert set(steps) == {0, 364} and (steps[0] == 364) == long
    assert [{**values, "mean_steps": 0} for values in space.portfolio()] == [
        {**values, "mean_steps": 0} for values in replace(space, mean_steps=(0,)).portfolio()
    ]


def test_a_long_context_is_not_supervised_at_every_step_and_a_named_reader_keeps_its_own():
    space = space_of(7, positive=False)
    values = {**space.portfolio()[0], "context_length": 120}
    assert n_supervised_steps(space.config(values)) < 20
    assert space.config({**values, "reader": "bidirectional"}).supervision == "last"


def test_the_first_configuration_is_tried_with_and_without_covariates():
    space = replace(space_of(7, positive=True), covariates=("known", "none", "all"), calendar=True)
    configs = [space.config(values) for values in space.portfolio()]
    assert [config.covariates for config in configs[:5]] == ["known", "none", "all", "known", "known"]
    assert len({replace(config, covariates="none") for config in configs[:3]}) == 1
    alone = [space_of(7, positive=True).config(values) for values in space_of(7, positive=True).portfolio()]
    assert [replace(config, covariates="none") for config in configs[2:]] == [
        replace(config, mirrored=False) for config in alone
    ]


def test_the_first_trials_read_the_calendar_where_it_has_a_cycle_slower_than_the_seasons():
    space = replace(space_of(7, positive=True), calendar=True, long=True)
    assert not any(values["calendar"] for values in space.portfolio())
    slow = replace(space, slow_calendar=True).portfolio()
    assert slow[0]["calendar"] and {values["bases"] for values in slow if values["calendar"]} == {"deviations"}
    assert not all(values["calendar"] for values in slow)


@pytest.mark.parametrize("space", SPACES)
def test_some_first_trials_learn_from_mirrored_windows_but_none_that_reads_more_than_the_target(space):
    configs = [space.config(values) for values in space.portfolio()]
    only_target = [config for config in configs if config.covariates == "none" and not config.calendar]
    assert not any(config.mirrored for config in configs if config not in only_target)
    mirrored = sum(config.mirrored for config in only_target)
    assert mirrored == 0 if space.covariates[0] != "none" else 0 < mirrored < len(only_target)


def test_what_may_be_read_follows_from_what_the_panel_has():
    assert covariate_levels(CovariateShape(cycles=("week",))) == ("none",)
    assert covariate_levels(CovariateShape(static=2)) == ("none", "known")
    assert covariate_levels(CovariateShape(static=2, past=1)) == ("none", "known", "all")


def test_a_search_space_s_values_give_the_same_network_whatever_their_order():
    space = space_of(7, positive=True)
    values = space.portfolio()[0]
    assert space.config(dict(reversed(values.items()))) == space.config(values)
    assert isinstance(space.config(values), NetworkConfig)


def test_more_time_means_more_updates_in_whole_epochs():
    updates = [trial_updates(seconds, 1000) for seconds in (1, 10, 60, 120, 600, 3600, 1e6)]
    assert updates == sorted(updates)
    assert all(count % 50 == 0 for counts in updates for count in counts)


def test_more_rows_mean_up_to_twice_the_updates_where_there_is_time_for_them():
    by_rows = [trial_updates(120, n_rows)[2] for n_rows in (100, 150_000, 225_000, 300_000, 10**8)]
    assert by_rows == [800, 800, 1200, 1600, 1600]
    assert trial_updates(20, 10**8) == trial_updates(20, 100)


def test_a_context_that_was_asked_for_is_the_only_one():
    assert context_choices(17, (24,), 10_000) == (17,)
    assert context_choices(None, (7,), 100) == (60,)


def test_the_portfolio_has_small_networks_and_larger_ones_and_none_that_time_does_not_allow():
    space = space_of(12, positive=True)
    configs = [space.config(values) for values in space.portfolio()]
    assert (configs[0].units, configs[0].layers, configs[0].updates) == (32, 1, 200)
    rates = {config.learning_rate for config in configs if (config.units, config.layers) == (32, 1)}
    assert len(rates) > 1  # validation is to tell how hard short series may be trained
    first = replace(space, long=True).portfolio()[0]
    assert (first["units"], first["layers"], first["updates"]) == (32, 1, 800)  # a third of the cost of an update
    deep = replace(space, long=True, largest=1.5).portfolio()
    assert any((values["units"], values["layers"]) == (64, 2) for values in deep)
    assert all(values["layers"] == 1 for values in replace(space, long=True, largest=0.375).portfolio())
    long = replace(space, contexts=(60, 400))
    assert any(values["context_length"] == 400 for values in long.portfolio())
    assert not any(values["context_length"] == 400 for values in replace(long, largest=1.5).portfolio())


@pytest.mark.parametrize(
    ("changes", "times"),
    [({}, 1), ({"updates": 200}, 0.5), ({"layers": 1}, 1 / 3), ({"units": 128}, 4), ({"cell": "rnn"}, 1 / 3)],
)
def test_a_trial_costs_what_its_recurrent_weights_are_used(changes, times):
    space = space_of(12, positive=True)
    usual = {**space.portfolio()[0], "layers": 2, "units": 64, "updates": 400, "cell": "gru"}
    assert replace(space, largest=times * 1.01).affordable({**usual, **changes})
    assert not replace(space, largest=times * 0.99).affordable({**usual, **changes})
