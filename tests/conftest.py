"""The command as users run it, and one real fit that many tests look at."""

import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace

import curl_cffi  # noqa: F401  (yfinance's curl; loaded after TensorFlow it would be given that one's instead)
import pytest

PRICES = Path(__file__).parents[1] / "examples" / "prices.csv"
SCRIPTS = Path(sys.executable).parent
HIDDEN = ("MLFLOW_TRACKING_URI", "KERAS_BACKEND", "JAX_COMPILATION_CACHE_DIR", "FORCE_COLOR", "NO_COLOR")
SMALL = ("--horizon", "5", "--context", "20", "--max-trials", "2", "--jobs", "2", "--time-limit", "90s")

Command = Callable[..., "subprocess.CompletedProcess[str]"]

# A shell's background job ignores Ctrl-C, and so would every command that tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what waits for a store in the tests out of the user's own spool."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@dataclass(frozen=True)
class Fit:
    """A finished ``forecastr fit``.

    Parameters
    ----------
    cwd : Path
        Where it ran; ``mlflow.db`` is there.
    table, newer : Path
        The table, 700 rows, and the same with the 60 rows that follow.
    folder : Path
        The run folder.
    result : CompletedProcess
        What it printed.
    """

    cwd: Path
    table: Path
    newer: Path
    folder: Path
    result: "subprocess.CompletedProcess[str]"


def environment() -> dict[str, str]:
    """Return this process's environment without what would change a command's behaviour."""
    kept = {name: value for name, value in os.environ.items() if name not in HIDDEN}
    return {**kept, "COLUMNS": "80", "TERMINAL_WIDTH": "80", "MLFLOW_DISABLE_TELEMETRY": "true"}


def run_command(*arguments: object, cwd: Path, seconds: float = 180) -> "subprocess.CompletedProcess[str]":
    """Run ``forecastr`` in a process of its own."""
    return subprocess.run(
        [str(SCRIPTS / "forecastr"), *map(str, arguments)],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def first_rows(path: Path, n: int) -> Path:
    """Write the header and the first rows of the oil prices."""
    path.write_text("".join(PRICES.read_text().splitlines(keepends=True)[: n + 1]))
    return path


@pytest.fixture(scope="session")
def forecastr() -> Command:
    """Return a function that runs the command."""
    return run_command


@pytest.fixture
def forecastr_here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Command]:
    """Return a function that runs the command in this process: seconds sooner, where a process is not the point."""
    from forecastr.cli.main import main

    handler = signal.getsignal(signal.SIGTERM)
    for name in HIDDEN:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")

    def run(*arguments: object, cwd: Path) -> "subprocess.CompletedProcess[str]":
        monkeypatch.chdir(cwd)
        monkeypatch.setattr(sys, "argv", ["forecastr", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        return subprocess.CompletedProcess(sys.argv, int(ended.value.code or 0), *capsys.readouterr())

    yield run
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture(scope="session")
def command_environment() -> dict[str, str]:
    """Return the environment that commands run in."""
    return environment()


# A process begins with the most memory that the one it was forked from had: an own small one is asked in between.
MEASURE = (
    "import os, subprocess, sys; process = subprocess.Popen(sys.argv[2:], stdout=subprocess.DEVNULL); "
    "_, status, usage = os.wait4(process.pid, 0); "
    "open(sys.argv[1], 'w').write(f'{os.waitstatus_to_exitcode(status)} {usage.ru_maxrss * 1024}')"
)


def measured_command(*arguments: object, cwd: Path) -> tuple[int, str, int]:
    """Run ``forecastr``; return its exit code, its errors, and the most memory it took, in bytes."""
    with tempfile.NamedTemporaryFile("r") as measured:
        python = [sys.executable, "-S", "-c", MEASURE, measured.name]
        command = [*python, sys.executable, "-m", "forecastr.cli.main", *map(str, arguments)]
        done = subprocess.run(command, cwd=cwd, env=environment(), stderr=subprocess.PIPE, text=True, check=True)
        code, memory = measured.read().split()
    return int(code), done.stderr, int(memory)


@pytest.fixture(scope="session")
def measured() -> Callable[..., tuple[int, str, int]]:
    """Return a function that runs the command and measures its memory."""
    return measured_command


@pytest.fixture(scope="session")
def small() -> tuple[str, ...]:
    """Return options that make a fit small: two trials, always the same."""
    return SMALL


@pytest.fixture(scope="session")
def fit(tmp_path_factory: pytest.TempPathFactory) -> Fit:
    """Return a real fit of the first 700 oil prices. Look, do not touch."""
    cwd = tmp_path_factory.mktemp("fit")
    table, newer = first_rows(cwd / "oil.csv", 700), first_rows(cwd / "newer.csv", 760)
    result = run_command("fit", "oil.csv", "--output", "run", "--json", *SMALL, cwd=cwd)
    assert result.returncode == 0, result.stderr
    return Fit(cwd, table, newer, cwd / "run", result)


def load_helper(path: Path) -> ModuleType:
    """Return a module of the tests that holds no tests."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def yahoo_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """Return the state of a server that answers like Yahoo's, until the session ends."""
    helper = load_helper(Path(__file__).with_name("yahoo_server.py"))
    state, server = helper.start_yahoo(tmp_path_factory.mktemp("yahoo"))
    yield state
    server.shutdown()
    server.server_close()


@pytest.fixture
def yahoo(yahoo_server: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Return the server as this process and its commands meet it, with nothing cached."""
    for name, value in yahoo_server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yahoo_server.trouble.clear()
    yahoo_server.asked.clear()
    yahoo_server.prices.clear()
    return yahoo_server
