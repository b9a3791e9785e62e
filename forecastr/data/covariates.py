"""Which columns beside the target are covariates: known to the cutoff, through the horizon, or of a whole series."""

from dataclasses import dataclass, field

from forecastr.data.columns import Choice, Columns, listed, only_future, require_column
from forecastr.data.files.table import Table
from forecastr.data.ids import id_candidates
from forecastr.data.options import ReadOptions
from forecastr.data.source import Source
from forecastr.data.traits import Traits
from forecastr.errors import DataError
from forecastr.schema import CUTOFF, ID, TARGET, TIME, Covariates

MOST_PAST = 100  # columns taken without being asked
OWN_NAMES = (ID, TIME, TARGET, CUTOFF)  # columns of every panel and forecast


@dataclass
class ChosenCovariates:
    """Columns that may be covariates, and why.

    Parameters
    ----------
    past, known : dict of str to str
        Column and reason.
    perhaps_static : list of str
        Columns that are static if every series has one value of its own; words serve for nothing else.
    static : tuple of str or None
        What an earlier table had; None to find out.
    numeric : set of str
        Columns to be loaded as numbers.
    warnings : list of str
        About columns that are not taken.
    """

    past: dict[str, str] = field(default_factory=dict)
    known: dict[str, str] = field(default_factory=dict)
    perhaps_static: list[str] = field(default_factory=list)
    static: tuple[str, ...] | None = None
    numeric: set[str] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)

    @property
    def as_numbers(self) -> list[str]:
        """Columns to load as numbers."""
        return [name for name in self.names if name in self.numeric]

    @property
    def as_texts(self) -> list[str]:
        """Columns to load as text."""
        return [name for name in self.names if name not in self.numeric]

    @property
    def names(self) -> list[str]:
        """All columns, once each."""
        return list(dict.fromkeys((*self.past, *self.known, *self.perhaps_static)))


def choose_covariates(
    table: Table, columns: Columns, options: ReadOptions, like: Source | None = None
) -> ChosenCovariates:
    """Return the columns that are covariates, or may be.

    Raises
    ------
    DataError
        If one that was asked for, or that an earlier table had, is not there.
    """
    if columns.wide:
        return ChosenCovariates()
    if like:
        earlier = Covariates(known=like.covariates.known) if only_future(table, like) else like.covariates
        chosen = _as_before(table, earlier)
    else:
        chosen = ChosenCovariates(known=_asked(table, columns, options.known_covariates, "known"))
        used = columns.used | set(chosen.known)
        past = options.past_covariates
        if past == ("none",) and "none" not in table.columns:
            past = ()
        if past is not None:
            chosen.past = _asked(table, columns, past, "past")
            others = columns.traits.numeric_columns(used | set(chosen.past) | set(OWN_NAMES))
            chosen.perhaps_static = _same_within_series(table, columns, others)
        else:
            _take_past(chosen, columns.traits, used)
            chosen.perhaps_static = list(chosen.past)
        chosen.perhaps_static += _static_texts(table, columns, used)
    chosen.numeric = {name for name in chosen.names if columns.traits.is_number(name)}
    return chosen


def describe_covariates(chosen: ChosenCovariates, static: dict[str, str]) -> tuple[Covariates, dict[str, list[Choice]]]:
    """Return the names of the covariates, and each role's columns with their reasons."""
    names = Covariates(past=tuple(chosen.past), known=tuple(chosen.known), static=tuple(static))
    roles = {"past": chosen.past, "known": chosen.known, "static": static}
    return names, {role: [Choice(name, why) for name, why in found.items()] for role, found in roles.items()}


def _as_before(table: Table, earlier: Covariates) -> ChosenCovariates:
    names = (*earlier.known, *earlier.past, *earlier.static)
    lacking = [name for name in names if name not in table.columns]
    if lacking:
        raise DataError(
            f"{table.path}: the bundle was fitted with the covariates {listed(names)}, and this table has no "
            f"{listed(lacking)}. Bring every one of them."
        )
    why = "as in the earlier table"
    return ChosenCovariates(
        past=dict.fromkeys(earlier.past, why),
        known=dict.fromkeys(earlier.known, why),
        perhaps_static=list(earlier.static),
        static=earlier.static,
    )


def _asked(table: Table, columns: Columns, wanted: tuple[str, ...], role: str) -> dict[str, str]:
    option = f"--{role}-covariates"
    found: dict[str, str] = {}
    for name in wanted:
        column = require_column(table, name, f"{option} names")
        if column in columns.used:
            raise DataError(f"{table.path}: {option} names '{name}', and that is the time, the target or the id.")
        if column in OWN_NAMES:
            raise DataError(f"{table.path}: {option} names '{name}', a name that forecasts need. Rename the column.")
        found[column] = f"named by {option}" + (f" ('{name}')" if name != column else "")
    return found


def _take_past(chosen: ChosenCovariates, traits: Traits, used: set[str]) -> None:
    names = [name for name in traits.numeric_columns(used | set(OWN_NAMES)) if not traits.is_empty(name)]
    names += [name for name in traits.table.columns if name not in used and traits.is_truth(name)]
    if len(names) > MOST_PAST:
        chosen.warnings.append(
            f"{len(names):,} further columns hold numbers; more than {MOST_PAST} are not taken as covariates "
            "unasked. Name those that matter with --past-covariates."
        )
        return
    chosen.past = {name: "numeric, known to the cutoff" for name in traits.table.columns if name in names}


def _static_texts(table: Table, columns: Columns, used: set[str]) -> list[str]:
    """Return the columns of text that may be the same in all rows of a series, as far as the first rows show."""
    traits = columns.traits
    free = [name for name in table.columns if name not in used and name not in OWN_NAMES]
    if columns.id is None:  # one of them may turn out to be the id
        return [name for name in id_candidates(traits, columns.used) if name in free and traits.is_text(name)]
    texts = [name for name in free if traits.is_text(name) and not traits.is_empty(name)]
    return _same_within_series(table, columns, texts)


def _same_within_series(table: Table, columns: Columns, names: list[str]) -> list[str]:
    """Return the columns that have one value in each series, as far as the first rows show."""
    if columns.id is None or not names:
        return []
    groups = table.head.groupby([table.head[name] for name in columns.ids])
    return [name for name in names if groups[name].nunique().max() <= 1]
