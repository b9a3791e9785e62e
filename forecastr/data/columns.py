"""Which column is the time, the target, the series' name; and why."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from forecastr.data.files.combine import ID_NAMES
from forecastr.data.files.table import Table
from forecastr.data.options import ReadOptions
from forecastr.data.source import Source
from forecastr.data.traits import Traits
from forecastr.errors import DataError, quoted
from forecastr.schema import ID, TARGET, TIME

TIME_NAMES = (
    "ds", "date", "datetime", "time", "timestamp", "day", "week", "month", "quarter", "year", "period",
    "step", "t",
)  # fmt: skip
STEP_NAMES = ("ds", "date", "datetime", "time", "timestamp", "step", "t")  # may hold plain integers
TARGET_NAMES = ("y", "target", "value", "adj close", "adj_close", "adjclose", "close")
LONGEST = 200  # characters of a name that errors show
STEP = "step"  # names the time of a table without a time column


@dataclass(frozen=True)
class Choice:
    """A column, and the reason it was chosen."""

    name: str
    why: str


@dataclass(frozen=True)
class Columns:
    """The columns of a table that make a panel.

    Parameters
    ----------
    time, target : Choice
        ``time`` names no column of a table whose rows are the steps.
    id : Choice or None
        Several columns make a name such as ``"store,item"``.
    ids : tuple of str
        The columns that ``id`` stands for.
    id_asked : bool
        False where the name alone speaks for the id column: its values decide.
    wide : tuple of str
        The columns of a wide table, each a series; ``target`` and ``id`` are then what they become.
    traits : Traits
        What the first rows say about all columns.
    """

    traits: Traits
    time: Choice
    target: Choice
    id: Choice | None
    ids: tuple[str, ...] = ()
    id_asked: bool = False
    wide: tuple[str, ...] = ()

    @property
    def used(self) -> set[str]:
        """The columns of the file that have a role."""
        return {self.time.name, self.target.name, *self.ids, *self.wide}


def choose_columns(table: Table, options: ReadOptions, like: Source | None = None) -> Columns:
    """Return the columns of a table, as asked for, as an earlier table had them, or as their names say.

    Raises
    ------
    DataError
        If a named column is not there, or none can be told from the others.
    """
    traits = Traits(table, options.date_format)
    if (options.wide or len(options.target) > 1) and not (like and _already_long(table, like)):
        return _choose_wide(table, options, like, traits)
    option = options.target[0] if len(options.target) == 1 else None
    if like and not option and only_future(table, like):
        asked: Choice | None = Choice(like.target, "not there: the rows tell what is known of the future")
    else:
        asked = _asked(table, "target", option, like.target if like else None, TARGET)
    asked_time = _asked(table, "time", options.time, like.time if like and options.dates else None, TIME)
    asked_ids = _asked_ids(table, options.id, like.id if like else None)
    time = _time(traits, options, asked_time, [asked, *([asked_ids[1]] if asked_ids else [])])
    ids, id_column = asked_ids or ((), None)
    if not asked_ids and not like:
        taken = {time.name} | ({asked.name} if asked else set())
        name = next(
            (name for name in _all_known(table.columns, ID_NAMES, taken) if _may_name_series(traits, name)), None
        )
        why = table.named_by if name == table.columns[0] and table.named_by else f"its name is '{name}'"
        id_column = Choice(name, why) if name else None
        ids = (name,) if name else ()
    target = asked or _choose_target(traits, {time.name, *ids, *options.known_covariates})
    names = [time.name, target.name, *ids]
    if len(set(names)) < len(names):
        raise DataError(
            f"{table.path}: one column cannot be both: time is '{time.name}', the target is '{target.name}'"
            + (f", id is '{id_column.name}'." if id_column else ".")
        )
    return Columns(traits, time, target, id_column, ids, asked_ids is not None)


def find_column(columns: Sequence[str], wanted: str) -> str | None:
    """Return the column named ``wanted``: exactly, else alone in matching without case and outer blanks."""
    if wanted in columns:
        return wanted
    close = _close(columns, wanted)
    return close[0] if len(close) == 1 else None


def require_column(table: Table, wanted: str, said: str) -> str:
    """Return the column named ``wanted``, or raise the error that ``said`` begins: ``--time names``.

    Raises
    ------
    DataError
        If there is no such column, or several differ from it by case and blanks alone.
    """
    found = find_column(table.columns, wanted)
    if found is not None:
        return found
    close = _close(table.columns, wanted)
    if close:
        raise DataError(
            f"{table.path}: {said} '{wanted}', and {listed(close)} differ from it by case or blanks alone. "
            "Write the name exactly as in the file."
        )
    raise DataError(f"{table.path}: {said} '{wanted}', and there is no such column. It has: {listed(table.columns)}.")


def split_ids(columns: Sequence[str], wanted: str) -> list[str]:
    """Return the columns that an id names: one, or several with commas between them.

    Examples
    --------
    >>> split_ids(["store", "item"], "store, item")
    ['store', 'item']
    """
    if "," not in wanted or find_column(columns, wanted):
        return [wanted]
    return [part.strip() for part in wanted.split(",")]


def listed(columns: Sequence[str], most: int = 20) -> str:
    """Return names in quotes, for a person."""
    names = ", ".join(quoted(column, LONGEST) for column in columns[:most])
    return names + (f" and {len(columns) - most:,} more" if len(columns) > most else "")


def only_future(table: Table, like: Source) -> bool:
    """Say whether a table without the target still tells what is known of the future."""
    absent = find_column(table.columns, like.target) is None and TARGET not in table.columns
    return absent and bool(like.covariates.known)


def _already_long(table: Table, like: Source) -> bool:
    """Say whether a table that continues a wide one has a row for each series and stamp."""
    return like.id is not None and {like.id, like.target} <= set(table.columns)


def _may_name_series(traits: Traits, name: str) -> bool:
    """Say whether a column holds words or whole numbers, or is called what nothing but an id is."""
    if name.strip().casefold().endswith("_id"):
        return True
    return traits.is_whole(name) or not (traits.is_number(name) or traits.is_time(name))


def _choose_wide(table: Table, options: ReadOptions, like: Source | None, traits: Traits) -> Columns:
    """Return the columns of a table in which each series is a column."""
    if not options.dates:
        raise DataError(f"{table.path}: a wide table needs a time column. Leave out --no-dates.")
    if options.id is not None:
        raise DataError(
            f"{table.path}: --id names a column of series' names, and a wide table has none: its columns are the "
            "series. Name one --target with --id, or several targets without it."
        )
    if options.known_covariates or options.past_covariates:
        raise DataError(
            f"{table.path}: covariates need a row for each series and time step, and a wide table has none. "
            "Bring it into the form unique_id, ds, y and the covariates, or leave the option out."
        )
    targets = [require_column(table, name, "--target names") for name in options.target]
    if twice := [name for place, name in enumerate(targets) if name in targets[:place]]:
        raise DataError(f"{table.path}: --target names '{twice[0]}' more than once. Name each series once.")
    asked = _asked(table, "time", options.time, like.time if like else None, TIME)
    time = asked or _choose_time(traits, taken=targets)
    if time.name in targets:
        raise DataError(f"{table.path}: one column cannot be both: time and a target are '{time.name}'.")
    columns = targets or traits.numeric_columns({time.name})
    if not columns:
        raise DataError(f"{table.path}: --wide takes every numeric column as a series, and there is none.")
    named = "named by --target" if targets else "--wide: every numeric column is a series"
    target, series = TARGET if time.name != TARGET else "value", ID if time.name != ID else "series"
    return Columns(
        traits, time, Choice(target, named), Choice(series, "the columns' names"), (series,), True, tuple(columns)
    )


def _asked(table: Table, role: str, option: str | None, earlier: str | None, own: str) -> Choice | None:
    """Return the column that an option, or else an earlier table, names; tables in our own names also fit."""
    wanted = option if option is not None else earlier
    if wanted is None:
        return None
    if option is None and find_column(table.columns, wanted) is None and own in table.columns:
        found = own
    else:
        found = require_column(table, wanted, f"--{role} names" if option is not None else "the bundle was fitted on")
    why = f"named by --{role}" if option is not None else "as in the earlier table"
    return Choice(found, why + (f" ('{wanted}')" if found != wanted else ""))


def _asked_ids(table: Table, option: str | None, earlier: str | None) -> tuple[tuple[str, ...], Choice] | None:
    """Return the columns of the series' names that were asked for, and what they are called together."""
    wanted = option if option is not None else earlier
    if wanted is None:
        return None
    parts = split_ids(table.columns, wanted)
    if len(parts) == 1 or (option is None and ID in table.columns):
        choice = _asked(table, "id", option, earlier, ID)
        return ((choice.name,), choice) if choice else None
    said = "--id names" if option is not None else "the bundle was fitted on"
    found = tuple(require_column(table, part, said) for part in parts)
    why = "named by --id, joined by '/'" if option is not None else "as in the earlier table"
    return found, Choice(",".join(found), why)


def _time(traits: Traits, options: ReadOptions, asked: Choice | None, taken: Sequence[Choice | None]) -> Choice:
    if options.dates:
        return asked or _choose_time(traits, taken=[choice.name for choice in taken if choice])
    if options.time is not None:
        raise DataError(f"{traits.table.path}: --time names a column and --no-dates says there is none. Leave one out.")
    return Choice(STEP, "--no-dates: the rows are the steps")


def _choose_time(traits: Traits, taken: Sequence[str]) -> Choice:
    table = traits.table
    others = [name for name in table.columns if name not in taken]
    dates = [name for name in others if traits.is_time(name)]
    if name := _known(dates, TIME_NAMES, set()):
        return Choice(name, f"its name is '{name}' and it reads as a time")
    if len(dates) == 1:
        return Choice(dates[0], "the only column that reads as dates")
    if dates:
        raise DataError(f"{table.path}: several columns hold dates: {listed(dates)}. Choose one with --time.")
    steps = [name for name in others if traits.is_time(name, named=True)]
    if name := _known(steps, STEP_NAMES, set()):
        return Choice(name, f"its name is '{name}' and it counts steps")
    raise DataError(
        f"{table.path}: no column reads as dates. It has: {listed(table.columns)}. Name the time "
        "column with --time (dates as YYYY-MM-DD, or integers that count the steps), or say with --no-dates that "
        "the rows are the steps."
    )


def _choose_target(traits: Traits, used: set[str]) -> Choice:
    table = traits.table
    others = [name for name in table.columns if name not in used]
    numeric = traits.numeric_columns(used)
    # A column may begin with nothing but gaps: it still counts if no other one is numeric.
    empty = [name for name in others if traits.is_empty(name)]
    for known in TARGET_NAMES:
        if name := _known([*numeric, *empty], (known,), set()):
            return Choice(name, f"its name is '{name}' and it is numeric")
    candidates = numeric or empty
    if len(candidates) == 1:
        return Choice(candidates[0], "the only numeric column left")
    if candidates:
        first = ",".join(candidates[:2])
        raise DataError(
            f"{table.path}: several columns could be the target: {listed(candidates)}. Choose one with --target. "
            f"If each is a series of its own, list them (--target {first}) or take them all with --wide."
        )
    samples = "; ".join(f"'{name}' begins {_samples(table.head[name])}" for name in others[:5])
    raise DataError(
        f"{table.path}: no numeric column is left to forecast ({samples or 'there is no other column'}). "
        "Name the target with --target if it is among them."
    )


def _known(columns: Sequence[str], names: Sequence[str], taken: set[str]) -> str | None:
    return next(_all_known(columns, names, taken), None)


def _all_known(columns: Sequence[str], names: Sequence[str], taken: set[str]) -> Iterator[str]:
    """Yield the columns that have one of the names, in the order of the names."""
    free = [column for column in columns if column not in taken]
    yield from (found for name in names if (found := find_column(free, name)))


def _samples(column: pd.Series) -> str:
    return ", ".join(f"'{value}'" for value in column.head(3).tolist())


def _close(columns: Sequence[str], wanted: str) -> list[str]:
    return [column for column in columns if column.strip().casefold() == wanted.strip().casefold()]
