"""A first pipeline file for a table: what was found in it, and every other setting as a comment."""

import json
import os
from pathlib import Path
from typing import Any

import yaml

from forecastr.data.options import ReadOptions
from forecastr.errors import ConfigError
from forecastr.files import write_json, write_text
from forecastr.fitting.inspection import Inspection, inspect_table
from forecastr.pipeline.spec import json_schema

SCHEMA = "schema.json"
FIRST_LINE = f"# yaml-language-server: $schema={SCHEMA}"
TEXT = """\
{first_line}
# {name}: {rows:,} rows, {series}, {frequency}.
# Try it:   forecastr run --check {file}
# A night:  forecastr run {file}
# Paths are relative to this file. docs/pipelines.md says what each key does.

source:
  files: {path}  # or one of: glob, folder, tickers, sql with url

reading:  # as the options of `forecastr fit`
{reading}

task:
  horizon: {horizon}  # steps to forecast
{season}

budget:  # of a fit; most nights need none
  time_limit: {time_limit}
  # max_trials: 8

gate:  # rows that fail are refused, and the last good forecast stays
  max_age: 5  # steps that the newest row may lie behind the night's date
  min_rows: {min_rows}

triggers:  # when the champion is challenged; on other nights it predicts
  refit_after: 20  # new rows
  search_after: 250  # new rows
  worse_than_baseline: 1.1  # rolling error over the baseline's

outputs:
  forecast: {output}

tracking:
  experiment: {experiment}
  # model: {experiment}  # a registered model whose alias 'champion' follows the one in use

# group_by: region  # a model for each group of series
"""


def write_template(table: Path, output: Path, reading: ReadOptions) -> Inspection:
    """Write a pipeline file for a table, and the JSON schema beside it for editors.

    Raises
    ------
    DataError
        If the table cannot be read in one way only, or not be forecast.
    ConfigError
        If the file is there already, or a ``schema.json`` that is another one.
    """
    if output.suffix not in (".yaml", ".yml"):
        raise ConfigError(f"{output}: a pipeline file's name ends in .yaml.")
    if output.exists():
        raise ConfigError(f"{output} is there already. Name another file, or remove it.")
    schema = output.parent / SCHEMA
    if schema.exists() and not _is_ours(schema):
        raise ConfigError(f"{schema} is there already and is another schema than ours. Write to another folder.")
    found = inspect_table(table, reading)
    if found.error:
        raise found.error
    output.parent.mkdir(parents=True, exist_ok=True)
    write_text(output, template(found.document, table, output, reading))
    write_json(schema, json_schema())
    return found


def _is_ours(schema: Path) -> bool:
    """Say whether a file is a schema of pipeline files, perhaps of an earlier release."""
    try:
        return bool(json.loads(schema.read_text(encoding="utf-8"))["title"] == json_schema()["title"])
    except (ValueError, KeyError, TypeError):
        return False


def template(document: dict[str, Any], table: Path, output: Path, reading: ReadOptions) -> str:
    """Return the text of a pipeline file for an inspected table."""
    data, task, name = document["data"], document["task"], output.stem
    said: dict[str, Any] = {"target": data["target"], "time": data["time"], "id": data["id"]} | reading.to_dict()
    seasons = ", ".join(str(length) for length in task["season_lengths"])
    return TEXT.format(
        first_line=FIRST_LINE,
        name=table.name,
        file=output.name,
        rows=data["rows"],
        series="one series" if data["series"] == 1 else f"{data['series']:,} series",
        frequency=task["frequency"],
        path=_scalar(os.path.relpath(table.absolute(), output.parent.absolute())),
        reading="\n".join(f"  {key}: {_scalar(value)}" for key, value in said.items() if value is not None),
        horizon=task["horizon"],
        season=f"  # season: {task['season_lengths'][0]}  # found in the data: {seasons}",
        time_limit="2m",
        min_rows=max(1, data["rows"] // 2),
        output=_scalar(f"{name}-forecast.csv"),
        experiment=_scalar(name),
    )


def _scalar(value: Any) -> str:
    """Return a value as YAML writes it in one line."""
    plain = list(value) if isinstance(value, tuple) else value
    return yaml.safe_dump(plain, default_flow_style=True, width=10**6, allow_unicode=True).removesuffix("...\n").strip()
