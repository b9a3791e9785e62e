"""Whether newer rows go on from those that a bundle has seen: the same values where both have them, the same scale."""

from typing import Any

import numpy as np
import pandas as pd

from forecastr.data.source import Source, format_stamps
from forecastr.data.time.calendar import Calendar
from forecastr.data.time.grid import place_on_grid
from forecastr.schema import ID, TARGET, TIME

OTHER_SCALE = 5.0  # times the level of the earlier rows
ALIKE = 1e-6  # relative difference that rounding explains
FEWEST = 3  # values of a series, for its level to be compared


def compare_with_context(rows: pd.DataFrame, context: pd.DataFrame, source: Source) -> list[str]:
    """Return warnings about newer rows that do not look like a continuation; none where all is well.

    Parameters
    ----------
    rows : DataFrame
        The newer table: ``unique_id, ds, y``.
    context : DataFrame
        The last rows of every series that the bundle has seen, likewise.
    source : Source
        How to write dates.

    Examples
    --------
    >>> days = pd.date_range("2024-01-01", periods=6)
    >>> seen = pd.DataFrame({"unique_id": "a", "ds": days[:3], "y": [10.0, 11.0, 12.0]})
    >>> newer = pd.DataFrame({"unique_id": "a", "ds": days[3:], "y": [1300.0, 1200.0, 1250.0]})
    >>> [warning] = compare_with_context(newer, seen, Source(target="y", time="ds"))
    >>> warning[:64]
    'the newer rows are about 114 times as large as the earlier ones '
    """
    columns = [ID, TIME, TARGET]
    both = rows[columns].merge(context[columns], on=[ID, TIME], suffixes=("", "_seen"))
    return [
        *_warn_of_older(rows, context, source),
        *_warn_of_other_values(both, source),
        *_warn_of_other_scale(rows, context),
    ]


def on_grid(frame: pd.DataFrame, calendar: Calendar) -> pd.DataFrame:
    """Return a frame with a row, without values, for each step of its calendar that is absent within a series.

    So a table is read; rows put behind those of an earlier one need it again where the two meet.

    Examples
    --------
    >>> from forecastr.data import find_calendar
    >>> days = pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-04", "2024-01-05"])
    >>> table = pd.DataFrame({"unique_id": "a", "ds": days, "y": [1.0, 2.0, 4.0, 5.0]})
    >>> on_grid(table, find_calendar(table, "D"))["y"].tolist()
    [1.0, 2.0, nan, 4.0, 5.0]
    """
    codes, ids = pd.factorize(frame[ID])
    stamps = frame[TIME].to_numpy()
    stamps = stamps.astype("datetime64[ns]", copy=False) if stamps.dtype.kind == "M" else stamps
    grid = place_on_grid(codes, stamps, calendar)
    if grid is None:
        return frame
    columns: dict[str, Any] = {ID: ids.take(grid.codes), TIME: grid.stamps}
    for name in frame.columns.drop([ID, TIME]):
        values = frame[name].to_numpy()
        spread = np.full(len(grid.codes), np.nan, dtype=values.dtype)
        spread[grid.rows] = values
        columns[name] = spread
    return pd.DataFrame(columns)


def _warn_of_older(rows: pd.DataFrame, context: pd.DataFrame, source: Source) -> list[str]:
    if rows.empty or context.empty:
        return []
    seen = context.groupby(ID, sort=False)[TIME].last()
    before = seen.reindex(rows[ID])
    if before.isna().any() or (rows[TIME].to_numpy() >= before.to_numpy()).any():
        return []
    last, end = format_stamps(np.array([rows[TIME].max(), seen.max()]), source)
    return [
        f"none of the {len(rows):,} rows goes as far as those seen before: they end at {last}, and those at {end}, "
        "where the forecast begins."
    ]


def _warn_of_other_values(both: pd.DataFrame, source: Source) -> list[str]:
    new, seen = both[TARGET].to_numpy(float), both[f"{TARGET}_seen"].to_numpy(float)
    with np.errstate(invalid="ignore"):
        differ = np.abs(new - seen) > ALIKE * np.maximum(np.abs(seen), np.abs(new))
    if not differ.any():
        return []
    first = int(differ.argmax())
    [stamp] = format_stamps(both[TIME].to_numpy()[[first]], source)
    return [
        f"{int(differ.sum()):,} of {len(both):,} rows that were seen before now have another value (first: series "
        f"'{both[ID].iloc[first]}' on {stamp}: {seen[first]:.10g} before, {new[first]:.10g} now). "
        "The newer values count."
    ]


def _warn_of_other_scale(rows: pd.DataFrame, context: pd.DataFrame) -> list[str]:
    seen = context.groupby(ID, sort=False)[TIME].last()
    newer = rows[rows[TIME].to_numpy() > seen.reindex(rows[ID]).to_numpy()]
    levels = [
        part.assign(size=part[TARGET].abs()).groupby(ID, sort=False)["size"].agg(["median", "count"])
        for part in (newer, context)
    ]
    joined = levels[0].merge(levels[1], left_index=True, right_index=True, suffixes=("", "_seen"))
    joined = joined[(joined["count"] >= FEWEST) & (joined["count_seen"] >= FEWEST)]
    joined = joined[(joined["median"] > 0) & (joined["median_seen"] > 0)]
    ratios = joined["median"] / joined["median_seen"]
    odd = ratios[(ratios > OTHER_SCALE) | (ratios < 1 / OTHER_SCALE)]
    if odd.empty:
        return []
    ratio = float(odd.iloc[0])
    times = f"about {ratio:.3g} times as large as" if ratio > 1 else f"about {1 / ratio:.3g} times smaller than"
    return [
        f"the newer rows are {times} the earlier ones (series '{odd.index[0]}'; {len(odd):,} of {len(joined):,} series "
        "are such): another unit or currency, or prices adjusted anew? The forecast is in the newer rows' unit."
    ]
