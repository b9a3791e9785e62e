"""Trials as the ledger tells them, and each as a child run."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from forecastr.tracking.batch import log_values
from forecastr.tracking.names import finite_numbers, to_milliseconds, to_name, to_parameter, to_tag

if TYPE_CHECKING:
    from mlflow.entities import Run

    from mlflow import MlflowClient

CURVES = ("loss", "validation_loss", "gradient_norm", "learning_rate")
_RESULTS = ("score", "seconds", "updates", "best_epoch", "parameters")
_STATUS = {"trial_completed": "FINISHED", "trial_failed": "FAILED"}


@dataclass
class Trial:
    """One trial's events: how it started, its epochs, and how it ended (None: the search ended first)."""

    started: dict[str, Any]
    epochs: list[dict[str, Any]] = field(default_factory=list)
    ended: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        """The trial's name in the ledger, such as ``0007``."""
        return str(self.started["trial"])

    @property
    def status(self) -> str:
        """The status of its run: FINISHED, FAILED, or KILLED with the search."""
        return _STATUS[self.ended["event"]] if self.ended else "KILLED"

    @property
    def end_time(self) -> str:
        """When it was last heard of."""
        last = self.ended or (self.epochs[-1] if self.epochs else self.started)
        return str(last["time"])


def collect_trials(events: Iterable[dict[str, Any]]) -> list[Trial]:
    """Return the trials of a ledger in order; of one that was repeated after a kill, the last attempt.

    Examples
    --------
    >>> start = {"event": "trial_started", "time": "2026-11-20", "trial": "0000", "config": {}}
    >>> [trial.status for trial in collect_trials([start])]
    ['KILLED']
    """
    trials: dict[str, Trial] = {}
    for event in events:
        name = event.get("trial")
        if event["event"] == "trial_started":
            trials[str(name)] = Trial(event)
        elif name in trials and event["event"] == "epoch":
            trials[name].epochs.append(event)
        elif name in trials and event["event"] in _STATUS:
            trials[name].ended = event
    return [trials[name] for name in sorted(trials)]


def log_trial(
    client: "MlflowClient", parent: str, experiment: str, trial: Trial, *, weight: float, begun: "Run | None" = None
) -> None:
    """Log a trial as a child of the run ``parent``: its configuration, result and learning curves.

    Parameters
    ----------
    client : MlflowClient
        The store, open.
    parent, experiment : str
        Ids of the parent run and of its experiment.
    trial : Trial
        The events.
    weight : float
        The trial's share of the ensemble; 0 for one that is not a member.
    begun : Run or None
        The child that an earlier, interrupted call made; it is completed.
    """
    if begun is not None and begun.info.status == trial.status:
        return
    run = begun or client.create_run(
        experiment,
        start_time=to_milliseconds(trial.started["time"]),
        run_name=f"trial {trial.name}",
        tags=_tags(trial, parent),
    )
    config = trial.started.get("config") or {}
    parameters = {to_name(name): to_parameter(value) for name, value in config.items()}
    log_values(client, run.info.run_id, parameters, _metrics(trial, weight))
    client.set_terminated(run.info.run_id, trial.status, to_milliseconds(trial.end_time))


def _tags(trial: Trial, parent: str) -> dict[str, str]:
    ended = trial.ended or {}
    tags = {
        "mlflow.parentRunId": parent,
        "mlflow.source.name": "forecastr fit",
        "kind": "trial",
        "trial": trial.name,
        "device": ended.get("device"),
        "reason": ended.get("reason"),
    }
    return {name: to_tag(value) for name, value in tags.items() if value is not None}


def _metrics(trial: Trial, weight: float) -> list[tuple[str, float, int, int]]:
    """Return (name, value, milliseconds, step) of the result and of every epoch."""
    ended = trial.ended or {}
    result = {name: ended.get(name) for name in _RESULTS} | (ended.get("metrics") or {}) | {"weight": weight}
    time = to_milliseconds(trial.end_time)
    rows = [(name, value, time, 0) for name, value in finite_numbers(result).items()]
    for epoch in trial.epochs:
        values = finite_numbers({name: epoch.get(name) for name in CURVES})
        time, step = to_milliseconds(epoch["time"]), int(epoch.get("updates") or epoch["epoch"])
        rows += [(name, value, time, step) for name, value in values.items()]
    return rows
