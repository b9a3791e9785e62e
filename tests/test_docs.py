"""README and docs are run: every command in them works, and every command of the app is in README."""

import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(page: Path, language: str) -> list[str]:
    """Return the code blocks of a language."""
    return [text for found, text in BLOCK.findall(page.read_text()) if found == language]


def commands() -> list[tuple[Path, str]]:
    """Return every line that begins with ``$ forecastr``, with its page."""
    return [
        (page, line.removeprefix("$ ").partition("  #")[0])
        for page in PAGES
        for text in blocks(page, "console")
        for line in text.splitlines()
        if line.startswith("$ forecastr")
    ]


@pytest.fixture(scope="module")
def desk(fit, tmp_path_factory) -> Path:
    """Return a folder as a reader has it: the example, a finished fit in ``demo`` and ``run``, and its runs."""
    desk = tmp_path_factory.mktemp("desk")
    (desk / "examples").mkdir()
    shutil.copyfile(fit.table, desk / "examples" / "prices.csv")
    shutil.copyfile(fit.table, desk / "prices.csv")
    shutil.copyfile(fit.newer, desk / "newer.csv")
    for name in ("demo", "run"):
        shutil.copytree(fit.folder, desk / name)
    shutil.copyfile(fit.cwd / "mlflow.db", desk / "mlflow.db")
    (desk / "pipelines").mkdir()
    shutil.copyfile(ROOT / "pipelines" / "prices.yaml", desk / "pipelines" / "prices.yaml")
    return desk


@pytest.mark.parametrize(("page", "command"), commands(), ids=lambda value: getattr(value, "name", value))
def test_commands_of_the_pages_work(forecastr_here, desk, yahoo, page, command, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(desk / "state"))  # nothing waits here for a store
    yahoo.prices.update({ticker: [("2024-01-02", 10.0), ("2024-01-03", 11.0)] for ticker in ("AAPL", "MSFT", "^GSPC")})
    arguments = shlex.split(command)[1:]
    if arguments[0] == "fit" and "--dry-run" not in arguments:
        arguments.append("--dry-run")  # the options are understood, and the plan is made; fits have tests of their own
    if arguments[0] == "run" and "--check" not in arguments:
        arguments.append("--check")  # the file and the options are sound; nights have tests of their own
    if arguments[0] == "init":
        (desk / arguments[-1]).unlink(missing_ok=True)  # several pages write it
    if arguments[0] == "ui":
        arguments.append("--help")  # it would serve for ever; tests/cli starts it

    done = forecastr_here(*arguments, cwd=desk)

    assert done.returncode == 0, done.stderr


def test_every_command_and_nothing_but_commands_is_in_the_readme(forecastr_here, tmp_path):
    listed = forecastr_here("--help", cwd=tmp_path).stdout.partition("Commands:\n")[2]

    known = {line.split()[0] for line in listed.splitlines()}
    assert {command.split()[1] for page, command in commands() if page.name == "README.md"} == known


def test_the_first_commands_are_make_demo_and_make_test():
    first = blocks(ROOT / "README.md", "console")[0]
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert [line.split()[:3] for line in first.splitlines()] == [["$", "make", "demo"], ["$", "make", "test"]]
    assert {"demo", "test", "lint"} <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_are_there(page):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_options_named_on_a_page_exist(forecastr_here, page, tmp_path):
    named = set(re.findall(r"`(--[a-z-]+)", page.read_text()))
    golden = "".join(path.read_text() for path in (ROOT / "tests" / "cli" / "golden").iterdir())

    assert named <= set(re.findall(r"--[a-z-]+", golden))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_of_the_pages_runs(page, desk, monkeypatch):
    import forecastr as package

    monkeypatch.chdir(desk)
    if page.name == "README.md":  # one that fits is given a fitted one instead; tests of Forecaster fit
        monkeypatch.setattr(package.Forecaster, "fit", lambda self, table: fitted(self, desk))
    for text in blocks(page, "python"):
        exec(compile(text, str(page), "exec"), {})
    assert page.name != "README.md" or blocks(page, "python")


def fitted(forecaster, desk: Path):
    """Return a forecaster as ``fit`` leaves it, from the run folder."""
    import pandas as pd

    forecaster.bundle_ = type(forecaster).load(desk / "run").bundle_
    forecaster.leaderboard_ = pd.read_csv(desk / "run" / "leaderboard.csv")
    return forecaster


def test_the_pages_name_the_python_that_is_supported():
    readme = (ROOT / "README.md").read_text()

    assert "Python 3.11" in readme
    assert (3, 11) <= sys.version_info[:2] < (3, 14)
