"""The ``forecastr`` command: its subcommands, and what an error looks like."""

import sys
import time

STARTED = time.monotonic()  # the time limit counts from here, before anything heavy is loaded

import typer  # noqa: E402

from forecastr.cli import backtest, doctor, fit, predict, runs, ui  # noqa: E402
from forecastr.errors import ForecastrError, SearchError, TrackingError  # noqa: E402

app = typer.Typer(
    name="forecastr",
    help="From a table of past values to a forecast you can trust.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (fit.fit, predict.predict, backtest.backtest, runs.runs, ui.ui, doctor.doctor):
    app.command()(command)


def main() -> None:
    """Run the command line: 0 done, 1 training or a service failed, 2 the command or the data cannot be used."""
    try:
        app(prog_name="forecastr")
    except ForecastrError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1 if isinstance(error, (SearchError, TrackingError)) else 2)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)


if __name__ == "__main__":
    main()
