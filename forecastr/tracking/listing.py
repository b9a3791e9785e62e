"""The tracked fits as a table."""

from typing import TYPE_CHECKING, Any

from forecastr.errors import TrackingError
from forecastr.tracking.address import resolve_store, sqlite_path
from forecastr.tracking.client import open_store
from forecastr.tracking.names import to_name
from forecastr.tracking.parent import FIT, KIND_TAG

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.entities import Experiment, Run

    from mlflow import MlflowClient

COLUMNS = (
    *("started", "name", "experiment", "verdict", "test_mase", "baseline", "baseline_mase"),
    *("skill", "trials", "seconds", "run_id"),
)


def list_runs(tracking_uri: str | None = None, experiment: str | None = None, *, limit: int = 20) -> "pd.DataFrame":
    """Return the latest fits of a store, newest first; trials are left out.

    Parameters
    ----------
    tracking_uri : str or None
        The store; see `resolve_store`.
    experiment : str or None
        Only the fits of this experiment.
    limit : int
        Rows at most.

    Returns
    -------
    DataFrame
        Columns ``started`` (UTC), ``name``, ``experiment``, ``verdict``, ``test_mase``, ``baseline``
        (the best one's name), ``baseline_mase``, ``skill``, ``trials``, ``seconds``, ``run_id``.

    Raises
    ------
    TrackingError
        If there is no store yet, no such experiment, or the store cannot be read.
    """
    import pandas as pd

    uri = resolve_store(tracking_uri)
    path = sqlite_path(uri)
    if path is not None and not path.exists():
        raise TrackingError(f"No runs are tracked yet: there is no {path}. `forecastr fit` tracks the first.")
    with open_store(uri) as client:
        experiments = _find_experiments(client, experiment)
        fits = client.search_runs(
            list(experiments),
            filter_string=f"tags.{KIND_TAG} = '{FIT}'",
            max_results=limit,
            order_by=["attributes.start_time DESC"],
        )
        rows = [_to_row(run, experiments[run.info.experiment_id].name) for run in fits]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.assign(started=pd.to_datetime(table["started"], unit="ms", utc=True))


def runs_page(tracking_uri: str | None = None) -> str:
    """Return the part of the UI's address, behind the port, that shows the latest fit's experiment.

    The UI's own front page is one for language models. Empty if nothing was tracked yet.

    Raises
    ------
    TrackingError
        If there is no store yet, or it cannot be read.
    """
    fits = list_runs(tracking_uri, limit=1)
    if fits.empty:
        return ""
    with open_store(resolve_store(tracking_uri)) as client:
        experiment_id = client.get_run(fits["run_id"].iloc[0]).info.experiment_id
    return f"#/experiments/{experiment_id}/runs?workflowType=machine_learning"


def _find_experiments(client: "MlflowClient", name: str | None) -> dict[str, "Experiment"]:
    found = client.search_experiments()
    chosen = {each.experiment_id: each for each in found if name in (None, each.name)}
    if name is not None and not chosen:
        known = ", ".join(each.name for each in found if each.name != "Default") or "none yet"
        raise TrackingError(f"There is no experiment '{name}' in this store. Those there are: {known}.")
    return chosen


def _to_row(run: "Run", experiment: str) -> dict[str, Any]:
    tags, metrics = run.data.tags, run.data.metrics
    baseline = tags.get("baseline", "")
    return {
        "started": run.info.start_time,
        "name": run.info.run_name,
        "experiment": experiment,
        "verdict": tags.get("verdict"),
        "test_mase": metrics.get("test_mase"),
        "baseline": baseline,
        "baseline_mase": metrics.get(to_name(f"test_mase_{baseline}")),
        "skill": metrics.get("skill"),
        "trials": metrics.get("trials"),
        "seconds": metrics.get("seconds_total"),
        "run_id": run.info.run_id,
    }
