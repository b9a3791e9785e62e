"""`forecastr run` as schedulers meet it: exit codes, one JSON document, and events as lines of JSON."""

import io
import json

import pytest

from forecastr.cli.events import Events
from forecastr.pipeline.journal import only_run

SECOND = "1988-09-08"


def test_a_night_and_the_same_again_exit_with_0(desk, forecastr_here):
    done = forecastr_here("run", "oil.yaml", "--as-of", SECOND, cwd=desk.folder)

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:2] == [
        f"night     {SECOND}",
        "decision  predict: 1 new row, and nothing calls for a challenge",
    ]
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert [event["event"] for event in events] == ["rows", "decided", "champion", "published", "warning", "ended"]
    assert all(list(event)[:4] == ["time", "event", "pipeline", "as_of"] for event in events)
    again = forecastr_here("run", "oil.yaml", "--as-of", SECOND, "--json", cwd=desk.folder)
    assert again.returncode == 0
    told = json.loads(again.stdout)
    assert (told["status"], told["action"], told["forecast"]) == ("already done", "predict", "out/forecast.csv")
    [line] = again.stderr.splitlines()
    assert json.loads(line)["status"] == "already done"


def test_a_night_forecasts_what_predict_does_to_the_last_digit(desk, forecastr_here):
    assert forecastr_here("run", "oil.yaml", "--as-of", SECOND, cwd=desk.folder).returncode == 0
    [bundle] = (desk.folder / "runs" / "oil" / "fits").iterdir()
    until = desk.table.read_text().splitlines(keepends=True)[: 1 + 701]  # the night's row is the 701st
    (desk.folder / "until.csv").write_text("".join(until))
    done = forecastr_here("predict", bundle, "--data", "until.csv", "--output", "predicted.csv", cwd=desk.folder)
    assert done.returncode == 0, done.stderr
    published = [line.rpartition(",")[0] for line in desk.forecast.read_text().splitlines()]  # without as_of
    assert published == (desk.folder / "predicted.csv").read_text().splitlines()


def test_refused_rows_exit_with_4_and_say_that_the_old_forecast_stays(desk, forecastr_here):
    done = forecastr_here("run", "oil.yaml", "--as-of", "1989-07-13", cwd=desk.folder)

    assert done.returncode == 4
    assert "night     1989-07-13: refused\nbecause   stale: the newest row is of " in done.stdout
    assert "out/forecast.csv stays as it was" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--as-of", "0 2 * * *"], "error: --as-of: '0 2 * * *' is a cron schedule where a date belongs"),
        (["--as-of", "tomorrow"], "error: --as-of: 'tomorrow' is no date; write it as 2024-12-31."),
        (["other.yaml"], "error: 2 files are named. Name one; with --check any number."),
    ],
)
def test_a_command_that_cannot_be_used_exits_with_2(desk, forecastr_here, arguments, sentence):
    done = forecastr_here("run", "oil.yaml", *arguments, cwd=desk.folder)

    assert done.returncode == 2
    assert done.stderr.startswith(sentence)


def test_a_night_that_fails_says_so_in_a_line_of_json(desk, forecastr_here):
    with only_run(desk.folder / "runs" / "oil"):
        done = forecastr_here("run", "oil.yaml", "--as-of", SECOND, cwd=desk.folder)

    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert json.loads(line)["event"] == "failed"
    assert "another run is at work here" in json.loads(line)["reason"]
    desk.edit("horizon: 5", "horizont: 5")
    mistaken = forecastr_here("run", "oil.yaml", "--as-of", SECOND, cwd=desk.folder)
    assert mistaken.returncode == 2
    assert json.loads(mistaken.stderr)["reason"].startswith("oil.yaml, line 3: 'horizont' is no key")


def test_check_says_which_files_are_sound_and_runs_nothing(desk, forecastr_here):
    before = desk.state()
    done = forecastr_here("run", "--check", "oil.yaml", cwd=desk.folder)

    assert (done.returncode, done.stdout) == (0, "sound  oil.yaml\n")
    desk.edit("horizon: 5", "horizont: 5")
    done = forecastr_here("run", "--check", "oil.yaml", cwd=desk.folder)
    assert done.returncode == 2
    assert done.stderr == "error: oil.yaml, line 3: 'horizont' is no key of 'task'; did you mean 'horizon'?\n"
    assert {name: content for name, content in desk.state().items() if name != "oil.yaml"} == {
        name: content for name, content in before.items() if name != "oil.yaml"
    }


def test_on_a_terminal_events_are_words():
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    shown = Terminal()
    watch = Events("oil", SECOND, shown)
    watch({"event": "rows", "rows": 1234, "series": 2, "last": "9/8/1988"})
    watch({"event": "refused", "reasons": ["stale", "too few"], "group": "north"})
    watch({"event": "champion", "champion": "a", "promoted": False, "reason": "not challenged"})
    watch({"event": "challenged", "failed": "no luck"})

    assert shown.getvalue().splitlines() == [
        "1,234 rows of 2 series, the last of 9/8/1988",
        "[north] refused: stale; too few",
        "champion a stays: not challenged",
        "no challenger: no luck",
    ]
