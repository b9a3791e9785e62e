"""A pipeline file and every mistake a person makes in one: a sentence, its line, and the nearest key."""

import json
from pathlib import Path

import pytest

from forecastr.data.options import CHOICES
from forecastr.data.yahoo import INTERVALS
from forecastr.errors import ConfigError
from forecastr.pipeline.load import check_pipelines, load_pipeline, require_own_outputs
from forecastr.pipeline.spec import PipelineSpec, json_schema
from forecastr.schema import BACKENDS, PRESETS

ROOT = Path(__file__).parents[2]
SOUND = """\
source:
  files: prices.csv
task:
  horizon: 5
outputs:
  forecast: out/forecast.csv
"""


@pytest.fixture
def written(tmp_path):
    """Return a function that writes a pipeline file, its table beside it, and returns its path."""
    (tmp_path / "prices.csv").write_text("Date,Price\n2024-01-01,1\n")

    def write(text: str, name: str = "p.yaml") -> Path:
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


def test_a_short_file_is_enough(written, tmp_path):
    pipeline = load_pipeline(written(SOUND))

    assert pipeline.name == "p"
    assert pipeline.state == tmp_path / "runs" / "p"
    assert pipeline.forecast == tmp_path / "out" / "forecast.csv"
    assert pipeline.spec.fit_options("2024-01-01").horizon == 5
    assert pipeline.spec.fit_options("2024-01-01").reading.as_of == "2024-01-01"


MISTAKES = [
    ("task:\n  horizn: 5", "line 4: 'horizn' is no key of 'task'; did you mean 'horizon'?"),
    ("task:\n  horizon: five", "line 4: task.horizon is 'five'; it takes a whole number."),
    ("task:\n  horizon:", "line 4: task.horizon is empty; it takes a whole number."),
    ("task:\n  horizon: 5.5", "line 4: task.horizon is '5.5'; it takes a whole number."),
    ("task:\n  horizon: 0", "line 4: task.horizon is '0'; input should be greater than or equal to 1."),
    ("task:\n  season: 7", "line 3: 'task.horizon' is missing."),
    ("task: 5", "line 3: task is '5'; it takes keys and values."),
    ("task: {horizon: 5, preset: clasic}", "line 3: task.preset is 'clasic'; did you mean 'classic'?"),
    ("task: {horizon: 5, preset: x}", "line 3: task.preset is 'x'; choose 'auto' or 'classic'."),
    ("task: {horizon: 5}\nbudgt: {jobs: 1}", "line 4: 'budgt' is no key; did you mean 'budget'?"),
    ("task: {horizon: 5}\nbudget: {time_limit: 3 weeks}",
     "line 4: budget.time_limit: '3 weeks' is no duration; write seconds, or 90s, 2m, 1h."),
    ("task: {horizon: 5}\ntask: {horizon: 6}", "line 4: 'task' is there already, in line 3."),
    ("task: {horizon: 5", "line 4: this is not YAML: "),
    ("task: {horizon: 5}\ngroup_by: [a]", "line 4: group_by is '['a']'; it takes a text."),
]  # fmt: skip


@pytest.mark.parametrize(("task", "sentence"), MISTAKES)
def test_a_mistake_is_a_sentence_with_its_line(written, task, sentence):
    path = written(SOUND.replace("task:\n  horizon: 5", task))

    with pytest.raises(ConfigError) as caught:
        load_pipeline(path)

    assert str(caught.value).startswith(f"{path}, {sentence}")
    assert "\n" not in str(caught.value)


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
def test_a_source_that_brings_nothing_is_found_before_the_night(written, source, sentence):
    path = written(SOUND.replace("files: prices.csv", source))

    with pytest.raises(ConfigError) as caught:
        check_pipelines([path])

    assert str(caught.value).startswith(f"{path}, {sentence}")


def test_two_pipelines_that_write_one_output_are_found(written):
    first, second = written(SOUND, "a.yaml"), written(SOUND, "b.yaml")

    with pytest.raises(ConfigError, match=r"b\.yaml, line 6: .*a\.yaml writes .*forecast\.csv too"):
        check_pipelines([first, second])
    with pytest.raises(ConfigError, match=r"b\.yaml, line 6: .*a\.yaml writes .*forecast\.csv too"):
        require_own_outputs(load_pipeline(second))


def test_every_mistake_of_several_files_is_told_in_the_order_of_the_lines(written):
    first = written(SOUND.replace("horizon: 5", "horizon: x\n  seson: 2").replace("files", "file"), "a.yaml")
    second = written("[]", "b.yaml")

    with pytest.raises(ConfigError) as caught:
        check_pipelines([first, second])

    assert [line.partition(": ")[0].rpartition("/")[2] for line in str(caught.value).splitlines()] == [
        "a.yaml, line 2", "a.yaml, line 4", "a.yaml, line 5", "b.yaml, line 1",
    ]  # fmt: skip


def test_globs_and_dates_are_taken_as_they_are_meant(written):
    dated = written(SOUND.replace("files: prices.csv", "tickers: [AAPL, ^GSPC]\n  start: 2015-01-01"))
    assert load_pipeline(dated).spec.source.start == "2015-01-01"
    assert check_pipelines([written(SOUND.replace("files: prices.csv", "glob: '*.csv'"))])


def test_choices_are_those_of_the_command_line():
    schema = json_schema()["$defs"]

    assert schema["TaskSpec"]["properties"]["preset"]["enum"] == list(PRESETS)
    assert schema["BudgetSpec"]["properties"]["backend"]["enum"] == list(BACKENDS)
    assert schema["SourceSpec"]["properties"]["interval"]["anyOf"][0]["enum"] == list(INTERVALS)
    for name in ("on_bad_lines", "duplicates", "missing"):
        assert schema["ReadingSpec"]["properties"][name]["enum"] == list(CHOICES[name])


def test_the_schema_that_editors_read_is_that_of_the_model():
    shipped = json.loads((ROOT / "pipelines" / "schema.json").read_text())

    assert shipped == json_schema(), (
        "python -c 'from pathlib import Path; from forecastr.files import write_json; "
        'from forecastr.pipeline.spec import json_schema; write_json(Path("pipelines/schema.json"), json_schema())\''
    )
    assert shipped["properties"].keys() == PipelineSpec.model_fields.keys()


@pytest.mark.parametrize("path", sorted((ROOT / "pipelines").glob("*.yaml")), ids=lambda path: path.name)
def test_pipelines_of_the_repository_are_sound(path):
    assert check_pipelines([path])
    assert path.read_text().startswith("# yaml-language-server: $schema=schema.json\n")
