"""Which column is the time, the target, the series' name; and why."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from forecastr.data.source import Source
from forecastr.data.stamps import looks_like_time
from forecastr.data.table import Table
from forecastr.data.values import clean_text, is_missing, looks_numeric
from forecastr.errors import DataError
from forecastr.schema import ID, TARGET, TIME

TIME_NAMES = (
    "ds", "date", "datetime", "time", "timestamp", "day", "week", "month", "quarter", "year", "period",
    "step", "t",
)  # fmt: skip
STEP_NAMES = ("ds", "date", "datetime", "time", "timestamp", "step", "t")  # may hold plain integers
ID_NAMES = ("unique_id", "item_id", "series_id", "id", "ticker", "symbol", "segment")
TARGET_NAMES = ("y", "target", "value", "adj close", "adj_close", "close")


@dataclass(frozen=True)
class Choice:
    """A column, and the reason it was chosen."""

    name: str
    why: str


@dataclass(frozen=True)
class Columns:
    """The columns of a table that make a panel.

    ``id_asked`` is False where the name alone speaks for the id column: its values decide.
    """

    time: Choice
    target: Choice
    id: Choice | None
    id_asked: bool


def choose_columns(
    table: Table, *, target: str | None, time: str | None, id: str | None, like: Source | None
) -> Columns:
    """Return the columns of a table, as asked for, as an earlier file had them, or as their names say.

    Raises
    ------
    DataError
        If a named column is not there, or none can be told from the others.
    """
    asked = _asked(table, "target", target, like.target if like else None, TARGET)
    asked_time = _asked(table, "time", time, like.time if like else None, TIME)
    asked_id = _asked(table, "id", id, like.id if like else None, ID)
    time_column = asked_time or _choose_time(table, taken=[asked, asked_id])
    id_column = asked_id
    if not asked_id and not like:
        taken = {time_column.name} | ({asked.name} if asked else set())
        name = _known(table.columns, ID_NAMES, taken)
        id_column = Choice(name, f"its name is '{name}'") if name else None
    used = {time_column.name} | ({id_column.name} if id_column else set())
    target_column = asked or _choose_target(table, used)
    names = [choice.name for choice in (time_column, target_column, id_column) if choice]
    if len(set(names)) < len(names):
        raise DataError(
            f"{table.path}: one column cannot be both: time is '{names[0]}', the target is '{names[1]}'"
            + (f", id is '{names[2]}'." if len(names) > 2 else ".")
        )
    return Columns(time_column, target_column, id_column, asked_id is not None)


def find_column(columns: Sequence[str], wanted: str) -> str | None:
    """Return the column named ``wanted``: exactly, else alone in matching without case and outer blanks."""
    if wanted in columns:
        return wanted
    close = [column for column in columns if _plain(column) == _plain(wanted)]
    return close[0] if len(close) == 1 else None


def id_candidates(table: Table, used: Sequence[str]) -> list[str]:
    """Return the columns that could tell series apart: text, or else whole numbers, that repeat."""
    heads = [table.head[column] for column in table.columns if column not in used]
    repeating = [head for head in heads if head.nunique() < len(head)]
    texts = [head for head in repeating if not looks_numeric(head)]
    whole = [head for head in repeating if clean_text(head).str.fullmatch(r"\d+").all()]
    return [str(head.name) for head in texts or whole]


def _asked(table: Table, role: str, option: str | None, earlier: str | None, own: str) -> Choice | None:
    """Return the column that an option, or else an earlier file, names; tables in our own names also fit."""
    wanted = option if option is not None else earlier
    if wanted is None:
        return None
    found = find_column(table.columns, wanted)
    if found is None and option is None and own in table.columns:
        found = own
    if found is None:
        said = f"--{role} names" if option is not None else "the bundle was fitted on"
        raise DataError(
            f"{table.path}: {said} '{wanted}', and there is no such column. It has: {_listed(table.columns)}."
        )
    why = f"named by --{role}" if option is not None else "as in the earlier table"
    return Choice(found, why + (f" ('{wanted}')" if found != wanted else ""))


def _choose_time(table: Table, taken: Sequence[Choice | None]) -> Choice:
    others = [name for name in table.columns if name not in {choice.name for choice in taken if choice}]
    for known in TIME_NAMES:
        name = _known(others, (known,), set())
        if name and looks_like_time(table.head[name], named=known in STEP_NAMES):
            return Choice(name, f"its name is '{name}' and it reads as a time")
    dates = [name for name in others if looks_like_time(table.head[name], named=False)]
    if len(dates) == 1:
        return Choice(dates[0], "the only column that reads as dates")
    if dates:
        raise DataError(f"{table.path}: several columns hold dates: {_listed(dates)}. Choose one with --time.")
    raise DataError(
        f"{table.path}: no column reads as dates. It has: {_listed(table.columns)}. Name the time "
        "column with --time (dates as YYYY-MM-DD, or integers that count the steps)."
    )


def _choose_target(table: Table, used: set[str]) -> Choice:
    others = [name for name in table.columns if name not in used]
    numeric = [
        name
        for name in others
        if looks_numeric(table.head[name])
        and not _counts_rows(table.head[name])
        and not looks_like_time(table.head[name], named=False)
    ]
    # A column may begin with nothing but gaps: it still counts if no other one is numeric.
    empty = [name for name in others if is_missing(clean_text(table.head[name])).all()]
    for known in TARGET_NAMES:
        if name := _known([*numeric, *empty], (known,), set()):
            return Choice(name, f"its name is '{name}' and it is numeric")
    candidates = numeric or empty
    if len(candidates) == 1:
        return Choice(candidates[0], "the only numeric column left")
    if candidates:
        listed = _listed(candidates)
        raise DataError(f"{table.path}: several columns could be the target: {listed}. Choose one with --target.")
    samples = "; ".join(f"'{name}' begins {_samples(table.head[name])}" for name in others[:5])
    raise DataError(
        f"{table.path}: no numeric column is left to forecast ({samples or 'there is no other column'}). "
        "Name the target with --target if it is among them."
    )


def _known(columns: Sequence[str], names: Sequence[str], taken: set[str]) -> str | None:
    free = [column for column in columns if column not in taken]
    return next((found for name in names if (found := find_column(free, name))), None)


def _counts_rows(head: pd.Series) -> bool:
    """Say whether a column without a name of its own numbers the rows, as a saved index does."""
    if not re.fullmatch(r"column \d+|Unnamed: \d+|__index_level_\d__|index", str(head.name)):
        return False
    numbers = pd.to_numeric(head, errors="coerce")
    return bool((numbers.diff().iloc[1:] == 1).all())


def _samples(column: pd.Series) -> str:
    return ", ".join(f"'{value}'" for value in column.head(3).tolist())


def _listed(columns: Sequence[str], most: int = 20) -> str:
    listed = ", ".join(f"'{column}'" for column in columns[:most])
    return listed + (f" and {len(columns) - most:,} more" if len(columns) > most else "")


def _plain(name: str) -> str:
    return name.strip().casefold()
