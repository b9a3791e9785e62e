"""The text of a pipeline file as plain keys and values, and the line of each: small, and flat, whoever wrote it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from forecastr.errors import ConfigError, quoted
from forecastr.pipeline.mistakes import Loc

MOST_BYTES = 1 << 18
DEEPEST = 20  # keys within keys
LONGEST = 2000  # characters of a value without quotes: nobody's number is longer


def read_document(path: Path) -> tuple[Any, dict[Loc, int]]:
    """Return what a YAML file holds as plain values, and the line of each key in it.

    Raises
    ------
    ConfigError
        If it cannot be read, is not YAML, or holds what no pipeline file needs: tags, aliases, thousands of brackets.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        text = content.decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ConfigError(f"{path} cannot be read: {reason}. `forecastr init` writes a pipeline file.") from error
    if len(content) > MOST_BYTES:
        raise ConfigError(f"{path} is larger than {MOST_BYTES:,} bytes; no pipeline file is.")
    try:
        _require_plain(text, path)
        root, document = yaml.compose(text, Loader=yaml.SafeLoader), yaml.safe_load(text)
    except ConfigError:
        raise
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(_mistake(path, error)) from error
    lines: dict[Loc, int] = {(): 1}
    if root is not None:
        lines.update(_lines(root, ()))
        _require_no_repeats(root, path)
    return document, lines


def _require_plain(text: str, path: Path) -> None:
    """Raise a ConfigError for what grows when it is read: it is found before anything is made of it."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        where = f"{path}, line {event.start_mark.line + 1}"
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent):
            raise ConfigError(f"{where}: *{event.anchor[:60]} is an alias. Write out what it stands for.")
        if depth > DEEPEST:
            raise ConfigError(f"{where}: nested deeper than {DEEPEST} times; no pipeline file is.")
        if isinstance(event, yaml.ScalarEvent):
            if event.style is None and len(event.value) > LONGEST:
                raise ConfigError(f"{where}: {quoted(event.value)} is longer than {LONGEST:,} characters, unquoted.")
            if any(char == "\0" or "\ud800" <= char <= "\udfff" for char in event.value):
                raise ConfigError(f"{where}: a value holds a character that no text does.")


def _mistake(path: Path, error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark else 1
    problem = getattr(error, "problem", None) or str(error)
    return f"{path}, line {line}: this is not YAML: {problem[:200]}."


def _lines(node: yaml.Node, loc: Loc) -> Iterator[tuple[Loc, int]]:
    """Yield the place of each key and element of a document, and its line."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*loc, key.value)
            yield inner, key.start_mark.line + 1
            yield from _lines(value, inner)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield (*loc, number), value.start_mark.line + 1
            yield from _lines(value, (*loc, number))


def _require_no_repeats(node: yaml.Node, path: Path) -> None:
    """Raise a ConfigError if a key stands twice in one place: YAML would take the last one and say nothing."""
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value in seen:
                raise ConfigError(
                    f"{path}, line {line}: {quoted(key.value)} is there already, in line {seen[key.value]}."
                )
            seen[key.value] = line
            _require_no_repeats(value, path)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _require_no_repeats(value, path)
