"""What a night does, told on standard error: a line of JSON for machines, of words for a terminal."""

import sys
from datetime import UTC, datetime
from typing import Any, TextIO

WORDS = {
    "rows": "{rows:,} rows of {series:,} series, the last of {last}",
    "decided": "{action}: {reason}",
    "fit": "{action}: fitting in {folder}",
    "trial_completed": "trial {trial}: error {score:.3f}",
    "trial_failed": "trial {trial} failed: {reason}",
    "warning": "warning: {text}",
    "failed": "failed: {reason}",
    "published": "published {forecast}",
}


class Events:
    """Writes events as they come.

    Parameters
    ----------
    pipeline, as_of : str
        Of which night.
    file : TextIO
        Where to; standard error if not given.
    """

    def __init__(self, pipeline: str, as_of: str, file: TextIO | None = None) -> None:
        self.pipeline, self.as_of, self.file = pipeline, as_of, file or sys.stderr

    def __call__(self, event: dict[str, Any]) -> None:
        """Write one event."""
        if self.for_people and event["event"] == "ended":  # the command's own words follow
            return
        print(self.text(event) if self.for_people else self.line(event), file=self.file, flush=True)

    @property
    def for_people(self) -> bool:
        """Whether somebody reads along."""
        return self.file.isatty()

    def line(self, event: dict[str, Any]) -> str:
        """Return an event as JSON: time, event, pipeline and as_of, then what belongs to it."""
        from forecastr.files import to_json

        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        rest = {name: value for name, value in event.items() if name != "event"}
        return to_json({"time": now, "event": event["event"], "pipeline": self.pipeline, "as_of": self.as_of, **rest})

    def text(self, event: dict[str, Any]) -> str:
        """Return an event in words."""
        from forecastr.report.wording import printable

        name = event["event"]
        words = WORDS[name].format(**event) if name in WORDS else self._other(event)
        group = f"[{event['group']}] " if "group" in event else ""
        return printable(f"{group}{words}")

    def _other(self, event: dict[str, Any]) -> str:
        if event["event"] == "refused":
            return "refused: " + "; ".join(event["reasons"])
        if event["event"] == "champion":
            return f"champion {event['champion']} {'promoted' if event['promoted'] else 'stays'}: {event['reason']}"
        if "failed" in event:
            return f"no challenger: {event['failed']}"
        return " ".join(f"{name} {value}" for name, value in event.items() if name not in ("event", "group"))
