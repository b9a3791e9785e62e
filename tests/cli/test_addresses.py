"""A bundle named by its address in a tracking store, a real one on SQLite."""

import json
import subprocess
import sys

import pytest

from forecastr.tracking import register_model


@pytest.fixture
def registered(fit, command_environment):
    """Return a function that runs the command with the store of a fit that is registered."""
    uri = f"sqlite:///{fit.cwd}/mlflow.db"
    run_id = json.loads(fit.result.stdout)["tracked_run"]["run_id"]
    register_model(uri, run_id, "prices-by-address", alias="champion")

    def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "forecastr.cli.main", *map(str, arguments)],
            cwd=fit.cwd,
            env={**command_environment, "MLFLOW_TRACKING_URI": uri},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_predict_takes_the_address_of_a_registered_model(registered, fit):
    by_address = registered("predict", "models:/prices-by-address@champion")

    assert by_address.returncode == 0, by_address.stderr
    assert by_address.stdout == (fit.folder / "forecast.csv").read_text()


def test_an_address_that_leads_nowhere_says_what_there_is(registered):
    unknown = registered("predict", "models:/prices-by-address@nobody")

    assert unknown.returncode == 1
    assert "the model has no alias 'nobody'. Those there are: champion." in unknown.stderr


@pytest.mark.slow
def test_backtest_takes_an_address_too(registered, fit):
    judged = registered("backtest", "models:/prices-by-address/1", fit.newer)

    assert judged.returncode == 0, judged.stderr
