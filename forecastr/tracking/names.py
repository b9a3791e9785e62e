"""Names and values in the form that every MLflow store accepts."""

import json
import math
import re
from datetime import UTC, datetime
from typing import Any

# The shortest limits among the stores; MLflow refuses a whole batch for one value that is too long.
_PARAMETER_LENGTH = 6000
_TAG_LENGTH = 8000


def to_name(text: str) -> str:
    """Return ``text`` as a legal name of a metric, parameter or tag.

    Examples
    --------
    >>> to_name("test_mase_^GSPC")
    'test_mase_GSPC'
    """
    return re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_") or "unnamed"


def to_parameter(value: Any) -> str:
    """Return ``value`` as text that fits a parameter; what is absent is ``none``.

    Examples
    --------
    >>> to_parameter([1, 5]), to_parameter(None), to_parameter(0.5)
    ('1, 5', 'none', '0.5')
    """
    if value is None:
        return "none"
    if isinstance(value, (list, tuple)):
        return _cut(", ".join(map(str, value)), _PARAMETER_LENGTH)
    if isinstance(value, dict):
        return _cut(json.dumps(value), _PARAMETER_LENGTH)
    return _cut(str(value), _PARAMETER_LENGTH)


def to_tag(value: Any) -> str:
    """Return ``value`` as text that fits a tag."""
    return _cut("" if value is None else str(value), _TAG_LENGTH)


def finite_numbers(values: dict[str, Any]) -> dict[str, float]:
    """Return the entries that are numbers, under legal names; undefined and infinite ones are left out.

    Examples
    --------
    >>> finite_numbers({"mase": 0.9, "skill": None, "mape": float("inf"), "kind": "gru"})
    {'mase': 0.9}
    """
    numbers = {to_name(name): value for name, value in values.items() if isinstance(value, (int, float))}
    return {name: float(value) for name, value in numbers.items() if math.isfinite(value)}


def to_milliseconds(time: str) -> int:
    """Return an ISO time as milliseconds since 1970; without a zone it is UTC's.

    Examples
    --------
    >>> to_milliseconds("1970-01-01T00:00:01+00:00")
    1000
    """
    moment = datetime.fromisoformat(time)
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(zoned.timestamp() * 1000)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 3] + "..."
