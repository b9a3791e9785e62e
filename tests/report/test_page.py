"""The page: opened in a real browser, and what it says."""

import json
import re

import numpy as np
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

from forecastr.report import write_page
from forecastr.report.charts import curves_chart, horizon_chart, series_chart
from forecastr.report.lines import join_lines
from forecastr.report.page import file_rows, json_for_script, key_figures, leaderboard_rows, next_commands

HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
TRACES_IN = "return document.querySelectorAll(`#${arguments[0]} .main-svg .trace`).length"


def write(path, fakes, *, summary=None, data_report=None, events=None, leaderboard=None, **shape):
    write_page(
        path,
        summary=summary or fakes.make_summary(),
        data_report=data_report or fakes.make_data_report(),
        leaderboard=fakes.make_leaderboard() if leaderboard is None else leaderboard,
        events=fakes.make_events() if events is None else events,
        **fakes.make_tables(**shape),
    )


def open_page(browser, path):
    """Open the page, wait for its charts, and return every address it asked for."""
    browser.get(path.as_uri())
    WebDriverWait(browser, 20).until(lambda b: b.execute_script(TRACES_IN, "chart-curves") > 0)
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    requests = [message["params"] for message in messages if message["method"] == "Network.requestWillBeSent"]
    # The browser's own first tab asks for things too: only this page's requests count.
    asked_for = [request["request"]["url"] for request in requests if request["documentURL"] == path.as_uri()]
    return [address for address in asked_for if not address.startswith(("data:", "blob:"))]


def test_in_a_browser_the_verdict_is_on_top_and_every_chart_is_drawn(browser, tmp_path, fakes):
    path = tmp_path / "report.html"
    write(path, fakes, n_history=400, n_test=250, horizon=10)

    asked_for = open_page(browser, path)

    assert asked_for == [path.as_uri()]
    assert browser.get_log("browser") == []
    verdict = browser.find_element(By.ID, "verdict")
    assert fakes.make_summary()["verdict"]["sentence"] in verdict.text
    assert verdict.location["y"] < 250
    assert browser.execute_script(TRACES_IN, "chart-series") >= 3
    assert browser.execute_script(TRACES_IN, "chart-horizon") == 5
    assert browser.execute_script(TRACES_IN, "chart-curves") == 9

    axis = "return document.getElementById('chart-series')._fullLayout.xaxis.range.map(String)"
    whole = browser.execute_script(axis)
    browser.find_element(By.ID, "zoom-close").click()
    WebDriverWait(browser, 5).until(lambda b: b.execute_script(axis) != whole)

    names = "return [...document.querySelectorAll('#leaderboard tbody tr')].map(r => r.cells[0].textContent)"
    browser.find_elements(By.CSS_SELECTOR, "#leaderboard thead button")[0].click()
    sorted_names = browser.execute_script(names)
    assert sorted_names == sorted(sorted_names, key=str.lower)
    assert browser.get_log("browser") == []


def test_in_a_browser_series_are_chosen_and_a_hostile_id_is_only_text(browser, tmp_path, fakes):
    summary, data_report = fakes.make_summary(n_series=3), fakes.make_data_report()
    summary["name"] = summary["data"]["target"] = summary["warnings"][0] = HOSTILE
    summary["verdict"]["sentence"] = data_report["columns"]["time"]["name"] = data_report["path"] = HOSTILE
    leaderboard = fakes.make_leaderboard()
    leaderboard["reason"] = HOSTILE
    path = tmp_path / "report.html"
    ids = ["first", HOSTILE, "last"]
    write(path, fakes, summary=summary, data_report=data_report, leaderboard=leaderboard, n_series=3, ids=ids)

    open_page(browser, path)
    choice = Select(browser.find_element(By.ID, "series-choice"))
    drawn = "const d = document.getElementById('chart-series').data; return d[d.length - 1].y.slice(0, 20)"
    first = browser.execute_script(drawn)
    choice.select_by_index(1)
    WebDriverWait(browser, 5).until(lambda b: b.execute_script(drawn) != first)

    assert [option.text for option in choice.options] == ids
    assert "owned" not in browser.title.split(":")[-1]
    assert browser.title.startswith(HOSTILE)
    assert browser.find_elements(By.CSS_SELECTOR, "img[src=x]") == []
    assert browser.get_log("browser") == []


def test_a_script_block_cannot_be_closed_from_inside():
    text = json_for_script({"id": "</script><!--\u2028"})

    assert not re.search("[<>&\u2028]", text)


@pytest.mark.parametrize("kind", ["better", "not better", "copy", "undecided"])
def test_the_verdict_has_the_colour_of_its_kind(tmp_path, fakes, kind):
    path = tmp_path / "report.html"
    write(path, fakes, summary=fakes.make_summary(kind=kind))

    assert f'<section id="verdict" class="verdict {kind.replace(" ", "-")}">' in path.read_text("utf-8")


def test_the_page_survives_undefined_metrics_no_trials_and_one_step(tmp_path, fakes):
    summary = fakes.make_summary(horizon=1)
    summary["metrics"] = {name: dict.fromkeys(values) for name, values in summary["metrics"].items()}
    summary["horizon_errors"] = {n: [None] if n != "step" else [1] for n in summary["horizon_errors"]}
    summary["verdict"] |= {"skill": None, "p_value": None, "kind": "undecided"}
    path = tmp_path / "report.html"

    write(path, fakes, summary=summary, events=[], horizon=1, n_test=5)

    assert "nan" not in re.sub("<script.*?</script>", "", path.read_text("utf-8"), flags=re.DOTALL).lower()


def test_key_figures_show_the_model_beside_the_best_baseline(fakes):
    figures = {figure["name"]: figure for figure in key_figures(fakes.make_summary())}

    assert figures["Skill score"]["value"] == "+11.5 %"
    assert (figures["MASE"]["value"], figures["MASE"]["note"]) == ("0.912", "theta: 1.030. Lower is better")
    assert figures["80 % interval"]["value"] == "81 %"
    assert figures["p-value"]["value"] == "0.003"


def test_leaderboard_rows_tell_ensemble_baselines_and_failures_apart(fakes):
    rows = {row["name"]: row for row in leaderboard_rows(fakes.make_leaderboard(), best_baseline="theta")["rows"]}

    assert rows["forecastr"]["style"] == "ours"
    assert rows["theta"]["style"] == "baseline best"
    assert rows["drift"]["style"] == "baseline"
    assert rows["0003"]["style"] == "failed"
    assert rows["0003"]["reason"] == "failed: killed: signal 9"
    assert rows["0007"]["note"].startswith("LSTM 2 × 128, dropout 0.3")


def test_how_the_file_was_read_is_told_in_words_without_what_does_not_apply(fakes):
    report = fakes.make_data_report()
    report["dialect"]["separator"] = "\t"

    assert file_rows(report) == {
        "separator": "tab",
        "decimal": ".",
        "encoding": "utf-8",
        "date format": "%m/%d/%Y",
        "first date": "1/2/1986",
        "last date": "1/2/2019",
        "frequency": "business-daily",
        "calendar alias": "B",
    }


def test_commands_can_be_pasted_whatever_the_folder_is_called(tmp_path):
    commands = list(next_commands(tmp_path / "a run" / "bundle").values())

    assert commands[0] == f"forecastr predict '{tmp_path}/a run/bundle' --data NEW.csv"
    compile(commands[2], "page", "exec")


def test_charts_hold_the_numbers_of_the_tables(fakes):
    tables = fakes.make_tables(n_history=60, n_test=20, horizon=10)
    chart = series_chart(join_lines("series_000", **tables), baseline_name="theta")

    traces = {trace["name"]: trace for trace in chart["data"] if "name" in trace}
    expected = [*tables["backtest"]["forecastr"], *tables["forecast"]["forecastr"]]
    np.testing.assert_allclose(traces["forecast"]["y"], expected, rtol=1e-6)
    assert traces["forecast"]["x"][-1] == tables["forecast"]["ds"].max().strftime("%Y-%m-%d")
    assert set(traces) == {"95 % interval", "80 % interval", "best baseline: theta", "forecast", "actual"}
    assert chart["layout"]["shapes"][0]["x0"] == tables["history"]["ds"].max().strftime("%Y-%m-%d")


def test_error_by_horizon_is_bars_for_one_step_with_the_best_on_top(fakes):
    chart = horizon_chart(fakes.make_summary(horizon=1)["horizon_errors"], baseline_name="theta")

    assert [bar["y"][0] for bar in chart["data"]][-2:] == ["theta (best baseline)", "forecastr"]


def test_curves_of_many_trials_are_one_trace_with_gaps(fakes):
    chart = curves_chart(fakes.make_events(12))

    assert len(chart["data"]) == 9
    others = chart["data"][0]
    assert others["name"] == "other completed trials"
    assert others["y"].count(None) == 12 - 2 - 1  # 0003 and 0008 failed, one is the best


def test_in_a_browser_the_page_of_a_real_fit_is_whole(browser, fit):
    asked_for = open_page(browser, fit.folder / "report.html")

    assert asked_for == [(fit.folder / "report.html").as_uri()]
    assert browser.get_log("browser") == []
    summary = json.loads((fit.folder / "summary.json").read_text())
    assert summary["verdict"]["sentence"] in browser.find_element(By.ID, "verdict").text
    for chart in ("chart-series", "chart-horizon", "chart-curves"):
        assert browser.execute_script(TRACES_IN, chart) >= 2, chart
    named = browser.find_element(By.ID, "leaderboard").text
    assert all(name in named for name in ("forecastr", "theta", "0000", "0001"))


def test_a_page_without_a_forecast_says_why_and_still_shows_the_test_part(tmp_path, fakes):
    tables = fakes.make_tables(n_series=2)
    summary = fakes.make_summary() | {
        "covariates": {"sentences": ["Known covariates (promo) helped: validation MASE 0.7 with them, 1.0 without."]},
        "forecast": {"rows": 0, "missing": "'promo' is not known for 20 of 20 steps to forecast"},
    }
    path = tmp_path / "report.html"
    write_page(
        path, summary=summary, data_report=fakes.make_data_report(), leaderboard=fakes.make_leaderboard(),
        events=fakes.make_events(), **{**tables, "forecast": tables["forecast"].iloc[:0]},
    )  # fmt: skip
    text = path.read_text(encoding="utf-8")
    assert "Known covariates (promo) helped" in text
    assert "No forecast yet: &#39;promo&#39; is not known for 20 of 20 steps" in text
    assert "series_001" in text
