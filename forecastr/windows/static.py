"""Static covariates, text or numbers, as numbers that a network can read."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

MOST_VALUES = 8  # of a text: the rarer ones have no column of their own


@dataclass(frozen=True, kw_only=True)
class StaticColumn:
    """How one static covariate becomes columns.

    Parameters
    ----------
    name : str
        The covariate.
    values : tuple of str
        Texts with a column of their own, the most frequent first; none for numbers.
    center, scale : float
        Of numbers, over the series.
    """

    name: str
    values: tuple[str, ...] = ()
    center: float = 0.0
    scale: float = 1.0

    @property
    def width(self) -> int:
        """Columns that it becomes."""
        return max(1, len(self.values))

    def encode(self, column: pd.Series) -> np.ndarray:
        """Return the columns [N, width] of the covariate's values [N]; missing and unknown ones are zeros."""
        if self.values:
            texts = column.astype(object).where(column.notna(), "").astype(str).to_numpy()
            return (texts[:, None] == np.array(self.values, dtype=object)[None, :]).astype(np.float32)
        numbers = pd.to_numeric(column, errors="coerce").to_numpy(float)
        scaled = np.nan_to_num((numbers - self.center) / self.scale, nan=0.0, posinf=0.0, neginf=0.0)
        return np.arcsinh(scaled).astype(np.float32)[:, None]

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> "StaticColumn":
        """Return what ``to_dict`` was called on."""
        return cls(**{**fields, "values": tuple(fields["values"])})


def learn_static(static: pd.DataFrame | None, names: tuple[str, ...]) -> tuple[StaticColumn, ...]:
    """Return how static covariates become numbers; one that is the same for all series says nothing and is left out.

    Examples
    --------
    >>> learn_static(pd.DataFrame({"size": [1.0, 3.0], "region": ["N", "S"]}), ("size", "region"))[1].values
    ('N', 'S')
    """
    if static is None:
        return ()
    learned = []
    for name in names:
        column = static[name].dropna()
        if column.nunique() < 2:
            continue
        if pd.api.types.is_numeric_dtype(column):
            numbers = column.to_numpy(float)
            learned.append(StaticColumn(name=name, center=float(numbers.mean()), scale=float(numbers.std())))
        else:
            counts = column.astype(str).value_counts()
            ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
            learned.append(StaticColumn(name=name, values=tuple(str(value) for value, _ in ranked[:MOST_VALUES])))
    return tuple(learned)
