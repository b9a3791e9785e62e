"""Dates as people write them, read one way for the whole column: text [U] or integers -> stamps [U]."""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecastr.data.calendar import DAY, HOUR, MINUTE, SECOND, month_lengths
from forecastr.data.source import EPOCHS, INTEGER, MONTHS, TOKEN

NAT = np.datetime64("NaT", "ns")
SAMPLE = 1000
FIELDS = {
    "Y": r"\d{4}", "m": r"\d{1,2}", "d": r"\d{1,2}", "q": "[1-4]", "b": "[A-Za-z]+", "B": "[A-Za-z]+",
    "H": r"\d{1,2}", "I": r"\d{1,2}", "M": r"\d{2}", "S": r"\d{2}", "f": r"\d{1,9}", "p": "[AaPp][Mm]",
    "z": r"Z|UTC|GMT|[+-]\d{2}:?\d{2}",
}  # fmt: skip
# What a date may look like -> its readings; {0} is the mark between its parts.
DATE_SHAPES = (
    (r"\d{4}([-/.])\d{1,2}\1\d{1,2}", ("%Y{0}%m{0}%d",)),
    (r"\d{1,2}([-/.])\d{1,2}\1\d{4}", ("%m{0}%d{0}%Y", "%d{0}%m{0}%Y")),
    (r"\d{8}()", ("%Y%m%d",)),
    (r"\d{4}([-/])\d{1,2}", ("%Y{0}%m",)),  # no dot: 1234.5 is a price
    (r"\d{1,2}([-/])\d{4}", ("%m{0}%Y",)),
    (r"\d{4}([- ]?)Q[1-4]", ("%Y{0}Q%q",)),
    (r"\d{1,2}([-/. ]?)[A-Za-z]{3}\1\d{4}", ("%d{0}%b{0}%Y",)),
    (r"\d{1,2}([-/. ])[A-Za-z]{3,9}\1\d{4}", ("%d{0}%B{0}%Y",)),
    (r"[A-Za-z]{3}()\.? \d{1,2}, \d{4}", ("%b %d, %Y",)),
    (r"[A-Za-z]{3,9}() \d{1,2}, \d{4}", ("%B %d, %Y",)),
    (r"[A-Za-z]{3}([- ])\d{4}", ("%b{0}%Y",)),
    (r"[A-Za-z]{3,9}([- ])\d{4}", ("%B{0}%Y",)),
)
TWO_DIGIT_YEAR = re.compile(r"\d{1,2}([-/.])\d{1,2}\1\d{2}(?!\d).*")
TIME_OF_DAY = re.compile(
    r"(?P<gap>T| +)\d{1,2}:\d{2}(?P<S>:\d{2}(?:(?P<mark>[.,])(?P<f>\d{1,9}))?)?(?P<p> ?[AaPp][Mm])?"
    r"(?P<z> ?(?:Z|UTC|GMT|[+-]\d{2}:?\d{2}))?$"
)


def guess_formats(texts: Sequence[str]) -> list[str]:
    """Return the formats that most of some dates may be written in.

    Examples
    --------
    >>> guess_formats(["1/2/2017 9:30", "1/3/2017 10:30"])
    ['%m/%d/%Y %H:%M', '%d/%m/%Y %H:%M']
    """
    # The longest text shows the most fields, unless it is the one that is unlike the others.
    shapes = Counter(re.sub(r"\d+", "0", text) for text in texts[:SAMPLE])
    common = [text for text in texts[:SAMPLE] if re.sub(r"\d+", "0", text) == shapes.most_common(1)[0][0]]
    guesses = [_formats_of(max(some, key=len)) for some in (texts, common)]
    return max(guesses, key=lambda formats: _parsed(texts[:SAMPLE], formats))


def _formats_of(text: str) -> list[str]:
    time = TIME_OF_DAY.search(text)
    date = text[: time.start()] if time else text
    suffix = _time_format(time) if time else ""
    for shape, formats in DATE_SHAPES:
        if found := re.fullmatch(shape, date):
            return [form.format(found.group(1)) + suffix for form in formats]
    return []


def _parsed(texts: Sequence[str], formats: Sequence[str]) -> int:
    return max((int((~np.isnat(parse_text(texts, form))).sum()) for form in formats), default=0)


def parse_text(texts: Sequence[str], date_format: str) -> np.ndarray:
    """Return datetime64[ns] stamps [U] of texts [U], NaT where one is not written so or does not exist.

    A zone's offset is taken off, so such stamps are in UTC.

    Examples
    --------
    >>> parse_text(["2/29/2023", "3/1/2023"], "%m/%d/%Y")
    array([                          'NaT', '2023-03-01T00:00:00.000000000'],
          dtype='datetime64[ns]')
    """
    if not len(texts):
        return np.array([], dtype="datetime64[ns]")
    found = pc.extract_regex(pa.array(texts, pa.string()), f"^{_pattern(date_format)}$")
    # Texts that do not match are parsed as zeros and then set to NaT.
    parts = {name: pc.fill_null(pc.struct_field(found, name), "") for name in _letters(date_format)}
    valid = found.is_valid().to_numpy(zero_copy_only=False)
    return np.where(valid, _stamps(parts, len(texts)), NAT)


def parse_integers(values: np.ndarray, *, axis: bool) -> tuple[np.ndarray, str] | None:
    """Return stamps [U] and their format for integers [U], or None where they are no time.

    Parameters
    ----------
    values : ndarray of int64, shape [U]
        Distinct integers.
    axis : bool
        Whether the column is known to be the time: then seconds since 1970 and plain steps are legal,
        while among unnamed columns only dates such as 20240131 are told from other numbers.

    Examples
    --------
    >>> parse_integers(np.array([3, 4, 5]), axis=True)
    (array([3, 4, 5]), 'integer')
    """
    low, high = int(values.min()), int(values.max())
    if low >= 1700_01_01 and high <= 2250_12_31:
        dates = parse_text([str(value) for value in values.tolist()], "%Y%m%d")
        if not np.isnat(dates).any():
            return dates, "%Y%m%d"
    if not axis:
        return None
    for name, unit in EPOCHS.items():
        if low * unit >= 10**17 and high * unit < 9 * 10**18:  # 1973 to 2255
            return (values.astype(np.int64) * unit).astype("datetime64[ns]"), name
    return values.astype(np.int64), INTEGER


def keep_one_zone(texts: Sequence[str], date_format: str) -> str:
    """Return the format with its zone spelled out where all texts share one: their clock is then kept.

    Examples
    --------
    >>> keep_one_zone(["2024-01-01 10:00+01:00"], "%Y-%m-%d %H:%M%z")
    '%Y-%m-%d %H:%M+01:00'
    """
    if "%z" not in date_format:
        return date_format
    found = pc.extract_regex(pa.array(texts, pa.string()), f"^{_pattern(date_format)}$")
    zones = pc.unique(pc.struct_field(found, "z")).to_pylist()
    return date_format.replace("%z", zones[0]) if len(zones) == 1 and zones[0] else date_format


def exact_format(texts: Sequence[str], date_format: str) -> str:
    """Return ``date_format`` with the fields marked that are written without a leading zero.

    Examples
    --------
    >>> exact_format(["1/2/2017", "12/31/2017"], "%m/%d/%Y")
    '%-m/%-d/%Y'
    """
    found = pc.extract_regex(pa.array(texts, pa.string()), f"^{_pattern(date_format)}$")
    exact = date_format
    for letter in "mdHI":
        if f"%{letter}" in date_format and pc.any(pc.equal(pc.utf8_length(pc.struct_field(found, letter)), 1)).as_py():
            exact = exact.replace(f"%{letter}", f"%-{letter}")
    return exact.replace("%z", "+00:00")


def midnight_format(stamps: np.ndarray) -> str:
    """Return how native timestamps are written: with their time of day where there is one."""
    times = stamps.astype("datetime64[ns]").view(np.int64) % DAY
    if not times.any():
        return "%Y-%m-%d"
    return "%Y-%m-%d %H:%M:%S" + (".%f" if (times % SECOND).any() else "")


def _time_format(time: re.Match[str]) -> str:
    hour = "%I" if time["p"] else "%H"
    seconds = ":%S" if time["S"] else ""
    fraction = f"{time['mark']}%{len(time['f'])}f" if time["f"] else ""
    noon = time["p"][:-2] + "%p" if time["p"] else ""
    zone = (" " if time["z"].startswith(" ") else "") + "%z" if time["z"] else ""
    return f"{time['gap']}{hour}:%M{seconds}{fraction}{noon}{zone}"


def _letters(date_format: str) -> list[str]:
    return [letter for _, _, letter in TOKEN.findall(date_format)]


def _pattern(date_format: str) -> str:
    """Return the regular expression of a format; a time of day may be absent (midnight often is)."""
    pattern, end, time = "", 0, False
    for token in TOKEN.finditer(date_format):
        literal = re.escape(date_format[end : token.start()])
        starts = token[3] in "HI" and not time
        time = time or starts
        pattern += f"{'(?:' if starts else ''}{literal}(?P<{token[3]}>{FIELDS[token[3]]})"
        end = token.end()
    return pattern + re.escape(date_format[end:]) + (")?" if time else "")


def _stamps(parts: dict[str, pa.Array], count: int) -> np.ndarray:
    """Return stamps [U] from the texts of each field, NaT where there is no such day or time."""
    number = {name: _integers(text) for name, text in parts.items() if name not in "bBpz"}
    zero, one = np.zeros(count, np.int64), np.ones(count, np.int64)
    year, day = number["Y"], number.get("d", one)
    month = number.get("m", one)
    if "q" in number:
        month = 3 * number["q"] - 2
    if names := parts.get("b", parts.get("B")):
        month = _month_numbers(names)
    hour = number.get("H", zero)
    if "I" in number:
        late = pc.equal(pc.utf8_lower(parts["p"]), "pm").to_numpy(zero_copy_only=False)
        hour = number["I"] % 12 + 12 * late
    minute, second = number.get("M", zero), number.get("S", zero)
    start = (12 * (year - 1970) + month - 1).astype("datetime64[M]")
    exists = (year >= 1700) & (year <= 2250) & (month >= 1) & (month <= 12)
    exists &= (day >= 1) & (day <= month_lengths(start))
    exists &= (hour < 24) & (minute < 60) & (second < 60)
    since = hour * HOUR + minute * MINUTE + second * SECOND
    if "f" in parts:
        since = since + _integers(pc.utf8_rpad(parts["f"], 9, "0"))
    if "z" in parts:
        since = since - _offsets(parts["z"])
    dates = (start.astype("datetime64[D]") + (day - 1))[exists].astype("datetime64[ns]")
    stamps = np.full(count, NAT)
    stamps[exists] = dates + since[exists].astype("timedelta64[ns]")
    return stamps


def _integers(texts: pa.Array) -> np.ndarray:
    filled = pc.if_else(pc.equal(texts, ""), "0", texts)
    numbers: np.ndarray = pc.cast(filled, pa.int64()).to_numpy(zero_copy_only=False)
    return numbers


def _month_numbers(names: pa.Array) -> np.ndarray:
    """Return 1 to 12 for English month names, short or long, and 0 for anything else."""
    known = {month[:size].lower(): place for place, month in enumerate(MONTHS, 1) for size in (3, len(month))}
    uniques, codes = np.unique(names.to_numpy(zero_copy_only=False).astype(str), return_inverse=True)
    return np.array([known.get(name.lower(), 0) for name in uniques], dtype=np.int64)[codes]


def _offsets(zones: pa.Array) -> np.ndarray:
    """Return each zone's offset from UTC in nanoseconds."""
    uniques, codes = np.unique(zones.to_numpy(zero_copy_only=False).astype(str), return_inverse=True)

    def offset(zone: str) -> int:
        digits = zone[1:].replace(":", "")
        if not digits.isdigit():
            return 0
        return (-1 if zone[0] == "-" else 1) * (int(digits[:2]) * HOUR + int(digits[2:]) * MINUTE)

    return np.array([offset(zone) for zone in uniques.tolist()], dtype=np.int64)[codes]
