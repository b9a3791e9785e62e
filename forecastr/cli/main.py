"""The ``forecastr`` command: its subcommands, and what an error looks like."""

import atexit
import os
import signal
import sys
import threading
from typing import Any, NoReturn

import typer

from forecastr.cli import backtest, doctor, fetch, fit, init, inspect, predict, run, runs, sync, ui
from forecastr.cli.reading import GroupedCommand
from forecastr.errors import ForecastrError, exit_code

UNHEARD = 120  # Python's own code for output that could not be written at the end

app = typer.Typer(
    name="forecastr",
    help="From a table of past values to a forecast you can trust.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (
    inspect.inspect,
    fetch.fetch,
    fit.fit,
    predict.predict,
    backtest.backtest,
    init.init,
    run.run,
    runs.runs,
    sync.sync,
    ui.ui,
    doctor.doctor,
):
    app.command(cls=GroupedCommand)(command)


def main() -> None:
    """Run the command line: 0 done, 1 training or a service failed, 2 the command or the data cannot be used.

    3 comes from ``--require-skill`` alone; Ctrl-C gives 130, a scheduler's SIGTERM 143, both without orphans.
    """
    signal.signal(signal.SIGTERM, _terminate)
    try:
        app(prog_name="forecastr")
    except ForecastrError as error:
        from forecastr.report.wording import printable  # names in a table may hold anything

        print(f"error: {printable(str(error))}", file=sys.stderr)
        sys.exit(exit_code(error))


def entry() -> NoReturn:
    """Be the process: ``main``, then leave without taking apart what was imported, most of a second with Keras."""
    code: Any = 0
    try:
        main()
    except SystemExit as ending:
        code = ending.code
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:  # nobody reads what was said, or the disk is full
        code = code or UNHEARD
    os._exit(int(code or 0))


def _terminate(*_: object) -> NoReturn:
    sys.exit(128 + signal.SIGTERM)  # an exception: what is open gets closed, workers end


if __name__ == "__main__":
    entry()
