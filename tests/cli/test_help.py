"""What the command says about itself, word for word, and how fast."""

import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

COMMANDS = ("", "inspect", "fetch", "fit", "predict", "backtest", "init", "run", "runs", "sync", "ui", "doctor")
GOLDEN = Path(__file__).with_name("golden")
HEAVY = (
    "tensorflow",
    "keras",
    "keras_tuner",
    "jax",
    "torch",
    "mlflow",
    "yaml",
    "sqlalchemy",
    "pandas",
    "numpy",
    "sklearn",
    "matplotlib",
    "yfinance",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_reads_as_agreed(forecastr_here, tmp_path, command):
    shown = forecastr_here(*command.split(), "--help", cwd=tmp_path)

    golden = GOLDEN / f"{command or 'forecastr'}.txt"
    assert shown.returncode == 0
    assert shown.stdout == golden.read_text(), (
        f"If the new text is meant: COLUMNS=80 forecastr {command} --help > {golden}"
    )


def test_every_command_has_its_golden_help(forecastr_here, tmp_path):
    text = forecastr_here("--help", cwd=tmp_path).stdout
    listed = [line.split()[0] for line in text.partition("Commands:\n")[2].splitlines()]

    assert listed == list(COMMANDS[1:])
    assert {path.stem for path in GOLDEN.iterdir()} == {"forecastr", *listed}


def test_without_a_command_the_help_is_shown(forecastr_here, tmp_path):
    shown = forecastr_here(cwd=tmp_path)

    assert shown.returncode == 2
    assert shown.stdout + shown.stderr == (GOLDEN / "forecastr.txt").read_text()


@pytest.mark.parametrize("arguments", [["--help"], ["fit", "--help"]])
def test_help_loads_nothing_heavy(arguments):
    code = (
        f"import sys; sys.argv[1:] = {arguments}\n"
        "from forecastr.cli.main import main\n"
        "try:\n    main()\n"
        f"finally:\n    sys.stderr.write(' '.join(set(sys.modules) & set({HEAVY})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stderr == ""
    assert "Usage:" in done.stdout


def test_help_is_there_at_once(forecastr, tmp_path):
    def seconds() -> float:
        started = time.perf_counter()
        forecastr("--help", cwd=tmp_path)
        return time.perf_counter() - started

    assert statistics.median(seconds() for _ in range(5)) < 1.5  # about 0.1 on an idle machine


@pytest.mark.parametrize(("arguments", "code"), [(["--help"], 0), (["nothing"], 2), (["inspect", "none.csv"], 2)])
def test_the_process_ends_with_the_commands_code_and_all_it_said(forecastr, tmp_path, arguments, code):
    done = forecastr(*arguments, cwd=tmp_path)
    assert done.returncode == code
    assert (done.stdout + done.stderr).endswith("\n")


def test_output_that_nobody_reads_is_no_traceback(tmp_path):
    (tmp_path / "y.csv").write_text("ds,y\n" + "".join(f"2026-01-{day:02d},{day}\n" for day in range(1, 29)))
    with subprocess.Popen(
        [sys.executable, "-m", "forecastr.cli.main", "inspect", "y.csv", "--json"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        process.stdout.close()
        assert process.wait() not in (0, 2)
        assert process.stderr.read() == ""
