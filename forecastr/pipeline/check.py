"""Whether a pipeline can run: it has something to read and somewhere to write, and nobody else writes there."""

import os
from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path

from forecastr.errors import ConfigError, quoted
from forecastr.pipeline.database import open_database, require_answer, sqlite_file
from forecastr.pipeline.load import Pipeline, load_pipeline
from forecastr.pipeline.mistakes import Loc
from forecastr.tracking.address import SQLITE


def check_pipelines(paths: Sequence[Path]) -> list[Pipeline]:
    """Return several pipelines that can run, none of which writes where another does.

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
        except ConfigError as error:
            found.append(str(error))
        else:
            found += _troubles(loaded[-1])
    found += _shared_outputs(loaded)
    if found:
        raise ConfigError("\n".join(found))
    return loaded


def require_ready(pipeline: Pipeline) -> None:
    """Raise an error if a night could not read its source, or not write its forecast.

    Raises
    ------
    ConfigError
        If something is not there, cannot be written, or is written by another pipeline.
    ServiceError
        If a database does not answer.
    """
    if troubles := [*_troubles(pipeline), *_owned_by_others(pipeline)]:
        raise ConfigError("\n".join(troubles))
    for url, *loc in _databases(pipeline):
        file = sqlite_file(pipeline, url, *loc)
        if file is None or file.exists():  # connecting would make the file
            require_answer(pipeline, url, *loc)


def glob_files(pipeline: Pipeline) -> list[Path]:
    """Return the files that a source's pattern matches, in order."""
    pattern = Path(pipeline.spec.source.glob or "").expanduser()
    root = Path(pattern.anchor) if pattern.is_absolute() else pipeline.path.parent
    parts = pattern.relative_to(pattern.anchor) if pattern.is_absolute() else pattern
    return sorted(path for path in root.glob(str(parts)) if path.is_file())


def owner_file(pipeline: Pipeline) -> Path:
    """Return the file beside a forecast that names the pipeline which writes it."""
    return pipeline.forecast.with_name(f".{pipeline.forecast.name}.pipeline")


def owner_name(pipeline: Pipeline) -> str:
    """Return what that file says."""
    return os.path.relpath(pipeline.path, pipeline.forecast.parent)


def _troubles(pipeline: Pipeline) -> list[str]:
    """Return a sentence for each thing that a pipeline names and that is not as it should be."""
    found = [*_absent_sources(pipeline), *_unwritable(pipeline)]
    if _reads_its_own(pipeline):
        where = pipeline.at("outputs", "forecast")
        found.append(f"{where}: the next night would read {pipeline.forecast} as rows. Write to another folder.")
    for url, *loc in _databases(pipeline):
        try:
            open_database(pipeline, url, *loc).dispose()
        except ConfigError as error:
            found.append(str(error))
            continue
        file = sqlite_file(pipeline, url, *loc)
        if loc[0] == "source" and file is not None and not file.is_file():
            found.append(f"{pipeline.at(*loc)}: there is no file {file}.")
    return found


def _absent_sources(pipeline: Pipeline) -> Iterator[str]:
    source = pipeline.spec.source
    if source.glob is not None and not glob_files(pipeline):
        yield f"{pipeline.at('source', 'glob')}: {quoted(source.glob)} matches no file."
    for number, name in enumerate(source.files or []):
        if not pipeline.file(name).exists():
            yield f"{pipeline.at('source', 'files', number)}: there is no file {pipeline.file(name)}."
    if source.folder is not None and not pipeline.file(source.folder).is_dir():
        yield f"{pipeline.at('source', 'folder')}: there is no folder {pipeline.file(source.folder)}."


def _reads_its_own(pipeline: Pipeline) -> bool:
    """Say whether the forecast lies where the source's files do."""
    source, forecast = pipeline.spec.source, pipeline.forecast.resolve()
    places = [pipeline.file(name) for name in (*(source.files or []), *([source.folder] if source.folder else []))]
    if any(place.resolve() == (forecast.parent if place.is_dir() else forecast) for place in places):
        return True
    return source.glob is not None and forecast.match(os.path.realpath(pipeline.file(source.glob)))


def _unwritable(pipeline: Pipeline) -> Iterator[str]:
    """Yield a sentence for each folder that cannot be written, or made."""
    if pipeline.forecast.is_dir():
        yield f"{pipeline.at('outputs', 'forecast')}: {pipeline.forecast} is a folder."
    for folder, loc in ((pipeline.forecast.parent, ("outputs", "forecast")), (pipeline.state, ("state",))):
        there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        if not there.is_dir():
            yield f"{pipeline.at(*loc)}: there can be no folder {folder}: {there} is a file."
        elif not os.access(there, os.W_OK | os.X_OK):
            yield f"{pipeline.at(*loc)}: {there} cannot be written. See to its permissions, or name another folder."


def _databases(pipeline: Pipeline) -> Iterator[tuple[str, ...]]:
    """Yield each database's address, and the keys that lead to it."""
    if pipeline.spec.source.url is not None:
        yield pipeline.spec.source.url, "source", "url"
    if pipeline.spec.outputs.table is not None:
        yield pipeline.spec.outputs.table.url, "outputs", "table", "url"


def _owned_by_others(pipeline: Pipeline) -> Iterator[str]:
    """Yield a sentence if another pipeline writes there: one in the same folder, or the one that wrote last."""
    others = [path for path in sorted(pipeline.path.parent.glob("*.y*ml")) if not _same(path, pipeline.path)]
    owner = owner_file(pipeline)
    if owner.is_file():
        last = owner.parent / owner.read_text(encoding="utf-8")
        others += [last] * (last.is_file() and not any(_same(last, path) for path in (*others, pipeline.path)))
    for path in others:
        try:
            other = load_pipeline(path)
        except ConfigError:  # its own run tells
            continue
        yield from _shared_outputs([other, pipeline])


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


def _shared_outputs(pipelines: Sequence[Pipeline]) -> Iterator[str]:
    """Yield a sentence for each place that two pipelines write to."""
    seen: dict[Hashable, Pipeline] = {}
    for pipeline in pipelines:
        table = pipeline.spec.outputs.table
        places: list[tuple[Hashable, Loc, str]] = [
            (pipeline.forecast.resolve(), ("outputs", "forecast"), str(pipeline.forecast)),
            (("state", pipeline.state.resolve()), ("state",), f"the state folder {pipeline.state}"),
        ]
        if table:  # its rows carry the pipeline's name
            file = table.url.startswith(SQLITE) and pipeline.file(table.url.removeprefix(SQLITE)).resolve()
            rows = (file or table.url, table.name, pipeline.name)
            places.append((rows, ("outputs", "table"), f"the rows of '{pipeline.name}' in {table.name}"))
        for key, loc, shown in places:
            if key in seen:
                yield f"{pipeline.at(*loc)}: {seen[key].path} writes {shown} too. Give each pipeline its own."
            seen.setdefault(key, pipeline)
