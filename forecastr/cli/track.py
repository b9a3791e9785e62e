"""Delivering a run folder to MLflow without keeping anyone waiting for a store that does not answer."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from forecastr.errors import TrackingError
from forecastr.tracking import TrackedRun, resolve_store
from forecastr.tracking.address import without_password
from forecastr.tracking.courier import Courier
from forecastr.tracking.spool import is_kept, new_entry

_STOPPED = {"seconds": 2.5, "a_step": 0.0, "to_load": 1.0}  # a command that was interrupted ends within five


class Tracking:
    """The store of a command, and the courier who gets ready in the background while the search trains.

    Parameters
    ----------
    uri : str or None
        The option; see ``resolve_store``.
    experiment : str or None
        Its name; the data's if None.
    """

    def __init__(self, uri: str | None, experiment: str | None) -> None:
        self.uri, self.experiment = resolve_store(uri), experiment
        self.courier = Courier(self.uri)

    def prepare(self) -> None:
        """Begin to make the store ready, if that has not begun; call when there will be something to track."""
        self.courier.prepare()

    def deliver(self, folder: Path, *, say: Callable[[str], None]) -> TrackedRun | None:
        """Track a run folder and return where, without passwords.

        A store that cannot be reached is a warning, for the folder is whole, and `forecastr sync` delivers it
        later; None is returned then.
        """
        entry = new_entry(folder, self.uri, self.experiment)
        try:
            run = self.courier.deliver(entry)
        except TrackingError as error:
            later = " `forecastr sync` tracks it later." if is_kept(entry) else ""
            say(f"warning: {error} The run folder {folder} is complete.{later}")
            return None
        return replace(run, uri=without_password(self.uri))

    def deliver_stopped(self, folder: Path, *, name: str, say: Callable[[str], None]) -> None:
        """Track what is left of a fit that was stopped, as a run that is KILLED; call when its folder is closed.

        Nothing happens where no trial was completed. ``name`` is the experiment if none was asked for.
        """
        if not self.courier.started:
            return
        entry = new_entry(folder, self.uri, self.experiment or name, stopped=True)
        try:
            self.courier.deliver(entry, **_STOPPED)
        except TrackingError as error:
            say(f"warning: {error} The run is not tracked as killed; `forecastr sync` does it later.")
