"""What a search may try: every hyperparameter named for what it is, and the first configurations."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from forecastr.models.config import MEAN_SEASONS, NetworkConfig
from forecastr.windows.covariates import CovariateShape

if TYPE_CHECKING:
    import keras_tuner

# How the context is read. Only combinations that cannot leak have a name.
READERS: dict[str, dict[str, Any]] = {
    "causal": {},
    "causal attention": {"attention": "causal"},
    "bidirectional": {"bidirectional": True, "supervision": "last"},
    "full attention": {"attention": "full", "supervision": "last"},
    "decoder": {"head": "decoder", "supervision": "last"},
    "last step": {"supervision": "last"},
}

# Forecasts a window is supervised at: with 10 instead of 60 an update costs half, and twice the updates
# lowered the validation MASE of hourly series from 0.744 to 0.696 in the same time.
SUPERVISED_STEPS = 10
MANY_ROWS = 150_000  # from here on a network learns from more updates
MOST_MEAN_STEPS = 366  # that seasonal means look back on: 560 and 672 did worse on NN5 Daily and M4 Hourly
PATIENCE = 5  # looks at validation without a better loss, where the learning rate is constant


@dataclass(frozen=True, kw_only=True)
class SearchSpace:
    """The part of the space that depends on the data and the task.

    Parameters
    ----------
    season_length : int
        1 where nothing repeats: the seasonal choices then have no meaning and are left out.
    contexts : tuple of int
        Context lengths to try; one where the user named it.
    positive : bool
        Whether logarithms can be taken.
    updates : tuple of int
        Training steps to try, fewest first; a usual trial has the third, a wide one of long series the last but one,
        a swift one the last.
    mean_steps : tuple of int
        Steps that the longest seasonal means may look back on; some of the first trials have the last.
    covariates : tuple of str
        What may be read besides the target, as in ``NetworkConfig``; what most of the first trials read comes first.
    calendar : bool
        Whether a trial may read the calendar too.
    slow_calendar : bool
        Whether a cycle of the calendar is slower than every season: some of the first trials then read it.
    scaling : str
        Unit of a network, as in ``NetworkConfig``.
    long : bool
        Whether the series are long: larger networks are then tried before small ones.
    largest : float
        Cost of a trial at most, of a usual one's: two layers of 64, the shorter context, all updates.
    """

    season_length: int
    contexts: tuple[int, ...]
    positive: bool
    updates: tuple[int, ...]
    mean_steps: tuple[int, ...] = (0,)
    covariates: tuple[str, ...] = ("none",)
    calendar: bool = False
    slow_calendar: bool = False
    scaling: str = "causal"
    long: bool = False
    largest: float = math.inf

    @property
    def transforms(self) -> list[str]:
        """Legal transforms: of a few years without a season, the growth of logarithms has no end."""
        return ["level", "difference", *(["log"] if self.positive and (self.long or self.season_length > 1) else [])]

    def declare(self, hp: "keras_tuner.HyperParameters") -> None:
        """Declare every hyperparameter that a trial may vary."""
        hp.Choice("reader", list(READERS))
        hp.Choice("cell", ["gru", "lstm", "rnn"])
        hp.Int("layers", 1, 4)
        hp.Choice("units", [32, 48, 64, 96, 128])
        hp.Choice("dropout", [0.0, 0.1, 0.2, 0.3])
        hp.Choice("context_length", list(self.contexts))
        hp.Choice("transform", self.transforms)
        hp.Boolean("local_scale")
        hp.Boolean("mirrored")
        hp.Choice("bases", ["naive", "means", "deviations", "theta"] if self.season_length > 1 else ["naive", "theta"])
        if self.season_length > 1:
            hp.Choice("level_seasons", [1, 2, 4])
        if len(self.mean_steps) > 1:
            hp.Choice("mean_steps", list(self.mean_steps))
        hp.Float("learning_rate", 1e-3, 1e-2, sampling="log")
        hp.Choice("schedule", ["cosine", "constant"])
        hp.Choice("weight_decay", [0.0, 1e-4, 1e-2])
        hp.Choice("clip_norm", [0.5, 1.0, 5.0])
        hp.Choice("batch_size", [16, 32, 64])
        hp.Choice("updates", list(self.updates))
        if len(self.covariates) > 1:
            hp.Choice("covariates", list(self.covariates))
        if self.calendar:
            hp.Boolean("calendar")

    def config(self, values: dict[str, Any]) -> NetworkConfig:
        """Return the configuration that values of the hyperparameters stand for."""
        chosen = {name: value for name, value in values.items() if name != "reader"}
        reader = READERS[values["reader"]]
        stride = 1 if "supervision" in reader else max(1, chosen["context_length"] // SUPERVISED_STEPS)
        patience = PATIENCE if chosen["schedule"] == "constant" else 0  # a cosine's end is chosen by its length
        return NetworkConfig(**chosen, **reader, scaling=self.scaling, stride=stride, patience=patience)

    def affordable(self, values: dict[str, Any]) -> bool:
        """Whether a trial of these values costs no more than ``largest`` times a usual one."""
        usual = {**self._plain(), "layers": 2, "units": 64, "context_length": min(self.contexts)}
        return _cost(values) <= self.largest * _cost(usual)

    def portfolio(self) -> list[dict[str, Any]]:
        """Return the first values to try, known to be good across panels, most promising first.

        The first of all is tried with and without covariates: what they are worth shows in the difference. What a
        covariate or a date does has a sign, so only those that read the target alone learn from mirrored windows.
        """
        usual: list[dict[str, Any]] = []
        for values in self._usual():
            alone = self.covariates[0] == "none" and not values.get("calendar", False)
            values = {**values, "mirrored": values["mirrored"] and alone}
            if values not in usual and self.affordable(values):  # without logarithms some are the same
                usual.append(values)
        first, *others = usual
        if len(self.covariates) == 1:
            return [first, *others]
        pairs = [{**first, "covariates": level} for level in self.covariates]
        return [*pairs, *({**values, "covariates": self.covariates[0]} for values in others)]

    def _plain(self) -> dict[str, Any]:
        """Return values that others differ from."""
        return {
            "reader": "causal",
            "cell": "gru",
            "layers": 1,
            "units": 64,
            "dropout": 0.0,
            "context_length": self.contexts[0],
            "transform": "level",
            "local_scale": False,
            "mirrored": False,
            **({"bases": "means", "level_seasons": 1} if self.season_length > 1 else {"bases": "naive"}),
            "learning_rate": 3e-3,
            "schedule": "cosine",
            "weight_decay": 1e-4,
            "clip_norm": 1.0,
            "batch_size": 32,
            "updates": self.updates[2],
            **({"mean_steps": self.mean_steps[0]} if len(self.mean_steps) > 1 else {}),
            **({"calendar": False} if self.calendar else {}),
        }

    def _usual(self) -> list[dict[str, Any]]:
        """Return the portfolio of a target alone: small networks for little data, larger ones for more.

        About half learn from mirrored windows too. Which half errs less is a matter of the horizon, and together they
        err hardly more than the better one.
        """
        log = {"transform": "log"} if "log" in self.transforms else {}
        plain, half = self._plain(), {"updates": self.updates[1]}
        small: dict[str, Any] = {**half, "units": 32, "learning_rate": 1e-3}
        deep: dict[str, Any] = {"layers": 2}
        mirrored = {"mirrored": True}
        longest = {"context_length": self.contexts[-1]}
        if self.season_length == 1:
            local = {"local_scale": True, "bases": "naive" if self.long else "theta"}
            return [
                {**plain, **small, **local},
                {**plain, **deep, **log, **mirrored, **local},
                {**plain, "transform": "difference", "cell": "lstm", "dropout": 0.2},
                {**plain, **small, **longest, **log, **mirrored, "local_scale": True, "bases": "theta"},
            ]
        small, deep = {**plain, **small, "bases": "theta"}, {**plain, **deep, "dropout": 0.1}
        theta, deviations = {**deep, **mirrored, "bases": "theta"}, {**deep, "bases": "deviations"}
        slow_level = {"level_seasons": 4}
        slow_means = {"mean_steps": self.mean_steps[-1]} if len(self.mean_steps) > 1 else {}
        lstm = {**plain, **slow_level, "cell": "lstm", "units": 96}
        # One small layer learns as much in a third of the seconds, where there are many windows.
        swift = {**plain, "units": 32, "learning_rate": 6e-3, "bases": "deviations", "updates": self.updates[-1]}
        if self.slow_calendar:
            swift["calendar"] = deviations["calendar"] = True
        # Networks of the same shape, with and without logarithms, are compiled once.
        if self.long:
            # LSTMs with a slow level do best on hourly and daily panels, several of them better than one of each kind.
            narrow = {**swift, **slow_level, "cell": "lstm", "units": 48}
            wide = {**narrow, "units": 96, "updates": self.updates[-2]}
            wide = wide if self.affordable(wide) else narrow
            decay = {"weight_decay": 1e-2}
            first = [{**swift, **slow_means}, {**wide, **slow_means}, {**wide, **log, **mirrored, **slow_means}]
            first += [{**wide, **mirrored, **decay}, {**wide, **log, **decay, **slow_means}]
            first += [{**wide, **mirrored, **slow_means, "level_seasons": 2}, {**deviations, **mirrored}]
            first += [{**wide, **log, **mirrored, **decay, "level_seasons": 2}]
            first += [{**narrow, **longest, **mirrored, **slow_means}]
            first += [deviations, {**theta, **half, **log}, {**deviations, **log}]
            return [*first, {**small, **log}, small, theta]
        # What M3 gains by training harder, Hospital loses (docs/experiments.md): both are tried.
        first = [{**small, **log}, {**theta, **half, **log, **slow_means}]
        first += [{**small, **mirrored, **slow_means, "learning_rate": 3e-3}, lstm, {**theta, **slow_level}]
        first += [deviations, {**deviations, **log, **mirrored, **slow_means}]
        return [*first, {**deviations, **longest, "dropout": 0.2}]


def _cost(values: dict[str, Any]) -> float:
    """Return about how many multiplications the recurrent layers of a trial take."""
    gates = {"rnn": 1, "gru": 3, "lstm": 4}[values["cell"]]
    ways = 2 if values["reader"] == "bidirectional" else 1
    weights = gates * ways * values["units"] ** 2 * (1 + (1 + ways) * (values["layers"] - 1))
    return float(weights * values["context_length"] * values["batch_size"] * values["updates"])


def covariate_levels(shape: CovariateShape) -> tuple[str, ...]:
    """Return what networks may read besides the target, what most of the first trials read first.

    Who names covariates known in the future expects them to count; all others have to prove it.

    Examples
    --------
    >>> covariate_levels(CovariateShape(known=1, past=4)), covariate_levels(CovariateShape(past=4))
    (('known', 'none', 'all'), ('none', 'all'))
    """
    known = ("known",) if shape.known or shape.static else ()
    levels = (*known, "none") if shape.known else ("none", *known)
    return (*levels, "all") if shape.past else levels


def trial_updates(time_limit: float, n_rows: int) -> tuple[int, ...]:
    """Return the training steps to try, in whole epochs of 50: more where there is more time, and more to learn from.

    Twice as many lowered the validation MASE of M4 Hourly's 353,500 rows from 0.717 to 0.709, and of NN5 Daily's 81,585
    raised it from 0.893 to 0.899.

    Examples
    --------
    >>> trial_updates(120, 10_000), trial_updates(20, 10_000), trial_updates(3600, 10_000)
    ((200, 400, 800, 1200, 1600), (100, 150, 350, 500, 650), (750, 1500, 3000, 4500, 6000))
    >>> trial_updates(120, 10**6), trial_updates(20, 10**6)
    ((400, 800, 1600, 2400, 3200), (100, 150, 350, 500, 650))
    """
    more = min(2.0, max(1.0, n_rows / MANY_ROWS)) - 1
    usual = 800 * (time_limit / 120) ** 0.5 * (1 + more * min(1.0, (time_limit / 120) ** 2))
    most = min(3000.0, max(200.0, usual))
    return tuple(int(most * share / 50 + 0.5) * 50 for share in (0.25, 0.5, 1.0, 1.5, 2.0))


def largest_trial(time_limit: float) -> float:
    """Return how many times the cost of a usual trial one may have, so that there is time for several.

    In 20 s there is none for a usual one: hourly series then had a MASE of 0.72 to 0.77 from one layer of 32 after
    5 s of updates, of 0.83 from two layers of 64.

    Examples
    --------
    >>> largest_trial(20), largest_trial(120), largest_trial(3600)
    (0.5, 1.5, 22.5)
    """
    return max(min(1.5, 0.5 * (time_limit / 20) ** 2), 1.5 * time_limit / 240)


def context_choices(asked: int | None, season_lengths: tuple[int, ...], longest: int) -> tuple[int, ...]:
    """Return the context lengths to try: the one asked for, or 60 and the longest season or 120.

    Examples
    --------
    >>> context_choices(None, (24, 168), 900)
    (60, 168)
    >>> context_choices(30, (7,), 900)
    (30,)
    """
    if asked is not None:
        return (asked,)
    wider = min(400, max(120, *season_lengths))
    return (60, wider) if longest >= 2 * wider else (60,)


def mean_step_choices(season_lengths: tuple[int, ...], n_steps: int) -> tuple[int, ...]:
    """Return the steps that seasonal means may look back on: 0 for four seasons, and half of those to learn from.

    Of 455 steps of NN5 Daily, networks with means over 28, 112, 196 and 364 had a MASE of 1.012, 0.984, 0.987 and 0.980
    on the four horizons after them. Of M4 Hourly, whose means look back four weeks as it is, those of the day over 14
    days changed 0.748 and 0.676 to 0.750 and 0.677.

    Examples
    --------
    >>> mean_step_choices((7,), 455), mean_step_choices((12,), 5000)
    ((0, 224), (0, 360))
    >>> mean_step_choices((12,), 100), mean_step_choices((24, 168), 700), mean_step_choices((1,), 455)
    ((0,), (0,), (0,))
    """
    longest = max(season_lengths)
    most = min(n_steps // 2, MOST_MEAN_STEPS) // longest * longest
    return (0, most) if longest > 1 and most > MEAN_SEASONS * longest else (0,)
