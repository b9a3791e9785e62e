"""Delivering a run folder to MLflow without keeping anyone waiting for a dead server."""

import threading
from collections.abc import Callable
from pathlib import Path

from forecastr.errors import TrackingError
from forecastr.tracking import prepare_store, resolve_store, track_run


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
        self._ready.start()

    def deliver(self, folder: Path, *, say: Callable[[str], None]) -> None:
        """Track a run folder; a store that cannot be reached is a warning, for the folder is whole."""
        self._ready.join()
        try:
            track_run(folder, tracking_uri=self.uri, experiment=self.experiment)
        except TrackingError as error:
            say(f"warning: {error} The run folder {folder} is complete.")

    def _prepare(self) -> None:
        try:
            prepare_store(self.uri)
        except TrackingError:
            return  # delivering will meet the same error, and tell
