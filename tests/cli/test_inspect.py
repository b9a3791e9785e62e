"""``forecastr inspect``: what was read, what is planned, a picture; and nothing is trained or written."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

KEYS = {
    *("name", "data", "task", "inputs", "splits", "exceptions", "warnings", "budget"),
    *("seasons", "first_exceptions", "estimate", "why_no_plan", "data_report"),
}
HEAVY = ("tensorflow", "keras", "keras_tuner", "jax", "mlflow", "sklearn", "scipy", "matplotlib", "plotly", "yfinance")


def facts(text: str) -> dict[str, str]:
    """Return the lines of an inspection by their name, continued ones joined; the first of each name counts."""
    found: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if line[:12].strip():
            name = line[:12].strip()
            found.setdefault(name, line[12:])
        elif name:
            found[name] += " " + line.strip()
    return found


def days(n: int, series: int = 1) -> pd.DataFrame:
    """Return daily sales with a weekly rhythm."""
    stamps = pd.date_range("2024-01-01", periods=n)
    parts = [pd.DataFrame({"shop": f"s{k}", "day": stamps, "sales": 10 + k + np.arange(n) % 7}) for k in range(series)]
    return pd.concat(parts)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Return a folder with tables of several kinds."""
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8")
    days(100).drop(columns="shop").to_csv(tmp_path / "days.csv", index=False)
    days(4).drop(columns="shop").to_csv(tmp_path / "short.csv", index=False)
    days(60, series=3).to_csv(tmp_path / "shops.csv", index=False)
    (tmp_path / "words.csv").write_text("day,mood\n2024-01-01,fine\n2024-01-02,bad\n")
    return tmp_path


def test_a_table_is_told_fact_by_fact_in_eighty_columns(forecastr_here, place):
    done = forecastr_here("inspect", "days.csv", "--horizon", "7", "--jobs", "2", cwd=place)

    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(len, done.stdout.splitlines())) <= 80
    told = facts(done.stdout)
    assert told["table"] == "days.csv: 100 rows, one series"
    assert told["file"] == "comma-separated, decimal point, utf-8"
    assert told["time"] == "day (its name is 'day' and it reads as a time)"
    assert told["target"] == "sales (the only numeric column left)"
    assert told["dates"] == "2024-01-01 to 2024-04-09, written %Y-%m-%d"
    assert told["frequency"] == "daily"
    assert told["seasons"].startswith("7 steps (strength 1.")
    assert told["horizon"] == "7 steps"
    assert told["test"] == "2024-03-21 to 2024-04-09, 20 rows, 14 windows"  # a fifth; 20 - 7 + 1 cutoffs
    assert "trials" in told["search"]
    assert told["memory"].startswith("about ")


def test_the_picture_has_the_parts_marked_and_is_ascii_where_nothing_else_can_be_shown(forecastr, place, monkeypatch):
    shown = forecastr("inspect", "days.csv", cwd=place).stdout.split("\n\n")[2]
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    plain = forecastr("inspect", "days.csv", cwd=place).stdout

    assert shown.splitlines()[0] == "sales"
    assert any("\u2801" <= character <= "\u28ff" for character in shown)
    assert shown.splitlines()[-2].split() == ["validation", "test"]
    assert shown.splitlines()[-1].split() == ["2024-01-01", "2024-04-09"]
    assert plain.isascii()
    assert "#" in plain


def test_a_panel_tells_of_its_series(forecastr_here, place):
    told = facts(forecastr_here("inspect", "shops.csv", "--id", "shop", cwd=place).stdout)

    assert told["table"] == "shops.csv: 180 rows, 3 series"
    assert told["id"] == "shop (named by --id)"
    assert told["lengths"].startswith("60 rows each")


def test_a_document_for_scripts_has_stable_keys(forecastr_here, place):
    done = forecastr_here("inspect", "days.csv", "--json", "--time-limit", "1h", "--jobs", "1", cwd=place)

    document = json.loads(done.stdout)
    assert set(document) == KEYS
    assert document["why_no_plan"] is None
    assert document["seasons"][0]["length"] == 7
    assert document["splits"]["test"]["rows"] == 20
    assert set(document["estimate"]) == {
        "windows", "trials", "updates", "workers", "updates_a_second", "memory_mib",
    }  # fmt: skip
    low, high = document["estimate"]["trials"]
    assert 1 < low < high < 3600
    assert document["data_report"]["dates"]["example"] == {"text": "2024-01-01", "read_as": "2024-01-01T00:00:00"}


def test_a_dry_run_tells_the_same(forecastr_here, place):
    inspected = json.loads(forecastr_here("inspect", "days.csv", "--json", "--horizon", "3", cwd=place).stdout)
    planned = json.loads(forecastr_here("fit", "days.csv", "--dry-run", "--json", "--horizon", "3", cwd=place).stdout)

    assert inspected == planned


def test_what_was_read_is_shown_even_where_there_is_no_plan(forecastr_here, place):
    sentence = "The longest series has 4 rows; at least 5 are needed, and 5 for a horizon of 1. Bring more rows."
    done = forecastr_here("inspect", "short.csv", cwd=place)
    document = forecastr_here("inspect", "short.csv", "--json", cwd=place)

    assert done.returncode == document.returncode == 2
    assert done.stderr == document.stderr == f"error: {sentence}\n"
    told = facts(done.stdout)
    assert told["table"] == "short.csv: 4 rows, one series"
    assert "horizon" not in told
    assert "┤" in done.stdout  # the picture too
    assert set(json.loads(document.stdout)) == KEYS
    assert json.loads(document.stdout)["why_no_plan"] == sentence


def test_a_table_that_cannot_be_read_is_one_sentence(forecastr_here, place):
    done = forecastr_here("inspect", "words.csv", cwd=place)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: words.csv: no numeric column is left to forecast")


def test_names_in_a_table_cannot_command_the_terminal(forecastr_here, place):
    table = days(60, series=2)
    table["shop"] = table["shop"].replace({"s0": "\x1b[2J=cmd()", "s1": "../x \N{PILE OF POO}"})
    table.to_csv(place / "odd.csv", index=False)

    done = forecastr_here("inspect", "odd.csv", "--id", "shop", cwd=place)
    first = json.loads(forecastr_here("inspect", "odd.csv", "--id", "shop", "--json", cwd=place).stdout)

    assert (done.returncode, first["data"]["series"]) == (0, 2)
    assert "\x1b" not in done.stdout
    assert "?[2J=cmd()" in done.stdout


def test_nothing_is_written(forecastr_here, place):
    before = {path.name for path in place.iterdir()}
    forecastr_here("inspect", "days.csv", cwd=place)

    assert {path.name for path in place.iterdir()} == before


def test_standard_input_and_several_files_are_tables_too(forecastr, place, command_environment):
    script = f"{sys.executable} -m forecastr.cli.main inspect - --json < days.csv"
    piped = subprocess.run(
        script, shell=True, cwd=place, env=command_environment, capture_output=True, text=True, check=True
    )
    days(100).drop(columns="shop").to_csv(place / "more.csv", index=False)
    several = json.loads(forecastr("inspect", "days.csv", "more.csv", "--json", cwd=place).stdout)

    assert json.loads(piped.stdout)["data"]["rows"] == 100
    assert several["data"]["series"] == 2


def test_only_what_reading_needs_is_loaded(place):
    code = (
        "import sys; sys.argv[1:] = ['inspect', 'days.csv']\n"
        "from forecastr.cli.main import main\n"
        "try:\n    main()\n"
        f"finally:\n    sys.stderr.write(' '.join(set(sys.modules) & set({HEAVY})))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=place, capture_output=True, text=True, check=True)

    assert done.stderr == ""
