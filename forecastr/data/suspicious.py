"""Values that are probably wrong, named with their rows and what to do about them; nothing is changed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from forecastr.data.load import Loaded
from forecastr.data.repairs import Rows
from forecastr.data.time.calendar import DAY, Calendar

FEWEST = 20  # values of a series, for one of them to stand out
GIANT = 50.0  # standard deviations of the others
TINY = 1e-6  # of the level: a series that varies less is as good as constant
ROUNDING = 0.01  # a price may lie so far outside Low and High: auctions, other exchanges
PRICES = ("close", "open", "last", "price")
ADJUSTED = ("adj close", "adj_close", "adjclose", "adjusted close")
SPLITS = np.array([1.5, 2, 3, 4, 5, 7, 8, 10, 20])
LARGE_MOVE = 0.4  # of the price before
NEAR = 0.06  # a day's own move on top of a split, as a logarithm
STANDS_OUT = 8.0  # times the usual move of the series
LASTING = 0.2  # the level after a split is this close to the split's, as a logarithm
SHOWN = 3
NEXT_STEPS = 5
BLOCK = 1_000_000  # rows looked at together


def warn_of_values(rows: Rows, loaded: Loaded, calendar: Calendar) -> list[str]:
    """Return a sentence for each kind of value that a person should look at.

    Parameters
    ----------
    rows : Rows
        In order, as in the panel.
    loaded : Loaded
        Their table.
    calendar : Calendar
        Prices that split are looked for in steps of at most a day.
    """
    name = loaded.columns.target.name if not loaded.columns.wide else "y"
    valued = rows.take(~np.isnan(rows.y)) if np.isnan(rows.y).any() else rows
    if not len(valued):
        return []

    def at(row: int) -> str:
        return _line(loaded, valued, row)

    return [
        *_warn_of_giants(valued, loaded.ids, at),
        *_warn_of_contradictions(valued, loaded, name, at),
        *_warn_of_splits(valued, loaded, name, calendar, at),
    ]


@dataclass(frozen=True)
class _Peaks:
    """The value of each series [N] that is furthest from its mean, and what the others are like."""

    place: np.ndarray
    mean: np.ndarray
    distance: np.ndarray
    center: np.ndarray
    spread: np.ndarray

    @classmethod
    def of(cls, y: np.ndarray, starts: np.ndarray) -> "_Peaks":
        """Return the peaks of series that follow one another in ``y`` [B]; ``starts`` [N + 1]."""
        first, sizes = starts[:-1], np.diff(starts)
        rest = np.maximum(sizes - 1, 1)
        mean = np.add.reduceat(y, first) / sizes
        off = np.abs(y - np.repeat(mean, sizes))
        distance = np.maximum.reduceat(off, first)
        peaks = np.flatnonzero(off == np.repeat(distance, sizes))
        peaks = peaks[np.searchsorted(peaks, first)]  # the first of each series
        others = y.copy()
        others[peaks] = 0.0
        center = np.add.reduceat(others, first) / rest
        others -= np.repeat(center, sizes)
        others[peaks] = 0.0
        spread = np.sqrt(np.add.reduceat(others * others, first) / rest)
        return cls(peaks, mean, distance, center, spread)


def _blocks(starts: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the starts of some series after the other, about a million rows at a time: memory stays flat."""
    place = 0
    while place < len(starts) - 1:
        stop = max(place + 1, int(np.searchsorted(starts, starts[place] + BLOCK, side="right")) - 1)
        yield starts[place : stop + 1]
        place = stop


def _warn_of_giants(rows: Rows, ids: np.ndarray, at: Callable[[int], str]) -> list[str]:
    """Warn of series with one value far beyond all others, and of those that hardly vary."""
    starts = rows.starts
    parts = [_Peaks.of(rows.y[part[0] : part[-1]], part - part[0]) for part in _blocks(starts)]
    offsets = [int(part[0]) for part in _blocks(starts)]
    peaks = np.concatenate([part.place + offset for part, offset in zip(parts, offsets, strict=True)])
    mean, distance, center, spread = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("mean", "distance", "center", "spread")
    )
    values, enough = rows.y[peaks], np.diff(starts) >= FEWEST
    away = np.abs(values - center)
    alone = enough & (spread == 0) & (away > 0)
    giant = enough & ~alone & (away > GIANT * spread) & (spread > 0)
    tiny = enough & ~alone & ~giant & (spread > 0) & (distance < TINY * np.abs(mean))
    found = []
    if giant.any():
        first = int(giant.argmax())
        found.append(
            f"{_holds(giant, ids)} one value far beyond all others: {values[first]:g} ({at(peaks[first])}), "
            f"where the others lie around {center[first]:g}, give or take {spread[first]:.2g}. If it is a mistake, "
            "leave the cell empty: errors and scaling hang on it."
        )
    if alone.any():
        first = int(alone.argmax())
        found.append(
            f"{_holds(alone, ids)} one value that differs, {values[first]:g} ({at(peaks[first])}); all others "
            f"are {center[first]:g}."
        )
    if tiny.any():
        first = int(tiny.argmax())
        found.append(
            f"{_holds(tiny, ids)} values that differ by less than a millionth of their level ({mean[first]:g}): "
            "as good as constant."
        )
    return found


def _warn_of_contradictions(rows: Rows, loaded: Loaded, target: str, at: Callable[[int], str]) -> list[str]:
    """Warn of prices outside the Low and High of the same row."""
    columns = {name.strip().casefold(): name for name in loaded.covariates.numbers}
    if "high" not in columns or "low" not in columns:
        return []
    read = loaded.covariates.numbers
    high, low = (read[columns[side]][rows.places].astype(np.float64) for side in ("high", "low"))
    sure = (low > 0) & (high >= low) & (rows.places >= 0)
    found = []
    for plain in PRICES:
        if target.strip().casefold() == plain:
            name, values = target, rows.y
        elif plain in columns:
            name, values = columns[plain], read[columns[plain]][rows.places].astype(np.float64)
        else:
            continue
        with np.errstate(invalid="ignore"):
            outside = sure & ((values > high * (1 + ROUNDING)) | (values < low * (1 - ROUNDING)))
        if outside.any():
            found.append(_contradiction(name, values, low, high, np.flatnonzero(outside), loaded, target, at))
    return found


def _contradiction(
    name: str,
    values: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    outside: np.ndarray,
    loaded: Loaded,
    target: str,
    at: Callable[[int], str],
) -> str:
    first, last = int(outside[0]), int(outside[-1])
    ratio = float(np.median(values[outside] / np.sqrt(low[outside] * high[outside])))
    looks = ratio > 0 and np.abs(np.log(SPLITS) - abs(np.log(ratio))).min() < NEAR
    why = f", about {ratio:.2g} times the day's prices: not adjusted for a split, it seems" if looks else ""
    if name == target:
        others = [column for column in loaded.table.columns if column.strip().casefold() in (*ADJUSTED, "open")]
        advice = f"Forecast another price column (--target '{others[0]}')" if others else "Bring adjusted prices"
        advice += ", or correct these rows."
    else:
        kept = ",".join(column for column in loaded.chosen.past if column != name)
        advice = f"Leave the column out (--past-covariates '{kept or 'none'}'), or correct these rows."
    extent = f"{len(outside):,} rows ({at(first)} to {at(last)})" if len(outside) > 1 else f"one row ({at(first)})"
    return (
        f"'{name}' lies outside the Low and High of the same row in {extent}: {values[first]:.7g} is not between "
        f"{low[first]:.7g} and {high[first]:.7g}{why}. {advice}"
    )


def _warn_of_splits(rows: Rows, loaded: Loaded, name: str, calendar: Calendar, at: Callable[[int], str]) -> list[str]:
    """Warn of moves above 40 % in one step that look like a split or a dividend not adjusted for."""
    daily = calendar.step == DAY or (0 < calendar.step < DAY and bool(calendar.sessions))
    if calendar.months or calendar.name == "integer" or not daily:
        return []
    found = [_split_rows(rows, part, calendar) for part in _blocks(rows.starts)]
    places = np.concatenate(found)
    if not len(places):
        return []
    first = int(places[0])
    ratio = float(np.exp(np.abs(np.log(rows.y[first + 1] / rows.y[first]))))
    split = SPLITS[np.abs(np.log(SPLITS) - np.log(ratio)).argmin()]
    shown = ", ".join(at(int(place) + 1) for place in places[:SHOWN]) + (" and more" if len(places) > SHOWN else "")
    n_series = len(np.unique(rows.series[places]))
    extent = f"{len(places):,} such steps" + (f" in {n_series:,} series" if len(loaded.ids) > 1 else "")
    adjusted = [column for column in loaded.table.columns if column.strip().casefold() in ADJUSTED and column != name]
    advice = f"use --target '{adjusted[0]}'" if adjusted else "use a column or a source with adjusted prices"
    return [
        f"'{name}' goes from {rows.y[first]:.7g} to {rows.y[first + 1]:.7g} in one step, like a {split:g}-for-1 "
        f"split that it is not adjusted for ({extent if len(places) > 1 else 'once'}: {shown}). If so, {advice}; "
        "nothing was changed."
    ]


def _split_rows(rows: Rows, starts: np.ndarray, calendar: Calendar) -> np.ndarray:
    """Return the rows before moves near a split's ratio, rare, lasting and overnight, in series that are calm."""
    offset, sizes = int(starts[0]), np.diff(starts)
    y = rows.y[offset : starts[-1]]
    firsts = starts[:-1] - offset
    with np.errstate(divide="ignore", invalid="ignore"):
        moves = np.diff(np.log(y), prepend=np.nan)
    moves[firsts] = 0.0
    positive = np.minimum.reduceat(y, firsts) > 0
    large = (moves > np.log(1 + LARGE_MOVE)) | (moves < np.log(1 - LARGE_MOVE))
    moves = np.abs(moves)
    n_large = np.add.reduceat(large, firsts, dtype=np.int64)
    calm = positive & (sizes >= FEWEST) & (n_large > 0) & (n_large <= np.maximum(SHOWN, sizes // 250))
    if not calm.any():
        return np.array([], dtype=np.int64)
    usual = np.add.reduceat(np.where(large | ~np.isfinite(moves), 0.0, moves), firsts) / sizes
    after = np.flatnonzero(large)
    owner = np.searchsorted(firsts, after, side="right") - 1
    size = moves[after]
    near = np.abs(size[:, None] - np.log(SPLITS)[None, :]).min(axis=1) < NEAR
    sure = calm[owner] & near & (size > STANDS_OUT * usual[owner])
    before = after[sure] + offset - 1
    days = [rows.stamps[side].astype("datetime64[D]") for side in (before, before + 1)]
    next_to = (calendar.count(rows.stamps[before], rows.stamps[before + 1]) <= NEXT_STEPS) & (days[0] < days[1])
    before = before[next_to]
    return before[_lasts(rows, before)]


def _lasts(rows: Rows, before: np.ndarray) -> np.ndarray:
    """Return after which moves [L] the level stays for three steps what it is, as it was three steps before."""
    steps = np.arange(3)
    levels = []
    for places in (before[:, None] - steps, before[:, None] + 1 + steps):
        inside = np.clip(places, 0, len(rows) - 1)
        own = (rows.series[inside] == rows.series[before][:, None]) & (inside == places)
        levels.append(np.nanmedian(np.where(own, np.log(rows.y[inside]), np.nan), axis=1))
    move = np.log(rows.y[before + 1] / rows.y[before])
    lasting: np.ndarray = np.abs(levels[1] - levels[0] - move) < LASTING
    return lasting


def _holds(mask: np.ndarray, ids: np.ndarray) -> str:
    if len(mask) == 1:
        return "the series holds"
    return f"{int(mask.sum()):,} series hold" if mask.sum() > 1 else "one series holds"


def _line(loaded: Loaded, rows: Rows, row: int) -> str:
    """Name a row: ``line 5``, and its series where there are several."""
    place = int(rows.places[row])
    series = f" of '{loaded.ids[rows.series[row]]}'" if len(loaded.ids) > 1 else ""
    if place < 0 or (loaded.table.line and not loaded.log.line):  # no row of the file
        return f"at {rows.stamps[row]}{series}"
    if loaded.log.line and loaded.table.locate is None:
        return f"line {loaded.log.line(place)}{series}"
    return f"row {place + 1}{series}" if loaded.table.locate is None else f"{loaded.where(place)}{series}"
