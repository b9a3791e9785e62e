"""What a pipeline file names: rows to read, places to write, databases; told before anything is written."""

import pytest

from forecastr.errors import ConfigError, ServiceError
from forecastr.files import write_text
from forecastr.pipeline.check import check_pipelines, owner_file, owner_name, require_ready
from forecastr.pipeline.load import load_pipeline

TABLE = "forecast: out/forecast.csv\n  table: {{url: '{}', name: forecasts}}"


SOURCES = [
    ("tickers: AAPL US", "line 2: source.tickers: 'AAPL US' is not a ticker; Yahoo writes them like AAPL"),
    ("tickers: AAPL\n  start: 0 2 * * *", "line 3: source.start: '0 2 * * *' is a cron schedule where a date belongs"),
    ("tickers: AAPL\n  start: '@daily'", "line 3: source.start: '@daily' is a cron schedule where a date belongs"),
    ("tickers: AAPL\n  start: last week", "line 3: source.start: 'last week' is no date; write it as 2024-12-31."),
    ("files: absent.csv", "line 2: there is no file "),
    ("files:\n    - prices.csv\n    - absent.csv", "line 4: there is no file "),
    ("glob: day-*.csv", "line 2: 'day-*.csv' matches no file."),
    ("folder: absent", "line 2: there is no folder "),
    ("start: 2024-01-01", "line 1: source names nothing; name exactly one of files, glob, folder, tickers, sql."),
    ("files: prices.csv\n  folder: .", "line 1: source names files and folder; name exactly one of"),
    ("sql: select 1", "line 1: source needs both sql and url for a query."),
    ("files: prices.csv\n  interval: 1d", "line 1: source has start or interval, which belong to tickers."),
]


@pytest.mark.parametrize(("source", "sentence"), SOURCES)
def test_a_source_that_brings_nothing_is_found_before_the_night(written, sound, source, sentence):
    path = written(sound.replace("files: prices.csv", source))

    with pytest.raises(ConfigError) as caught:
        check_pipelines([path])

    assert str(caught.value).startswith(f"{path}, {sentence}")


def test_two_pipelines_that_write_one_output_are_found(written, sound):
    first, second = written(sound, "a.yaml"), written(sound, "b.yaml")

    with pytest.raises(ConfigError, match=r"b\.yaml, line 6: .*a\.yaml writes .*forecast\.csv too"):
        check_pipelines([first, second])
    with pytest.raises(ConfigError, match=r"b\.yaml, line 6: .*a\.yaml writes .*forecast\.csv too"):
        require_ready(load_pipeline(second))


def test_a_pipeline_in_another_folder_that_wrote_there_last_is_found(written, sound):
    mine = load_pipeline(written(sound, "a.yaml"))
    other = load_pipeline(written(sound.replace("out/", "../out/"), "other/b.yaml"))
    mine.forecast.parent.mkdir()
    write_text(owner_file(other), owner_name(other))

    with pytest.raises(ConfigError, match=r"a\.yaml, line 6: .*other/b\.yaml writes .*forecast\.csv too"):
        require_ready(mine)
    other.path.write_text(sound)
    require_ready(mine)


@pytest.mark.parametrize(
    "source", ["folder: .", "folder: ../in", "glob: '*.csv'", "glob: '../in/f*.csv'", "files: [prices.csv, f.csv]"]
)
def test_a_forecast_among_the_rows_is_found(written, tmp_path, source):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "f.csv").write_text("Date,Price\n2024-01-01,1\n")
    (tmp_path / "in" / "prices.csv").write_text("Date,Price\n2024-01-01,1\n")
    path = written(f"source:\n  {source}\ntask: {{horizon: 5}}\noutputs:\n  forecast: f.csv\n", "in/p.yaml")

    with pytest.raises(ConfigError, match=r"p\.yaml, line 5: the next night would read .*f\.csv as rows"):
        check_pipelines([path])
    path.write_text(path.read_text().replace("f.csv\n", "out/f.csv\n"))
    assert check_pipelines([path])


OUTPUTS = [
    ("forecast: prices.csv/forecast.csv", "line 6: there can be no folder .*: .*prices.csv is a file"),
    ("forecast: out.csv", "line 6: .*out.csv is a folder"),
    ("forecast: f.csv\nstate: prices.csv", "line 7: there can be no folder .*: .*prices.csv is a file"),
    (TABLE.format("postgresql+psycopg2://ann:${NO_SUCH}@db/x"), "line 7: the environment variable NO_SUCH is not set"),
    (TABLE.format("nonsense"), "line 7: this is no address of a database: Could not parse"),
    (TABLE.format("oracle://ann:secret@db/x"), "line 7: the driver '\\w+' of this database is not installed"),
]


@pytest.mark.parametrize(("output", "sentence"), OUTPUTS)
def test_an_output_that_cannot_be_written_is_found_before_anything_is(written, sound, tmp_path, output, sentence):
    (tmp_path / "out.csv").mkdir()
    path = written(sound.replace("forecast: out/forecast.csv", output))
    before = sorted(tmp_path.rglob("*"))

    with pytest.raises(ConfigError, match=rf"p\.yaml, {sentence}") as caught:
        check_pipelines([path])
    with pytest.raises(ConfigError):
        require_ready(load_pipeline(path))

    assert str(caught.value).count("p.yaml, line") == 1
    assert "secret" not in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_that_may_not_be_written_is_found(written, sound, monkeypatch):
    path = written(sound)
    monkeypatch.setattr("os.access", lambda place, mode: False)

    with pytest.raises(ConfigError, match=r"p\.yaml, line 6: .* cannot be written\. See to its permissions"):
        check_pipelines([path])


def test_a_database_that_does_not_answer_is_found_before_anything_is_written(written, sound, tmp_path):
    path = written(
        sound.replace("forecast: out/forecast.csv", TABLE.format("postgresql+psycopg2://a:secret@127.0.0.1:9/x"))
    )
    before = sorted(tmp_path.rglob("*"))

    with pytest.raises(ServiceError, match=r"p\.yaml, line 7: .*Connection refused") as caught:
        require_ready(load_pipeline(path))

    assert "secret" not in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_query_needs_its_file_and_a_table_makes_one(written, sound, tmp_path):
    query = sound.replace("files: prices.csv", "sql: select 1\n  url: sqlite:///absent.db")
    with pytest.raises(ConfigError, match=r"p\.yaml, line 3: there is no file .*absent\.db"):
        check_pipelines([written(query)])

    require_ready(load_pipeline(written(sound.replace("forecast: out/forecast.csv", TABLE.format("sqlite:///new.db")))))
    assert not (tmp_path / "new.db").exists()
