"""A real PostgreSQL as the source of rows and the place of forecasts: passwords, numbers, and readers in between."""

import importlib.util
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import ProgrammingError

from forecastr.errors import ServiceError
from forecastr.pipeline.journal import Journal
from forecastr.pipeline.load import load_pipeline
from forecastr.pipeline.publish import publish
from forecastr.pipeline.source import read_rows

pytestmark = pytest.mark.slow
SECOND = "1988-09-08"
place = Path(__file__).parents[1] / "tracking" / "servers.py"
spec = importlib.util.spec_from_file_location("servers", place)
servers = importlib.util.module_from_spec(spec)
sys.modules["servers"] = servers
spec.loader.exec_module(servers)


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """Yield the address of a database whose user 'ann' needs a password, with ${PASSWORD} in its place."""
    pytest.importorskip("psycopg2")
    with servers.postgres() as uri:
        engine = create_engine(uri, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text("create role ann superuser login password 's/e@cret'"))
            [file] = connection.execute(text("show hba_file")).one()
            rules = Path(file)
            rules.write_text("host all ann 127.0.0.1/32 scram-sha-256\n" + rules.read_text())
            connection.execute(text("select pg_reload_conf()"))
        engine.dispose()
        yield uri.replace("postgres@", "ann:${PASSWORD}@")


@pytest.fixture
def on_postgres(desk, database, monkeypatch):
    """Return a desk that reads its rows from the database, and writes forecasts there."""
    monkeypatch.setenv("PASSWORD", "s%2Fe%40cret")
    prices = pd.read_csv(desk.table)
    prices = pd.DataFrame({"Date": pd.to_datetime(prices["Date"]), "price": pd.to_numeric(prices.iloc[:, 1], "coerce")})
    engine = create_engine(database.replace("${PASSWORD}", "s%2Fe%40cret"))
    with engine.begin() as connection:
        prices.to_sql("raw", connection, index=False, if_exists="replace")
        for command in (
            "drop table if exists forecasts",
            "drop table if exists prices",
            'create table prices as select "Date", price::numeric(10, 2) as "DCOILWTICO" from raw',
        ):
            connection.execute(text(command))
    desk.edit("files: prices.csv", f'sql: select * from prices where "Date" <= :as_of\n  url: {database}')
    desk.edit("forecast.csv", f"forecast.csv\n  table: {{url: '{database}', name: forecasts}}")
    yield desk, engine
    engine.dispose()


def test_a_night_reads_numerics_and_dates_and_writes_its_forecast(on_postgres):
    desk, engine = on_postgres

    outcome = desk.run(SECOND)

    assert outcome.status == "done", outcome.groups
    held = pd.read_sql_query("select * from forecasts order by ds", engine)
    assert held["as_of"].tolist() == [SECOND] * 5
    assert held["ds"].dtype.kind == "M"
    pd.testing.assert_series_equal(held["forecastr"], pd.read_csv(desk.forecast)["forecastr"], check_exact=False)


def test_a_wrong_password_is_a_sentence_that_does_not_show_it_and_nothing_is_written(on_postgres, monkeypatch):
    desk, _ = on_postgres
    monkeypatch.setenv("PASSWORD", "wr%2Fo%40ng")
    before = desk.state()

    with pytest.raises(ServiceError, match=r"oil\.yaml, line 3: .*password authentication failed for user") as caught:
        desk.run(SECOND)

    assert "\n" not in str(caught.value)
    assert not any(part in str(caught.value) for part in ("wr%2Fo", "ng@", "wr/o"))
    assert desk.state() == before


def test_a_reader_of_the_table_never_sees_half_a_night(on_postgres):
    desk, engine = on_postgres
    pipeline = load_pipeline(desk.file)
    source = read_rows(pipeline, SECOND).source
    seen, over = [], threading.Event()

    def read() -> None:
        while not over.is_set():
            try:
                with engine.connect() as connection:
                    seen.append(connection.execute(text("select count(*) from forecasts")).scalar())
            except ProgrammingError:
                seen.append(None)  # not there yet

    reader = threading.Thread(target=read)
    reader.start()
    try:
        desk.run(SECOND)
        for _ in range(20):
            publish(pipeline, {"": Journal(pipeline.state, SECOND)}, source)
    finally:
        over.set()
        reader.join()

    assert set(seen) == {None, 5}
    assert seen.count(5) > 20
