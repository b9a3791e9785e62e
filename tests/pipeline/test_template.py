"""`forecastr init`: a file that is sound as it is written."""

import pytest

from forecastr.data import ReadOptions
from forecastr.errors import ConfigError, DataError
from forecastr.pipeline.check import check_pipelines
from forecastr.pipeline.template import write_template


@pytest.fixture
def table(tmp_path):
    """Return a table of two columns of numbers."""
    rows = "".join(f"2024-{1 + day // 28:02d}-{1 + day % 28:02d},{100 + day % 7},{day}\n" for day in range(200))
    (tmp_path / "sales: all.csv").write_text("Day,Sales,Other\n" + rows)
    return tmp_path / "sales: all.csv"


def test_a_written_file_is_sound_and_says_what_was_found(table, tmp_path):
    output = tmp_path / "pipelines" / "sales.yaml"

    write_template(table, output, ReadOptions(target=("Sales",), freq="D"))

    [pipeline] = check_pipelines([output])
    assert pipeline.spec.reading.target == ["Sales"]
    assert pipeline.spec.reading.time == "Day"
    assert pipeline.file(pipeline.spec.source.files[0]).resolve() == table
    assert output.read_text().startswith("# yaml-language-server: $schema=schema.json\n")
    assert (output.parent / "schema.json").exists()
    commented = "\n".join(line.replace("# ", "", 1) if line.startswith("  # ") else line
                          for line in output.read_text().splitlines())  # fmt: skip
    output.write_text(commented.replace("# group_by", "group_by"))
    assert check_pipelines([output])[0].spec.tracking.model == "sales"


def test_what_cannot_be_told_is_asked_for_and_nothing_is_written(table, tmp_path):
    with pytest.raises(DataError, match="--target"):
        write_template(table, tmp_path / "p.yaml", ReadOptions())
    with pytest.raises(ConfigError, match=r"ends in \.yaml"):
        write_template(table, tmp_path / "p.txt", ReadOptions(target=("Sales",)))

    assert list(tmp_path.iterdir()) == [table]


def test_a_file_that_is_there_stays(table, tmp_path):
    (tmp_path / "p.yaml").write_text("mine")

    with pytest.raises(ConfigError, match="is there already"):
        write_template(table, tmp_path / "p.yaml", ReadOptions(target=("Sales",)))


@pytest.mark.parametrize("content", ['{"title": "Invoice"}', "[]", "no json"])
def test_another_schema_that_is_there_stays(table, tmp_path, content):
    (tmp_path / "schema.json").write_text(content)

    with pytest.raises(ConfigError, match=r"schema\.json is there already and is another schema than ours"):
        write_template(table, tmp_path / "q.yaml", ReadOptions(target=("Sales",)))
    assert (tmp_path / "schema.json").read_text() == content
    assert not (tmp_path / "q.yaml").exists()
