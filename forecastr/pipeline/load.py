"""From a pipeline file to its settings; every mistake in it as one sentence with its line."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from forecastr.errors import ConfigError, DataError, quoted
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


def check_pipelines(paths: Sequence[Path]) -> list[Pipeline]:
    """Return several pipelines, none of which writes where another does and each of which has something to read.

    Raises
    ------
    ConfigError
        With a sentence for each mistake of each file.
    """
    loaded: list[Pipeline] = []
    found: list[str] = []
    for path in dict.fromkeys(paths):
        try:
            loaded.append(load_pipeline(path))
            require_source(loaded[-1])
        except (ConfigError, DataError) as error:
            found.append(str(error))
    found += list(_shared_outputs(loaded))
    if found:
        raise ConfigError("\n".join(found))
    return loaded


def neighbours(pipeline: Pipeline) -> list[Pipeline]:
    """Return the other sound pipelines in a pipeline's folder."""
    found = []
    for path in sorted(pipeline.path.parent.glob("*.y*ml")):
        if path.resolve() == pipeline.path.resolve():
            continue
        try:
            found.append(load_pipeline(path))
        except ConfigError:  # its own run tells
            continue
    return found


def require_source(pipeline: Pipeline) -> None:
    """Raise a ConfigError if the files of a source are not there."""
    source = pipeline.spec.source
    if source.glob is not None and not glob_files(pipeline):
        raise ConfigError(f"{pipeline.at('source', 'glob')}: {quoted(source.glob)} matches no file.")
    for number, name in enumerate(source.files or []):
        if not pipeline.file(name).exists():
            raise ConfigError(f"{pipeline.at('source', 'files', number)}: there is no file {pipeline.file(name)}.")
    if source.folder is not None and not pipeline.file(source.folder).is_dir():
        raise ConfigError(f"{pipeline.at('source', 'folder')}: there is no folder {pipeline.file(source.folder)}.")


def glob_files(pipeline: Pipeline) -> list[Path]:
    """Return the files that a source's pattern matches, in order."""
    pattern = Path(pipeline.spec.source.glob or "").expanduser()
    root = Path(pattern.anchor) if pattern.is_absolute() else pipeline.path.parent
    parts = pattern.relative_to(pattern.anchor) if pattern.is_absolute() else pattern
    return sorted(path for path in root.glob(str(parts)) if path.is_file())


def require_date(text: str, option: str) -> str:
    """Return a date of the command line; a ConfigError says what it is instead."""
    try:
        return require_day(text)
    except ValueError as error:
        raise ConfigError(f"{option}: {quoted(text)} {error}.") from None


def _shared_outputs(pipelines: Sequence[Pipeline]) -> Iterator[str]:
    """Yield a sentence for each place that two pipelines write to."""
    seen: dict[Hashable, Pipeline] = {}
    for pipeline in pipelines:
        table = pipeline.spec.outputs.table
        places: list[tuple[Hashable, Loc, str]] = [
            (pipeline.forecast.resolve(), ("outputs", "forecast"), str(pipeline.forecast)),
            (("state", pipeline.state.resolve()), ("state",), f"the state folder {pipeline.state}"),
        ]
        for key, loc, shown in places:
            if key in seen:
                yield f"{pipeline.at(*loc)}: {seen[key].path} writes {shown} too. Give each pipeline its own."
            seen.setdefault(key, pipeline)
        if table and (table.url, table.name, pipeline.name) in seen:
            yield f"{pipeline.at('outputs', 'table')}: another pipeline called {pipeline.name} writes {table.name} too."
        if table:
            seen.setdefault((table.url, table.name, pipeline.name), pipeline)


def require_own_outputs(pipeline: Pipeline) -> None:
    """Raise a ConfigError if another pipeline in the same folder writes where this one does."""
    for other in neighbours(pipeline):
        for mistake in _shared_outputs([other, pipeline]):
            raise ConfigError(mistake)
