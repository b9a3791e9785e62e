"""What Arrow may read of a text column straight away, and Arrow's columns as pandas' own."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from forecastr.data.numerals import COMMA, PLAIN, POINT
from forecastr.data.values import MISSING

MANY_TEXTS = 200_000  # from here on Arrow numbers them faster
WHOLE = ""
NOTHING = frozenset(MISSING)
READ = {style.decimal: re.compile(style.pattern, re.ASCII).fullmatch for style in (POINT, COMMA)}
PLAIN_NUMBER = re.compile(PLAIN, re.ASCII).fullmatch


def native_mark(cells: Sequence[str], *, separator: str, decimal: str | None) -> str | None:
    """Return the decimal mark by which Arrow may read a column of numbers.

    Parameters
    ----------
    cells : sequence of str
        The first ones.
    separator : str
        Any but the comma leaves open what ``1.234`` means, until a value tells.
    decimal : str or None
        The mark, where the user has said it.

    Returns
    -------
    str or None
        Empty where Arrow may read whole numbers alone, None where only the text of the whole column can tell.

    Examples
    --------
    >>> native_mark(["1,5", "2"], separator=";", decimal=None)
    ','
    """
    cells = [cell for cell in map(str.strip, cells) if cell.lower() not in NOTHING]
    chosen = decimal or ("." if separator == "," else _proven(cells))
    if chosen is None:
        return WHOLE if all(cell.removeprefix("-").isdecimal() for cell in cells) else None
    plain = [cell.replace(",", ".") if chosen == "," else cell for cell in cells]
    return chosen if sum(PLAIN_NUMBER(cell) is not None for cell in plain) * 2 >= len(cells) else None


def to_frame(table: pa.Table) -> pd.DataFrame:
    """Return Arrow's columns as pandas', one at a time so that only one is held twice."""
    names, columns = table.column_names, table.columns
    del table
    series = {name: _as_series(columns.pop(0)) for name in names}
    pa.default_memory_pool().release_unused()  # half of what reading took
    return pd.DataFrame(series, copy=False)


def _as_series(column: pa.ChunkedArray) -> pd.Series:
    if pa.types.is_dictionary(column.type):
        return _plain(column) if _hardly_repeats(column) else pd.Series(_categories(column), copy=False)
    if pa.types.is_primitive(column.type):
        return pd.Series(column.to_numpy(), copy=False)
    return column.to_pandas()


def _hardly_repeats(column: pa.ChunkedArray) -> bool:
    """Say whether most of many rows hold a text of their own, as the times of a long series do."""
    return MANY_TEXTS < len(column) < 2 * sum(len(chunk.dictionary) for chunk in column.chunks)


def _plain(column: pa.ChunkedArray) -> pd.Series:
    """Return text row by row: numbering ten million texts takes several times their memory."""
    chunks = [chunk.dictionary.take(chunk.indices) for chunk in column.chunks]
    return pa.chunked_array(chunks).to_pandas()


def _categories(column: pa.ChunkedArray) -> pd.Categorical:
    """Return text that Arrow has numbered anew in every chunk as categories of one numbering."""
    places: list[np.ndarray] = []
    if sum(len(chunk.dictionary) for chunk in column.chunks) > MANY_TEXTS:
        column = column.unify_dictionaries()
        categories = pd.Index(column.chunk(0).dictionary.to_pandas(), dtype="str")
    else:
        texts: dict[str, int] = {}
        for chunk in column.chunks:
            numbers = [texts.setdefault(text, len(texts)) for text in chunk.dictionary.to_pylist()]
            places.append(np.array(numbers, dtype=np.int32))
        categories = pd.Index(list(texts), dtype="str")
    codes: np.ndarray = np.empty(len(column), dtype=np.int16 if len(categories) < 2**15 else np.int32)
    end = 0
    for number, chunk in enumerate(column.chunks):
        indices = chunk.indices.to_numpy()
        codes[end : end + len(indices)] = places[number].astype(codes.dtype)[indices] if places else indices
        end += len(indices)
    return pd.Categorical.from_codes(codes, categories=categories, validate=False)


def _proven(cells: Sequence[str]) -> str | None:
    """Return the decimal mark that some cells can be read with alone, as long as no other cells say otherwise."""
    point, comma = ([READ[mark](cell) is not None for cell in cells] for mark in ".,")
    only_point = any(fits and not other for fits, other in zip(point, comma, strict=True))
    only_comma = any(fits and not other for fits, other in zip(comma, point, strict=True))
    if only_point == only_comma:
        return None
    return "." if only_point else ","
