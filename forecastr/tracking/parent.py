"""What the parent run of a fit says: its parameters, metrics, tags and description."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from forecastr.schema import MODEL
from forecastr.tracking.names import finite_numbers, to_name, to_parameter, to_tag

KIND_TAG = "kind"
FIT = "fit"


def parent_parameters(summary: Mapping[str, Any]) -> dict[str, str]:
    """Return the task, the budget and the data, named as on the command line."""
    data = dict(summary["data"])
    data["data"] = data.pop("path", None)
    data.pop("fingerprint", None)  # a tag, to search by
    values = {**summary["task"], **summary["budget"], **data}
    return {to_name(name): to_parameter(value) for name, value in values.items()}


def parent_metrics(summary: Mapping[str, Any], time: int) -> list[tuple[str, float, int, int]]:
    """Return (name, value, milliseconds, step): every error of model and baselines, and what it cost.

    The model's errors are ``test_mase`` and so on, a baseline's ``test_mase_theta``;
    ``mae_by_horizon`` has the step ahead as its step.
    """
    values: dict[str, Any] = {}
    for model, metrics in summary["metrics"].items():
        values |= {_named(f"test_{metric}", model): value for metric, value in metrics.items()}
    verdict, search = summary["verdict"], summary["search"]
    values |= {"skill": verdict.get("skill"), "p_value": verdict.get("p_value")}
    values |= {name: search.get(name) for name in ("trials", "completed", "failed", "best_score")}
    values |= {f"seconds_{phase}": seconds for phase, seconds in summary["seconds"].items()}
    rows = [(name, value, time, 0) for name, value in finite_numbers(values).items()]
    return rows + _horizon_metrics(summary.get("horizon_errors") or {}, time)


def parent_tags(summary: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """Return the verdict, the fingerprint, and where the fit ran."""
    verdict, device = summary["verdict"], summary["device"]
    tags = {
        KIND_TAG: FIT,
        "verdict": verdict["kind"],
        "verdict_sentence": verdict["sentence"],
        "baseline": summary["baseline"],
        "fingerprint": summary["data"]["fingerprint"],
        "forecastr": summary["forecastr"],
        "backend": device["backend"],
        "device": device["device"],
        "ended_by": summary["search"]["ended_by"],
        "run_folder": folder,
        "mlflow.source.name": "forecastr fit",
    }
    return {name: to_tag(value) for name, value in tags.items()}


def describe(summary: Mapping[str, Any], run_id: str) -> str:
    """Return the run's description in markdown: the verdict, the errors, and how to predict."""
    models = [MODEL, *(name for name in summary["metrics"] if name != MODEL)]
    columns = ("mase", "mae", "rmse", "coverage_80", "coverage_95")
    rows = [_table_row(name, summary["metrics"][name], columns) for name in models]
    return to_tag(
        f"""**{summary["verdict"]["sentence"]}**

Errors on the test part, which nothing was tuned on:

| | {" | ".join(columns)} |
| --- |{" ---: |" * len(columns)}
{chr(10).join(rows)}

Forecast with the model, here or behind a server:

```python
import mlflow
model = mlflow.pyfunc.load_model("runs:/{run_id}/model")
model.predict(history)  # columns unique_id, ds, y; without rows it follows the last ones it has seen
```

```
mlflow models serve -m runs:/{run_id}/model --env-manager local
```
"""
    )


def _named(metric: str, model: str) -> str:
    return metric if model == MODEL else f"{metric}_{model}"


def _horizon_metrics(errors: Mapping[str, Any], time: int) -> list[tuple[str, float, int, int]]:
    steps = errors.get("step") or []
    return [
        (name, number, time, int(step))
        for model, values in errors.items()
        if model != "step"
        for step, value in zip(steps, values, strict=True)
        for name, number in finite_numbers({_named("mae_by_horizon", model): value}).items()
    ]


def _table_row(model: str, metrics: Mapping[str, Any], columns: tuple[str, ...]) -> str:
    cells = ["" if metrics.get(name) is None else f"{metrics[name]:.4g}" for name in columns]
    return f"| {model} | {' | '.join(cells)} |"
