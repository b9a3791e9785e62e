"""A pipeline after its first night, whose champion is the one real fit that many tests look at."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

FIRST = "1988-09-07"  # the 700th row, the last that the fit has seen
FILE = """\
source:
  files: prices.csv
task: {horizon: 5, context: 20}
budget: {time_limit: 30s, max_trials: 1, jobs: 1}
triggers: {refit_after: 40, pause: 5, rolling: 10}
outputs:
  forecast: out/forecast.csv
"""


SOUND = """\
source:
  files: prices.csv
task:
  horizon: 5
outputs:
  forecast: out/forecast.csv
"""


@dataclass(frozen=True)
class Desk:
    """A folder with a table of 760 prices, the pipeline file ``oil.yaml``, and its state."""

    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / "oil.yaml"

    @property
    def table(self) -> Path:
        return self.folder / "prices.csv"

    @property
    def forecast(self) -> Path:
        return self.folder / "out" / "forecast.csv"

    def run(self, as_of: str, watch: Callable = lambda event: None):
        """Run a night in this process."""
        from forecastr.pipeline.load import load_pipeline
        from forecastr.pipeline.run import run_pipeline

        return run_pipeline(load_pipeline(self.file), as_of, watch=watch)

    def edit(self, old: str, new: str) -> None:
        """Change the pipeline file."""
        text = self.file.read_text()
        assert old in text
        self.file.write_text(text.replace(old, new))

    def change(self, old: str, new: str) -> None:
        """Change the table."""
        text = self.table.read_text()
        assert old in text
        self.table.write_text(text.replace(old, new))

    def state(self) -> dict[str, bytes]:
        """Return every file of the state and the output, but for the fit's own and the lock."""
        files = [path for path in self.folder.rglob("*") if path.is_file() and path.name != ".lock"]
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in files if "fits" not in path.parts}


@pytest.fixture(scope="session")
def first_night(fit, tmp_path_factory) -> Desk:
    """Return the desk after its first night. Look, do not touch."""
    desk = Desk(tmp_path_factory.mktemp("pipeline"))
    shutil.copyfile(fit.newer, desk.table)
    shutil.copytree(fit.folder, desk.folder / f"runs/oil/fits/{FIRST}-search")
    desk.file.write_text(FILE + f"tracking: {{uri: 'sqlite:///{desk.folder}/mlflow.db'}}\n")
    assert desk.run(FIRST).status == "done"
    return desk


@pytest.fixture
def desk(first_night, tmp_path, monkeypatch) -> Desk:
    """Return a desk of one's own after the first night; its store is a server that does not answer.

    The champion of all desks is loaded, and its network compiled, once.
    """
    from forecastr.pipeline import night

    load, fits = night.load_fit, first_night.folder / "runs" / "oil" / "fits"
    shared = lambda folder: load(fits / folder.name if (fits / folder.name).exists() else folder)  # noqa: E731
    monkeypatch.setattr(night, "load_fit", shared)
    folder = tmp_path / "desk"
    shutil.copytree(first_night.folder, folder, ignore=shutil.ignore_patterns("mlflow.db*", "mlruns"))
    own = Desk(folder)
    own.file.write_text(FILE + "tracking: {uri: 'http://127.0.0.1:9'}\n")
    return own


@pytest.fixture
def written(tmp_path) -> Callable[..., Path]:
    """Return a function that writes a pipeline file, its table beside it, and returns its path."""
    (tmp_path / "prices.csv").write_text("Date,Price\n2024-01-01,1\n")

    def write(text: str, name: str = "p.yaml") -> Path:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


@pytest.fixture
def sound() -> str:
    """Return the text of a short pipeline file that has no mistake."""
    return SOUND


@pytest.fixture(autouse=True)
def quick_to_give_up(monkeypatch):
    """Let a store that does not answer cost no seconds."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
