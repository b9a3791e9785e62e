"""Delivering a run folder to MLflow without keeping anyone waiting for a dead server."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from forecastr.errors import TrackingError
from forecastr.tracking import TrackedRun, load_mlflow, prepare_store, resolve_store, track_run
from forecastr.tracking.address import without_password


class Tracking:
    """The store of a command, made ready in the background while the search trains.

    Parameters
    ----------
    uri : str or None
        The option; see ``resolve_store``.
    experiment : str or None
        Its name; the data's if None.
    """

    def __init__(self, uri: str | None, experiment: str | None) -> None:
        self.uri, self.experiment = resolve_store(uri), experiment
        self._ready = threading.Thread(target=self._prepare, daemon=True)

    def prepare(self) -> None:
        """Begin to make the store ready, if that has not begun; call when there will be something to track."""
        if self._ready.ident is None:
            self._ready.start()

    def deliver(self, folder: Path, *, say: Callable[[str], None]) -> TrackedRun | None:
        """Track a run folder and return where, without passwords.

        A store that cannot be reached is a warning, for the folder is whole; None is returned then.
        """
        self.prepare()
        self._ready.join()
        try:
            run = track_run(folder, tracking_uri=self.uri, experiment=self.experiment)
        except TrackingError as error:
            say(f"warning: {error} The run folder {folder} is complete.")
            return None
        return replace(run, uri=without_password(run.uri))

    def _prepare(self) -> None:
        try:
            prepare_store(self.uri)
            load_mlflow()
        except TrackingError:
            return  # delivering will meet the same error, and tell
