"""What the first rows of a table say about each of its columns, looked at once."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import pandas as pd

from forecastr.data.files.table import Table
from forecastr.data.time.stamps import looks_like_time
from forecastr.data.values import clean_text, is_missing, looks_numeric

TRUTHS = {"true": 1.0, "yes": 1.0, "false": 0.0, "no": 0.0}
NAMELESS = re.compile(r"column \d+|Unnamed: \d+|__index_level_\d__|index")
Question = Callable[[pd.Series], bool]


@dataclass(frozen=True)
class Traits:
    """Questions about the columns of a table, answered from its first rows.

    Parameters
    ----------
    table : Table
    date_format : str or None
        How dates are written, where the user says it.
    """

    table: Table
    date_format: str | None = None
    _answers: dict[tuple[str, str], bool] = field(default_factory=dict)

    def is_number(self, name: str) -> bool:
        """Say whether most values are numbers."""
        return self._ask("number", name, looks_numeric)

    def is_time(self, name: str, *, named: bool = False) -> bool:
        """Say whether most values are dates or, where the name says time, integers."""
        question = "named time" if named else "time"
        return self._ask(question, name, lambda head: looks_like_time(head, named=named, date_format=self.date_format))

    def is_truth(self, name: str) -> bool:
        """Say whether a column holds true and false, or yes and no."""
        return self._ask("truth", name, _says_truths)

    def is_text(self, name: str) -> bool:
        """Say whether a column holds words: no numbers, truths or dates."""
        return not (self.is_number(name) or self.is_truth(name) or self.is_time(name))

    def is_empty(self, name: str) -> bool:
        """Say whether no value is there yet."""
        return self._ask("empty", name, lambda head: bool(is_missing(clean_text(head)).all()))

    def is_whole(self, name: str) -> bool:
        """Say whether all values that are there are whole numbers from zero on."""
        return self._ask("whole", name, _is_whole)

    def counts_rows(self, name: str) -> bool:
        """Say whether a column without a name of its own numbers the rows, as a saved index does."""
        return self._ask("counts", name, _counts_rows)

    def numeric_columns(self, used: set[str]) -> list[str]:
        """Return the columns of numbers that have no role yet, without those that number rows or hold dates."""
        return [
            name
            for name in self.table.columns
            if name not in used and self.is_number(name) and not self.counts_rows(name) and not self.is_time(name)
        ]

    def _ask(self, question: str, name: str, answer: Question) -> bool:
        key = question, name
        if key not in self._answers:
            self._answers[key] = answer(self.table.head[name])
        return self._answers[key]


def _says_truths(head: pd.Series) -> bool:
    if pd.api.types.is_bool_dtype(head):
        return True
    if pd.api.types.is_numeric_dtype(head) or pd.api.types.is_datetime64_any_dtype(head):
        return False
    said = {text.strip().lower() for text in map(str, head.dropna().unique())} - {""}
    return bool(said) and said <= set(TRUTHS)


def _is_whole(head: pd.Series) -> bool:
    text = clean_text(head)
    present = text[~is_missing(text)]
    return len(present) > 0 and bool(present.str.fullmatch(r"\d+").all())


def _counts_rows(head: pd.Series) -> bool:
    if not NAMELESS.fullmatch(str(head.name)):
        return False
    numbers = pd.to_numeric(head, errors="coerce")
    return bool((numbers.diff().iloc[1:] == 1).all())
