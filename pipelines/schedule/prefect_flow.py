"""A Prefect flow: one night of a pipeline. ``python prefect_flow.py`` serves it on a schedule."""

import subprocess

from prefect import flow, task


@task(retries=2, retry_delay_seconds=600)
def night(pipeline: str, as_of: str | None) -> str:
    """Run the command; the same date twice changes nothing, so a retry is safe."""
    command = [".venv/bin/forecastr", "run", pipeline, "--json", *(["--as-of", as_of] if as_of else [])]
    return subprocess.run(command, cwd="/srv/forecastr", check=True, stdout=subprocess.PIPE, text=True).stdout


@flow(name="forecastr")
def forecast(pipeline: str = "pipelines/prices.yaml", as_of: str | None = None) -> str:
    """Forecast for the night of a date; yesterday's if none is given."""
    return night(pipeline, as_of)


if __name__ == "__main__":
    forecast.serve(name="nightly", cron="15 2 * * *")
