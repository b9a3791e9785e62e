from dataclasses import replace

import pytest

from forecastr.errors import ConfigError
from forecastr.models.config import (
    CHOICES,
    NetworkConfig,
    WindowShape,
    n_supervised_steps,
    past_length,
    scale_lag,
    supervised_reach,
)


@pytest.mark.parametrize(
    ("seer", "name"),
    [
        ({"bidirectional": True}, "bidirectional"),
        ({"attention": "full"}, "attention='full'"),
        ({"head": "decoder"}, "head='decoder'"),
        ({"head": "plain", "loss": "mse"}, "head='plain'"),
    ],
)
def test_what_sees_later_steps_cannot_be_supervised_at_every_step(seer, name):
    with pytest.raises(ConfigError, match=name) as caught:
        NetworkConfig(supervision="every", **seer)
    assert "supervision='last'" in str(caught.value)
    assert NetworkConfig(supervision="last", **seer).supervision == "last"


def test_windows_scaled_from_zero_to_one_have_no_mirror_image():
    with pytest.raises(ConfigError, match="mirrored=False"):
        NetworkConfig(head="plain", supervision="last", scaling="minmax", loss="mse", mirrored=True)


@pytest.mark.parametrize("name", CHOICES)
def test_an_unknown_choice_is_refused_with_the_known_ones(name):
    with pytest.raises(ConfigError, match=f"{name} is 'other'; choose one of {CHOICES[name][0]}"):
        NetworkConfig(**{name: "other"})


@pytest.mark.parametrize("name", ["layers", "units", "context_length", "batch_size", "updates", "stride"])
def test_counts_start_at_one(name):
    with pytest.raises(ConfigError, match=f"{name} is 0"):
        NetworkConfig(**{name: 0})


def test_means_are_of_some_steps():
    with pytest.raises(ConfigError, match="mean_steps is -7; it must be 0 or more"):
        NetworkConfig(mean_steps=-7)


@pytest.mark.parametrize(
    ("scaling", "seasons", "lag"), [("causal", (24, 168), 24), ("causal", (1,), 1), ("horizon", (1,), 6)]
)
def test_a_network_s_unit_is_the_change_over_a_season_or_over_the_horizon(scaling, seasons, lag):
    assert scale_lag(NetworkConfig(scaling=scaling), WindowShape(horizon=6, season_lengths=seasons)) == lag


def test_four_layers_are_the_most():
    assert NetworkConfig(layers=4).layers == 4
    with pytest.raises(ConfigError, match="at most 4"):
        NetworkConfig(layers=5)


@pytest.mark.parametrize(
    ("context", "stride", "steps", "reach"), [(60, 1, 60, 59), (60, 6, 10, 54), (10, 4, 3, 8), (5, 9, 1, 0)]
)
def test_supervised_steps_end_at_the_window_s_last_and_stay_inside_it(context, stride, steps, reach):
    config = NetworkConfig(context_length=context, stride=stride)
    assert (n_supervised_steps(config), supervised_reach(config)) == (steps, reach)
    last_only = replace(config, supervision="last")
    assert (n_supervised_steps(last_only), supervised_reach(last_only)) == (1, 0)


def test_a_network_reads_its_context_and_what_its_bases_look_back_on():
    shape = WindowShape(horizon=3, season_lengths=(7,))
    config = NetworkConfig(context_length=10, bases="means")
    assert past_length(config, shape) == 10 + 8 * 7
    assert past_length(replace(config, bases="deviations"), shape) == 10 + 4 * 7
    assert past_length(replace(config, bases="naive", level_seasons=4), shape) == 10 + 5 * 7
    assert past_length(replace(config, mean_steps=30), shape) == 10 + 8 * 7
    assert past_length(replace(config, bases="deviations", mean_steps=70), shape) == 10 + 70
    assert past_length(config, WindowShape(horizon=3, season_lengths=(1,))) == 10 + 20
    assert past_length(replace(config, mean_steps=70), WindowShape(horizon=3, season_lengths=(1,))) == 10 + 20
    plain = replace(config, head="plain", loss="mse", supervision="last")
    assert past_length(plain, shape) == 10
