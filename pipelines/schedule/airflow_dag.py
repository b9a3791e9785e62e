"""An Airflow DAG: one night of a pipeline, past ones filled in with ``airflow dags backfill``."""

from datetime import datetime, timedelta

from airflow.sdk import dag, task


@dag(schedule="15 2 * * *", start_date=datetime(2024, 1, 1), catchup=False, max_active_runs=1)
def forecastr_prices():
    """Run ``pipelines/prices.yaml`` for the day that is over."""

    @task.bash(cwd="/srv/forecastr", retries=2, retry_delay=timedelta(minutes=10))
    def night() -> str:
        """Return the command; the same date twice changes nothing, so a retry is safe."""
        return ".venv/bin/forecastr run pipelines/prices.yaml --as-of {{ macros.ds_add(ds, -1) }}"

    night()


forecastr_prices()
