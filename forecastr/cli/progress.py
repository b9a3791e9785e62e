"""What a fit shows while it works, on standard error: live on a terminal, plain lines elsewhere."""

import sys
import time
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.text import Text

PHASES = {
    "read": "reading the table",
    "search": "searching",
    "choose": "choosing the ensemble",
    "judge": "judging on the test part",
    "refit": "refitting on all rows",
    "forecast": "forecasting",
    "report": "drawing the report",
    "track": "recording the run in MLflow",
}


class Progress:
    """Turns a fit's events into a display.

    Parameters
    ----------
    time_limit : float
        Seconds that the whole command may take.
    started : float
        ``time.monotonic()`` at its start.
    stream : text file
        Where to write; standard error if not given.
    """

    def __init__(self, *, time_limit: float, started: float, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self.time_limit, self.started = time_limit, started
        self.phase, self.trials, self.done, self.failed = "read", 0, 0, 0
        self.best: float | None = None
        self.best_trial = ""
        self.losses: dict[str, str] = {}
        self._live = self._start_live() if self.stream.isatty() else None

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def watch(self, event: dict[str, Any]) -> None:
        """Take one event of a fit."""
        line = getattr(self, f"_on_{event['event']}", lambda event: None)(event)
        if self._live:
            self._live.refresh()
        if line and (not self._live or event["event"] in ("plan", "warning", "resumed", "kept")):
            self.say(line)

    def say(self, text: str) -> None:
        """Write a line that stays."""
        from forecastr.report.wording import printable

        text = printable(text)
        if self._live:
            self._live.console.print(text, highlight=False, markup=False, soft_wrap=True)
        else:
            print(text, file=self.stream, flush=True)

    def __rich__(self) -> "Text":
        from rich.text import Text

        return Text(self.status())  # as it is: no number gets a colour

    def status(self) -> str:
        """Return the live line: phase, trials, best score so far, seconds left."""
        left = max(0.0, self.time_limit - (time.monotonic() - self.started))
        parts = [f"{PHASES.get(self.phase, self.phase)} · {left:.0f} s left"]
        if self.trials:
            failed = f", {self.failed} failed" if self.failed else ""
            parts.append(f"{self.trials} {'trial' if self.trials == 1 else 'trials'}, {self.done} done{failed}")
        if self.best is not None:
            parts.append(f"best validation MASE {self.best:.4f} (trial {self.best_trial})")
        return " · ".join(parts) + "".join(f"\n  {text}" for text in self.losses.values())

    def _start_live(self) -> Any:
        from rich.console import Console
        from rich.live import Live

        live = Live(self, console=Console(file=self.stream), refresh_per_second=4, transient=True)
        live.start()
        return live

    def _on_phase(self, event: dict[str, Any]) -> str:
        self.phase = event["name"]
        self.losses.clear()
        return f"{PHASES.get(self.phase, self.phase)} ({max(0.0, event['seconds_left']):.0f} s left)"

    def _on_plan(self, event: dict[str, Any]) -> str:
        from forecastr.report import plan_line

        warnings = [f"warning: {text}" for text in event["plan"]["warnings"]]
        return "\n".join([plan_line(event["plan"]), *warnings])

    def _on_warning(self, event: dict[str, Any]) -> str:
        return f"warning: {event['text']}"

    def _on_resumed(self, event: dict[str, Any]) -> str:
        for trial in event["trials"]:
            self.trials += trial.status != "running"  # those start again
            self.failed += trial.status == "failed"
            if trial.status == "completed":
                self.done += 1
                if self.best is None or trial.score < self.best:
                    self.best, self.best_trial = trial.score, trial.name
        repeated = len(event["trials"]) - self.done - self.failed
        return f"going on in {event['folder']}: {_trials(self.done)} kept, {repeated} to repeat"

    def _on_kept(self, event: dict[str, Any]) -> str | None:
        self.phase = "ended"
        if event["kept"]:
            kept = f"{_trials(event['kept'])} kept in {event['folder']}; the same command goes on from there"
            return f"interrupted: {kept}, and with --time-limit 20s to a forecast" if event["interrupted"] else kept
        return "interrupted: no trial was completed, so nothing is kept" if event["interrupted"] else None

    def _on_trial_started(self, event: dict[str, Any]) -> None:
        self.trials += 1

    def _on_epoch(self, event: dict[str, Any]) -> None:
        loss = event["validation_loss"]
        if loss is not None:
            text = f"trial {event['trial']}: {event['updates']} updates, validation loss {loss:.4f}"
            self.losses[event["trial"]] = text

    def _on_trial_completed(self, event: dict[str, Any]) -> str:
        self.done += 1
        self.losses.pop(event["trial"], None)
        if self.best is None or event["score"] < self.best:
            self.best, self.best_trial = event["score"], event["trial"]
        left = max(0.0, self.time_limit - (time.monotonic() - self.started))
        return (
            f"trial {event['trial']}: validation MASE {event['score']:.4f}, best so far {self.best:.4f} "
            f"(trial {self.best_trial}), {left:.0f} s left"
        )

    def _on_trial_failed(self, event: dict[str, Any]) -> str:
        self.failed += 1
        self.losses.pop(event["trial"], None)
        return f"trial {event['trial']} failed: {event['reason']}"


def _trials(count: int) -> str:
    return f"{count} completed {'trial is' if count == 1 else 'trials are'}"
