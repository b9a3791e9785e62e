"""A search brought to where its ledger ends, as if it had never been away."""

import json
import shutil
from collections.abc import Sequence
from typing import Any

from forecastr.errors import ConfigError
from forecastr.files import to_json
from forecastr.models.config import NetworkConfig
from forecastr.search.trials import Search, Trial

NOT_RESULT = ("event", "time", "trial", "score", "metrics", "files")


def replay_trials(events: Sequence[dict[str, Any]]) -> list[Trial]:
    """Return the trials of a ledger's events by number; of one that was repeated, the last attempt.

    Examples
    --------
    >>> events = [{"event": "trial_started", "trial": "0000", "config": {"units": 8}}]
    >>> [(trial.name, trial.config.units, trial.status) for trial in replay_trials(events)]
    [('0000', 8, 'running')]
    """
    trials: dict[str, Trial] = {}
    for event in events:
        name = event.get("trial", "")
        if event["event"] == "trial_started":
            trials[name] = Trial(int(name), NetworkConfig(**event["config"]))
        elif event["event"] == "trial_completed":
            trial = trials[name]
            trial.status, trial.score, trial.metrics = "completed", event["score"], event["metrics"]
            trial.files = event["files"]
            trial.result = {key: value for key, value in event.items() if key not in NOT_RESULT}
        elif event["event"] == "trial_failed":
            trials[name].status, trials[name].reason = "failed", event["reason"]
    return [trials[name] for name in sorted(trials)]


def last_end(events: Sequence[dict[str, Any]]) -> str | None:
    """Return what ended the search, None where trials were started since or it has not ended."""
    ended_by: str | None = None
    for event in events:
        if event["event"] in ("search_ended", "trial_started"):
            ended_by = event.get("ended_by")
    return ended_by


def resume(search: Search, events: Sequence[dict[str, Any]], *, further: bool) -> None:
    """Take up a new search where its ledger ends.

    The proposals are asked again for every trial and told every score, so that they go on as they would have.
    Trials that had not ended wait to be repeated, and so do those that are needed and whose files are not whole.

    Parameters
    ----------
    search : Search
        Without trials yet.
    events : list of dict
        Its ledger's.
    further : bool
        Go on with a search that had come to its end.

    Raises
    ------
    ConfigError
        If the proposals are no longer those in the ledger.
    """
    trials = replay_trials(events)
    for event in events:  # one that is being repeated has been told of, too
        if event["event"] in ("trial_completed", "trial_failed"):
            search.proposals.tell(int(event["trial"]), event.get("score"))
    for trial in trials:
        config = search.proposals.ask()
        if config is None or json.loads(to_json(vars(config))) != json.loads(to_json(vars(trial.config))):
            raise ConfigError(
                f"{search.ledger.path}: trial {trial.name} is not what would be tried today; a package may have "
                "changed since. Pass --overwrite to begin anew, or name another folder with --output."
            )
    search.trials = trials
    for trial in search.kept:
        if not search.has_files(trial):
            trial.status, trial.score = "running", None
    search.waiting = [trial for trial in trials if trial.status == "running"]
    search.ended_by = None if further else last_end(events)
    whole = {trial.name for trial in search.kept}
    for folder in search.setting.scratch.glob("[0-9]*"):
        if folder.name not in whole:
            shutil.rmtree(folder)
