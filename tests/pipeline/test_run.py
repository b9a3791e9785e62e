"""Nights: what they decide, publish and refuse; the same again; a kill at every step; rows that come later."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import create_engine

from forecastr.errors import ConfigError
from forecastr.pipeline import night as nights

FIRST, SECOND, THIRD, LATER = "1988-09-07", "1988-09-08", "1988-09-09", "1988-09-20"


KILLED_AT = """
import os, signal, sys
from forecastr.pipeline import journal
write, left = journal.write_json, int(sys.argv.pop())
def killed(path, document):
    global left
    write(path, document)
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
journal.write_json = killed
from forecastr.cli.main import main
main()
"""


def copy_fit(fit: Path, folder: Path, rows) -> None:
    """Copy a finished fit as if it were one of these rows."""
    shutil.copytree(fit, folder, dirs_exist_ok=True)
    summary = json.loads((folder / "summary.json").read_text())
    summary["data"]["fingerprint"] = rows.fingerprint
    (folder / "summary.json").write_text(json.dumps(summary))


class KilledError(BaseException):
    """What no handler catches: the process is gone."""


def test_the_first_night_searches_and_publishes_with_its_date(first_night):
    forecast = pd.read_csv(first_night.forecast)

    assert forecast["as_of"].unique().tolist() == [FIRST]
    assert forecast["ds"].tolist() == ["9/8/1988", "9/9/1988", "9/12/1988", "9/13/1988", "9/14/1988"]
    document = json.loads((first_night.folder / f"runs/oil/nights/{FIRST}/night.json").read_text())
    assert document["status"] == "done"
    assert document["steps"]["decide"]["reason"] == "there is no champion yet"
    assert document["steps"]["promote"]["champion"] == f"{FIRST}-search"
    assert set(document["steps"]["track"]) == {"fit", "night"}


def test_the_same_night_again_changes_nothing_and_says_so(desk):
    desk.run(SECOND)
    before = desk.state()

    outcome = desk.run(SECOND)

    assert outcome.status == "already done"
    assert desk.state() == before


def test_a_usual_night_predicts_with_the_champion(desk):
    events = []
    outcome = desk.run(SECOND, events.append)

    assert outcome.groups[""]["action"] == "predict"
    assert outcome.groups[""]["champion"] == f"{FIRST}-search"
    assert [event["event"] for event in events] == ["rows", "decided", "champion", "published", "warning"]
    assert "wait for it; the forecast is published" in events[-1]["text"]  # the store does not answer
    assert pd.read_csv(desk.forecast)["ds"].tolist() == ["9/9/1988", "9/12/1988", "9/13/1988", "9/14/1988", "9/15/1988"]


def test_no_night_sees_later_rows(desk, tmp_path):
    desk.run(SECOND)
    told = desk.forecast.read_bytes()
    other = type(desk)(tmp_path / "other")
    shutil.copytree(desk.folder, other.folder)
    shutil.rmtree(other.folder / "runs" / "oil" / "nights" / SECOND)
    lines = other.table.read_text().splitlines()
    later = next(number for number, line in enumerate(lines) if line.startswith("9/9/1988"))
    other.table.write_text("\n".join([*lines[:later], *(f"{line.split(',')[0]},9999" for line in lines[later:])]))

    other.run(SECOND)

    assert other.forecast.read_bytes() == told


def test_a_fit_of_other_rows_is_made_again(desk, monkeypatch):
    fit, fitted = desk.folder / f"runs/oil/fits/{FIRST}-search", []
    desk.edit("refit_after: 40, pause: 5", "refit_after: 1, pause: 0")

    def fit_table(rows, folder, options, **rest):
        fitted.append(rows.fingerprint)
        copy_fit(fit, folder, rows)

    monkeypatch.setattr(nights, "fit_table", fit_table)
    monkeypatch.setattr(nights, "compare_bundles", lambda *bundles: (_ for _ in ()).throw(KilledError))
    for _ in range(2):
        with pytest.raises(KilledError):
            desk.run(SECOND)
    assert len(fitted) == 1
    lines = desk.table.read_text().splitlines()
    desk.table.write_text("\n".join([lines[0], *lines[2:]]))  # a row less, where the challenger is trained
    with pytest.raises(KilledError):
        desk.run(SECOND)
    assert len(fitted) == 2


def test_a_night_of_the_past_leaves_the_newest_forecast_in_place(desk):
    desk.run(THIRD)
    newest = desk.forecast.read_bytes()

    outcome = desk.run(SECOND)

    assert outcome.status == "done"
    assert desk.forecast.read_bytes() == newest


def test_broken_rows_are_refused_and_the_old_forecast_stays(desk):
    line = next(line for line in desk.table.read_text().splitlines() if line.startswith("9/8/1988"))
    before = desk.forecast.read_bytes()
    desk.change(line, f"9/8/1988,{100 * float(line.split(',')[1]):g}")

    outcome = desk.run(SECOND)

    assert outcome.status == "refused"
    assert outcome.groups[""]["reason"].startswith("out of range: 'DCOILWTICO' is 1451 on 9/8/1988")
    assert desk.forecast.read_bytes() == before
    desk.change(f"9/8/1988,{100 * float(line.split(',')[1]):g}", line)
    assert desk.run(SECOND).status == "done"


def test_a_column_that_the_first_night_does_not_find_is_a_mistake_in_the_file(desk):
    shutil.rmtree(desk.folder / "runs")
    desk.forecast.unlink()
    desk.edit("files: prices.csv", "files: prices.csv\nreading: {target: DCOILWTICI}")
    before = desk.state()

    with pytest.raises(ConfigError, match=r"oil\.yaml, line 3: .*reading\.target names 'DCOILWTICI', and there is no"):
        desk.run(FIRST)

    assert desk.state() == before


def test_a_table_that_cannot_be_read_is_refused(desk):
    before = desk.forecast.read_bytes()
    desk.table.write_text("nothing\n")

    outcome = desk.run(SECOND)

    assert outcome.status == "refused"
    assert desk.forecast.read_bytes() == before


def killed_at(count: int, *, after: bool):
    """Return a ``Path.replace`` at which the process is gone: before or after so many files have got their names."""
    replace, left = Path.replace, count

    def killed(path: Path, target: Path) -> Path:
        nonlocal left
        left -= 1
        if left < 0 and not after:
            raise KilledError
        moved = replace(path, target)
        if left < 0:
            raise KilledError
        return moved

    return killed


def kill_everywhere(desk, night: str, tmp_path: Path, *, after: bool) -> int:
    """Kill a night before or after each file that it writes, run it again, and compare; return how many kills."""
    whole = type(desk)(tmp_path / "whole")
    shutil.copytree(desk.folder, whole.folder)
    whole.run(night)
    expected, kills = whole.state(), 0
    while True:
        victim = type(desk)(tmp_path / f"killed-{kills}")
        shutil.copytree(desk.folder, victim.folder)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Path, "replace", killed_at(kills, after=after))
            try:
                victim.run(night)
            except KilledError:
                kills += 1
            else:
                return kills
        victim.run(night)
        assert victim.state() == expected, f"after kill {kills}"


@pytest.mark.parametrize("after", [pytest.param(False, marks=pytest.mark.slow), True])
def test_a_night_killed_at_any_file_and_run_again_ends_alike(desk, tmp_path, after):
    assert kill_everywhere(desk, SECOND, tmp_path, after=after) >= 10


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True])
def test_a_challenged_night_killed_at_any_file_and_run_again_ends_alike(desk, tmp_path, monkeypatch, after):
    fit = desk.folder / f"runs/oil/fits/{FIRST}-search"
    desk.edit("refit_after: 40, pause: 5", "refit_after: 1, pause: 0")
    monkeypatch.setattr(nights, "fit_table", lambda rows, folder, options, **rest: copy_fit(fit, folder, rows))

    assert kill_everywhere(desk, LATER, tmp_path, after=after) >= 11
    document = json.loads((tmp_path / f"whole/runs/oil/nights/{LATER}/night.json").read_text())
    assert document["steps"]["challenge"]["fit"] == f"{LATER}-refit"


def test_a_kill_while_publishing_leaves_a_whole_forecast(desk, monkeypatch):
    from forecastr.bundle import tables

    def killed(*arguments, **options):
        raise KilledError

    before = desk.forecast.read_bytes()
    monkeypatch.setattr(tables, "table_text", killed)
    with pytest.raises(KilledError):
        desk.run(SECOND)
    monkeypatch.undo()
    assert desk.forecast.read_bytes() == before

    assert desk.run(SECOND).status == "done"
    assert pd.read_csv(desk.forecast)["as_of"].unique().tolist() == [SECOND]


def test_a_database_holds_every_night_once_and_a_query_reads_from_it(desk):
    prices = pd.read_csv(desk.table).rename(columns={"DCOILWTICO": "price"})
    prices["Date"] = pd.to_datetime(prices["Date"]).dt.strftime("%Y-%m-%d")
    engine = create_engine(f"sqlite:///{desk.folder}/base.db")
    prices.to_sql("prices", engine, index=False)
    desk.edit("files: prices.csv", 'sql: "select Date, price as DCOILWTICO from prices where Date <= :as_of"\n'
                                   "  url: sqlite:///base.db")  # fmt: skip
    desk.edit("forecast.csv", "forecast.csv\n  table: {url: 'sqlite:///base.db', name: forecasts}")

    for night in (SECOND, THIRD):
        assert desk.run(night).status == "done"
    done = desk.folder / f"runs/oil/nights/{THIRD}/night.json"
    done.write_text(done.read_text().replace('"done"', '"forecast"'))  # killed before it was written down
    desk.run(THIRD)

    held = pd.read_sql_query("select * from forecasts order by as_of", engine)
    assert held["as_of"].tolist() == [SECOND] * 5 + [THIRD] * 5
    assert held["pipeline"].unique().tolist() == ["oil"]
    engine.dispose()


def test_a_failure_in_one_group_does_not_stop_the_others(desk, monkeypatch):
    fit = desk.folder / f"runs/oil/fits/{FIRST}-search"
    prices = pd.read_csv(desk.table).rename(columns={"DCOILWTICO": "y"}).assign(store="a", region="north")
    both = [prices, prices.assign(store="b", region="south"), prices.assign(store="c", region="north")]
    both = [part.assign(y=pd.to_numeric(part["y"], errors="coerce") + shift) for shift, part in enumerate(both)]
    pd.concat(both).to_csv(desk.table, index=False)
    desk.edit("files: prices.csv", "files: prices.csv\nreading: {id: store, target: 'y', time: Date}\ngroup_by: region")

    def fit_north_only(rows, folder, options, **rest):
        if "b" in set(rows.frame["unique_id"]):
            raise RuntimeError("no luck")
        copy_fit(fit, folder, rows)

    monkeypatch.setattr(nights, "fit_table", fit_north_only)
    outcome = desk.run(SECOND)

    assert outcome.status == "partly"
    assert list(outcome.groups) == ["north", "south"]
    assert outcome.failures["south"]["reason"] == "RuntimeError: no luck"
    assert (desk.folder / "runs/oil/failures.csv").read_text().splitlines() == [
        "as_of,group,status,reason", f"{SECOND},south,failed,RuntimeError: no luck",
    ]  # fmt: skip
    forecast = pd.read_csv(desk.forecast)
    assert forecast["region"].unique().tolist() == ["north"]
    assert {"a", "c"} <= set(forecast["unique_id"])

    monkeypatch.setattr(nights, "fit_table", lambda rows, folder, options, **rest: copy_fit(fit, folder, rows))
    outcome = desk.run(SECOND)
    assert {name: night["status"] for name, night in outcome.groups.items()} == {
        "north": "already done", "south": "done",
    }  # fmt: skip
    assert pd.read_csv(desk.forecast)["region"].unique().tolist() == ["north", "south"]
    assert (desk.folder / "runs/oil/failures.csv").read_text() == "as_of,group,status,reason\n"
    assert desk.run(SECOND).status == "already done"

    pd.concat([both[0], both[2]]).to_csv(desk.table, index=False)
    outcome = desk.run(THIRD)
    assert outcome.failures["south"]["reason"].startswith("none of its rows are there any more")
    forecast = pd.read_csv(desk.forecast)
    assert forecast.groupby("region")["as_of"].unique().map(list).to_dict() == {"north": [THIRD], "south": [SECOND]}


def test_groups_need_a_column_that_tells_them_apart(desk):
    desk.edit("files: prices.csv", "files: prices.csv\ngroup_by: region")

    with pytest.raises(ConfigError, match=r"oil\.yaml, line 3: 'region' tells no groups apart"):
        desk.run(SECOND)


def test_the_store_hears_of_refused_nights_and_the_alias_stays_with_the_newest_champion(desk, monkeypatch):
    from forecastr.pipeline.scoring import Comparison
    from forecastr.tracking import champion
    from forecastr.tracking.client import open_store

    fit, uri = desk.folder / f"runs/oil/fits/{FIRST}-search", f"sqlite:///{desk.folder}/mlflow.db"
    desk.edit("'http://127.0.0.1:9'", f"'{uri}', model: oil")
    desk.edit("refit_after: 40, pause: 5", "refit_after: 1, pause: 0")
    monkeypatch.setattr(nights, "fit_table", lambda rows, folder, options, **rest: copy_fit(fit, folder, rows))
    monkeypatch.setattr(nights, "compare_bundles", lambda *bundles: Comparison(1.0, 2.0, 0.01, 9))

    assert desk.run("1989-07-13").status == "refused"  # stale
    assert desk.run(THIRD).groups[""]["promoted"]
    newest = champion(uri, "oil")
    assert desk.run(SECOND).groups[""]["promoted"]

    assert champion(uri, "oil") == newest
    with open_store(uri) as client:
        [experiment] = [each for each in client.search_experiments() if each.name == "oil"]
        found = client.search_runs([experiment.experiment_id], "tags.kind = 'night'")
        assert len(client.search_model_versions("name = 'oil'")) == 2
    told = {run.info.run_name: run.data.tags["reason"] for run in found}
    assert sorted(told) == [f"oil/{SECOND}", f"oil/{THIRD}", "oil/1989-07-13/refused"]
    assert told["oil/1989-07-13/refused"].startswith("stale: the newest row is of ")


def test_nights_that_the_store_missed_are_delivered_when_it_answers(desk):
    from forecastr.tracking.client import open_store

    desk.run(SECOND)
    uri = f"sqlite:///{desk.folder}/mlflow.db"
    desk.edit("http://127.0.0.1:9", uri)
    desk.run(THIRD)

    with open_store(uri) as client:
        [experiment] = [each for each in client.search_experiments() if each.name == "oil"]
        runs = client.search_runs([experiment.experiment_id], "tags.kind = 'night'")
    assert sorted(run.info.run_name for run in runs) == [f"oil/{SECOND}", f"oil/{THIRD}"]
    assert all(run.data.tags["action"] == "predict" for run in runs)
    assert np.isfinite(runs[0].data.metrics["new_rows"])


@pytest.mark.slow
@pytest.mark.parametrize("write", range(7))
def test_a_process_killed_at_any_step_and_run_again_ends_alike(desk, tmp_path, command_environment, write):
    whole = type(desk)(tmp_path / "whole")
    shutil.copytree(desk.folder, whole.folder)

    def night(of, *python: str, then: tuple[str, ...] = ()) -> int:
        command = [sys.executable, *python, "run", "oil.yaml", "--as-of", SECOND, *then]
        done = subprocess.run(command, cwd=of.folder, env=command_environment, capture_output=True, check=False)
        return done.returncode

    # Each attempt is a process of its own: forecasts are equal to the last digit between processes of one kind.
    assert night(whole, "-m", "forecastr.cli.main") == 0
    assert night(desk, "-c", KILLED_AT, then=(str(write),)) == -signal.SIGKILL
    assert night(desk, "-m", "forecastr.cli.main") == 0

    assert desk.state() == whole.state()


@pytest.mark.slow
def test_a_challenger_is_fitted_judged_on_rows_neither_has_seen_and_tracked(desk):
    desk.edit("refit_after: 40", "refit_after: 5")
    for night in pd.bdate_range(SECOND, "1988-09-20"):
        outcome = desk.run(f"{night:%Y-%m-%d}")
        if outcome.groups[""]["action"] == "refit":
            break

    document = json.loads((desk.folder / f"runs/oil/nights/{outcome.as_of}/night.json").read_text())
    challenge = document["steps"]["challenge"]
    assert challenge["fit"] == f"{outcome.as_of}-refit"
    assert challenge["cutoffs"] >= 1
    members = {}
    for name in (f"{FIRST}-search", challenge["fit"]):
        summary = json.loads((desk.folder / f"runs/oil/fits/{name}/summary.json").read_text())
        configs = [member["config"] for member in summary["chosen"]["members"]]
        members[name] = sorted(configs, key=json.dumps)  # which of them is the better one, later rows may see otherwise
    assert members[challenge["fit"]] == members[f"{FIRST}-search"]
    last = json.loads((desk.folder / f"runs/oil/fits/{challenge['fit']}/summary.json").read_text())["splits"]
    assert last["test"]["end"] < document["steps"]["rows"]["last"]
