"""The MLflow UI in a real browser, started by `forecastr ui` on a store that three fits were tracked in."""

import json
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from shutil import which

import pytest

from forecastr.tracking import list_runs, register_model, track_run

pytestmark = pytest.mark.slow

FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--window-size=1920,1200",
)
OTHERS = {
    "longer": ("--horizon", "10", "--context", "30", "--max-trials", "2", "--seed", "2"),
    "classic": ("--horizon", "5", "--context", "20", "--max-trials", "1", "--preset", "classic"),
}
METRICS = """
const [names, values] = [...document.querySelectorAll('.ReactVirtualized__Grid')];
const inside = top => values.scrollTop <= top && top + 45 <= values.scrollTop + values.clientHeight;
const cells = grid => [...grid.firstElementChild.children]
  .map(cell => [parseFloat(cell.style.top), cell.innerText.trim()]).filter(([top]) => inside(top));
values.scrollTop += 60;
return Object.fromEntries(cells(names).map(([top, name]) =>
  [name, cells(values).filter(cell => cell[0] === top).map(cell => Number(cell[1]))]));
"""  # those in view, after scrolling a little further


@pytest.fixture(scope="module")
def three(fit, forecastr, tmp_path_factory) -> dict[str, Path]:
    """Return the run folders of three different fits, tracked in one store beside the last two."""
    cwd = tmp_path_factory.mktemp("three")
    store = ("--tracking-uri", f"sqlite:///{cwd}/mlflow.db", "--experiment", "oil")
    track_run(fit.folder, tracking_uri=store[1], experiment=store[3])
    for name, options in OTHERS.items():
        done = forecastr("fit", fit.table, "--output", name, "--time-limit", "40s", *store, *options, cwd=cwd)
        assert done.returncode == 0, done.stderr
    return {"run": fit.folder, **{name: cwd / name for name in OTHERS}}


@pytest.fixture(scope="module")
def store(three: dict[str, Path]) -> str:
    return f"sqlite:///{three['classic'].parent}/mlflow.db"


@pytest.fixture(scope="module")
def page(three: dict[str, Path], command_environment: dict[str, str], tmp_path_factory) -> Iterator[str]:
    """Yield the page that ``forecastr ui`` says to open."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).with_name("forecastr")), "ui", "--port", str(port)]
    told = tmp_path_factory.mktemp("ui") / "ui.log"
    with told.open("w") as log:
        server = subprocess.Popen(
            command, cwd=three["classic"].parent, env=command_environment, stdout=log, stderr=log
        )  # fmt: skip
        try:
            wait_for(f"http://127.0.0.1:{port}/health", server, told)
            yield re.findall(r"MLflow UI on (\S+)", told.read_text())[0]
        finally:
            server.terminate()
            server.wait(timeout=30)


def wait_for(url: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.3)
    pytest.fail(f"The UI did not start:\n{log.read_text()}")


class Browser:
    """A headless Chromium, in words of what a person does; every step waits until it can be done."""

    def __init__(self, folder: Path) -> None:
        from selenium import webdriver

        options = webdriver.ChromeOptions()
        options.binary_location = str(which("chromium"))
        for flag in (*FLAGS, f"--user-data-dir={folder / 'profile'}"):
            options.add_argument(flag)
        self.driver = webdriver.Chrome(options, webdriver.ChromeService(which("chromedriver")))
        self.driver.implicitly_wait(30)
        self.folder = folder

    def open(self, address: str) -> None:
        self.driver.get("about:blank")  # else a change behind the # is not a new page
        self.driver.get(address)

    def find(self, path: str):
        return self.driver.find_element("xpath", path)

    def click(self, path: str):
        self.show(path).click()

    def show(self, path: str):
        """Bring something into the middle of the window."""
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", self.find(path))
        return self.find(path)

    def until(self, what):
        """Return what a question comes to, once it is something."""
        from selenium.webdriver.support.wait import WebDriverWait

        return WebDriverWait(self.driver, 60, poll_frequency=0.1).until(lambda driver: what())

    def picture(self, name: str) -> None:
        self.driver.save_screenshot(str(self.folder / name))


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    if not (which("chromium") and which("chromedriver")):
        pytest.skip("Chromium is not installed")
    opened = Browser(tmp_path)
    yield opened
    opened.driver.quit()


def read_summary(folder: Path) -> dict:
    return json.loads((folder / "summary.json").read_text())


def link(name: str) -> str:
    return f"//a[normalize-space()='{name}']"


def test_the_ui_shows_the_parent_its_trials_its_model_and_the_figure(
    three: dict[str, Path], store: str, page: str, browser: Browser
):
    run_id = list_runs(store).set_index("name").loc["run", "run_id"]
    run = f"{page.split('?')[0]}/{run_id}"

    browser.open(page)
    browser.click(f"{link('run')}/ancestor::*[@role='gridcell']//button")  # its children, folded at first
    for trial in ("trial 0000", "trial 0001"):
        assert browser.find(link(trial)).is_displayed()
    browser.picture("runs.png")

    browser.open(run)
    verdict = read_summary(three["run"])["verdict"]["sentence"]
    assert browser.find(f"//*[contains(text(), '{verdict[:40]}')]").is_displayed()
    assert browser.find("//*[contains(text(), 'Logged models (1)')]").is_displayed()
    browser.picture("run.png")

    browser.open(f"{run}/artifacts/predicted_vs_actual.png")
    figure = browser.find("//img[@alt='predicted_vs_actual.png']")
    assert browser.until(lambda: figure.get_property("naturalWidth")) == 1600
    browser.picture("figure.png")


def test_three_fits_are_selected_and_compared_metrics_parameters_and_pictures_side_by_side(
    three: dict[str, Path], page: str, browser: Browser
):
    browser.open(page)
    browser.click("//button[@aria-label='Close']")  # MLflow's assistant
    browser.click("//button[@aria-label='Toggle sidebar']")
    for name in three:
        row = browser.find(f"{link(name)}/ancestor::*[@role='row']").get_attribute("row-id")
        browser.click(f"//*[@role='row'][@row-id='{row}']//input[@type='checkbox']")
    browser.click("//button[normalize-space()='Compare']")
    assert browser.find("//*[text()='Comparing 3 Runs from 1 Experiment']").is_displayed()
    browser.click("//button[@aria-label='Parameters - Show diff only']")

    rows = browser.driver.find_elements("css selector", ".mlflow-compare-run-table tr")
    told = {cells[0]: cells[1:] for cells in (row.text.split() for row in rows)}
    order = [name for name in re.split(r"\s+", browser.find("//tr[th[text()='Run Name:']]").text) if name in three]
    assert sorted(order) == sorted(three)
    differ = {"horizon": (5, 10, 5), "context_length": (20, 30, 20), "preset": ("auto", "auto", "classic")}
    for parameter, values in {**differ, "seed": (1, 2, 1), "max_trials": (2, 2, 1)}.items():
        expected = dict(zip(three, values, strict=True))
        assert told[parameter] == [str(expected[name]) for name in order]
    assert "target" not in told  # it is the same in all

    browser.show(f"{link('best_score')}/ancestor::*[contains(@class, 'ReactVirtualized__Grid')]")
    shown = browser.until(lambda: metrics_in_view(browser))
    metrics = [read_summary(three[name])["metrics"] for name in order]
    assert shown["test_mase"] == pytest.approx([each["forecastr"]["mase"] for each in metrics], abs=6e-4)
    assert shown["test_mase_last_value"] == pytest.approx([each["last_value"]["mase"] for each in metrics], abs=6e-4)

    browser.click("//*[@artifact-name='predicted_vs_actual.png']")
    pictures = browser.until(lambda: three_pictures(browser))
    places = [picture.rect for picture in pictures]
    assert len({place["y"] for place in places}) == 1
    assert [places[number]["x"] > places[number - 1]["x"] + 400 for number in (1, 2)] == [True, True]
    browser.show("//img[@alt='predicted_vs_actual.png']")
    browser.picture("compared.png")


def metrics_in_view(browser: Browser) -> dict[str, list[float]] | None:
    shown = browser.driver.execute_script(METRICS)
    return shown if all(len(shown.get(name, ())) == 3 for name in ("test_mase", "test_mase_last_value")) else None


def three_pictures(browser: Browser) -> list | None:
    found = browser.driver.find_elements("xpath", "//img[@alt='predicted_vs_actual.png']")
    return found if [each.get_property("naturalWidth") for each in found] == [1600] * 3 else None


def test_the_page_of_a_registered_model_says_the_verdict_the_data_and_how_to_call_it(
    three: dict[str, Path], store: str, page: str, browser: Browser
):
    runs = list_runs(store).set_index("name")["run_id"]
    for name in three:
        register_model(store, runs[name], "oil", alias="champion")

    address = page.split("#")[0]
    for path, called in (("models/oil", "models:/oil@champion"), ("models/oil/versions/1", "models:/oil/1")):
        name = "run" if path.endswith("1") else "classic"
        summary = read_summary(three[name])
        browser.open(f"{address}#/{path}")
        assert browser.find(f"//strong[contains(., '{summary['verdict']['sentence'][:60]}')]").is_displayed()
        assert browser.find(f"//code[.='{summary['data']['fingerprint']}']").is_displayed()
        for call in (f"forecastr predict {called}", f'load_model("{called}")', f"mlflow models serve -m {called}"):
            assert browser.find(f"//pre[contains(., '{call}')]").is_displayed()
        browser.picture(f"{path.replace('/', '-')}.png")
