"""The fitted bundle as an MLflow model: code and files, no pickle."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from forecastr.schema import BASELINE, ID, TARGET, TIME, forecast_columns

if TYPE_CHECKING:
    from mlflow.entities import LoggedModel
    from mlflow.models import ModelSignature

    from mlflow import MlflowClient

MODEL_NAME = "model"


def log_bundle(client: "MlflowClient", run_id: str, bundle: Path, *, version: str) -> str:
    """Log ``bundle`` as the model of a run, so that ``runs:/RUN_ID/model`` can be loaded and served.

    Parameters
    ----------
    client : MlflowClient
        The store, open.
    run_id : str
        The parent run.
    bundle : Path
        The bundle's folder.
    version : str
        The release of forecastr that wrote the bundle, which serving it needs.

    Returns
    -------
    str
        The model's id: ``models:/ID`` is its address.
    """
    from mlflow.entities import LoggedModelOutput

    run = client.get_run(run_id)
    experiment_id = run.info.experiment_id
    # An earlier call may have been interrupted: what it began is gone on with.
    begun = client.search_logged_models([experiment_id], f"source_run_id = '{run_id}'")
    logged = (
        begun[0]
        if begun
        else client.create_logged_model(experiment_id, name=MODEL_NAME, source_run_id=run_id, model_type="forecaster")
    )
    if logged.status != "READY":
        _write_model(client, run_id, logged, bundle, version=version)
    if not (run.outputs and run.outputs.model_outputs):
        client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
    return str(logged.model_id)


def _write_model(client: "MlflowClient", run_id: str, logged: "LoggedModel", bundle: Path, *, version: str) -> None:
    import mlflow.pyfunc
    from mlflow.models import Model

    with tempfile.TemporaryDirectory() as folder, _requirements_unchecked():
        local = Path(folder) / MODEL_NAME
        # What mlflow.pyfunc.log_model does, except that it works on the store that is active in the
        # whole process; and requirements left to MLflow's own search would cost many seconds.
        mlflow.pyfunc.save_model(
            local,
            python_model=str(Path(__file__).with_name("pyfunc.py")),
            artifacts={"bundle": str(bundle)},
            signature=_signature(covariate_columns(bundle)),
            pip_requirements=[f"forecastr=={version}"],
            mlflow_model=Model(
                artifact_path=logged.artifact_location,
                model_uuid=logged.model_id,
                model_id=logged.model_id,
                run_id=run_id,
            ),
        )
        client.log_model_artifacts(logged.model_id, str(local))
    client.finalize_logged_model(logged.model_id, "READY")


@contextmanager
def _requirements_unchecked() -> Iterator[None]:
    """Keep MLflow from looking at every file of every installed package, a second, for a warning that nobody sees."""
    from mlflow.utils import environment

    name = "warn_dependency_requirement_mismatches"
    check = getattr(environment, name, None)
    setattr(environment, name, lambda requirements: None)
    try:
        yield
    finally:
        setattr(environment, name, check)


def covariate_columns(bundle: Path) -> list[str]:
    """Return the columns that a bundle's networks read beside the target."""
    task = bundle / "task.json"
    covariates = json.loads(task.read_text(encoding="utf-8")).get("covariates", {}) if task.is_file() else {}
    return [*covariates.get("past", []), *covariates.get("known", [])]


def _signature(covariates: list[str]) -> "ModelSignature":
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    names = [ColSpec("string", name) for name in (ID, TIME)]
    forecasts = [ColSpec("double", name) for name in (*forecast_columns(), BASELINE)]
    # A request of no rows, for what follows those that the bundle has seen, need not name the covariates.
    given = [ColSpec("double", TARGET), *(ColSpec("double", name, required=False) for name in covariates)]
    return ModelSignature(inputs=Schema([*names, *given]), outputs=Schema([*names, *forecasts]))
