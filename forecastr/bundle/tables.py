"""Forecasts as the tables that users read: one row per series and time stamp."""

from pathlib import Path

import numpy as np
import pandas as pd

from forecastr.data import Calendar, Source, format_stamps
from forecastr.files import require_table_format, whole_file
from forecastr.schema import BASELINE, CUTOFF, ID, QUANTILE_LEVELS, TARGET, TIME, forecast_columns, interval_columns

DIGITS = "%.10g"  # more than a float32 network knows, and files stay small


def forecast_table(ids: np.ndarray, stamps: np.ndarray, quantiles: np.ndarray, baseline: np.ndarray) -> pd.DataFrame:
    """Return ``unique_id, ds, forecastr, its intervals, baseline``.

    Parameters
    ----------
    ids : ndarray of shape (W,)
        Series of each window.
    stamps : ndarray of shape (W, H)
        When each forecast is for.
    quantiles : ndarray of shape (W, H, Q)
        In the order of ``QUANTILE_LEVELS``.
    baseline : ndarray of shape (W, H)
        The best baseline's forecast.
    """
    horizon = stamps.shape[1]
    columns = dict(zip(interval_columns(), quantiles.reshape(-1, len(QUANTILE_LEVELS)).T, strict=True))
    return pd.DataFrame(
        {
            ID: np.repeat(ids, horizon),
            TIME: stamps.ravel(),
            **{name: columns[name] for name in forecast_columns()},
            BASELINE: baseline.ravel(),
        }
    )


def future_stamps(frame: pd.DataFrame, calendar: Calendar, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the ids [N] of a panel and the stamps [N, H] that follow the last of each series."""
    last = frame.groupby(ID, sort=False)[TIME].last()
    after = {stamp: calendar.future(stamp, horizon) for stamp in last.unique()}
    return last.index.to_numpy(), np.stack([after[stamp] for stamp in last])


def write_table(table: pd.DataFrame, path: Path, source: Source) -> None:
    """Write a forecast or backtest table, dates as the user wrote them, whole or not at all.

    Raises
    ------
    ConfigError
        If the file's name says no format that can be written.
    """
    require_table_format(path)
    with whole_file(path) as temporary:
        if path.suffix == ".parquet":
            table.to_parquet(temporary, index=False)
        else:
            table_text(table, source).to_csv(temporary, index=False, float_format=DIGITS)


def table_text(table: pd.DataFrame, source: Source) -> pd.DataFrame:
    """Return a table with its dates as the user wrote them."""
    stamps = {name: format_stamps(table[name], source) for name in (TIME, CUTOFF) if name in table}
    return table.assign(**stamps)


def backtest_table(
    frame: pd.DataFrame,
    positions: np.ndarray,
    y_true: np.ndarray,
    quantiles: np.ndarray,
    baseline: np.ndarray,
) -> pd.DataFrame:
    """Return the forecasts of past cutoffs beside what happened.

    ``positions`` [W] are rows of ``frame`` that hold each cutoff; the horizon follows in the next rows.
    """
    horizon = y_true.shape[1]
    rows = positions[:, None] + np.arange(1, horizon + 1)
    stamps = frame[TIME].to_numpy()
    table = forecast_table(frame[ID].to_numpy()[positions], stamps[rows], quantiles, baseline)
    table.insert(2, CUTOFF, np.repeat(stamps[positions], horizon))
    table.insert(3, TARGET, y_true.ravel())
    return table
