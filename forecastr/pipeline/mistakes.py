"""A mistake in a pipeline file as a sentence: where it stands, what it is, and what was perhaps meant."""

import difflib
import re
import types
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from forecastr.errors import quoted
from forecastr.pipeline.spec import PipelineSpec
from forecastr.tracking.address import without_password

MOST = 20  # mistakes that are told at once
Loc = tuple[int | str, ...]  # the keys, and numbers of elements, that lead to a value
TAKES = {
    "int": "a whole number", "float": "a number", "bool": "true or false", "string": "a text", "list": "a list",
    "model": "keys and values",
}  # fmt: skip


def place(path: Path, lines: Mapping[Loc, int], loc: Loc) -> str:
    """Return where a key stands, as sentences begin: its own line, or that of what it belongs to."""
    while loc and loc not in lines:
        loc = loc[:-1]
    return f"{path}, line {lines.get(loc, 1)}"


def mistakes(error: ValidationError, path: Path, lines: Mapping[Loc, int]) -> list[str]:
    """Return a sentence for each mistake, in the order of the lines.

    A key that is missing goes untold where another is taken for it, and so do mistakes after the twentieth.
    """
    found: list[tuple[int, str]] = []
    meant: set[Loc] = set()
    told = sorted(error.errors(), key=lambda one: one["type"] == "missing")
    for one in told[:MOST]:
        loc: Loc = tuple(one["loc"])
        if one["type"] == "extra_forbidden":
            text, near = _unknown_key(loc)
            meant.add((*loc[:-1], near or ""))
        elif loc in meant:
            continue
        else:
            text = _sentence(one["type"], loc, one["input"], dict(one.get("ctx", {})), one["msg"])
        where = place(path, lines, loc)
        found.append((int(where.rpartition(" ")[2]), f"{where}: {text}"))
    return [text for _, text in sorted(found, key=lambda pair: pair[0])]


def _unknown_key(loc: Loc) -> tuple[str, str | None]:
    *outer, key = map(str, loc)
    keys = list(_section_at(outer).model_fields)
    near = _nearest(key, keys)
    inside = f" of '{'.'.join(outer)}'" if outer else ""
    return f"{quoted(key)} is no key{inside}; {_meant(near) or 'there are ' + ', '.join(keys)}", near


def _sentence(kind: str, loc: Loc, value: Any, context: dict[str, Any], message: str) -> str:
    name = ".".join(part for part in loc if isinstance(part, str))
    shown = "empty" if value is None else quoted(without_password(str(value)))
    if kind == "missing":
        return f"'{name}' is missing."
    if kind == "value_error":
        return f"{f'{name}: {shown}' if isinstance(value, str) else name} {context['error']}."
    if kind == "literal_error":
        near = _nearest(str(value), re.findall(r"'([^']*)'", context["expected"]))
        return f"{name} is {shown}; {_meant(near) or 'choose ' + context['expected'] + '.'}"
    takes = TAKES.get(kind.partition("_")[0])
    if takes and kind.endswith(("_type", "_from_float")):
        return f"{name} is {shown}; it takes {takes}."
    return f"{name} is {shown}; {message[0].lower()}{message[1:]}."


def _meant(near: str | None) -> str | None:
    return f"did you mean '{near}'?" if near else None


def _nearest(name: str, known: Sequence[str]) -> str | None:
    found = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.6)
    return found[0] if found else None


def _section_at(outer: Sequence[str]) -> type[BaseModel]:
    """Return the section of the file that these keys lead to."""
    section: type[BaseModel] = PipelineSpec
    for key in outer:
        section = next(_sections_in(section.model_fields[key].annotation))
    return section


def _sections_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if get_origin(annotation) in (Union, types.UnionType):
        for inner in get_args(annotation):
            yield from _sections_in(inner)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
