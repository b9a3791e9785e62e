"""JSON of a bundle as plain values, no larger and of no other types than what was written."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from forecastr.errors import BundleError, quoted

MOST_MEMORY = 1 << 30
# What a value takes in memory at most, by the mark that goes before or after it: a list, a dict, a text, a number.
MEMORY = {b"[": 64, b"{": 240, b'"': 32, b",": 40}


def parse_json(content: bytes, path: Path) -> dict[str, Any]:
    """Return the object in a JSON file.

    Raises
    ------
    BundleError
        If it is something else, or would take more than a gigabyte of memory.
    """
    if sum(size * content.count(mark) for mark, size in MEMORY.items()) > MOST_MEMORY:
        raise BundleError(f"{path} holds more values than any bundle needs. Fit again, or restore it from a copy.")
    try:
        document = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{path} is damaged: {error}. Fit again, or restore the bundle from a copy.") from error
    if not isinstance(document, dict):
        raise BundleError(f"{path} is damaged: it is no JSON object. Fit again, or restore the bundle from a copy.")
    return document


def typed(kind: type, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a dataclass, lists as the tuples it declares; a TypeError names one of another type.

    Examples
    --------
    >>> from forecastr.schema import Task
    >>> typed(Task, {"horizon": 3, "season_lengths": [7]})
    {'horizon': 3, 'season_lengths': (7,)}
    """
    hints, found = get_type_hints(kind), {}
    for name, value in fields.items():
        if name not in hints:
            raise TypeError(f"'{name}' is not one of its fields")
        found[name] = _frozen(value)
        if not _fits(found[name], hints[name]):
            raise TypeError(f"'{name}' is {quoted(value)}")
    return found


def _fits(value: Any, hint: Any) -> bool:
    kind, inner = get_origin(hint), get_args(hint)
    if kind is UnionType:
        return any(_fits(value, one) for one in inner)
    if kind is tuple:
        wanted = [inner[0]] * len(value) if inner[-1] is ... else inner
        return isinstance(value, tuple) and len(value) == len(wanted) and all(map(_fits, value, wanted))
    if hint in (int, float) and isinstance(value, bool):
        return False
    if hint is float:
        return isinstance(value, (int, float))
    return value is None if hint is NoneType else isinstance(value, kind or hint)


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
