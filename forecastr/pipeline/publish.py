"""The forecast where its readers look for it: a file replaced in one moment, a table changed in one transaction."""

from collections.abc import Mapping

import pandas as pd

from forecastr.bundle.tables import write_table
from forecastr.data import Source
from forecastr.files import write_text
from forecastr.pipeline.check import owner_file, owner_name
from forecastr.pipeline.database import open_database, translated
from forecastr.pipeline.journal import GOOD, Journal, last_good
from forecastr.pipeline.load import Pipeline
from forecastr.pipeline.night import FORECAST_TABLE

AS_OF = "as_of"


def publish(pipeline: Pipeline, nights: Mapping[str, Journal], source: Source) -> None:
    """Write the newest forecast of every group, each row with the date it was made for.

    Parameters
    ----------
    pipeline : Pipeline
        Whose outputs.
    nights : mapping of str to Journal
        Groups and tonight's journals; of a group without a forecast tonight the last one stays.
    source : Source
        How the table was read: dates are written alike.
    """
    newest = {group: made for group, tonight in nights.items() if (made := last_good(tonight.state))}
    pipeline.forecast.parent.mkdir(parents=True, exist_ok=True)
    write_text(owner_file(pipeline), owner_name(pipeline))
    write_table(_together(pipeline, newest), pipeline.forecast, source)
    if pipeline.spec.outputs.table:
        made_now = {group: night for group, night in nights.items() if night.status in GOOD}
        if made_now:
            _write_sql(pipeline, _together(pipeline, made_now), next(iter(made_now.values())).as_of)


def _together(pipeline: Pipeline, nights: Mapping[str, Journal]) -> pd.DataFrame:
    tables = []
    for group, night in nights.items():
        table = night.read_table(FORECAST_TABLE).assign(**{AS_OF: night.as_of})
        if pipeline.spec.group_by and pipeline.spec.group_by not in table:
            table.insert(0, pipeline.spec.group_by, group)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _write_sql(pipeline: Pipeline, table: pd.DataFrame, as_of: str) -> None:
    """Put a night's forecast in place of what the table holds of that night, in one transaction."""
    from sqlalchemy import inspect, text

    target = pipeline.spec.outputs.table
    assert target
    engine = open_database(pipeline, target.url, "outputs", "table", "url")
    rows = table.assign(pipeline=pipeline.name)
    advice = f" {pipeline.forecast} is written; run the same night again to write the table."
    try:
        with translated(pipeline, "outputs", "table", advice=advice), engine.begin() as connection:
            if inspect(connection).has_table(target.name):
                name = engine.dialect.identifier_preparer.quote(target.name)
                connection.execute(
                    text(f"DELETE FROM {name} WHERE pipeline = :pipeline AND as_of = :as_of"),
                    {"pipeline": pipeline.name, "as_of": as_of},
                )
            rows.to_sql(target.name, connection, if_exists="append", index=False)
    finally:
        engine.dispose()
