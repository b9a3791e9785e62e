"""What a user may say about a table, where its content does not say it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from forecastr.errors import ConfigError

CHOICES = {
    "duplicates": ("error", "first", "last", "mean", "sum"),
    "missing": ("mask", "forward", "zero", "error"),
    "on_bad_lines": ("error", "skip"),
    "decimal": (None, ".", ","),
}


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """How to read a table; the command line's options under the same names.

    Parameters
    ----------
    target : tuple of str
        The column to forecast. Several are the series of a wide table.
    time, id : str or None
        The columns of stamps and of series' names; ``store,item`` makes one name of two columns.
    wide : bool
        Every numeric column beside the time is a series.
    known_covariates : tuple of str
        Columns whose values are known through the horizon, such as promotions and holidays: numbers or truths,
        or text that is there on some days and not on others. Rows after a series' last value tell its future.
    past_covariates : tuple of str or None
        Columns known to the cutoff; None takes every other numeric column, ``("none",)`` none. The search
        decides whether they help.
    date_format : str or None
        As in ``strptime``.
    tz : str or None
        Time zone, such as ``Europe/Berlin``, of stamps that name none.
    freq : str or None
        Step between stamps, as pandas names it: ``D``, ``B``, ``h``, ``15min``, ``MS``.
    dates : bool
        False where the table has no time column: its rows are then the steps.
    resample : str or None
        Aggregate to this frequency (as ``freq``), the mean of each step.
    as_of : str or None
        Rows after this stamp are not read; a last bar that was not over by then neither.
    decimal : {None, ".", ","}
        The decimal mark.
    encoding : str or None
        Of the text.
    skip_rows : int
        Lines before the header.
    header : bool
        False where the first line holds values: columns are then called ``column 1``, ``column 2``...
    on_bad_lines : {"error", "skip"}
        What to do with lines of too many fields.
    duplicates : {"error", "first", "last", "mean", "sum"}
        What to do with several values at one stamp of one series. The same value again counts once, but for
        ``mean`` and ``sum``. Covariates are those of the first row, or of the last for ``last``.
    missing : {"mask", "forward", "zero", "error"}
        What stands where a value, or a row for a step, is missing between two values of a series: nothing
        (networks and scores pass over it), the last value before it, zero; or an error.
    """

    target: tuple[str, ...] = ()
    time: str | None = None
    id: str | None = None
    wide: bool = False
    known_covariates: tuple[str, ...] = ()
    past_covariates: tuple[str, ...] | None = None
    date_format: str | None = None
    tz: str | None = None
    freq: str | None = None
    dates: bool = True
    resample: str | None = None
    as_of: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    skip_rows: int = 0
    header: bool = True
    on_bad_lines: str = "error"
    duplicates: str = "error"
    missing: str = "mask"

    def __post_init__(self) -> None:
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                choices = ", ".join(choice for choice in allowed if choice)
                raise ConfigError(f"{name} is '{getattr(self, name)}'; choose one of {choices}.")
        if self.skip_rows < 0:
            raise ConfigError(f"skip_rows is {self.skip_rows}; it must not be negative.")

    def to_dict(self) -> dict[str, Any]:
        """Return what differs from the defaults, as plain values ready for JSON."""
        plain = {field.name: field.default for field in fields(self)}
        return {name: value for name, value in asdict(self).items() if value != plain[name]}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "ReadOptions":
        """Return what ``to_dict`` was called on."""
        plain: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
        }
        return cls(**plain)


def names_of(text: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return column names from ``"a, b"`` or a sequence of names.

    Examples
    --------
    >>> names_of("promo, holiday")
    ('promo', 'holiday')
    """
    if text is None:
        return ()
    names = text.split(",") if isinstance(text, str) else text
    return tuple(name.strip() for name in names if name.strip())
