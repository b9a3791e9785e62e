"""From a pipeline file to its settings; every mistake in it as one sentence with its line."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from forecastr.errors import ConfigError, quoted
from forecastr.pipeline.document import read_document
from forecastr.pipeline.mistakes import Loc, mistakes, place
from forecastr.pipeline.spec import PipelineSpec, require_day


@dataclass(frozen=True)
class Pipeline:
    """A pipeline file, read and checked.

    Parameters
    ----------
    path : Path
        The file.
    spec : PipelineSpec
        What it says.
    lines : dict
        Line of each key in the file, by its place.
    """

    path: Path
    spec: PipelineSpec
    lines: dict[Loc, int]

    @property
    def name(self) -> str:
        """The file's name without its suffix."""
        return self.path.name.rpartition(".")[0]

    @property
    def state(self) -> Path:
        """The folder of what it remembers."""
        return self.file(self.spec.state or f"runs/{self.name}")

    @property
    def forecast(self) -> Path:
        """The file that readers of the forecast open."""
        return self.file(self.spec.outputs.forecast)

    def file(self, name: str) -> Path:
        """Return a path as the file means it: relative to the folder that the file is in."""
        return self.path.parent / Path(name).expanduser()

    def at(self, *loc: int | str) -> str:
        """Return where a key stands, as errors begin."""
        return place(self.path, self.lines, loc)


def load_pipeline(path: Path) -> Pipeline:
    """Return a pipeline file's settings.

    Raises
    ------
    ConfigError
        If it cannot be read, or says something that it may not say: a sentence for each mistake.
    """
    document, lines = read_document(path)
    if not isinstance(document, dict):
        raise ConfigError(f"{path}, line 1: a pipeline file holds keys and values, such as 'source:'.")
    try:
        spec = PipelineSpec.model_validate(document)
    except ValidationError as error:
        raise ConfigError("\n".join(mistakes(error, path, lines))) from error
    return Pipeline(path, spec, lines)


def require_date(text: str, option: str) -> str:
    """Return a date, or moment, of the command line in one form; a ConfigError says what it is instead."""
    try:
        moment = datetime.fromisoformat(require_day(text))
    except ValueError as error:
        raise ConfigError(f"{option}: {quoted(text)} {error}.") from None
    return moment.isoformat() if "T" in text or " " in text.strip() else moment.date().isoformat()
