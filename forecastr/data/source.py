"""How a table was read: its columns, and dates written back exactly as the user wrote them."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from forecastr.data.time.calendar import DAY, MINUTE, Calendar
from forecastr.data.time.zones import to_wall
from forecastr.schema import Covariates

INTEGER, EXCEL = "integer", "excel"
EXCEL_START = np.datetime64("1899-12-30", "ns")  # day 0 of a spreadsheet
EPOCHS = {
    "epoch seconds": 10**9, "epoch milliseconds": 10**6, "epoch microseconds": 10**3, "epoch nanoseconds": 1,
}  # fmt: skip
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# %m/%d/%Y as in strptime; %-m is not zero-padded, %^b is in capitals, %:z has a colon, %3f has three digits, %q is
# a quarter.
TOKEN = re.compile(r"%([-^:]?)(\d?)([YymdHMSfIpbBaAqzGV])")


@dataclass(frozen=True, kw_only=True)
class Source:
    """How a table was read, so that a later one is read alike and dates are written alike.

    Parameters
    ----------
    target, time, id : str
        Column names as in the file; ``id`` is None where the file holds one series.
    date_format : str
        As in ``strptime``, with ``%-m`` where months are not zero-padded, ``%q`` for quarters,
        ``%3f`` for three digits after the second; or ``integer``, ``excel``, ``epoch seconds`` and the like.
    name : str
        The file's name without its suffixes, or ``table``.
    calendar : Calendar or None
        The steps of the earlier table: a newer one of a single row has none of its own.
    zone : str or None
        The time zone in which dates are written; stamps are then in UTC.
    covariates : Covariates
        The columns beside the target.
    reading : dict
        What the user said about the table, as ``ReadOptions.to_dict`` gives it.

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
    zone: str | None = None
    covariates: Covariates = field(default_factory=Covariates)
    reading: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values, ready for JSON."""
        calendar = self.calendar.to_dict() if self.calendar else None
        covariates = {role: list(names) for role, names in asdict(self.covariates).items()}
        return {**asdict(self), "calendar": calendar, "covariates": covariates}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> "Source":
        """Return what ``to_dict`` was called on."""
        calendar = fields.get("calendar")
        covariates = {role: tuple(names) for role, names in fields.get("covariates", {}).items()}
        return cls(
            **{
                **fields,
                "calendar": Calendar.from_dict(calendar) if calendar else None,
                "covariates": Covariates(**covariates),
            }
        )


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
    uniques, codes = np.unique(values, return_inverse=True)
    if source.date_format in EPOCHS:
        texts = _write_epochs(uniques.view(np.int64), EPOCHS[source.date_format])
    elif source.date_format == EXCEL:
        texts = _write_serials(to_wall(uniques, source.zone))
    else:
        texts = _write_dates(uniques, source.date_format, source.zone)
    written: list[str] = texts[codes].tolist()
    return written


def _write_epochs(stamps: np.ndarray, unit: int) -> np.ndarray:
    """Return the number of units since 1970 as text, with decimals where a stamp has them."""
    decimals = len(str(unit)) - 1
    whole, rest = np.divmod(stamps, unit)
    texts = [
        f"{count}.{part:0{decimals}d}".rstrip("0") if part else str(count)
        for count, part in zip(whole, rest, strict=True)
    ]
    return np.array(texts, dtype=object)


def _write_serials(wall: np.ndarray) -> np.ndarray:
    """Return a spreadsheet's days since 1899-12-30 as text."""
    days, rest = np.divmod((wall - EXCEL_START).astype(np.int64), DAY)
    texts = [f"{day + part / DAY:.6f}".rstrip("0").rstrip(".") for day, part in zip(days, rest, strict=True)]
    return np.array(texts, dtype=object)


def _write_dates(values: np.ndarray, date_format: str, zone: str | None) -> np.ndarray:
    """Return the dates of ``values`` [U] as text [U], one field of the format after the other."""
    wall = to_wall(values, zone)
    dates = pd.DatetimeIndex(wall)
    offsets = (wall - values).astype(np.int64)
    text = np.full(len(values), "", dtype=object)
    end = 0
    for token in TOKEN.finditer(date_format):
        mark, digits, letter = token.groups()
        field = _offsets(offsets, mark) if letter == "z" else _field(dates, letter, mark, int(digits or 6))
        text = text + date_format[end : token.start()] + field
        end = token.end()
    return text + date_format[end:]


def _field(dates: pd.DatetimeIndex, letter: str, mark: str, digits: int) -> np.ndarray:
    if letter in "bBaA":
        names, place = (
            (MONTHS, dates.month.to_numpy() - 1) if letter in "bB" else (WEEKDAYS, dates.day_of_week.to_numpy())
        )
        short = [name[:3] if letter in "ba" else name for name in names]
        return np.array([name.upper() if mark == "^" else name for name in short], dtype=object)[place]
    if letter == "p":
        noon = np.where(dates.hour.to_numpy() < 12, "AM", "PM")
        return (np.char.lower(noon) if mark == "-" else noon).astype(object)
    if letter == "f":
        fraction = dates.microsecond.to_numpy().astype(np.int64) * 1000 + dates.nanosecond.to_numpy()
        return _padded(fraction // 10 ** (9 - digits), digits)
    if letter in "GV":
        weeks = dates.isocalendar()
        return _padded(weeks["year" if letter == "G" else "week"].to_numpy(dtype=np.int64), 4 if letter == "G" else 2)
    numbers = {
        "Y": dates.year, "y": dates.year % 100, "m": dates.month, "d": dates.day, "q": dates.quarter,
        "H": dates.hour, "I": (dates.hour + 11) % 12 + 1, "M": dates.minute, "S": dates.second,
    }  # fmt: skip
    width = {"Y": 4, "q": 1}.get(letter, 2)
    return _padded(numbers[letter].to_numpy(), 1 if mark == "-" else width)


def _offsets(offsets: np.ndarray, mark: str) -> np.ndarray:
    """Return offsets from UTC as +0100, or with a colon."""
    minutes = np.abs(offsets) // MINUTE
    signs = np.where(offsets < 0, "-", "+").astype(object)
    return signs + _padded(minutes // 60, 2) + (":" if mark == ":" else "") + _padded(minutes % 60, 2)


def _padded(numbers: np.ndarray, width: int) -> np.ndarray:
    return np.array([f"{number:0{width}d}" for number in numbers.tolist()], dtype=object)
