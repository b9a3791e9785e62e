"""The model registry: names that stay, versions behind them, and the alias that says which one is used."""

import re
from typing import TYPE_CHECKING

from forecastr.errors import ConfigError, TrackingError
from forecastr.tracking.address import resolve_store, without_password
from forecastr.tracking.client import open_store
from forecastr.tracking.names import to_tag

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.entities.model_registry import RegisteredModel

    from mlflow import MlflowClient

CHAMPION = "champion"
_NAME = re.compile(r"[^/:@'\"]+")


def register_model(
    tracking_uri: str | None, run_id: str, name: str, *, alias: str | None = None, description: str | None = None
) -> str:
    """Put the model of a tracked fit into the registry and return its version there.

    Calling again for the same run returns the version that is there already.

    Parameters
    ----------
    tracking_uri : str or None
        The store; see `resolve_store`.
    run_id : str
        A parent run, as `track_run` returns it.
    name : str
        The registered model, created if it is new.
    alias : str or None
        Also point this alias at the version: see `set_alias`.
    description : str or None
        What the version's page says; by default the verdict, the data's fingerprint and how to call it.

    Returns
    -------
    str
        The version: ``"1"`` for the first.

    Raises
    ------
    ConfigError
        If the name cannot be one.
    TrackingError
        If the run has no model, or the store cannot be reached or written.
    """
    require_name(name)
    with open_store(resolve_store(tracking_uri)) as client:
        run = client.get_run(run_id)
        model_id = model_of_run(run)
        if find_model(client, name) is None:
            client.create_registered_model(name)
        versions = client.search_model_versions(f"name = '{name}'")
        version = next((str(each.version) for each in versions if each.run_id == run_id), None)
        if version is None:
            # The place itself: "models:/ID" as a source would be looked up in the store active in this process.
            source = str(client.get_logged_model(model_id).artifact_location)
            version = str(client.create_model_version(name, source, run_id, model_id=model_id).version)
        if not client.get_model_version(name, version).description:  # new, or interrupted before it was described
            text = description or describe_version(run, f"models:/{name}/{version}")
            client.update_model_version(name, version, text)
        if alias:
            _point(client, name, alias, version)
    return version


def set_alias(tracking_uri: str | None, name: str, version: str, alias: str = CHAMPION) -> None:
    """Point an alias of a registered model at a version; the model's page then describes that one.

    Raises
    ------
    TrackingError
        If there is no such version, or the store cannot be reached or written.
    """
    with open_store(resolve_store(tracking_uri)) as client:
        _point(client, name, alias, version)


def champion(tracking_uri: str | None, name: str, alias: str = CHAMPION) -> tuple[str, str] | None:
    """Return the version that an alias points at and the run it came from; None where there is none.

    Raises
    ------
    TrackingError
        If the store cannot be reached or read.
    """
    with open_store(resolve_store(tracking_uri)) as client:
        model = find_model(client, name)
        if model is None or alias not in model.aliases:
            return None
        found = client.get_model_version_by_alias(name, alias)
        return str(found.version), str(found.run_id)


def require_name(name: str) -> None:
    """Raise a ConfigError unless MLflow can address a registered model of this name."""
    if not _NAME.fullmatch(name.strip()):
        raise ConfigError(f"'{name}' cannot be the name of a registered model. Leave out / : @ and quotes.")


def find_model(client: "MlflowClient", name: str) -> "RegisteredModel | None":
    """Return a registered model, None if there is none of this name."""
    from mlflow.exceptions import MlflowException

    try:
        return client.get_registered_model(name)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise


def model_of_run(run: "Run") -> str:
    """Return the id of the model that a fit logged."""
    models = run.outputs.model_outputs if run.outputs else []
    if not models:
        raise TrackingError(
            f"The run {run.info.run_id} has no model. Name the run of a fit: `forecastr runs` lists them."
        )
    return str(models[-1].model_id)


def describe_version(run: "Run", address: str) -> str:
    """Return what a version's page says, in markdown: verdict, data, and how to call it."""
    tags, parameters = run.data.tags, run.data.params
    shape = f"horizon {parameters.get('horizon', '?')}, {parameters.get('frequency', '?')}"
    return to_tag(
        f"""**{tags.get("verdict_sentence", "No verdict.")}**

Data: {parameters.get("data", "?")}, {parameters.get("rows", "?")} rows, fingerprint `{tags.get("fingerprint", "?")}`;
{shape}; forecastr {tags.get("forecastr", "?")}, run `{run.info.run_id}`.

```
forecastr predict {address} --data newer.csv
mlflow models serve -m {address} --env-manager local --port 5002
```

```python
import mlflow

model = mlflow.pyfunc.load_model("{address}")
model.predict(history)  # columns unique_id, ds, y; without rows it follows the last ones it has seen
```
"""
    )


def _point(client: "MlflowClient", name: str, alias: str, version: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        text = client.get_model_version(name, version).description
        client.set_registered_model_alias(name, alias, version)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        uri = without_password(client.tracking_uri)
        raise TrackingError(f"There is no version {version} of a model '{name}' in {uri}.") from error
    if alias == CHAMPION:
        client.update_registered_model(
            name, (text or "").replace(f"models:/{name}/{version}", f"models:/{name}@{alias}")
        )
