"""What delivers an entry of the spool: a function, and the program around it that a courier starts."""

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from forecastr.errors import TrackingError
from forecastr.tracking.runs import TrackedRun, track_run
from forecastr.tracking.spool import Entry, claimed, forget
from forecastr.tracking.store import load_mlflow, prepare_store

_SECONDS_ALONE = 60.0  # to end a delivery whose fit was killed


def deliver_entry(entry: Entry, tell: Callable[[], object] = lambda: None) -> TrackedRun | None:
    """Deliver an entry of the spool from this process, and take it out; None if another process has it.

    Raises
    ------
    TrackingError
        If it cannot be delivered; it stays in the spool.
    """
    with claimed(entry) as mine:
        if not mine:
            return None
        run = _track(entry, tell)
        forget(entry)
    return run


def _track(entry: Entry, tell: Callable[[], object]) -> TrackedRun:
    return track_run(
        Path(entry.folder),
        tracking_uri=entry.uri,
        experiment=entry.experiment,
        delivery=entry.id,
        stopped=entry.stopped,
        tell=tell,
    )


def main() -> None:
    """Be the process: read the store, get ready, read an entry, deliver it, say how it went.

    It is started deaf to Ctrl-C and SIGTERM: the fit decides, and ends this process when it ends.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # MLflow's own talk

    def answer(**message: Any) -> None:
        with suppress(BrokenPipeError):  # the fit was killed
            answers.write(json.dumps(message) + "\n")
            answers.flush()

    order = sys.stdin.readline()
    if not order:
        return
    with suppress(TrackingError):  # delivering will meet the same error, and tell
        prepare_store(json.loads(order)["uri"])
        load_mlflow()
    answer(ready=True)
    order = sys.stdin.readline()
    if not order:
        return
    threading.Thread(target=_end_alone, daemon=True).start()
    message = json.loads(order)
    entry = Entry(**message["entry"])

    def tell() -> None:
        answer(step=True)

    try:
        run = deliver_entry(entry, tell) if message["kept"] else _track(entry, tell)
    except TrackingError as error:
        answer(error=str(error))
    except Exception as error:  # a bug, which is to be seen by someone: nobody reads this process's traceback
        answer(error=f"Tracking failed: {error!r}.")
    else:
        if run:
            answer(run=asdict(run))
        else:
            answer(error="Another process delivers the run.")


def _end_alone() -> None:
    """End this process some time after the fit is gone, should the store hold it for ever."""
    sys.stdin.read()
    time.sleep(_SECONDS_ALONE)
    os._exit(1)


if __name__ == "__main__":
    main()
