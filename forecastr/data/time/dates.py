"""Dates as people write them, read one way for the whole column: text [U] -> stamps [U]."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecastr.data.source import MONTHS
from forecastr.data.time.calendar import DAY, HOUR, MINUTE, SECOND, month_lengths
from forecastr.data.time.formats import FIRST_YEAR, LAST_YEAR, fixed_marks, letters_of, pattern_of

NAT = np.datetime64("NaT", "ns")
BLOCK = 1_000_000  # texts parsed at once: their fields take several times their own memory
CENTURY = 69  # two digits from here on are 19.., those below 20..: as in POSIX


@dataclass(frozen=True)
class Parsed:
    """What clocks showed [U] (NaT: no date), their offset from UTC in nanoseconds [U], and where one is written [U]."""

    wall: np.ndarray
    offsets: np.ndarray
    zoned: np.ndarray

    @property
    def utc(self) -> np.ndarray:
        """The stamps with their offsets taken off."""
        return self.wall - self.offsets.astype("timedelta64[ns]")


def as_texts(texts: Sequence[str] | pa.Array) -> pa.Array:
    """Return texts as one Arrow array."""
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    return texts.cast(pa.large_string()) if isinstance(texts, pa.Array) else pa.array(texts, pa.large_string())


def parse_text(texts: Sequence[str] | pa.Array, date_format: str) -> np.ndarray:
    """Return datetime64[ns] stamps [U] of texts [U], NaT where one is not written so or does not exist.

    A zone's offset is taken off, so such stamps are in UTC.

    Examples
    --------
    >>> parse_text(["2/29/2023", "3/1/2023"], "%m/%d/%Y")
    array([                          'NaT', '2023-03-01T00:00:00.000000000'],
          dtype='datetime64[ns]')
    """
    return parse_zoned(texts, date_format).utc


def parse_zoned(texts: Sequence[str] | pa.Array, date_format: str) -> Parsed:
    """Return the wall clock times of texts [U] and their offsets from UTC."""
    texts = as_texts(texts)
    parts = [_parse_block(texts.slice(start, BLOCK), date_format) for start in range(0, max(len(texts), 1), BLOCK)]
    if len(parts) == 1:
        return parts[0]
    return Parsed(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Parsed)))


def _parse_block(texts: pa.Array, date_format: str) -> Parsed:
    count = len(texts)
    offsets, zoned = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=bool)
    if not count:
        return Parsed(np.array([], dtype="datetime64[ns]"), offsets, zoned)
    if (numbers := _fixed_fields(texts, date_format)) is not None:
        return Parsed(combine_fields(numbers, count), offsets, zoned)
    found = pc.extract_regex(texts, pattern_of(date_format))
    # Texts that do not match are parsed as zeros and then set to NaT.
    parts = {name: pc.fill_null(pc.struct_field(found, name), "") for name in letters_of(date_format)}
    valid = found.is_valid().to_numpy(zero_copy_only=False)
    if "z" in parts:
        zoned = valid & pc.not_equal(parts["z"], "").to_numpy(zero_copy_only=False)
        offsets = _offsets(parts["z"])
    return Parsed(np.where(valid, combine_fields(_numbers(parts), count), NAT), offsets, zoned)


def combine_fields(number: dict[str, np.ndarray], count: int) -> np.ndarray:
    """Return stamps [U] of fields by their letters (``f`` in nanoseconds), NaT where there is no such day or time."""
    zero, one = np.zeros(count, np.int64), np.ones(count, np.int64)
    if "V" in number:
        dates, exists = _weeks(number["G"], number["V"])
    else:
        dates, exists = _days(number["Y"], number.get("m", one), number.get("d", one))
    hour, minute, second = number.get("H", zero), number.get("M", zero), number.get("S", zero)
    exists &= (hour < 24) & (minute < 60) & (second < 60)
    since = hour * HOUR + minute * MINUTE + second * SECOND + number.get("f", zero)
    days = np.where(exists, dates.astype(np.int64), 0)
    return np.where(exists, (days * DAY + since).astype("datetime64[ns]"), NAT)


def midnight_format(stamps: np.ndarray) -> str:
    """Return how native timestamps are written: with their time of day where there is one."""
    times = stamps.astype("datetime64[ns]").view(np.int64) % DAY
    if not times.any():
        return "%Y-%m-%d"
    return "%Y-%m-%d %H:%M:%S" + (".%f" if (times % SECOND).any() else "")


def _days(year: np.ndarray, month: np.ndarray, day: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    start = (12 * (year - 1970) + month - 1).astype("datetime64[M]")
    exists = (year >= FIRST_YEAR) & (year <= LAST_YEAR) & (month >= 1) & (month <= 12)
    exists &= (day >= 1) & (day <= month_lengths(start))
    return start.astype("datetime64[D]") + (day - 1), exists


def _weeks(year: np.ndarray, week: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the Mondays of ISO weeks: the first week of a year is the one with 4 January."""
    fourth = (year - 1970).astype("datetime64[Y]").astype("datetime64[D]") + 3
    first = fourth - (fourth.astype(np.int64) + 3) % 7
    dates = first + 7 * (week - 1)
    thursday = (dates + 3).astype("datetime64[Y]").astype(np.int64) + 1970
    exists = (year >= FIRST_YEAR) & (year <= LAST_YEAR) & (week >= 1) & (thursday == year)
    return dates, exists


def _fixed_fields(texts: pa.Array, date_format: str) -> dict[str, np.ndarray] | None:
    """Return the fields of many texts of one length, digits at the same places in all; None where it is not so.

    Ten times as fast as a pattern, and it leaves to the pattern whatever is out of the ordinary.
    """
    marks = fixed_marks(date_format)
    if len(texts) < 1000 or marks is None:
        return None
    table = _characters(texts, len(marks))
    if table is None:
        return None
    numbers: dict[str, np.ndarray] = {}
    for place, (mark, is_digit) in enumerate(marks):
        if not is_digit:
            if (table[:, place] != ord(mark)).any():
                return None
            continue
        digit = table[:, place] - np.uint8(ord("0"))
        if (digit > 9).any():
            return None
        numbers[mark] = numbers[mark] * 10 + digit if mark in numbers else digit.astype(np.int64)
    return _full_years(numbers)


def _characters(texts: pa.Array, length: int) -> np.ndarray | None:
    """Return the bytes of texts that all have that length, shape [U, length]; None where one has not."""
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
    if texts.null_count or (np.diff(ends) != length).any():
        return None
    return np.frombuffer(data, dtype=np.uint8)[ends[0] : ends[-1]].reshape(len(texts), length)


def _numbers(parts: dict[str, pa.Array]) -> dict[str, np.ndarray]:
    """Return numbers [U] for the texts of each field: names of months and halves of the day included."""
    number = {name: _integers(text) for name, text in parts.items() if name not in "bBaApzf"}
    number = _full_years(number)
    if "q" in number:
        number["m"] = 3 * number["q"] - 2
    if names := parts.get("b", parts.get("B")):
        number["m"] = _month_numbers(names)
    if "I" in number:
        late = pc.equal(pc.utf8_lower(parts["p"]), "pm").to_numpy(zero_copy_only=False) if "p" in parts else 0
        number["H"] = np.where(number["I"] <= 12, number["I"] % 12 + 12 * late, 24)
    if "f" in parts:
        number["f"] = _integers(pc.utf8_rpad(parts["f"], 9, "0"))
    return number


def _full_years(number: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    if "y" in number:
        number["Y"] = number["y"] + np.where(number["y"] >= CENTURY, 1900, 2000)
    return number


def _integers(texts: pa.Array) -> np.ndarray:
    filled = pc.if_else(pc.equal(texts, ""), "0", texts)
    numbers: np.ndarray = pc.cast(filled, pa.int64()).to_numpy(zero_copy_only=False)
    return numbers


def _month_numbers(names: pa.Array) -> np.ndarray:
    """Return 1 to 12 for English month names, short or long, and 0 for anything else."""
    known = {month[:size].lower(): place for place, month in enumerate(MONTHS, 1) for size in (3, len(month))}
    return _looked_up(names, {**known, "sept": 9})


def _offsets(zones: pa.Array) -> np.ndarray:
    """Return each zone's offset from UTC in nanoseconds."""
    return _looked_up(zones, {zone.lower(): _offset(zone) for zone in pc.unique(zones).to_pylist()})


def _offset(zone: str) -> int:
    digits = zone[1:].replace(":", "")
    if not digits.isdigit():
        return 0
    return (-1 if zone[0] == "-" else 1) * (int(digits[:2]) * HOUR + int(digits[2:] or 0) * MINUTE)


def _looked_up(texts: pa.Array, numbers: dict[str, int]) -> np.ndarray:
    """Return the number of each text, case aside; 0 for one without."""
    coded = pc.dictionary_encode(texts)
    known = [numbers.get(text.lower(), 0) for text in coded.dictionary.to_pylist()]
    return np.array(known, dtype=np.int64)[coded.indices.to_numpy()]
