"""The format that dates are written in: what a text may mean, and what an option says it does."""

import re
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from forecastr.data.source import EPOCHS, EXCEL, INTEGER, MONTHS, TOKEN, WEEKDAYS
from forecastr.errors import ConfigError

FIRST_YEAR, LAST_YEAR = 1700, 2250
SAMPLE, MOST_SHAPES = 1000, 8
FIELDS = {
    "Y": r"\d{4}", "y": r"\d{2}", "m": r"\d{1,2}", "d": r"\d{1,2}", "q": "[1-4]", "G": r"\d{4}", "V": r"\d{2}",
    "b": "[A-Za-z]+", "B": "[A-Za-z]+", "a": "[A-Za-z]+", "A": "[A-Za-z]+",
    "H": r"\d{1,2}", "I": r"\d{1,2}", "M": r"\d{2}", "S": r"\d{2}", "f": r"\d{1,9}", "p": "[AaPp][Mm]",
    "z": r"Z|z|UTC|GMT|[+-]\d{2}(?::?\d{2})?",
}  # fmt: skip
FIXED = {"Y": 4, "y": 2, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2}
# What a date may look like -> its readings; {0} is the mark between its parts.
DATE_SHAPES = (
    (r"\d{4}([-/.])\d{1,2}\1\d{1,2}", ("%Y{0}%m{0}%d",)),
    (r"\d{1,2}([-/.])\d{1,2}\1\d{4}", ("%m{0}%d{0}%Y", "%d{0}%m{0}%Y")),
    (r"\d{8}()", ("%Y%m%d",)),
    (r"\d{8}([T ])\d{4}", ("%Y%m%d{0}%H%M",)),
    (r"\d{8}([T ])\d{6}", ("%Y%m%d{0}%H%M%S",)),
    (r"\d{4}([-/])\d{1,2}", ("%Y{0}%m",)),  # no dot: 1234.5 is a price
    (r"\d{1,2}([-/])\d{4}", ("%m{0}%Y",)),
    (r"\d{4}(-?)M\d{1,2}", ("%Y{0}M%m",)),
    (r"\d{4}(-?)W\d{2}", ("%G{0}W%V",)),
    (r"\d{4}([- ]?)Q[1-4]", ("%Y{0}Q%q",)),
    (r"Q[1-4]([- ]?)\d{4}", ("Q%q{0}%Y",)),
    (r"\d{1,2}([-/. ]?)[A-Za-z]{3}\1\d{4}", ("%d{0}%b{0}%Y",)),
    (r"\d{1,2}([-/. ])[A-Za-z]{3,9}\1\d{4}", ("%d{0}%B{0}%Y",)),
    (r"\d{4}([-/. ])[A-Za-z]{3}\1\d{1,2}", ("%Y{0}%b{0}%d",)),
    (r"[A-Za-z]{3} \d{1,2}(,?) \d{4}", ("%b %d{0} %Y",)),
    (r"[A-Za-z]{3,9} \d{1,2}(,?) \d{4}", ("%B %d{0} %Y",)),
    (r"[A-Za-z]{3}([-/.])\d{1,2}\1\d{4}", ("%b{0}%d{0}%Y",)),
    (r"[A-Za-z]{3}([-/ ])\d{4}", ("%b{0}%Y",)),
    (r"[A-Za-z]{3,9}([-/ ])\d{4}", ("%B{0}%Y",)),
    (r"\d{4}([-/ ])[A-Za-z]{3}", ("%Y{0}%b",)),
)
# Dates whose century is a guess -> the formats to offer.
SHORT_YEARS = (
    (r"\d{1,2}([-/.])\d{1,2}\1\d{2}", ("%d{0}%m{0}%y", "%m{0}%d{0}%y")),
    (r"\d{1,2}([-/. ]?)[A-Za-z]{3}\1\d{2}", ("%d{0}%b{0}%y",)),
    (r"[A-Za-z]{3}([-/ ]|[- ]?')\d{2}", ("%b{0}%y",)),
    (r"[A-Za-z]{3} \d{1,2}(,?) \d{2}", ("%b %d{0} %y",)),
)
TIME_OF_DAY = re.compile(
    r"(?P<gap>T|,? +)\d{1,2}:\d{2}(?P<S>:\d{2}(?:(?P<mark>[.,])(?P<f>\d{1,9}))?)?(?P<p>[ \u202f\xa0]?[AaPp][Mm])?"
    r"(?P<z> ?(?:Z|z|UTC|GMT|[+-]\d{2}(?::?\d{2})?))?$"
)
DAY_NAME = re.compile(rf"(?P<name>{'|'.join(f'{name}|{name[:3]}' for name in WEEKDAYS)})(?P<gap>,? +)", re.IGNORECASE)
SHORTHANDS = {"%F": "%Y-%m-%d", "%T": "%H:%M:%S", "%R": "%H:%M", "%D": "%m/%d/%y", "%e": "%d", "%h": "%b", "%Z": "%z"}
EPOCH_UNITS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
MONTH_WORDS = {name[:size].lower() for name in MONTHS for size in (3, len(name))} | {"sept"}
DATE_WORDS = MONTH_WORDS | {name[:size].lower() for name in WEEKDAYS for size in (3, len(name))} | {"utc", "gmt"}


def guess_formats(texts: Sequence[str]) -> list[str]:
    """Return the formats that most of some dates may be written in.

    Examples
    --------
    >>> guess_formats(["1/2/2017 9:30", "1/3/2017 10:30"])
    ['%m/%d/%Y %H:%M', '%d/%m/%Y %H:%M']
    """
    some = list(texts[:SAMPLE])
    shapes: dict[str, list[str]] = {}
    for text in some:
        shapes.setdefault(re.sub(r"\d+", "0", text), []).append(text)
    usual = sorted(shapes.values(), key=len, reverse=True)[:MOST_SHAPES]
    # The longest text of a shape shows the most fields.
    guesses = [formats for alike in usual if (formats := _formats_of(max(alike, key=len), DATE_SHAPES))]
    return max(guesses, key=lambda formats: (_matches(some, formats), max(map(len, formats))), default=[])


def short_year_formats(texts: Sequence[str]) -> list[str]:
    """Return formats with a year of two digits that dates are likely written in.

    Examples
    --------
    >>> short_year_formats(["Jan-20", "Feb-20"])
    ['%b-%y']
    """
    found = [formats for text in texts[:20] if (formats := _formats_of(text, SHORT_YEARS))]
    return found[0] if 2 * len(found) > len(texts[:20]) else []


def asked_format(text: str) -> str:
    """Return what ``--date-format`` says, in our own terms.

    Raises
    ------
    ConfigError
        If it names nothing that can be read.

    Examples
    --------
    >>> asked_format("%F %T"), asked_format("epoch ms")
    ('%Y-%m-%d %H:%M:%S', 'epoch milliseconds')
    """
    word = " ".join(text.lower().replace("_", " ").replace("-", " ").split())
    unit = word.removeprefix("epoch").strip() or "seconds"
    epoch = f"epoch {EPOCH_UNITS.get(unit, unit)}"
    if word.startswith("epoch") and epoch in EPOCHS:
        return epoch
    if word in (EXCEL, INTEGER):
        return word
    spelled = text
    for short, full in SHORTHANDS.items():
        spelled = spelled.replace(short, full)
    letters = letters_of(spelled)
    unknown = re.sub(r"%%", "", TOKEN.sub("", spelled))
    if "%" in unknown or not {"Y", "y", "G"} & set(letters) or len(set(letters)) < len(letters):
        raise ConfigError(
            f"date_format is '{text}'. Write it with %Y (or %y), %m (or %b), %d, %H, %M, %S, each once: %d.%m.%Y for "
            "31.12.2024; or as excel, integer, epoch seconds, epoch milliseconds."
        )
    return spelled


def letters_of(date_format: str) -> list[str]:
    """Return the letters of a format's fields, in order."""
    return [letter for _, _, letter in TOKEN.findall(date_format)]


def fixed_marks(date_format: str) -> list[tuple[str, bool]] | None:
    """Return each character of padded dates, and whether it is a field's digit; None where lengths differ.

    Examples
    --------
    >>> fixed_marks("%m/%y")
    [('m', True), ('m', True), ('/', False), ('y', True), ('y', True)]
    """
    marks: list[tuple[str, bool]] = []
    end = 0
    for token in TOKEN.finditer(date_format):
        if token[3] not in FIXED or token[1]:
            return None
        marks += [(mark, False) for mark in date_format[end : token.start()]] + [(token[3], True)] * FIXED[token[3]]
        end = token.end()
    return marks + [(mark, False) for mark in date_format[end:]]


def pattern_of(date_format: str) -> str:
    """Return the regular expression of a format.

    A time of day may be absent (midnight often is), and so may its seconds and their fraction.
    """
    pattern, end, open_time, open_second = "", 0, False, 0
    for token in TOKEN.finditer(date_format):
        literal, letter = re.escape(date_format[end : token.start()]), token[3]
        end = token.end()
        if letter not in "Sf":
            pattern, open_second = pattern + ")?" * open_second, 0
        if letter in "HI" and not open_time and pattern:
            pattern, open_time = pattern + "(?:", True
        if letter in "Sf" and literal:
            pattern, open_second = pattern + "(?:", open_second + 1
        if letter in "HI" and literal in ("T", re.escape(" ")):
            literal = "[T ]"
        # An offset may be absent, so that the row where it is can be named.
        digits = FIELDS[letter]
        if letter in "mdHI" and _touches_digits(date_format, token):
            digits = r"\d{2}"  # 1022020 could be cut in two ways
        field = f"{literal}(?P<{letter}>{digits})"
        pattern += f"(?:{field})?" if letter == "z" else field
    return "^" + pattern + ")?" * open_second + re.escape(date_format[end:]) + (")?" if open_time else "") + "$"


def _touches_digits(date_format: str, token: re.Match[str]) -> bool:
    """Say whether a field of digits stands right before or after this one."""
    after = TOKEN.match(date_format, token.end())
    before = [other for other in TOKEN.finditer(date_format) if other.end() == token.start()]
    return any(other[3] not in "bBaApz" for other in (*before, *([after] if after else [])))


def exact_format(texts: pa.Array, date_format: str) -> str:
    """Return ``date_format`` with the fields marked that are written without a leading zero, or in capitals.

    Examples
    --------
    >>> exact_format(pa.array(["1/2/2017", "12/31/2017"]), "%m/%d/%Y")
    '%-m/%-d/%Y'
    """
    marks = fixed_marks(date_format)
    if marks and pc.all(pc.equal(pc.binary_length(texts), len(marks))).as_py():
        return date_format
    found = pc.extract_regex(texts, pattern_of(date_format))
    exact = date_format
    for letter in set(letters_of(date_format)) & set("mdHIbBaAp"):
        field = pc.drop_null(pc.struct_field(found, letter))
        if letter in "mdHI" and pc.any(pc.equal(pc.utf8_length(field), 1)).as_py():
            exact = exact.replace(f"%{letter}", f"%-{letter}")
        if letter in "bBaA" and pc.all(pc.utf8_is_upper(field)).as_py():
            exact = exact.replace(f"%{letter}", f"%^{letter}")
        if letter == "p" and pc.any(pc.utf8_is_lower(field)).as_py():
            exact = exact.replace("%p", "%-p")
    return exact


def zones_written(texts: pa.Array, date_format: str) -> list[str]:
    """Return the distinct offsets that texts are written with; an empty one where some have none."""
    if "z" not in letters_of(date_format):
        return []
    field = pc.struct_field(pc.extract_regex(texts, pattern_of(date_format)), "z")
    zones: list[str] = pc.unique(pc.fill_null(field, "")).to_pylist()
    return zones


def why_no_date(text: str, date_format: str) -> str:
    """Return what is wrong with a date that is written as it should be, or nothing where it is not.

    Examples
    --------
    >>> why_no_date("9999-12-31", "%Y-%m-%d"), why_no_date("2023-02-30", "%Y-%m-%d"), why_no_date("x", "%Y-%m-%d")
    (': only the years 1700 to 2250 can be held', ': there is no such day or time', '')
    """
    found = re.search(pattern_of(date_format), text)
    if found is None:
        return ""
    year = int(found.groupdict().get("Y") or found.groupdict().get("G") or FIRST_YEAR)
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return f": only the years {FIRST_YEAR} to {LAST_YEAR} can be held"
    return ": there is no such day or time"


def is_no_date(text: str) -> bool:
    """Say whether a text cannot be meant as a date: it has no digit, or words that dates have not.

    Examples
    --------
    >>> [is_no_date(text) for text in ("Total", "Source: FRED, 2020", "2020-02-30", "Jan 2020")]
    [True, True, False, False]
    """
    words = re.findall(r"[^\W\d_]{3,}", text.lower())
    return not re.search(r"\d", text) or any(word not in DATE_WORDS for word in words)


def _matches(texts: list[str], formats: list[str]) -> int:
    patterns = [re.compile(pattern_of(form)) for form in formats]
    return max(sum(pattern.search(text) is not None for text in texts) for pattern in patterns)


def _formats_of(text: str, shapes: Sequence[tuple[str, tuple[str, ...]]]) -> list[str]:
    time = TIME_OF_DAY.search(text)
    date = text[: time.start()] if time else text
    suffix = _time_format(time) if time else ""
    prefix = ""
    if named := DAY_NAME.match(date):
        date = date[named.end() :]
        prefix = ("%a" if len(named["name"]) == 3 else "%A") + named["gap"]
    for shape, formats in shapes:
        if found := re.fullmatch(shape, date):
            return [prefix + form.format(found.group(1)) + suffix for form in formats]
    return []


def _time_format(time: re.Match[str]) -> str:
    hour = "%I" if time["p"] else "%H"
    seconds = ":%S" if time["S"] else ""
    fraction = f"{time['mark']}%{len(time['f'])}f" if time["f"] else ""
    noon = time["p"][:-2] + "%p" if time["p"] else ""
    mark = "%:z" if time["z"] and ":" in time["z"] else "%z"
    zone = (" " if time["z"].startswith(" ") else "") + mark if time["z"] else ""
    return f"{time['gap']}{hour}:%M{seconds}{fraction}{noon}{zone}"
