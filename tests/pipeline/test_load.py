"""A pipeline file and every mistake a person makes in one: a sentence, its line, and the nearest key."""

import json
from pathlib import Path

import pytest

from forecastr.data.options import CHOICES
from forecastr.data.yahoo import INTERVALS
from forecastr.errors import ConfigError
from forecastr.pipeline.check import check_pipelines
from forecastr.pipeline.load import load_pipeline, require_date
from forecastr.pipeline.spec import PipelineSpec, json_schema
from forecastr.schema import BACKENDS, PRESETS

ROOT = Path(__file__).parents[2]


def test_a_short_file_is_enough(written, sound, tmp_path):
    pipeline = load_pipeline(written(sound))

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
    ("task: {horizon: 5}\n\tbudget: 5", "line 4: this is not YAML: found character '\\t' that cannot start any token."),
    ("task: {horizon: 5}\ngroup_by: [a]", "line 4: group_by is '['a']'; it takes a text."),
]  # fmt: skip


@pytest.mark.parametrize(("task", "sentence"), MISTAKES)
def test_a_mistake_is_a_sentence_with_its_line(written, sound, task, sentence):
    path = written(sound.replace("task:\n  horizon: 5", task))

    with pytest.raises(ConfigError) as caught:
        load_pipeline(path)

    assert str(caught.value).startswith(f"{path}, {sentence}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "line 1: a pipeline file holds keys and values, such as 'source:'."),
        (b"# nothing yet\n", "line 1: a pipeline file holds keys and values, such as 'source:'."),
        (b"prices", "line 1: a pipeline file holds keys and values, such as 'source:'."),
    ],
)
def test_a_file_without_keys_says_what_belongs_there(tmp_path, content, sentence):
    (tmp_path / "p.yaml").write_bytes(content)

    with pytest.raises(ConfigError) as caught:
        load_pipeline(tmp_path / "p.yaml")
    assert str(caught.value) == f"{tmp_path}/p.yaml, {sentence}"


def test_a_file_that_cannot_be_read_says_why(tmp_path):
    (tmp_path / "p.yaml").write_bytes(b"task: \xff")

    with pytest.raises(ConfigError, match=r"p\.yaml cannot be read: it is not UTF-8 text\."):
        load_pipeline(tmp_path / "p.yaml")
    with pytest.raises(ConfigError, match=r"absent\.yaml cannot be read: No such file"):
        load_pipeline(tmp_path / "absent.yaml")


def test_no_mistake_shows_a_password(written, sound):
    path = written(sound.replace("files: prices.csv", "sql: select 1\n  url: ['postgresql://ann:se/c@ret@db/x']"))

    with pytest.raises(ConfigError, match=r"line 3: source.url is '\['postgresql://\*\*\*@db/x'\]'; it takes a text\."):
        load_pipeline(path)


@pytest.mark.parametrize(
    ("said", "meant"),
    [("2024-01-31", "2024-01-31"), ("20240131", "2024-01-31"), ("2024-01-31T06:00", "2024-01-31T06:00:00"),
     ("2024-01-31 06:00:00", "2024-01-31T06:00:00")],
)  # fmt: skip
def test_a_night_has_one_name_however_it_is_written(said, meant):
    assert require_date(said, "--as-of") == meant


def test_every_mistake_of_several_files_is_told_in_the_order_of_the_lines(written, sound):
    first = written(sound.replace("horizon: 5", "horizon: x\n  seson: 2").replace("files", "file"), "a.yaml")
    second = written("[]", "b.yaml")

    with pytest.raises(ConfigError) as caught:
        check_pipelines([first, second])

    assert [line.partition(": ")[0].rpartition("/")[2] for line in str(caught.value).splitlines()] == [
        "a.yaml, line 2", "a.yaml, line 4", "a.yaml, line 5", "b.yaml, line 1",
    ]  # fmt: skip


def test_globs_and_dates_are_taken_as_they_are_meant(written, sound):
    dated = written(sound.replace("files: prices.csv", "tickers: [AAPL, ^GSPC]\n  start: 2015-01-01"))
    assert load_pipeline(dated).spec.source.start == "2015-01-01"
    assert check_pipelines([written(sound.replace("files: prices.csv", "glob: '*.csv'"))])


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
