"""Many values in few calls: what a store takes at once is limited, and each call costs milliseconds."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient

_PARAMETERS, _METRICS = 100, 1000


def log_values(
    client: "MlflowClient",
    run_id: str,
    parameters: Mapping[str, str],
    metrics: Sequence[tuple[str, float, int, int]],
    *,
    model_id: str | None = None,
) -> None:
    """Log parameters, and metrics given as (name, value, milliseconds, step), to a run and its model."""
    from mlflow.entities import Metric, Param

    named = [Param(name, value) for name, value in parameters.items()]
    for first in range(0, len(named), _PARAMETERS):
        client.log_batch(run_id, params=named[first : first + _PARAMETERS])
    stepped = [Metric(*row, model_id=model_id) for row in metrics]
    for first in range(0, len(stepped), _METRICS):
        client.log_batch(run_id, metrics=stepped[first : first + _METRICS])
