"""Wide tables, a column or a group of columns per series, as long ones."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from forecastr.data.files.rectangle import HEAD, Table
from forecastr.schema import ID, TARGET


def melt(table: Table, *, time: str, targets: Sequence[str], id_name: str = ID, value_name: str = TARGET) -> Table:
    """Return a table of a column per series as one of a row per time and series.

    Parameters
    ----------
    table : Table
        Wide, such as ``Date,AAPL,MSFT``.
    time : str
        Its column of stamps, repeated for each series.
    targets : sequence of str
        The columns that are series; each one's name is its id.
    id_name, value_name : str
        Names of the columns of ids and of values.

    Returns
    -------
    Table
        One series after the other, each in the order of the file; ``line`` is the line in that file.
        Nothing is read before ``load``.
    """
    return stack(table, time=time, series={name: {value_name: name} for name in targets}, id_name=id_name)


def stack(table: Table, *, time: str, series: Mapping[str, Mapping[str, str]], id_name: str) -> Table:
    """Return a table in long form; ``series`` says, per id, which column of ``table`` holds which long column."""
    fields = list(dict.fromkeys(name for columns in series.values() for name in columns))
    shape = {"rows": 0}  # rows of the wide table, known once it is loaded

    def load(texts: Sequence[str], numbers: Sequence[str]) -> pd.DataFrame:
        wanted = [name for name in [*texts, *numbers] if name in fields]
        places = {name: [columns.get(name) for columns in series.values()] for name in wanted}
        as_text = [place for name in texts for place in places.get(name, []) if place]
        as_numbers = [place for name in numbers for place in places.get(name, []) if place]
        loaded = table.load([time, *as_text], as_numbers)
        shape["rows"] = len(loaded)
        long: dict[str, pd.Series] = {}
        for name in [*texts, *numbers]:
            if name == time:
                long[name] = _repeat(loaded[time], len(series))
            elif name == id_name:
                codes = np.repeat(np.arange(len(series), dtype=np.int32), len(loaded))
                long[name] = pd.Series(pd.Categorical.from_codes(codes, categories=pd.Index(list(series), dtype="str")))
            else:
                long[name] = _concatenate(table, loaded, places[name])
        return pd.DataFrame(long)

    def row(place: int) -> int:
        return place % shape["rows"] if shape["rows"] else place

    line, where = table.line, table.where
    return replace(
        table,
        columns=(time, id_name, *fields),
        head=_head(table.head, time, series, id_name, fields),
        load=load,
        line=(lambda place: line(row(place))) if line else None,
        locate=lambda place: where(row(place)),
    )


def _head(
    head: pd.DataFrame, time: str, series: Mapping[str, Mapping[str, str]], id_name: str, fields: Sequence[str]
) -> pd.DataFrame:
    shown = list(series)[: max(HEAD // max(len(head), 1), 2)]
    parts = []
    for name in shown:
        columns = {field: head[place] for field, place in series[name].items()}
        parts.append(pd.DataFrame({time: head[time], id_name: name, **columns}))
    return pd.concat(parts, ignore_index=True).reindex(columns=[time, id_name, *fields]).head(HEAD)


def _repeat(column: pd.Series, times: int) -> pd.Series:
    return column.take(np.tile(np.arange(len(column)), times)).reset_index(drop=True)


def _concatenate(table: Table, loaded: pd.DataFrame, places: Sequence[str | None]) -> pd.Series:
    """Return columns one below the other; where one of them is text, the text of all."""
    native = [pd.api.types.is_numeric_dtype(loaded[place]) for place in places if place]
    if not all(native) and any(native) and table.dialect:
        loaded = table.load([place for place in places if place], [])
    if all(native):
        values = np.full((len(places), len(loaded)), np.nan)
        for number, place in enumerate(places):
            if place:
                values[number] = loaded[place].to_numpy(dtype=np.float64, na_value=np.nan)
        return pd.Series(values.reshape(-1))
    gap = pd.Series([""] * len(loaded), dtype="str")
    return pd.concat([loaded[place].astype("str") if place else gap for place in places], ignore_index=True)
