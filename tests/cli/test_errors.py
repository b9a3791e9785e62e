"""Commands that cannot be carried out: one sentence on standard error, exit code 2, and nothing written."""

import os
import socket
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

AT_LEAST = "it must be at least 10 and finite: loading, one trial, judging and the report take that long."


def days(n: int) -> str:
    """Return a table of so many days that go up and down."""
    table = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=n), "sales": 10 + np.arange(n) % 5})
    return table.to_csv(index=False)


FITS = {
    "no such file": (
        ["nowhere.csv"],
        "error: nowhere.csv: there is no such file. Check the path.",
    ),
    "a folder without tables": (
        ["photos"],
        "error: photos is a folder without CSV or Parquet files in it. Name a file, or a folder of them.",
    ),
    "too few rows": (
        ["short.csv"],
        "error: The longest series has 4 rows; at least 5 are needed, and 5 for a horizon of 1. Bring more rows.",
    ),
    "horizon too long": (
        ["days.csv", "--horizon", "50"],
        "error: The longest series has 100 rows; a horizon of 50 needs 103: one horizon each for validation and "
        "test, and 3 to train on. Bring more rows, or pass --horizon 48.",
    ),
    "unknown column": (
        ["days.csv", "--target", "price"],
        "error: days.csv: --target names 'price', and there is no such column. It has: 'day', 'sales'.",
    ),
    "unknown preset": (
        ["days.csv", "--preset", "best"],
        "error: preset is 'best'; choose one of auto, classic.",
    ),
    "unknown backend": (
        ["days.csv", "--backend", "theano"],
        "error: backend is 'theano'; choose one of auto, jax, tensorflow, torch.",
    ),
    "unknown backend, dry": (
        ["days.csv", "--backend", "theano", "--dry-run"],
        "error: backend is 'theano'; choose one of auto, jax, tensorflow, torch.",
    ),
    "no duration": (
        ["days.csv", "--time-limit", "soon"],
        "error: 'soon' is not a duration. Write seconds, or a number with s, m or h: 90, 2m, 1.5h.",
    ),
    "no time": (
        ["days.csv", "--time-limit", "0"],
        f"error: time_limit is 0 s; {AT_LEAST}",
    ),
    "endless time": (
        ["days.csv", "--time-limit", "inf"],
        f"error: time_limit is inf s; {AT_LEAST}",
    ),
    "context too long": (
        ["days.csv", "--context", "100"],
        "error: context is 100; the longest series has 100 rows. Pass a smaller --context.",
    ),
    "another run there": (
        ["days.csv", "--output", "earlier"],
        "error: earlier holds another run. Name another folder with --output, or pass --overwrite.",
    ),
    "something else there": (
        ["days.csv", "--output", "photos", "--overwrite"],
        "error: photos is not empty and holds no run of forecastr. Name another folder with --output.",
    ),
    "a file there": (
        ["days.csv", "--output", "short.csv"],
        "error: short.csv is a file. Name a folder with --output.",
    ),
    "nothing varies": (
        ["flat.csv"],
        "error: All values of the training part are the same: there is nothing to learn. Bring more rows.",
    ),
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a folder with tables, an earlier run, and a folder that is nobody's business."""
    (tmp_path / "days.csv").write_text(days(100))
    (tmp_path / "short.csv").write_text(days(4))
    (tmp_path / "flat.csv").write_text("day,sales\n" + "".join(f"2024-01-{d:02d},{max(d, 20)}\n" for d in range(1, 31)))
    (tmp_path / "words.csv").write_text("day,mood\n" + "".join(f"2024-01-{d:02d},fine\n" for d in range(1, 31)))
    (tmp_path / "earlier").mkdir()
    (tmp_path / "earlier" / "summary.json").write_text("{}")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.png").write_bytes(b"meow")
    return tmp_path


def files(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder, with its content."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", FITS)
def test_a_fit_that_cannot_be_done_says_why_and_leaves_nothing(forecastr_here, place, name):
    arguments, sentence = FITS[name]
    before = files(place)

    done = forecastr_here("fit", *arguments, cwd=place)

    assert done.stderr.splitlines()[-1] == sentence
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert files(place) == before


def test_a_table_without_numbers_is_an_error_that_names_its_columns(forecastr_here, place):
    done = forecastr_here("fit", "words.csv", cwd=place)

    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: words.csv: ")
    assert "'mood'" in done.stderr
    assert not (place / "runs").exists()


def test_a_fit_whose_workers_cannot_start_fails_and_keeps_the_earlier_run(forecastr, place, monkeypatch):
    (place / "broken").mkdir()
    (place / "broken" / "keras.py").write_text("raise ImportError('no such kernel')\n")
    monkeypatch.setenv("PYTHONPATH", str(place / "broken"), prepend=os.pathsep)

    done = forecastr("fit", "days.csv", "--output", "earlier", "--overwrite", cwd=place)

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: A worker process could not start (")
    assert "no such kernel" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert files(place / "earlier") == {"summary.json": b"{}"}
    assert not [path for path in place.iterdir() if path.is_dir() and path.name.startswith(".")]


WORKERS_WITHOUT_KERAS = """import sys, types
if "forecastr.engine.worker" in sys.orig_argv:
    sys.modules["keras"] = types.ModuleType("keras")
"""


def test_a_fit_whose_trials_all_fail_says_why_most_did_and_leaves_nothing(forecastr, place, monkeypatch):
    (place / "broken").mkdir()
    (place / "broken" / "sitecustomize.py").write_text(WORKERS_WITHOUT_KERAS)
    monkeypatch.setenv("PYTHONPATH", str(place / "broken"), prepend=os.pathsep)

    done = forecastr("fit", "days.csv", "--output", "run", "--max-trials", "2", cwd=place)

    assert done.returncode == 1
    *_, line, last = done.stderr.splitlines()
    name, _, reason = line.partition(" failed: ")
    assert name in ("trial 0000", "trial 0001")
    assert "keras" in reason
    assert last == f"error: No trial was completed: {reason}."
    assert not (place / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["fit"], "Missing argument"),
        (["fit", "days.csv", "--horizon", "0"], "--horizon"),
        (["fit", "days.csv", "--horizn", "3"], "--horizon"),  # the likely meaning is named
        (["fot", "days.csv"], "'fit'"),
        (["ui", "--port", "0"], "--port"),
    ],
)
def test_a_command_that_cannot_be_read_exits_with_2_and_points_to_help(forecastr_here, place, arguments, word):
    done = forecastr_here(*arguments, cwd=place)

    assert done.returncode == 2
    assert word in done.stderr
    assert "--help" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (
            ["predict", "photos"],
            2,
            "error: photos holds no bundle. Give a run folder of `forecastr fit`, its bundle/ folder, or the address "
            "of a tracked model, models:/NAME@ALIAS.",
        ),
        (
            ["predict", "photos", "--output", "out.txt"],
            2,
            "error: out.txt: write to a file that ends in .csv, .csv.gz, .parquet.",
        ),
        (
            ["backtest", "photos", "days.csv"],
            2,
            "error: photos holds no bundle. Give a run folder of `forecastr fit`, its bundle/ folder, or the address "
            "of a tracked model, models:/NAME@ALIAS.",
        ),
        (
            ["runs"],
            1,
            "error: No runs are tracked yet: there is no {place}/mlflow.db. `forecastr fit` tracks the first.",
        ),
        (
            ["ui"],
            1,
            "error: No runs are tracked yet: there is no {place}/mlflow.db. `forecastr fit` tracks the first.",
        ),
        (
            ["ui", "--tracking-uri", "http://ann:secret@tracking:5000"],
            2,
            "error: The runs are on a server already. Open http://***@tracking:5000 in a browser.",
        ),
        (
            ["doctor", "--backend", "theano"],
            2,
            "error: backend is 'theano'; choose one of auto, jax, tensorflow, torch.",
        ),
    ],
)
def test_the_other_commands_say_what_is_missing_too(forecastr_here, place, arguments, code, sentence):
    before = files(place)

    done = forecastr_here(*arguments, cwd=place)

    assert (done.returncode, done.stderr, done.stdout) == (code, sentence.format(place=place) + "\n", "")
    assert files(place) == before


def test_the_ui_is_shown_to_the_network_only_when_told_and_with_a_warning(forecastr_here, tmp_path, monkeypatch):
    import os

    from forecastr.tracking import prepare_store

    commands = []
    monkeypatch.setattr(os, "execve", lambda program, command, environment: commands.append(command))
    prepare_store(f"sqlite:///{tmp_path}/mlflow.db")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    alone = forecastr_here("ui", "--port", port, cwd=tmp_path)
    told = forecastr_here("ui", "--port", port, "--host", "0.0.0.0", cwd=tmp_path)
    nowhere = forecastr_here("ui", "--port", port, "--host", "192.0.2.1", cwd=tmp_path)

    assert [command[command.index("--host") + 1] for command in commands] == ["127.0.0.1", "0.0.0.0"]
    assert "warning" not in alone.stderr
    assert "warning: whoever reaches 0.0.0.0 can read, change and delete these runs." in told.stderr
    assert nowhere.returncode == 2
    assert f"Port {port} of 192.0.2.1 cannot be used" in nowhere.stderr
