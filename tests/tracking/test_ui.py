"""The MLflow UI in a real browser, on a store that a fit was tracked in."""

import json
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from shutil import which

import pytest

from forecastr.tracking import UI_SETTINGS, TrackedRun, ui_command

pytestmark = pytest.mark.slow

FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--window-size=1900,1200",
)


@pytest.fixture
def tracked(fit) -> TrackedRun:
    """Return the tracked run of a real fit."""
    run = json.loads(fit.result.stdout)["tracked_run"]
    return TrackedRun(run["run_id"], run["experiment_id"], f"sqlite:///{fit.cwd}/mlflow.db")


@pytest.fixture
def address(tracked: TrackedRun, tmp_path: Path) -> Iterator[str]:
    """Yield the address of the UI, started as the command starts it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (tmp_path / "ui.log").open("w") as log:
        server = subprocess.Popen(
            ui_command(tracked.uri, port), env={**UI_SETTINGS, **os.environ}, stdout=log, stderr=log
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/health", server, tmp_path / "ui.log")
            yield f"http://127.0.0.1:{port}"
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


@pytest.fixture
def browser(tmp_path: Path):
    """Yield a headless Chromium."""
    if not (which("chromium") and which("chromedriver")):
        pytest.skip("Chromium is not installed")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = str(which("chromium"))
    for flag in (*FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options, webdriver.ChromeService(which("chromedriver")))
    driver.implicitly_wait(30)
    yield driver
    driver.quit()


def test_the_ui_shows_the_parent_its_trials_its_model_and_the_figure(
    tracked: TrackedRun, address: str, browser, fit, tmp_path: Path
):
    from selenium.webdriver.common.by import By

    def find(path: str):
        return browser.find_element(By.XPATH, path)

    runs = f"{address}/#/experiments/{tracked.experiment_id}/runs"

    browser.get(f"{runs}?workflowType=machine_learning")
    parent = "//a[normalize-space()='run']"
    assert find(parent).is_displayed()
    find(f"{parent}/ancestor::*[@role='gridcell']//button").click()  # its children, folded at first
    for trial in ("trial 0000", "trial 0001"):
        assert find(f"//a[normalize-space()='{trial}']").is_displayed()
    browser.save_screenshot(str(tmp_path / "runs.png"))

    browser.get(f"{runs}/{tracked.run_id}")
    verdict = json.loads((fit.folder / "summary.json").read_text())["verdict"]["sentence"]
    assert find(f"//*[contains(text(), '{verdict[:40]}')]").is_displayed()
    assert find("//*[contains(text(), 'Logged models (1)')]").is_displayed()
    browser.save_screenshot(str(tmp_path / "run.png"))

    browser.get(f"{runs}/{tracked.run_id}/artifacts/predicted_vs_actual.png")
    figure = find("//img[@alt='predicted_vs_actual.png']")
    time.sleep(1)
    assert browser.execute_script("return arguments[0].naturalWidth", figure) == 1600
    browser.save_screenshot(str(tmp_path / "figure.png"))
