"""A checked panel: every series in time order, its calendar, how it was read, and what was repaired."""

from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np
import pandas as pd

from forecastr.data.source import Source
from forecastr.data.time.calendar import Calendar
from forecastr.schema import ID, TARGET, TIME, Covariates

EXCEPTION_COLUMNS = (ID, "status", "reason")


def no_exceptions() -> pd.DataFrame:
    """Return a table of exceptions without a row."""
    return pd.DataFrame({name: pd.Series([], dtype="str") for name in EXCEPTION_COLUMNS})


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One or more series, checked and in order.

    Parameters
    ----------
    frame : DataFrame
        ``unique_id`` (text), ``ds`` (datetime64[ns] or int64), ``y`` (float64, NaN where missing), then past and
        known covariates (float32, NaN where missing); series in the order of their first appearance, each
        in time order and from its first value to its last.
    calendar : Calendar
        How one stamp follows another.
    source : Source
        How the table was read.
    report : dict
        What was chosen and repaired, ready for ``data_report.json``.
    covariates : Covariates
        The columns beside the target.
    future : DataFrame or None
        ``unique_id``, ``ds`` and known covariates of rows after each series' last value.
    static : DataFrame or None
        Static covariates, a row per series in the frame's order, ``unique_id`` as the index.
    exceptions : DataFrame
        ``unique_id, status, reason`` of the series that could not be read: ``left out`` of the frame.
    """

    frame: pd.DataFrame
    calendar: Calendar
    source: Source
    report: dict[str, Any]
    covariates: Covariates = field(default_factory=Covariates)
    future: pd.DataFrame | None = None
    static: pd.DataFrame | None = None
    exceptions: pd.DataFrame = field(default_factory=no_exceptions)

    @cached_property
    def starts(self) -> np.ndarray:
        """Where each series begins in the frame [N], and the frame's end."""
        return series_starts(self.frame[ID])

    @cached_property
    def fingerprint(self) -> str:
        """A sha256 of ids, stamps, values and covariates: the same for any order of the rows and any file format."""
        frame, starts = self.frame, self.starts
        ids = frame[ID].take(starts[:-1]).to_numpy(dtype=object)
        order, counts = np.argsort(ids), np.diff(starts)
        digest = sha256(f"{frame[TIME].dtype.kind}|{len(ids)}".encode())
        for name, count in zip(ids[order], counts[order], strict=True):
            digest.update(f"{len(name)}|{name}|{count}".encode())
        rows = _rows_of(starts, order)
        digest.update(_ordered(frame[TIME].to_numpy(), rows).view(np.int64).astype("<i8", copy=False).tobytes())
        digest.update(_values(_ordered(frame[TARGET].to_numpy(dtype=np.float64), rows), "<f8"))
        for role in ("past", "known"):
            for name in sorted(getattr(self.covariates, role)):
                digest.update(f"{role}|{len(name)}|{name}".encode())
                digest.update(_values(_ordered(frame[name].to_numpy(), rows), "<f4"))
        if self.static is not None:
            for name in sorted(map(str, self.static.columns)):
                texts = [f"{value}" for value in self.static[name].reindex(ids[order])]
                digest.update(f"static|{len(name)}|{name}|{len(texts)}|{'|'.join(texts)}".encode())
        return digest.hexdigest()


def series_starts(ids: pd.Series) -> np.ndarray:
    """Return where each series begins [N], and the end, of ids [B] that stand in one piece each.

    Examples
    --------
    >>> series_starts(pd.Series(["a", "a", "b"]))
    array([0, 2, 3])
    """
    if not len(ids):
        return np.zeros(1, dtype=np.int64)
    changes = np.asarray(ids.array[1:] != ids.array[:-1], dtype=bool)
    return np.concatenate([[0], np.flatnonzero(changes) + 1, [len(ids)]])


def _rows_of(starts: np.ndarray, order: np.ndarray) -> np.ndarray | None:
    """Return the rows of the series in an order; None where they already are in it."""
    if (order == np.arange(len(order))).all():
        return None
    counts = np.diff(starts)[order]
    offsets = np.repeat(starts[:-1][order] - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts)
    rows: np.ndarray = np.arange(int(counts.sum())) + offsets
    return rows


def _ordered(values: np.ndarray, rows: np.ndarray | None) -> np.ndarray:
    return values if rows is None else values[rows]


def _values(values: np.ndarray, dtype: str) -> bytes:
    """Return numbers as bytes, with one NaN and one zero."""
    return (np.where(np.isnan(values), np.nan, values) + 0.0).astype(dtype).tobytes()
