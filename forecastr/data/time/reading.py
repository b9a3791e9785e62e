"""One way to read a whole column of times, and the error where there is none or more than one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from forecastr.data.source import EPOCHS, EXCEL, INTEGER
from forecastr.data.time.calendar import DAY
from forecastr.data.time.dates import NAT, Parsed, as_texts, parse_zoned
from forecastr.data.time.formats import (
    exact_format,
    fixed_marks,
    guess_formats,
    letters_of,
    short_year_formats,
    why_no_date,
    zones_written,
)
from forecastr.data.time.serials import UNMARKED, Serial, guess_serials, read_serials
from forecastr.data.time.zones import guess_zone, localize
from forecastr.errors import DataError, quoted

NUMERIC = (INTEGER, EXCEL, *EPOCHS)
SKIPPED = "times that the clocks skipped moved to the next there is"
TWICE = "times that the clocks showed twice taken as the first"
LONG_WEEKEND = 4 * DAY

Where = Callable[[int], str]


@dataclass(frozen=True)
class Stamps:
    """A time column's stamps [B], datetime64[ns] or int64; what stands where ``missing`` means nothing.

    Parameters
    ----------
    stamps : ndarray of datetime64[ns] or int64, shape [B]
        In UTC where there is a ``zone``.
    missing : ndarray of bool, shape [B]
        Rows without a date.
    date_format : str
        As in ``Source``.
    note : str or None
        What the report should say about the reading.
    zone : str or None
        The time zone in which the dates are written.
    repairs : tuple of dict
        ``what`` was repaired, and the ``rows`` (places) where.
    unreadable : ndarray of bool, shape [B]
        Footers at the end of the table: rows to drop.
    """

    stamps: np.ndarray
    missing: np.ndarray
    date_format: str
    note: str | None = None
    zone: str | None = None
    repairs: tuple[dict[str, Any], ...] = ()
    unreadable: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=bool))


@dataclass(frozen=True)
class Reading:
    """Row by row, which of the distinct values [U] of a time column stands there (-1: none)."""

    name: str
    rows: np.ndarray
    groups: np.ndarray | None
    where: Where

    def serials(
        self, numbers: np.ndarray, texts: pa.Array | None, asked: str | None, like: str | None, zone: str | None
    ) -> Stamps:
        """Return the stamps of distinct numbers [U], which may have been texts."""
        form = asked or like
        if form is not None and form not in NUMERIC and form not in UNMARKED:
            texts = _spelled(numbers, form) if texts is None else texts
            if asked or not np.isnat(parse_zoned(texts, form).wall).any():
                return self.dates(texts, asked, like, zone)
            form = None
        found = read_serials(numbers, form) if form else guess_serials(numbers, self.name)
        if found.doubt:
            raise DataError(
                f"{self._place(0)}: '{numbers[0]}' in '{self.name}' {found.doubt}. Say how the times are written with "
                "--date-format (excel, epoch seconds, integer, or as in %Y%m%d)."
            )
        if found.stamps.dtype.kind == "M" and np.isnat(found.stamps).any():
            bad = int(np.isnat(found.stamps).argmax())
            raise DataError(
                f"{self._place(bad)}: '{numbers[bad]}' in '{self.name}' is not a date written as {form} says. "
                "Correct it, or pass another --date-format."
            )
        return self._stamps(found, zone)

    def dates(self, texts: pa.Array, asked: str | None, like: str | None, zone: str | None) -> Stamps:
        """Return the stamps of distinct texts [U]."""
        if like and like not in NUMERIC:
            parsed = parse_zoned(texts, like)
            if not np.isnat(parsed.wall).any() and parsed.zoned.all() == ("z" in letters_of(like)):
                return self._placed(texts, parsed, like, zone, exact=like)
        some = texts.slice(0, 1000).to_pylist()
        formats = guess_formats(some)
        if asked:
            self._require_text(texts, asked)
            formats = [form for form in formats if form.startswith(asked)] or [asked]
        if not formats and (short := short_year_formats(some)):
            self._refuse_short_years(some[0], short)
        readings = [parse_zoned(texts, form) for form in formats]
        whole = [place for place, parsed in enumerate(readings) if not np.isnat(parsed.wall).any()]
        if not whole:
            self._refuse(texts, formats, readings, asked)
        chosen = whole[0] if len(whole) == 1 else self._settle(texts, formats, readings)
        return self._placed(texts, readings[chosen], formats[chosen], zone)

    def _stamps(self, found: Serial, zone: str | None) -> Stamps:
        missing = self.rows < 0
        if found.date_format == INTEGER:
            return Stamps(np.append(found.stamps, 0)[self.rows], missing, INTEGER, found.note)
        if found.date_format in EPOCHS or zone is None or found.date_format in ("%Y%m%d", "%Y%m", "%Y"):
            zone = zone if found.date_format in EPOCHS else None
            stamps = np.append(found.stamps, NAT)[self.rows]
            return Stamps(stamps, missing, found.date_format, found.note, zone)
        return replace(self.localized(found.stamps, found.date_format, zone), note=found.note)

    def _placed(self, texts: pa.Array, parsed: Parsed, form: str, zone: str | None, exact: str | None = None) -> Stamps:
        """Return rows of stamps that are parsed already, in the zone that was named or that the offsets show."""
        exact = exact or exact_format(texts, form)
        letters = letters_of(form)
        if "z" not in letters:
            if zone and {"H", "I"} & set(letters):
                return self.localized(parsed.wall, exact, zone)
            return self._plain(parsed.wall, exact)
        zones = zones_written(texts, form)
        if zone is None and not parsed.zoned.all():
            self._refuse_mixed(texts, parsed)
        if len(zones) == 1 and (zone is None or zones[0].upper() in ("Z", "UTC", "GMT")):
            return self._plain(parsed.wall, exact.replace("%:z", zones[0]).replace("%z", zones[0]))
        if zone is None and (zone := guess_zone(parsed.utc, parsed.offsets)):
            note = f"offsets from UTC differ as those of {zone} do: times are read and written in that zone"
            return self._plain(parsed.utc, exact, note, zone)
        if zone is None:
            utc = exact.replace("%:z", "+00:00").replace("%z", "+0000")
            return self._plain(parsed.utc, utc, "offsets from UTC differ: all stamps are taken to UTC")
        if parsed.zoned.all():
            return self._plain(parsed.utc, exact, zone=zone)
        bare = self.localized(np.where(parsed.zoned, NAT, parsed.wall), exact, zone)
        named = np.append(parsed.zoned, False)[self.rows]
        return replace(bare, stamps=np.where(named, np.append(parsed.utc, NAT)[self.rows], bare.stamps))

    def _plain(self, stamps: np.ndarray, form: str, note: str | None = None, zone: str | None = None) -> Stamps:
        missing = self.rows < 0
        return Stamps(np.append(stamps, NAT)[self.rows], missing, form, note, zone)

    def localized(self, wall: np.ndarray, form: str, zone: str) -> Stamps:
        """Return rows of times [U] on the clock of a zone."""
        rows = (
            np.where(np.append(np.isnat(wall), True)[self.rows], -1, self.rows) if np.isnat(wall).any() else self.rows
        )
        found = localize(wall, rows, self.groups, zone, where=self.where, name=self.name)
        repairs = [{"what": SKIPPED, "rows": found.moved}, {"what": TWICE, "rows": found.guessed}]
        missing = self.rows < 0
        kept = tuple(repair for repair in repairs if len(repair["rows"]))
        return Stamps(found.stamps, missing, form, zone=zone, repairs=kept)

    def _settle(self, texts: pa.Array, formats: list[str], readings: Sequence[Parsed]) -> int:
        """Return which of two readings gives an axis in order or, failing that, a regular or an unbroken one."""
        rows = self.rows[self.rows >= 0]
        groups = self.groups[self.rows >= 0] if self.groups is not None else None
        if groups is not None and (groups[1:] < groups[:-1]).any():
            order = np.argsort(groups, kind="stable")
            rows, groups = rows[order], groups[order]
        axes = [_Axis(parsed.wall[rows], groups) for parsed in readings]
        for test in (_Axis.in_order, _Axis.is_regular, _Axis.is_unbroken):
            quality = [test(axis) for axis in axes]
            if quality[0] != quality[1]:
                return quality.index(True)
        offered = " or ".join(f"--date-format '{form}'" for form in reversed(formats))
        first = int(rows[0])
        raise DataError(
            f"{self._place(first)}: {quoted(texts[first])} in '{self.name}' may have the month or the day "
            f"first, and nothing in the column tells which. Pass {offered}."
        )

    def _refuse(self, texts: pa.Array, formats: list[str], readings: Sequence[Parsed], asked: str | None) -> None:
        """Raise the error for the first row that the best reading leaves out."""
        if not readings:
            first = int(self.rows[self.rows >= 0][0])
            raise DataError(
                f"{self._place(first)}: {quoted(texts[first])} in '{self.name}' is not a date. Say how the dates "
                "are written with --date-format, such as %d.%m.%Y, or name another column with --time."
            )
        bad = [np.isnat(parsed.wall) for parsed in readings]
        best = int(np.argmin([mask.sum() for mask in bad]))
        rows = np.flatnonzero(np.append(bad[best], False)[self.rows])
        text = texts[int(self.rows[rows[0]])]
        like = f"as --date-format '{asked}' says" if asked else f"like the others ({formats[best]})"
        raise DataError(
            f"{self.where(int(rows[0]))}: {quoted(text)} in '{self.name}' is not a date written {like}"
            f"{why_no_date(str(text), formats[best])}; "
            f"{len(rows):,} of {len(self.rows):,} rows are not. Correct it, or remove the line."
        )

    def _refuse_mixed(self, texts: pa.Array, parsed: Parsed) -> None:
        rows = np.flatnonzero(np.append(~parsed.zoned, False)[self.rows])
        raise DataError(
            f"{self.where(int(rows[0]))}: {quoted(texts[int(self.rows[rows[0]])])} in '{self.name}' has no offset from "
            f"UTC, and other times have ({len(rows):,} of {len(self.rows):,} rows have none). Name the zone of those "
            "without with --tz, such as --tz Europe/Berlin."
        )

    def _refuse_short_years(self, text: str, formats: list[str]) -> None:
        offered = " or ".join(f"--date-format '{form}'" for form in formats)
        raise DataError(
            f"{self._place(0)}: {quoted(text)} in '{self.name}' has a year of two digits, so its century is a guess. "
            f"Write the dates as YYYY-MM-DD, or pass {offered}: 69 to 99 are then 1969 to 1999."
        )

    def _require_text(self, texts: pa.Array, asked: str) -> None:
        if asked in NUMERIC:
            rows = self.rows[self.rows >= 0]
            raise DataError(
                f"{self._place(int(rows[0]))}: {quoted(texts[int(rows[0])])} in '{self.name}' is not a number, and "
                f"--date-format {asked} reads numbers."
            )

    def _place(self, value: int) -> str:
        return self.where(int((self.rows == value).argmax()))


@dataclass(frozen=True)
class _Axis:
    """The stamps [B] of one reading, and the series of each: in one piece, and in the order of the file."""

    axis: np.ndarray
    groups: np.ndarray | None

    def in_order(self) -> bool:
        """Say whether every series runs one way only, forwards or backwards."""
        steps = np.diff(self.axis.view(np.int64))[self._inside]
        return bool((steps >= 0).all() or (steps <= 0).all())

    def is_regular(self) -> bool:
        """Say whether all steps are the same, in days or in calendar months."""
        months, dates = self._sorted.astype("datetime64[M]"), self._sorted.astype("datetime64[D]")
        days = (dates - months).astype(np.int64)
        month_steps = np.diff(months.astype(np.int64))[self._inside]
        return _all_equal(self._steps) or (bool((days == days[0]).all()) and _all_equal(month_steps))

    def is_unbroken(self) -> bool:
        """Say whether steps of hours or less leave no more out than a long weekend."""
        steps = self._steps[self._steps > 0]
        return bool(len(steps) and np.median(steps) < DAY and steps.max() <= LONG_WEEKEND)

    @cached_property
    def _sorted(self) -> np.ndarray:
        order = np.lexsort((self.axis, self.groups)) if self.groups is not None else np.argsort(self.axis)
        return self.axis[order]

    @cached_property
    def _steps(self) -> np.ndarray:
        """The steps inside the series, in time order."""
        return np.diff(self._sorted.view(np.int64))[self._inside]

    @cached_property
    def _inside(self) -> np.ndarray:
        if self.groups is None:
            return np.ones(len(self.axis) - 1, dtype=bool)
        return self.groups[1:] == self.groups[:-1]


def _spelled(numbers: np.ndarray, form: str) -> pa.Array:
    """Return numbers as texts, with the zeros in front that a format of fixed width has."""
    width = len(fixed_marks(form) or "")
    return as_texts([str(number).zfill(width) for number in numbers.tolist()])


def _all_equal(steps: np.ndarray) -> bool:
    return len(steps) > 0 and bool((steps == steps[0]).all())
