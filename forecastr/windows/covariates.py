"""Which covariates networks may read, by name and number."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from forecastr.data import Panel
from forecastr.data.time.zones import to_wall
from forecastr.schema import TIME, Covariates
from forecastr.windows.cycles import find_cycles
from forecastr.windows.static import StaticColumn, learn_static
from forecastr.windows.store import SeriesStore


@dataclass(frozen=True, kw_only=True)
class CovariateShape:
    """How many covariates a network reads.

    Parameters
    ----------
    cycles : tuple of str
        Of the calendar, two waves each.
    known, past, static : int
        Columns.
    """

    cycles: tuple[str, ...] = ()
    known: int = 0
    past: int = 0
    static: int = 0

    def at(self, level: str, *, calendar: bool) -> "CovariateShape":
        """Return the covariates of a level, ``"none"``, ``"known"`` or ``"all"``, and of the calendar if wanted."""
        known = level in ("known", "all")
        return CovariateShape(
            cycles=self.cycles if calendar else (),
            known=self.known if known else 0,
            static=self.static if known else 0,
            past=self.past if level == "all" else 0,
        )

    @property
    def n_ahead(self) -> int:
        """Columns known through the horizon, waves among them."""
        return 2 * len(self.cycles) + self.known

    @property
    def n_beside(self) -> int:
        """Columns beside the target at each step: two for a past covariate, one for a static one."""
        return 2 * self.past + self.static


@dataclass(frozen=True, kw_only=True)
class CovariateInputs:
    """The covariates of a panel, by name, and how they become numbers.

    Parameters
    ----------
    past, known : tuple of str
        Columns of the panel's frame.
    static : tuple of StaticColumn
        How the covariates of a series become numbers.
    cycles : tuple of str
        Of the calendar: those that stamps resolve and training holds twice.
    zone : str or None
        Where the clocks are that show the time of day.
    """

    past: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    static: tuple[StaticColumn, ...] = ()
    cycles: tuple[str, ...] = ()
    zone: str | None = None

    @classmethod
    def of(cls, panel: Panel, train_stamps: np.ndarray) -> "CovariateInputs":
        """Learn the inputs of a panel; ``train_stamps`` [T] are those of its longest series' training part."""
        names, zone = panel.covariates, panel.source.zone
        cycles = find_cycles(to_wall(train_stamps, zone) if train_stamps.dtype.kind == "M" else train_stamps)
        return cls(
            past=names.past, known=names.known, static=learn_static(panel.static, names.static),
            cycles=cycles, zone=zone,
        )  # fmt: skip

    @property
    def shape(self) -> CovariateShape:
        """How many there are."""
        width = sum(column.width for column in self.static)
        return CovariateShape(cycles=self.cycles, known=len(self.known), past=len(self.past), static=width)

    @property
    def names(self) -> Covariates:
        """Their names: what a table must hold for them to be read."""
        return Covariates(past=self.past, known=self.known, static=tuple(column.name for column in self.static))

    def reduced_to(self, levels: set[str], *, calendar: bool) -> "CovariateInputs":
        """Return the inputs that networks of these levels read; columns that none does are left out."""
        known = bool(levels & {"known", "all"})
        return replace(
            self,
            past=self.past if "all" in levels else (),
            known=self.known if known else (),
            static=self.static if known else (),
            cycles=self.cycles if calendar else (),
        )

    def store(self, frame: pd.DataFrame, static: np.ndarray | None = None) -> SeriesStore:
        """Stack a frame with its covariates; ``static`` is what ``encode`` returns for its series."""
        columns: dict[str, Any] = {
            name: frame[list(names)].to_numpy(np.float32)
            for name, names in (("known", self.known), ("past", self.past))
            if names
        }
        stamps = to_wall(frame[TIME].to_numpy("datetime64[ns]"), self.zone) if self.cycles else None
        return replace(SeriesStore.from_frame(frame), stamps=stamps, static=static, **columns)

    def encode(self, static: pd.DataFrame | None, ids: np.ndarray) -> np.ndarray | None:
        """Return static covariates [N, S] of series by id, zeros for one that has none; None without any."""
        if not self.static:
            return None
        if static is None:
            return np.zeros((len(ids), self.shape.static), np.float32)
        rows = static.reindex(ids)
        return np.concatenate([column.encode(rows[column.name]) for column in self.static], axis=1)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values, ready for JSON."""
        return {**vars(self), "static": [column.to_dict() for column in self.static]}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> "CovariateInputs":
        """Return what ``to_dict`` was called on."""
        return cls(
            **{name: tuple(fields[name]) for name in ("past", "known", "cycles")},
            static=tuple(map(StaticColumn.from_dict, fields["static"])),
            zone=fields["zone"],
        )
