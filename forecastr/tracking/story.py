"""What a run folder tells of its fit: all of it where the fit is finished, the search so far where it was stopped."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forecastr.errors import TrackingError
from forecastr.search.ledger import read_ledger
from forecastr.tracking.names import to_milliseconds, to_name, to_parameter, to_tag
from forecastr.tracking.parent import FIT, KIND_TAG, parent_parameters, parent_tags

ARTIFACTS = (
    "predicted_vs_actual.png",
    "learning_curves.png",
    "error_by_horizon.png",
    "report.html",
    "forecast.csv",
    "backtest.csv",
    "leaderboard.csv",
    "data_report.json",
    "summary.json",
    "ledger.jsonl",
)
_LEDGERS = (".search/ledger.jsonl", "ledger.jsonl")  # of a search that is not finished, of one that is


@dataclass(frozen=True)
class Story:
    """A fit as it will be tracked.

    Parameters
    ----------
    folder : Path
        The run folder, absolute.
    name : str
        The experiment, unless another is asked for.
    status : str
        FINISHED, or KILLED where the fit was stopped.
    start, end : int
        Milliseconds since 1970.
    parameters, tags : dict of str to str
        Of the parent run.
    events : list of dict
        The ledger.
    files : list of Path
        What goes beside the run.
    summary : dict or None
        None where the fit was stopped.
    """

    folder: Path
    name: str
    status: str
    start: int
    end: int
    parameters: dict[str, str]
    tags: dict[str, str]
    events: list[dict[str, Any]]
    files: list[Path]
    summary: dict[str, Any] | None = None


def finished_story(folder: Path) -> Story:
    """Return what the run folder of a finished fit tells.

    Raises
    ------
    TrackingError
        If the folder holds none.
    """
    folder = Path(folder).absolute()
    try:
        summary = dict(json.loads((folder / "summary.json").read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise TrackingError(
            f"{folder} holds no finished fit: its summary.json cannot be read ({error}). "
            "Name the folder that `forecastr fit` wrote."
        ) from error
    events = _events(folder / "ledger.jsonl")
    end = max(to_milliseconds(time) for time in [summary["created"], *(event["time"] for event in events)])
    return Story(
        folder=folder,
        name=summary["name"],
        status="FINISHED",
        start=end - round(1000 * float((summary.get("seconds") or {}).get("total") or 0)),
        end=end,
        parameters=parent_parameters(summary),
        tags=parent_tags(summary, folder),
        events=events,
        files=[folder / name for name in ARTIFACTS if (folder / name).is_file()],
        summary=summary,
    )


def stopped_story(folder: Path) -> Story:
    """Return what is left of a fit that was stopped: its ledger.

    Raises
    ------
    TrackingError
        If there is no ledger, or nothing in it.
    """
    folder = Path(folder).absolute()
    ledger = next((folder / name for name in _LEDGERS if (folder / name).is_file()), folder / _LEDGERS[0])
    events = _events(ledger)
    if not events:
        raise TrackingError(f"{folder} holds no fit, finished or not: there is nothing in {ledger}.")
    about = {name: value for name, value in events[0].items() if name not in ("event", "time")}
    settings = {**about, **about.pop("search", {})}
    task = settings.pop("task", {})
    tags = {
        KIND_TAG: FIT,
        "verdict": "stopped",
        "verdict_sentence": "Stopped before the end; the same command goes on.",
        "fingerprint": settings.pop("fingerprint", None),
        "run_folder": folder,
        "ledger": ledger,
        "mlflow.source.name": "forecastr fit",
    }
    return Story(
        folder=folder,
        name=folder.name,
        status="KILLED",
        start=to_milliseconds(events[0]["time"]),
        end=to_milliseconds(events[-1]["time"]),
        parameters={to_name(name): to_parameter(value) for name, value in {**settings, **task}.items()},
        tags={name: to_tag(value) for name, value in tags.items()},
        events=events,
        files=[ledger],
    )


def _events(path: Path) -> list[dict[str, Any]]:
    return read_ledger(path) if path.is_file() else []
