import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from forecastr.errors import ConfigError, StorageError
from forecastr.fitting.folder import Workplace, find_search, kept_trials, open_folder, require_unused, require_usable
from forecastr.search.ledger import Ledger, read_ledger

SEARCH = {"table": "594e", "jobs": 2, "task": {"horizon": 3, "season_lengths": (1,)}}
FILES = ("bundle/manifest.json", "forecast.csv", "ledger.jsonl", "summary.json")
HOLD = """
import sys, time
from pathlib import Path
from forecastr.fitting.folder import open_folder
with open_folder(Path(sys.argv[1]), {}, overwrite=False, resume=False, watch=print):
    print("held", flush=True)
    time.sleep(60)
"""
RACE = """
import sys
from pathlib import Path
from forecastr.errors import ConfigError
from forecastr.fitting.folder import open_folder, require_unused
folder, alone = Path(sys.argv[1]), 0
for _ in range(40):
    try:
        require_unused(folder)
        with open_folder(folder, {}, overwrite=False, resume=False, watch=lambda event: None) as work:
            (work.scratch / "alone").touch(exist_ok=False)
            alone += 1
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    except ConfigError as error:
        assert "is in use" in str(error), error
print(alone)
"""


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "run"


def opened(folder: Path, search: dict = SEARCH, *, overwrite: bool = False, resume: bool = False, told=None):
    told = [] if told is None else told
    return open_folder(folder, search, overwrite=overwrite, resume=resume, watch=told.append)


def begin(work: Workplace, *, completed: int = 1) -> None:
    """Write the ledger of a search with so many completed trials."""
    with Ledger(work.ledger) as ledger:
        ledger.append("search_started", search=SEARCH, time_limit=60.0)
        for n in range(completed):
            ledger.append("trial_started", trial=f"{n:04d}", config={})
            ledger.append("trial_completed", trial=f"{n:04d}", score=1.0, metrics={}, files={})


def write_run(run: Path, text: str) -> None:
    for name in FILES:
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).write_text(text if name != "ledger.jsonl" else '{"event": "search_started"}\n')


def finish(folder: Path, text: str, **how) -> None:
    with opened(folder, **how) as work:
        begin(work)
        write_run(work.run, text)
        work.publish()


def contents(folder: Path) -> dict[str, str]:
    found = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}
    return {name: text for name, text in found.items() if name != "ledger.jsonl"}


def run_of(text: str) -> dict[str, str]:
    return dict.fromkeys([name for name in FILES if name != "ledger.jsonl"], text)


def test_a_finished_run_takes_its_place_and_nothing_else_stays(folder):
    finish(folder, "new")

    assert contents(folder) == run_of("new")
    assert [event["event"] for event in read_ledger(folder / "ledger.jsonl")][:2] == ["search_started", "trial_started"]


def test_an_earlier_run_goes_when_the_new_one_is_whole(folder):
    write_run(folder, "old")
    (folder / "exceptions.csv").write_text("of the old one")
    with pytest.raises(ConfigError, match="holds another run"):
        finish(folder, "new")
    with pytest.raises(ZeroDivisionError), opened(folder, overwrite=True) as work:
        write_run(work.run, "new")
        1 / 0  # noqa: B018
    assert contents(folder) == {**run_of("old"), "exceptions.csv": "of the old one"}

    finish(folder, "new", overwrite=True)

    assert contents(folder) == run_of("new")


class Killed(BaseException):
    """Stands for a kill: nothing is tidied up after it."""


@pytest.mark.parametrize("overwrite", [True, False])
@pytest.mark.parametrize("moment", range(14))
def test_a_kill_while_the_run_takes_its_place_loses_neither(folder, monkeypatch, overwrite, moment):
    if overwrite:
        write_run(folder, "old")
        for name in ("a.csv", "z.csv"):
            (folder / name).write_text("old")
    rename, done = Path.rename, []

    def rename_until_killed(path: Path, target: Path) -> Path:
        if len(done) == moment:
            raise Killed
        done.append(path)
        return rename(path, target)

    work = Workplace(folder)
    work.scratch.mkdir(parents=True)
    begin(work)
    write_run(work.run, "new")
    with monkeypatch.context() as patch, suppress(Killed):
        patch.setattr(Path, "rename", rename_until_killed)
        work.publish()
    if not work.ledger.exists():  # it was over sooner
        assert contents(folder) == run_of("new")
        return

    with opened(folder, overwrite=overwrite) as again:
        assert len(again.events) == 3  # the search is there to make the run once more
        there = {name: text for name, text in contents(folder).items() if not name.startswith(".search")}
        old = {**run_of("old"), "a.csv": "old", "z.csv": "old"}
        assert there == (run_of("new") if moment else old if overwrite else {})
        write_run(again.run, "newer")
        again.publish()
    assert contents(folder) == run_of("newer")


def test_a_failure_keeps_a_search_with_completed_trials_and_says_so(folder):
    told: list[dict] = []
    with pytest.raises(KeyboardInterrupt), opened(folder, told=told) as work:
        begin(work, completed=2)
        raise KeyboardInterrupt

    assert told == [{"event": "kept", "kept": 2, "folder": str(folder), "interrupted": True}]
    assert kept_trials(folder) == 2
    with opened(folder) as work:
        assert [event["event"] for event in work.events][-1] == "interrupted"


def test_a_failure_without_a_completed_trial_leaves_nothing(folder):
    with pytest.raises(SystemExit), opened(folder) as work:
        begin(work, completed=0)
        raise SystemExit(143)

    assert not folder.exists()


def test_another_search_is_never_mixed_in(folder):
    with pytest.raises(KeyboardInterrupt), opened(folder) as work:
        begin(work)
        raise KeyboardInterrupt
    other = {**SEARCH, "table": "1111", "task": {"horizon": 7, "season_lengths": [1]}}

    with (
        pytest.raises(ConfigError, match="holds another search: its table is another; horizon is 7, was 3"),
        opened(folder, other),
    ):
        pass
    assert kept_trials(folder) == 1
    with opened(folder, other, overwrite=True) as work:
        assert work.events == []


def test_resuming_takes_the_ledger_of_a_finished_run_and_needs_one(folder):
    with pytest.raises(ConfigError, match="holds no search to go on with"), opened(folder, resume=True):
        pass
    assert not folder.exists()
    finish(folder, "first")

    with opened(folder, resume=True) as work:
        assert len(work.events) == 3
        assert read_ledger(work.ledger) == work.events
    assert contents(folder).items() >= run_of("first").items()
    with pytest.raises(ConfigError, match="not both"):
        require_usable(folder, overwrite=True, resume=True)


def test_the_newest_folder_with_the_same_search_is_found(tmp_path):
    for name, search in (("a", SEARCH), ("b", SEARCH), ("c", {**SEARCH, "jobs": 3})):
        with pytest.raises(KeyboardInterrupt), opened(tmp_path / name, search) as work:
            with Ledger(work.ledger) as ledger:
                ledger.append("search_started", search=search, time_limit=60.0)
                ledger.append("trial_started", trial="0000", config={})
                ledger.append("trial_completed", trial="0000", score=1.0, metrics={}, files={})
            raise KeyboardInterrupt
    folders = [tmp_path / name for name in "cba"]

    assert find_search(folders, SEARCH, finished=False) == tmp_path / "b"
    with opened(tmp_path / "b"):
        assert find_search(folders, SEARCH, finished=False) == tmp_path / "a"
    assert find_search(folders, {**SEARCH, "jobs": 9}, finished=False) is None


def test_a_second_fit_says_who_holds_the_folder_until_that_is_killed(folder):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(ConfigError, match=f"run is in use: process {holder.pid} on .* since 20"):
        require_unused(folder)
    with pytest.raises(ConfigError, match="is fitting in it"), opened(folder):
        pass

    holder.kill()
    holder.communicate()

    require_unused(folder)
    finish(folder, "new")
    assert contents(folder) == run_of("new")


def test_fits_that_come_and_go_at_once_never_share_a_folder_nor_stumble(folder):
    """Two processes, each of which opens the folder again and again and leaves nothing in it."""
    racing = [
        subprocess.Popen([sys.executable, "-c", RACE, str(folder)], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    told = [process.communicate(timeout=60)[0] for process in racing]

    assert [process.returncode for process in racing] == [0, 0], told
    assert sum(map(int, told)) > 20  # of 80 times; the others found it in use


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file system")
def test_a_read_only_folder_is_named(tmp_path):
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro,size=1m", "tmpfs", str(tmp_path)], check=True)
    try:
        with (
            pytest.raises(StorageError, match="run cannot be written: Read-only file system"),
            opened(tmp_path / "run"),
        ):
            pass
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
