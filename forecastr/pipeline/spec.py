"""What a pipeline file may say: every key, its type, its default and what it means."""

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from forecastr.data.options import ReadOptions
from forecastr.errors import ConfigError
from forecastr.fitting.fit import FitOptions
from forecastr.schema import DEFAULT_TIME_LIMIT, MIN_TIME_LIMIT, parse_seconds

CRON = re.compile(r"(@\w+|[\d*/,-]+(\s+[\w*/,-]+){4,5})")
TICKER = re.compile(r"[\w.^=&-]+")
NAME = re.compile(r"[\w.-]+")


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _as_day(value: Any) -> Any:
    """Return a day as text, which YAML gives as a date where it can."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        require_day(value)
    return value


def require_day(text: str) -> str:
    """Return a date, or a moment, as it was written.

    Raises
    ------
    ValueError
        If it is neither; of a cron schedule with a word on where those belong.
    """
    if CRON.fullmatch(text.strip()):
        raise ValueError("is a cron schedule where a date belongs; when to run is the scheduler's to know")
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("is no date; write it as 2024-12-31") from None
    return text


def _as_seconds(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return parse_seconds(value)
        except ConfigError:
            raise ValueError("is no duration; write seconds, or 90s, 2m, 1h") from None
    return value


def _ticker(text: str) -> str:
    if not TICKER.fullmatch(text):
        raise ValueError("is not a ticker; Yahoo writes them like AAPL, BRK-B or ^GSPC")
    return text


def _table_file(text: str) -> str:
    if not text.endswith((".csv", ".csv.gz", ".parquet")):
        raise ValueError("is no file to write; its name must end in .csv, .csv.gz or .parquet")
    return text


def _plain_name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise ValueError("is no name here; use letters, digits, '.', '_' and '-'")
    return text


DURATION = {"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^[\d.]+[smh]?$"}]}
Texts = Annotated[
    list[str],
    BeforeValidator(_as_list),
    Field(min_length=1),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
]
Tickers = Annotated[
    list[Annotated[str, BeforeValidator(lambda text: _ticker(text) if isinstance(text, str) else text)]],
    BeforeValidator(_as_list),
    Field(min_length=1),
]
Day = Annotated[str, BeforeValidator(_as_day), WithJsonSchema({"type": "string", "format": "date"})]
Seconds = Annotated[float, BeforeValidator(_as_seconds), WithJsonSchema(DURATION)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
TableFile = Annotated[str, BeforeValidator(lambda text: _table_file(text) if isinstance(text, str) else text)]
Name = Annotated[str, BeforeValidator(lambda text: _plain_name(text) if isinstance(text, str) else text)]


class Section(BaseModel):
    """A part of the file: exactly these keys, of exactly these types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class SourceSpec(Section):
    """Where the rows come from: one of files, glob, folder, tickers and sql."""

    files: Texts | None = Field(default=None, description="A CSV or Parquet file, or a list of them.")
    glob: str | None = Field(default=None, description="Files by a pattern, such as data/*.csv.")
    folder: str | None = Field(default=None, description="All CSV or Parquet files in a folder.")
    tickers: Tickers | None = Field(default=None, description="Prices from Yahoo: AAPL, BRK-B, ^GSPC.")
    start: Day | None = Field(default=None, description="First day of the tickers' prices.")
    interval: Literal["1m", "5m", "15m", "30m", "1h", "1d", "1wk", "1mo", "3mo"] | None = Field(
        default=None, description="Step of the tickers' prices; 1d unless said otherwise."
    )
    sql: str | None = Field(default=None, description="A query; :as_of in it stands for the night's date.")
    url: str | None = Field(
        default=None, description="The database, as SQLAlchemy writes it; ${NAME} stands for an environment variable."
    )

    @model_validator(mode="after")
    def _only_one(self) -> "SourceSpec":
        ways = ("files", "glob", "folder", "tickers", "sql")
        named = [name for name in ways if getattr(self, name) is not None]
        if len(named) != 1:
            raise ValueError(f"names {' and '.join(named) or 'nothing'}; name exactly one of {', '.join(ways)}")
        if (self.sql is None) != (self.url is None):
            raise ValueError("needs both sql and url for a query")
        if self.tickers is None and (self.start or self.interval):
            raise ValueError("has start or interval, which belong to tickers")
        return self


class ReadingSpec(Section):
    """How to read the table, where its content does not say; as the options of `forecastr fit`."""

    target: Texts | None = Field(default=None, description="Column to forecast; several are a series each.")
    time: str | None = Field(default=None, description="Column of dates.")
    id: str | None = Field(
        default=None, description="Column that tells series apart; store,item makes one name of two."
    )
    wide: bool = Field(default=False, description="Every numeric column is a series.")
    known_covariates: Texts | None = Field(default=None, description="Columns known through the horizon.")
    past_covariates: Texts | None = Field(default=None, description="Columns known until now, or none.")
    date_format: str | None = Field(default=None, description="How dates are written, such as %d/%m/%Y.")
    tz: str | None = Field(default=None, description="Time zone of dates that name none.")
    freq: str | None = Field(default=None, description="Step from row to row: D, B, h, 15min, MS.")
    resample: str | None = Field(default=None, description="Take the mean of each such step: W, MS.")
    decimal: Literal[".", ","] | None = Field(default=None, description="Decimal mark.")
    encoding: str | None = Field(default=None, description="Encoding of the text.")
    skip_rows: int = Field(default=0, ge=0, description="Lines before the header.")
    header: bool = Field(default=True, description="False where the first line holds values.")
    on_bad_lines: Literal["error", "skip"] = "error"
    duplicates: Literal["error", "first", "last", "mean", "sum"] = "error"
    missing: Literal["mask", "forward", "zero", "error"] = "mask"

    def options(self, as_of: str) -> ReadOptions:
        """Return the options of reading on a night."""
        return ReadOptions.from_dict({**self.model_dump(exclude_none=True), "as_of": as_of})


class TaskSpec(Section):
    """What to forecast; as the options of `forecastr fit`."""

    horizon: Count = Field(description="Steps to forecast.")
    season: Count | None = Field(
        default=None, description="Steps in one season, 1 for none; found in the data if not given."
    )
    context: Count | None = Field(
        default=None, description="Past steps a network reads; 60, or longer if that is better."
    )
    preset: Literal["auto", "classic"] = "auto"


class BudgetSpec(Section):
    """What one fit may spend; most nights need none."""

    time_limit: Seconds = Field(default=DEFAULT_TIME_LIMIT, ge=MIN_TIME_LIMIT, description="90, 90s, 2m, 1h.")
    max_trials: Count | None = Field(default=None, description="Configurations to try at most.")
    jobs: Count | None = Field(default=None, description="Worker processes; one per core if not given.")
    backend: Literal["auto", "jax", "tensorflow", "torch"] = "auto"
    seed: Annotated[int, Field(ge=0)] = Field(default=1, description="Equal seeds give equal searches.")


class GateSpec(Section):
    """What the rows must be like; others are refused, and the forecast of the last good night stays."""

    max_age: Count | None = Field(default=5, description="Steps that the newest row may lie behind the night's date.")
    min_rows: Count = Field(default=1, description="Rows at least.")
    max_lost: Share = Field(
        default=0.1, description="Share of the last good night's series that may be gone or silent."
    )
    max_changed: Share = Field(
        default=0.1, description="Share of the last good night's rows that may have another value."
    )
    max_range: Annotated[float, Field(gt=0)] | None = Field(
        default=5.0, description="Ranges of a series' last values by which a new one may leave that range."
    )
    max_odd: Share = Field(default=0.1, description="Share of series that may have values beyond max_range.")
    max_drift: Share | None = Field(
        default=0.9,
        description="Distance of the distributions of changes, last good rows and new ones (Kolmogorov-Smirnov).",
    )


class TriggersSpec(Section):
    """When the champion is challenged; on other nights it predicts."""

    refit_after: Count | None = Field(
        default=20, description="New rows of a series: the same configuration, fitted again."
    )
    search_after: Count | None = Field(
        default=250, description="New rows since the champion's last one, after which the model is old: a new search."
    )
    worse_than_test: Annotated[float, Field(gt=0)] | None = Field(
        default=1.5, description="Rolling error over the error of the champion's test part: a new search."
    )
    worse_than_baseline: Annotated[float, Field(gt=0)] | None = Field(
        default=1.1, description="Rolling error over the baseline's: a new search."
    )
    drift: Share | None = Field(
        default=0.4,
        description="Distance of the distributions of changes, before and since (Kolmogorov-Smirnov): a search.",
    )
    rolling: Count = Field(default=20, description="Latest cutoffs of the rolling error, half of them at least.")
    pause: Annotated[int, Field(ge=0)] = Field(default=10, description="New rows between two challenges.")
    significance: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.05, description="A challenger is promoted if its error is lower with a p-value below this."
    )


class SqlTable(Section):
    """A table in a database."""

    url: str = Field(description="As SQLAlchemy writes it; ${NAME} stands for an environment variable.")
    name: Name = Field(description="Its name; made if it is not there.")


class OutputsSpec(Section):
    """Where the forecast goes."""

    forecast: TableFile = Field(description="CSV (also .csv.gz) or Parquet file.")
    table: SqlTable | None = Field(
        default=None, description="A table in a database, which keeps every night's forecast."
    )


class TrackingSpec(Section):
    """Where nights are recorded."""

    uri: str | None = Field(default=None, description="MLflow store; MLFLOW_TRACKING_URI, or sqlite:///mlflow.db.")
    experiment: str | None = Field(default=None, description="The pipeline's name if not given.")
    model: Name | None = Field(
        default=None, description="Registered model that mirrors the champion; none if not given."
    )
    alias: Name = Field(default="champion", description="Its alias.")


class PipelineSpec(Section):
    """A pipeline file of forecastr: `forecastr run FILE`. Paths are relative to the file."""

    source: SourceSpec
    reading: ReadingSpec = ReadingSpec()
    task: TaskSpec
    budget: BudgetSpec = BudgetSpec()
    gate: GateSpec = GateSpec()
    triggers: TriggersSpec = TriggersSpec()
    outputs: OutputsSpec
    tracking: TrackingSpec = TrackingSpec()
    state: str | None = Field(
        default=None, description="Folder of what a night needs to know of earlier ones: runs/NAME."
    )
    group_by: str | None = Field(default=None, description="Column of groups, each with a model of its own.")

    def fit_options(self, as_of: str) -> FitOptions:
        """Return the options of a fit of the rows up to a date."""
        return FitOptions(reading=self.reading.options(as_of), **self.task.model_dump(), **self.budget.model_dump())


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of a pipeline file, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **PipelineSpec.model_json_schema()}
