"""What a fit is asked to do, as plain frozen values, and the column names every room shares."""

from dataclasses import dataclass

from forecastr.errors import ConfigError

ID, TIME, TARGET = "unique_id", "ds", "y"
CUTOFF = "cutoff"
MODEL, BASELINE = "forecastr", "baseline"
NETWORKS = "networks"  # the ensemble without its baselines
LEVELS = (80, 95)
QUANTILE_LEVELS = (0.025, 0.1, 0.5, 0.9, 0.975)
# The median carries the point forecast: it counts as much as the four interval limits together.
QUANTILE_WEIGHTS = (0.125, 0.125, 0.5, 0.125, 0.125)
MEDIAN = QUANTILE_LEVELS.index(0.5)
DEFAULT_CONTEXT = 60
DEFAULT_TIME_LIMIT = 120.0
MIN_TIME_LIMIT = 10.0
PRESETS = ("auto", "classic")
BACKENDS = ("auto", "jax", "tensorflow", "torch")


def interval_columns(model: str = MODEL) -> list[str]:
    """Return the columns of a model's quantiles, in the order of ``QUANTILE_LEVELS``.

    Examples
    --------
    >>> interval_columns("m")
    ['m-lo-95', 'm-lo-80', 'm', 'm-hi-80', 'm-hi-95']
    """
    lower = [f"{model}-lo-{level}" for level in reversed(LEVELS)]
    return [*lower, model, *(f"{model}-hi-{level}" for level in LEVELS)]


def forecast_columns(model: str = MODEL) -> list[str]:
    """Return a model's columns in the order of the files: the point first, then its intervals.

    Examples
    --------
    >>> forecast_columns("m")
    ['m', 'm-lo-80', 'm-hi-80', 'm-lo-95', 'm-hi-95']
    """
    return [model, *(f"{model}-{side}-{level}" for level in LEVELS for side in ("lo", "hi"))]


@dataclass(frozen=True, kw_only=True)
class Task:
    """What to forecast, once the data has been read.

    Parameters
    ----------
    horizon : int
        Steps to forecast.
    season_lengths : tuple of int
        Steps in one season, strongest first; ``(1,)`` where nothing repeats.
    context_length : int or None
        Past steps a model reads; None leaves it to the search.
    levels : tuple of int
        Coverage of the stated central intervals, in percent.
    preset : {"auto", "classic"}
        The search, or exactly the network of the tutorials.
    seed : int
        Everything drawn at random is drawn from it.
    """

    horizon: int
    season_lengths: tuple[int, ...] = (1,)
    context_length: int | None = DEFAULT_CONTEXT
    levels: tuple[int, ...] = LEVELS
    preset: str = "auto"
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("horizon", "context_length"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"{name} is {value}; it must be at least 1.")
        if not self.season_lengths or min(self.season_lengths) < 1:
            raise ConfigError(f"season_lengths is {self.season_lengths}; each must be at least 1.")
        if self.preset not in PRESETS:
            raise ConfigError(f"preset is '{self.preset}'; choose one of {', '.join(PRESETS)}.")

    @property
    def season_length(self) -> int:
        """Steps in the strongest season: the lag of the seasonal naive and of MASE."""
        return self.season_lengths[0]


@dataclass(frozen=True, kw_only=True)
class Covariates:
    """The columns beside the target, by when they are known.

    Parameters
    ----------
    past : tuple of str
        Known to the cutoff: the other columns of a price file.
    known : tuple of str
        Known through the horizon: promotions, holidays.
    static : tuple of str
        One value per series: a region, a size.
    """

    past: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    static: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How much a fit may spend.

    Parameters
    ----------
    time_limit : float
        Seconds for the whole command, start-up and report included.
    max_trials : int or None
        Trials at most; None leaves the end to the clock.
    jobs : int or None
        Worker processes; None takes one per core that this process may use.
    disk_limit : int or None
        Bytes that the run folder may take.
    """

    time_limit: float = DEFAULT_TIME_LIMIT
    max_trials: int | None = None
    jobs: int | None = None
    disk_limit: int | None = None

    def __post_init__(self) -> None:
        if not MIN_TIME_LIMIT <= self.time_limit < float("inf"):
            raise ConfigError(
                f"time_limit is {self.time_limit:g} s; it must be at least {MIN_TIME_LIMIT:g} and finite: "
                "loading, one trial, judging and the report take that long."
            )
        for name in ("max_trials", "jobs", "disk_limit"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"{name} is {value}; it must be at least 1.")


@dataclass(frozen=True, kw_only=True)
class Splits:
    """The three parts of every series in time order: train | validation | test.

    The counts are in steps at the end of each series; a cutoff is a step after which
    ``horizon`` steps are forecast.

    Parameters
    ----------
    n_validation, n_test : int
        Steps of the two later parts; the training part is what comes before them.
    """

    n_validation: int
    n_test: int


def parse_bytes(text: str | int) -> int:
    """Return a size in bytes: ``500000``, ``"500MB"``, ``"1.5GB"``; a MB is 1,000,000 bytes.

    Examples
    --------
    >>> parse_bytes("500MB")
    500000000
    """
    if isinstance(text, int):
        return text
    units = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
    number, unit = (text[:-2], text[-2:].upper()) if text[-2:].upper() in units else (text, "")
    try:
        return int(float(number) * units.get(unit, 1))
    except (ValueError, OverflowError) as error:
        raise ConfigError(
            f"'{text}' is not a size. Write bytes, or a number with KB, MB, GB or TB: 500MB, 1.5GB."
        ) from error


def parse_seconds(text: str | float) -> float:
    """Return a duration in seconds: ``90``, ``"90"``, ``"90s"``, ``"2m"``, ``"1.5h"``.

    Examples
    --------
    >>> parse_seconds("2m")
    120.0
    """
    if isinstance(text, (int, float)):
        return float(text)
    units = {"s": 1.0, "m": 60.0, "h": 3600.0}
    number, unit = (text[:-1], text[-1]) if text[-1:] in units else (text, "s")
    try:
        return float(number) * units[unit]
    except ValueError as error:
        raise ConfigError(
            f"'{text}' is not a duration. Write seconds, or a number with s, m or h: 90, 2m, 1.5h."
        ) from error
