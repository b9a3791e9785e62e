"""How a table was read: its columns, and dates written back exactly as the user wrote them."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecastr.data.calendar import Calendar

INTEGER = "integer"
EPOCHS = {
    "epoch seconds": 10**9, "epoch milliseconds": 10**6, "epoch microseconds": 10**3, "epoch nanoseconds": 1,
}  # fmt: skip
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
# %m/%d/%Y as in strptime; %-m is not zero-padded, %3f has three digits, %q is a quarter.
TOKEN = re.compile(r"%(-?)(\d?)([YmdHMSfIpbBqz])")


@dataclass(frozen=True, kw_only=True)
class Source:
    """How a table was read, so that a later one is read alike and dates are written alike.

    Parameters
    ----------
    target, time, id : str
        Column names as in the file; ``id`` is None where the file holds one series.
    date_format : str
        As in ``strptime``, with ``%-m`` where months are not zero-padded, ``%q`` for quarters,
        ``%3f`` for three digits after the second; or ``integer``, ``epoch seconds`` and the like.
    name : str
        The file's name without its suffixes, or ``table``.
    calendar : Calendar or None
        The steps of the earlier table: a newer one of a single row has none of its own.

    Examples
    --------
    >>> source = Source(target="Close", time="Date", date_format="%-m/%-d/%Y")
    >>> Source.from_dict(source.to_dict()) == source
    True
    """

    target: str
    time: str
    id: str | None = None
    date_format: str = "%Y-%m-%d"
    name: str = "table"
    calendar: Calendar | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values, ready for JSON."""
        calendar = self.calendar.to_dict() if self.calendar else None
        return {**asdict(self), "calendar": calendar}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> "Source":
        """Return what ``to_dict`` was called on."""
        calendar = fields.get("calendar")
        return cls(**{**fields, "calendar": Calendar.from_dict(calendar) if calendar else None})


def format_stamps(stamps: Sequence[Any] | np.ndarray | pd.Series, source: Source) -> list[str]:
    """Return timestamps as the user's own file writes them.

    Parameters
    ----------
    stamps : array-like of datetime64 or int, shape [B]
        Values of the ``ds`` column.
    source : Source
        How the file was read.

    Examples
    --------
    >>> source = Source(target="Close", time="Date", date_format="%-m/%-d/%Y")
    >>> format_stamps(np.array(["2017-01-03"], dtype="datetime64[ns]"), source)
    ['1/3/2017']
    """
    values = np.asarray(stamps)
    if source.date_format == INTEGER:
        return [str(int(value)) for value in values]
    values = values.astype("datetime64[ns]")
    if source.date_format in EPOCHS:
        return [str(value) for value in values.astype(np.int64) // EPOCHS[source.date_format]]
    uniques, codes = np.unique(values, return_inverse=True)
    texts: list[str] = _write_dates(uniques, source.date_format)[codes].tolist()
    return texts


def _write_dates(values: np.ndarray, date_format: str) -> np.ndarray:
    """Return the dates of ``values`` [U] as text [U], one field of the format after the other."""
    dates = pd.DatetimeIndex(values)
    text = np.full(len(values), "", dtype=object)
    end = 0
    for token in TOKEN.finditer(date_format):
        bare, digits, letter = token.groups()
        text = text + date_format[end : token.start()] + _field(dates, letter, bool(bare), int(digits or 6))
        end = token.end()
    return text + date_format[end:]


def _field(dates: pd.DatetimeIndex, letter: str, bare: bool, digits: int) -> np.ndarray:
    if letter in "bB":
        names: np.ndarray = np.array([month[:3] if letter == "b" else month for month in MONTHS], dtype=object)
        return names[dates.month.to_numpy() - 1]
    if letter == "p":
        return np.where(dates.hour.to_numpy() < 12, "AM", "PM").astype(object)
    if letter == "f":
        fraction = dates.microsecond.to_numpy().astype(np.int64) * 1000 + dates.nanosecond.to_numpy()
        return _padded(fraction // 10 ** (9 - digits), digits)
    numbers = {
        "Y": dates.year, "m": dates.month, "d": dates.day, "q": dates.quarter,
        "H": dates.hour, "I": (dates.hour + 11) % 12 + 1, "M": dates.minute, "S": dates.second,
    }  # fmt: skip
    width = {"Y": 4, "q": 1}.get(letter, 2)
    return _padded(numbers[letter].to_numpy(), 1 if bare else width)


def _padded(numbers: np.ndarray, width: int) -> np.ndarray:
    return np.array([f"{number:0{width}d}" for number in numbers.tolist()], dtype=object)
