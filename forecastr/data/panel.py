"""A checked panel: every series in time order, its calendar, how it was read, and what was repaired."""

from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np
import pandas as pd

from forecastr.data.calendar import Calendar
from forecastr.data.source import Source
from forecastr.schema import ID, TARGET, TIME, Covariates


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
    """

    frame: pd.DataFrame
    calendar: Calendar
    source: Source
    report: dict[str, Any]
    covariates: Covariates = field(default_factory=Covariates)
    future: pd.DataFrame | None = None
    static: pd.DataFrame | None = None

    @cached_property
    def fingerprint(self) -> str:
        """A sha256 of ids, stamps and values: the same for any order of the rows and any file format."""
        frame = self.frame
        codes, ids = pd.factorize(frame[ID])
        order = np.argsort(np.asarray(ids, dtype=object))
        place = np.empty(len(ids), dtype=np.int64)
        place[order] = np.arange(len(ids))
        rows = np.argsort(place[codes], kind="stable")
        stamps, values = frame[TIME].to_numpy()[rows], frame[TARGET].to_numpy(dtype=np.float64)[rows]
        values = np.where(np.isnan(values), np.nan, values) + 0.0  # one NaN, one zero
        digest = sha256(f"{stamps.dtype.kind}|{len(ids)}".encode())
        for name, count in zip(np.asarray(ids, dtype=object)[order], np.bincount(place[codes]), strict=True):
            digest.update(f"{len(name)}|{name}|{count}".encode())
        digest.update(stamps.view(np.int64).astype("<i8").tobytes())
        digest.update(values.astype("<f8").tobytes())
        return digest.hexdigest()
