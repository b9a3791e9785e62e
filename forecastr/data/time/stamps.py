"""The time column of a table, of whatever type, as one checked array of stamps."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from forecastr.data.options import ReadOptions
from forecastr.data.source import INTEGER, Source
from forecastr.data.time.dates import as_texts, midnight_format, parse_text
from forecastr.data.time.formats import asked_format, guess_formats, is_no_date, short_year_formats
from forecastr.data.time.reading import NUMERIC, Reading, Stamps, Where
from forecastr.data.time.serials import are_dates
from forecastr.data.time.zones import check_zone
from forecastr.data.values import MISSING
from forecastr.errors import DataError

PLAIN = ReadOptions()
MOST_FOOTERS = 3
MANY = 100_000  # texts looked at to see whether they repeat
INTEGERS = (r"^-?\d{1,18}$|^[1-8]\d{18}$", pa.int64())
DECIMALS = (r"^-?\d{1,15}(?:\.\d+)?$", pa.float64())
FAR_AHEAD = np.datetime64("2051-01-01", "ns")  # later stamps are more likely a wrong century than a plan


def looks_like_time(head: pd.Series, *, named: bool, date_format: str | None = None) -> bool:
    """Say whether most of a sample are dates; where the name says time, integers will do."""
    if pd.api.types.is_datetime64_any_dtype(head) or isinstance(head.dtype, pd.PeriodDtype):
        return True
    if pd.api.types.is_bool_dtype(head):
        return False
    asked = asked_format(date_format) if date_format else None
    texts = _trimmed(head.dropna().astype(str).unique())
    texts = texts.filter(pc.invert(_are_missing(texts)))
    if not len(texts):
        return False
    if asked and asked not in NUMERIC and np.mean(~np.isnat(parse_text(texts, asked))) >= 0.5:
        return True
    if (numbers := _numbers(texts)) is not None:
        return are_dates(numbers, str(head.name), named=named or asked in NUMERIC)
    listed = texts.to_pylist()
    shares = [np.mean(~np.isnat(parse_text(texts, form))) for form in guess_formats(listed)]
    return max(shares, default=0) >= 0.5 or bool(short_year_formats(listed))


def step_axis(groups: np.ndarray | None, n_rows: int) -> Stamps:
    """Return 1, 2, 3 and so on by row within each series, for a table without a time column.

    Examples
    --------
    >>> step_axis(np.array([0, 1, 0, 1, 1]), 5).stamps
    array([1, 1, 2, 2, 3])
    """
    steps = np.arange(1, n_rows + 1)
    if groups is not None:
        order = np.argsort(groups, kind="stable")
        sizes = np.bincount(groups)
        starts = np.cumsum(sizes) - sizes
        steps[order] = np.arange(1, n_rows + 1) - np.repeat(starts, sizes)
    nowhere = np.zeros(n_rows, dtype=bool)
    return Stamps(steps, nowhere, INTEGER, unreadable=nowhere)


def read_stamps(
    column: pd.Series, groups: np.ndarray | None, *, where: Where, like: Source | None, options: ReadOptions = PLAIN
) -> Stamps:
    """Return the stamps of a time column, all read in one way.

    Parameters
    ----------
    column : Series
        Timestamps, numbers, or text, best as categories.
    groups : ndarray of int or None, shape [B]
        The series of each row: dates are in order within one, if at all.
    where : callable
        Names a row, for errors.
    like : Source or None
        How an earlier file was read, which settles how this one is if all of it fits.
    options : ReadOptions
        ``date_format`` and ``tz``.

    Raises
    ------
    DataError
        If a value is no date, the order of day and month cannot be told, or it is unclear which of two
        equal times of an autumn night is meant.
    ConfigError
        If an option names no format, or no time zone.
    """
    zone = check_zone(options.tz) if options.tz else like.zone if like else None
    asked = asked_format(options.date_format) if options.date_format else None
    earlier = like.date_format if like and not asked else None
    if isinstance(column.dtype, pd.PeriodDtype):
        read = _from_periods(column)
    elif pd.api.types.is_datetime64_any_dtype(column):
        read = _from_timestamps(column, groups, zone, where)
    elif (numbers := _native_numbers(column)) is not None:
        missing = column.isna().to_numpy()
        reading = Reading(str(column.name), np.where(missing, -1, np.cumsum(~missing) - 1), groups, where)
        read = reading.serials(numbers, None, asked, earlier, zone)
    else:
        read = _from_texts(column, groups, asked, earlier, zone, where)
    if not len(read.unreadable):
        read = replace(read, unreadable=np.zeros(len(column), dtype=bool))
    absent = read.missing | read.unreadable
    known = read.stamps[~absent] if absent.any() else read.stamps
    if known.dtype.kind == "M" and len(known) and known.max() >= FAR_AHEAD:
        read = replace(read, note=_joined(read.note, f"the last stamps are far in the future: {str(known.max())[:10]}"))
    return read


def _from_texts(
    column: pd.Series, groups: np.ndarray | None, asked: str | None, like: str | None, zone: str | None, where: Where
) -> Stamps:
    values, rows = _values(column)
    texts = _trimmed(values)
    pa.default_memory_pool().release_unused()  # of the steps between, each as long as all texts
    absent = _are_missing(texts).to_numpy(zero_copy_only=False)
    if absent.any():
        place = np.where(absent, -1, np.cumsum(~absent) - 1).astype(np.int32)
        rows, texts = np.append(place, np.int32(-1))[rows], texts.filter(pa.array(~absent))
    footers = _footers(texts, rows)
    unreadable = np.zeros(len(rows), dtype=bool)
    note = None
    if len(footers):
        begin = str(texts[int(rows[footers[0]])])[:40]
        note = (
            f"footer dropped: {len(footers)} of the last rows hold no date, from {where(int(footers[0]))} ('{begin}')"
        )
        unreadable[footers] = True
        texts, rows = _used(texts, np.where(unreadable, -1, rows))
    if not len(texts):
        raise DataError(f"{where(0)}: '{column.name}' holds no date at all. Name the time column with --time.")
    reading = Reading(str(column.name), rows, groups, where)
    numbers = _numbers(texts)
    if numbers is not None:
        read = reading.serials(numbers, texts, asked, like, zone)
    else:
        read = reading.dates(texts, asked, like, zone)
    return replace(read, missing=read.missing & ~unreadable, unreadable=unreadable, note=_joined(note, read.note))


def _values(column: pd.Series) -> tuple[pd.Index, np.ndarray]:
    """Return the texts of a column, and which of them stands in each row (-1: none).

    They are told apart where that pays: not where few are the same, as in a long series.
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.categories, column.cat.codes.to_numpy()
    some = column.iloc[:MANY]
    if isinstance(column.dtype, pd.StringDtype) and 2 * some.nunique() > len(some):
        return pd.Index(column), np.where(column.isna(), -1, np.arange(len(column))).astype(np.int32)
    numbered = column.astype(object).where(column.notna(), "").astype("str").astype("category")
    return numbered.cat.categories, numbered.cat.codes.to_numpy()


def _from_timestamps(column: pd.Series, groups: np.ndarray | None, zone: str | None, where: Where) -> Stamps:
    missing = column.isna().to_numpy()
    aware = column.dt.tz
    if aware is not None:
        utc = column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy(dtype="datetime64[ns]")
        known = _zone_name(aware) or zone
        wall = (column.dt.tz_convert(known) if known else column).dt.tz_localize(None).to_numpy(dtype="datetime64[ns]")
        form = midnight_format(wall[~missing])
        form = (form if " " in form else "%Y-%m-%d %H:%M:%S") + ("%:z" if known else _offset_of(column))
        return Stamps(utc, missing, form, zone=known) if known else Stamps(wall, missing, form)
    values = column.to_numpy(dtype="datetime64[ns]")
    form = midnight_format(values[~missing])
    reading = Reading(str(column.name), np.where(missing, -1, np.arange(len(values))), groups, where)
    return reading.localized(values, form, zone) if zone and " " in form else Stamps(values, missing, form)


def _from_periods(column: pd.Series) -> Stamps:
    """Return the starts of pandas' periods, written as the periods are."""
    missing = column.isna().to_numpy()
    stamps = column.dt.to_timestamp().to_numpy(dtype="datetime64[ns]")
    letter = str(column.dtype)[len("period[") :][:1]
    forms = {"M": "%Y-%m", "Q": "%YQ%q", "Y": "%Y", "A": "%Y"}
    return Stamps(stamps, missing, forms.get(letter) or midnight_format(stamps[~missing]))


def _native_numbers(column: pd.Series) -> np.ndarray | None:
    """Return the present numbers of a column, or None where it holds none or something else.

    A gap in a column of integers makes floats of them.
    """
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return None
    values = _whole(column.dropna().to_numpy())
    return values if len(values) and values.dtype.kind in "iuf" and np.isfinite(values).all() else None


def _whole(values: np.ndarray) -> np.ndarray:
    """Return floats as integers where all of them are whole, as years are in a column with a gap."""
    if values.dtype.kind == "f" and ((np.abs(values) < 2**62) & (values == np.round(values))).all():
        return values.astype(np.int64)
    return values


def _numbers(texts: pa.Array) -> np.ndarray | None:
    """Return texts as integers or floats, or None where one is no number."""
    for pattern, kind in (
        (r"^-?\d{1,18}$|^[1-8]\d{18}$", pa.int64()),
        (r"^-?\d{1,15}\.\d+$|^-?\d{1,15}$", pa.float64()),
    ):
        some = texts.slice(0, 100)
        if all(pc.all(pc.match_substring_regex(part, pattern)).as_py() for part in (some, texts)):
            return _whole(texts.cast(kind).to_numpy(zero_copy_only=False))
    return None


def _trimmed(texts: pd.Index | np.ndarray) -> pa.Array:
    found = as_texts(pa.array(texts) if isinstance(texts, np.ndarray) else pa.array(texts, from_pandas=True))
    return as_texts(pc.utf8_trim_whitespace(found.fill_null("") if found.null_count else found))


def _are_missing(texts: pa.Array) -> pa.Array:
    longest = max(map(len, MISSING))
    if len(texts) and pc.min(pc.binary_length(texts)).as_py() > longest:  # as in a column of times
        return pa.repeat(False, len(texts))
    return pc.is_in(pc.utf8_lower(texts), value_set=pa.array(MISSING, pa.large_string()))


def _footers(texts: pa.Array, rows: np.ndarray) -> np.ndarray:
    """Return the last rows whose text cannot be meant as a date, the first of them first; blank ones lie between."""
    found: list[int] = []
    last = np.flatnonzero(rows[-10 * MOST_FOOTERS :] >= 0)[::-1] + max(len(rows) - 10 * MOST_FOOTERS, 0)
    for row in last[: MOST_FOOTERS + 1].tolist():
        if not is_no_date(str(texts[int(rows[row])])):
            return np.array(found[::-1], dtype=np.int64)
        found.append(row)
    return np.array([], dtype=np.int64)


def _used(texts: pa.Array, rows: np.ndarray) -> tuple[pa.Array, np.ndarray]:
    """Return the texts that stand in some row, and the rows' places among them."""
    used = np.zeros(len(texts) + 1, dtype=bool)
    used[rows] = True
    used[-1] = False
    place = np.where(used, np.cumsum(used) - 1, -1).astype(np.int32)
    return texts.filter(pa.array(used[:-1])), place[rows]


def _zone_name(zone: object) -> str | None:
    """Return the name of a zone of the tz database, or None for a plain offset and for UTC."""
    name = str(getattr(zone, "key", None) or getattr(zone, "zone", None) or "")
    return name if "/" in name else None


def _offset_of(column: pd.Series) -> str:
    """Return the plain offset of a column, such as +01:00."""
    text = column.dropna().iloc[:1].dt.strftime("%z")
    digits = str(text.iloc[0]) if len(text) else "+0000"
    return f"{digits[:3]}:{digits[3:5]}"


def _joined(*notes: str | None) -> str | None:
    return "; ".join(note for note in notes if note) or None
