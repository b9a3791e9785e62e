"""Every choice of reading is an option of each command that reads a table."""

import os
from dataclasses import fields
from pathlib import Path

import pytest
import typer

from forecastr.cli.reading import GroupedCommand, reads_tables, tables
from forecastr.data import ReadOptions
from forecastr.data.options import CHOICES
from forecastr.errors import ConfigError

NEGATED = {"dates": "--no-dates", "header": "--no-header"}


@pytest.fixture
def read():
    """Return a function that gives the ReadOptions of a command line."""
    app, seen = typer.Typer(add_completion=False, rich_markup_mode=None), []

    @app.command(cls=GroupedCommand)
    @reads_tables
    def command(*, reading: ReadOptions) -> None:
        seen.append(reading)

    def run(*arguments: str) -> ReadOptions:
        app(list(arguments), standalone_mode=False)
        return seen[-1]

    return run


def test_nothing_said_is_the_default(read):
    assert read() == ReadOptions()


def test_every_field_has_its_option(read):
    said = ReadOptions(
        target=("a", "b"), time="day", id="shop", wide=True, known_covariates=("promo", "holiday"),
        past_covariates=("price",), date_format="%d/%m/%Y", tz="Europe/Berlin", freq="D", dates=False, resample="W",
        as_of="2024-01-01", decimal=",", encoding="cp1252", skip_rows=2, header=False, on_bad_lines="skip",
        duplicates="last", missing="zero",
    )  # fmt: skip
    assert set(said.to_dict()) == {field.name for field in fields(ReadOptions)}
    arguments = []
    for name, value in said.to_dict().items():
        option = NEGATED.get(name, "--" + name.replace("_", "-"))
        text = ",".join(value) if isinstance(value, tuple) else str(value)
        arguments += [option] if isinstance(value, bool) else [option, text]

    assert read(*arguments) == said


@pytest.mark.parametrize("threads", [None, "3"])
def test_reading_options_leaves_the_environment_as_it_was(read, monkeypatch, threads):
    if threads:
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", threads)
    else:
        monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)

    read()

    assert os.environ.get("OPENBLAS_NUM_THREADS") == threads


def test_no_past_covariates_is_not_the_same_as_nothing_said(read):
    assert read("--past-covariates", "none").past_covariates == ("none",)
    assert read().past_covariates is None


def test_a_policy_that_does_not_exist_is_an_error_that_lists_those_that_do(read):
    with pytest.raises(ConfigError, match="duplicates is 'newest'; choose one of error, first, last, mean, sum"):
        read("--duplicates", "newest")


def test_the_help_lists_the_policies_that_there_are():
    text = " ".join((Path(__file__).parent / "golden" / "fit.txt").read_text().split())

    for name in ("duplicates", "missing", "on_bad_lines"):
        described = text.partition("--" + name.replace("_", "-"))[2].partition(" --")[0]
        assert all(policy in described for policy in CHOICES[name] if policy)


def test_arguments_are_a_file_several_or_standard_input():
    one, other = Path("a.csv"), Path("b.csv")

    assert tables([one]) == one
    assert tables([one, other]) == [one, other]
    assert tables([Path("-")]) == "-"
