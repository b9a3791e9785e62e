"""Rows from every kind of source, cut at a date, and taken apart by group."""

import pandas as pd
import pytest

from forecastr.data import ReadOptions, read_panel
from forecastr.errors import ConfigError, DataError, ServiceError
from forecastr.pipeline.load import Pipeline, load_pipeline
from forecastr.pipeline.source import blame, cut_panel, read_rows, split_groups
from forecastr.schema import ID, TIME

DAYS = pd.date_range("2024-01-01", periods=40)


@pytest.fixture
def pipeline(tmp_path):
    """Return a function that makes a pipeline of a source, tables beside it."""
    table = pd.DataFrame({"day": DAYS, "y": range(40)})
    table.to_csv(tmp_path / "a.csv", index=False)
    table.assign(y=table["y"] + 1).to_csv(tmp_path / "b.csv", index=False)

    def make(source: str, rest: str = "") -> Pipeline:
        path = tmp_path / "p.yaml"
        path.write_text(f"source: {{{source}}}\ntask: {{horizon: 2}}\noutputs: {{forecast: f.csv}}\n{rest}")
        return load_pipeline(path)

    return make


@pytest.mark.parametrize("source", ["glob: '?.csv'", "folder: .", "files: [a.csv, b.csv]"])
def test_files_a_glob_and_a_folder_are_the_same_rows(pipeline, source):
    panel = read_rows(pipeline(source), "2024-01-10")

    assert panel.frame[ID].unique().tolist() == ["a", "b"]
    assert panel.frame[TIME].max() == pd.Timestamp("2024-01-10")


def test_tickers_come_from_yahoo(pipeline, yahoo):
    yahoo.prices["AAPL"] = [(f"{day:%Y-%m-%d}", 10.0 + n) for n, day in enumerate(DAYS) if day.weekday() < 5]

    panel = read_rows(pipeline("tickers: AAPL, start: 2024-01-01", "reading: {target: Close}"), "2024-01-19")

    assert panel.frame[TIME].max() == pd.Timestamp("2024-01-19")


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("select 1 from absent", "no such table: absent"),
        ("select :asof", "value is required for bind parameter 'asof'"),
    ],
)
def test_a_query_that_fails_is_a_sentence_with_its_line(pipeline, tmp_path, query, sentence):
    (tmp_path / "base.db").touch()
    with pytest.raises(ServiceError, match=rf"p\.yaml, line 1: .*{sentence}"):
        read_rows(pipeline(f"sql: '{query}', url: 'sqlite:///base.db'"), "2024-01-10")


def test_a_ticker_that_has_no_prices_is_a_sentence_with_its_line(pipeline, yahoo):
    yahoo.prices["AAPL"] = [(f"{day:%Y-%m-%d}", 10.0) for day in DAYS]

    with pytest.raises(ServiceError, match=r"p\.yaml, line 1: no data came from Yahoo for 1 of 2 tickers:\n  NOSUCH: "):
        read_rows(pipeline("tickers: [AAPL, NOSUCH], start: 2024-01-01"), "2024-01-19")


def test_an_option_that_would_help_is_named_as_the_file_calls_it(pipeline):
    with pytest.raises(DataError, match=r"reading\.target names 'z', and there is no such column") as caught:
        read_rows(pipeline("files: a.csv", "reading:\n  time: day\n  target: z"), "2024-01-19")
    assert blame(pipeline("files: a.csv", "reading:\n  time: day\n  target: z"), caught.value).startswith(
        f"{pipeline('files: a.csv').path}, line 6: "
    )


def test_a_cut_panel_still_knows_what_was_known_of_the_future():
    table = pd.DataFrame({"day": DAYS, "y": range(40), "promo": [n % 3 for n in range(40)]})
    panel = read_panel(table, ReadOptions(known_covariates=("promo",)))

    cut = cut_panel(panel, DAYS[29])

    assert cut.frame[TIME].max() == DAYS[29]
    assert cut.future[TIME].tolist() == list(DAYS[30:])
    assert cut.fingerprint != panel.fingerprint


def test_groups_are_parts_of_the_ids_or_a_static_column(pipeline):
    parts = [
        pd.DataFrame({"day": DAYS, "y": range(n, 40 + n), "store": store, "item": item, "region": f"r{store}"})
        for n, (store, item) in enumerate([("1", "x"), ("1", "y"), ("2", "x")])
    ]
    panel = read_panel(pd.concat(parts), ReadOptions(id="store,item", target=("y",)))

    def groups(column: str) -> dict[str, list[str]]:
        found = split_groups(panel, pipeline("files: a.csv", f"group_by: {column}"))
        return {name: group.frame[ID].unique().tolist() for name, group in found.items()}

    assert groups("store") == {"1": ["1/x", "1/y"], "2": ["2/x"]}
    assert groups("item") == {"x": ["1/x", "2/x"], "y": ["1/y"]}
    assert groups("region") == {"r1": ["1/x", "1/y"], "r2": ["2/x"]}
    with pytest.raises(ConfigError, match="'stor' tells no groups apart; a column of names"):
        groups("stor")


def test_a_table_of_one_group_is_still_that_group(pipeline, tmp_path):
    alone = pd.DataFrame({"day": DAYS, "y": range(40), "store": "1", "region": "north"})
    alone.to_csv(tmp_path / "a.csv", index=False)
    grouped = pipeline("files: a.csv", "group_by: region\nreading: {id: store, target: 'y'}")

    assert list(split_groups(read_rows(grouped, "2024-03-01"), grouped)) == ["north"]
