"""One network and its training, as a flat, checked value: what a trial tries."""

from dataclasses import dataclass, field
from typing import Any

from forecastr.errors import ConfigError
from forecastr.windows.covariates import CovariateShape
from forecastr.windows.scaling import SCALINGS, TRANSFORMS

CHOICES: dict[str, tuple[object, ...]] = {
    "cell": ("gru", "lstm", "rnn"),
    "attention": ("none", "causal", "full"),
    "head": ("direct", "decoder", "plain"),
    "supervision": ("every", "last"),
    "transform": TRANSFORMS,
    "scaling": SCALINGS,
    "bases": ("naive", "means", "deviations", "theta"),
    "loss": ("pinball", "mse"),
    "schedule": ("constant", "cosine"),
    "covariates": ("none", "known", "all"),
}

MEAN_SEASONS = 4  # of the longest seasonal means at least
# What the pretrained weights fit.
ARCHITECTURE: dict[str, Any] = {
    **{"cell": "lstm", "layers": 1, "units": 64, "bidirectional": False, "attention": "none", "head": "direct"},
    **{"bases": "theta", "scaling": "causal", "covariates": "none", "calendar": False},
}


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """A recurrent forecaster and how it is trained.

    Parameters
    ----------
    cell : {"gru", "lstm", "rnn"}
        Recurrent cell of every layer.
    layers, units : int
        Stacked layers (1 to 4) and the width of each.
    bidirectional : bool
        Read the context in both directions; needs ``supervision="last"``.
    dropout : float
        Share of activations dropped between layers.
    attention : {"none", "causal", "full"}
        Self-attention over the context; ``"full"`` sees later steps and needs ``supervision="last"``.
    head : {"direct", "decoder", "plain"}
        The whole horizon at once from bases and a learned correction; a recurrent decoder over the
        horizon (needs ``supervision="last"``); or one dense layer, without bases, as in the tutorials.
    supervision : {"every", "last"}
        Train on the forecasts made at every step of the window, or on the one made at its end.
    stride : int
        Steps between two supervised ones, counted back from the end of the window: neighbours teach
        almost the same, and every forecast costs.
    context_length : int
        Past steps the recurrent layers read.
    transform : {"level", "log", "difference"}
        What a step is expressed as: its distance to the level, the same of logarithms, or the change
        since the step before.
    scaling : {"causal", "horizon", "minmax"}
        Per step, relative to a level known then, in units of the mean change over a season, or over the horizon; or
        the tutorials' (y - min) / (max - min).
    bases : {"naive", "means", "deviations", "theta"}
        What the head starts from: the seasonal naive; also means over past seasons, the last value and
        the level; also seasonal deviations around the level; also, and first, the Theta method.
    level_seasons : int
        Seasons that the level is the mean of.
    mean_steps : int
        Steps that the longest seasonal means look back on, what is usual at a place in the season; four seasons
        where those are more.
    local_scale : bool
        Express steps and forecasts relative to the recent size of changes too.
    covariates : {"none", "known", "all"}
        What is read besides the target: what is known through the horizon and of the series itself; also
        what is known to the cutoff.
    calendar : bool
        Read where in the day, week, month and year each step lies too.
    mirrored : bool
        Train on half of the windows upside down.
    loss : {"pinball", "mse"}
        What training minimizes.
    learning_rate, schedule, weight_decay, clip_norm : float or str
        AdamW's; the gradient's global norm is clipped at ``clip_norm`` (0: never).
    batch_size, updates : int
        Windows in a batch and training steps at most.
    patience : int
        Looks at validation, 50 updates apart, without a better loss before training stops and the best
        weights are kept (0: never; the last ones are).
    pretrained : bool
        Begin with what was learned from simulated series (``PRETRAINED``), which may be all: 0 updates.

    Raises
    ------
    ConfigError
        If a value is unknown, or a combination would let the network see what it is to forecast.
    """

    cell: str = "gru"
    layers: int = 2
    units: int = 64
    bidirectional: bool = False
    dropout: float = 0.0
    attention: str = "none"
    head: str = "direct"
    supervision: str = "every"
    stride: int = 1
    context_length: int = 60
    transform: str = "level"
    scaling: str = "causal"
    bases: str = "means"
    level_seasons: int = 1
    mean_steps: int = 0
    local_scale: bool = False
    covariates: str = "none"
    calendar: bool = False
    mirrored: bool = False
    loss: str = "pinball"
    learning_rate: float = 3e-3
    schedule: str = "cosine"
    weight_decay: float = 1e-4
    clip_norm: float = 1.0
    batch_size: int = 32
    updates: int = 400
    patience: int = 0
    pretrained: bool = False

    def __post_init__(self) -> None:
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ConfigError(f"{name} is '{getattr(self, name)}'; choose one of {', '.join(map(str, allowed))}.")
        for name in ("layers", "units", "context_length", "batch_size", "updates", "level_seasons", "stride"):
            if getattr(self, name) < (least := int(name != "updates" or not self.pretrained)):
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be at least {least}.")
        if self.mean_steps < 0:
            raise ConfigError(f"mean_steps is {self.mean_steps}; it must be 0 or more.")
        if self.layers > 4:
            raise ConfigError(f"layers is {self.layers}; at most 4 are stacked.")
        if self.head == "plain" and (self.calendar or self.covariates != "none"):
            raise ConfigError("head='plain' reads the target alone, as in the tutorials. Use covariates='none'.")
        if self.mirrored and self.scaling == "minmax":
            raise ConfigError("scaling='minmax' begins at 0, so a window has no other side. Use mirrored=False.")
        if self.pretrained and (
            differs := [name for name, value in ARCHITECTURE.items() if getattr(self, name) != value]
        ):
            asked = ", ".join(f"{name}={ARCHITECTURE[name]!r}" for name in differs)
            raise ConfigError(f"The pretrained weights are another network's. Use {asked}.")
        self._check_leaks()

    def _check_leaks(self) -> None:
        if self.supervision == "last":
            return
        seers = {
            "a bidirectional layer": self.bidirectional,
            "attention='full'": self.attention == "full",
            "head='decoder'": self.head == "decoder",
            "head='plain'": self.head == "plain",
        }
        for name, present in seers.items():
            if present:
                why = (
                    "forecasts once, at the end of the window"
                    if name.startswith("head")
                    else "sees later steps of the window, so a loss on an earlier one would leak"
                )
                raise ConfigError(f"{name} {why}. Use supervision='last'.")


CLASSIC = NetworkConfig(
    cell="lstm",
    layers=4,
    units=50,
    dropout=0.2,
    head="plain",
    supervision="last",
    context_length=60,
    scaling="minmax",
    bases="naive",
    loss="mse",
    learning_rate=1e-3,
    schedule="constant",
    weight_decay=0.0,
    clip_norm=0.0,
    batch_size=32,
    updates=4000,
)
PRETRAINED = NetworkConfig(**ARCHITECTURE, mean_steps=240, context_length=120, stride=12, updates=0, pretrained=True)


@dataclass(frozen=True, kw_only=True)
class WindowShape:
    """Sizes that follow from the data and the task.

    Parameters
    ----------
    horizon : int
        Steps to forecast.
    season_lengths : tuple of int
        Strongest first; ``(1,)`` where nothing repeats.
    covariates : CovariateShape
        Those of the panel: a configuration reads all, some or none of them.
    """

    horizon: int
    season_lengths: tuple[int, ...]
    covariates: CovariateShape = field(default_factory=CovariateShape)


def scale_lag(config: NetworkConfig, shape: WindowShape) -> int:
    """Return how far apart steps are whose mean absolute difference is a network's unit."""
    return shape.horizon if config.scaling == "horizon" else shape.season_lengths[0]


def past_length(config: NetworkConfig, shape: WindowShape) -> int:
    """Return the steps a network reads: its context and what levels and bases look back on before it."""
    if config.head == "plain":
        return config.context_length
    return config.context_length + history_length(config, shape)


def covariates_read(config: NetworkConfig, shape: WindowShape) -> CovariateShape:
    """Return the covariates that a network reads."""
    return shape.covariates.at(config.covariates, calendar=config.calendar)


def known_length(config: NetworkConfig, shape: WindowShape) -> int:
    """Return the steps to the cutoff of which known covariates are read: the context, and every base's season."""
    return max(config.context_length, supervised_reach(config) + shape.season_lengths[0])


def n_supervised_steps(config: NetworkConfig) -> int:
    """Return the steps of a window from which training asks for a forecast."""
    return -(-config.context_length // config.stride) if config.supervision == "every" else 1


def supervised_reach(config: NetworkConfig) -> int:
    """Return how many steps before the window's last the earliest supervised one lies."""
    return (n_supervised_steps(config) - 1) * config.stride


def numbers_per_window(config: NetworkConfig, shape: WindowShape) -> int:
    """Return how many numbers the forecast from one window takes in memory, about, and rather too many."""
    read, seasons = covariates_read(config, shape), len(shape.season_lengths)
    states = config.context_length * config.units * (1 + 6 * config.layers * (2 if config.bidirectional else 1))
    attended = 0 if config.attention == "none" else 4 * config.context_length**2
    beside = config.context_length * read.n_beside + (known_length(config, shape) + shape.horizon) * read.n_ahead
    ahead = shape.horizon * (20 + 10 * seasons + 4 * read.n_ahead)
    smoothed = 50 if config.bases == "theta" else 0
    return past_length(config, shape) * (20 + 10 * seasons + smoothed) + states + attended + 3 * beside + ahead


def history_length(config: NetworkConfig, shape: WindowShape) -> int:
    """Return the steps before the context that levels and bases look back on."""
    primary, longest = shape.season_lengths[0], max(shape.season_lengths)
    if longest == 1:
        seasons, means = 1, 0
    else:
        seasons = {"naive": 1, "means": 8, "deviations": MEAN_SEASONS, "theta": MEAN_SEASONS}[config.bases]
        means = config.mean_steps
    levels = (config.level_seasons + 1) * primary
    return max(seasons * primary, min(seasons, MEAN_SEASONS) * longest, means, levels, 20)
