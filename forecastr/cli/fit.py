"""``forecastr fit``: from a table to a forecast, a verdict and a tracked run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forecastr.cli.reading import TABLES, reads_tables, tables
from forecastr.schema import BACKENDS, PRESETS

if TYPE_CHECKING:
    from forecastr.data import ReadOptions

NOT_BETTER = 3
RUNS = Path("runs")
INTERRUPTED = {
    "read": "interrupted before the search began",
    "track": "interrupted: the run folder is complete, and not recorded in MLflow",
}


@reads_tables
def fit(
    data: Annotated[list[Path], typer.Argument(metavar="DATA", help=TABLES)],
    *,
    reading: "ReadOptions",
    horizon: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Steps to forecast. Default: by frequency.")
    ] = None,
    context: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Past steps a network reads. Default: 60, or longer if that is better."),
    ] = None,
    season: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Steps in one season, 1 for none. Default: found in the data."),
    ] = None,
    preset: Annotated[
        str, typer.Option(metavar="|".join(PRESETS), help="The search, or the one network of the tutorials.")
    ] = "auto",
    time_limit: Annotated[str, typer.Option(metavar="TIME", help="For the whole command: 90, 90s, 2m, 1h.")] = "2m",
    max_trials: Annotated[int | None, typer.Option(min=1, metavar="N", help="Configurations to try at most.")] = None,
    disk_limit: Annotated[
        str | None, typer.Option(metavar="SIZE", help="For the run folder: 500MB, 2GB. Default: none.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Worker processes. Default: one per core.")
    ] = None,
    backend: Annotated[str, typer.Option(metavar="NAME", help=f"Keras backend: {', '.join(BACKENDS)}.")] = "auto",
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Equal seeds give equal searches.")] = 1,
    output: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Run folder. Default: runs/NAME-DATE.")] = None,
    experiment: Annotated[
        str | None, typer.Option(metavar="NAME", help="MLflow experiment. Default: the data's name.")
    ] = None,
    tracking_uri: Annotated[
        str | None,
        typer.Option(metavar="URI", help="MLflow store. Default: MLFLOW_TRACKING_URI, or sqlite:///mlflow.db."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier run in the output folder.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Search on in the output folder, even where the fit is finished.")
    ] = False,
    require_skill: Annotated[
        bool, typer.Option("--require-skill", help="Exit with 3 if the forecast is not better than its baseline.")
    ] = False,
    require_tracking: Annotated[
        bool, typer.Option("--require-tracking", help="Exit with 1 if the run could not be tracked.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan; train and write nothing.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")] = False,
) -> None:
    """Search a network, judge it against baselines, and forecast."""
    from forecastr.cli import STARTED
    from forecastr.cli.ending import ending_soon
    from forecastr.cli.inspect import show
    from forecastr.cli.progress import Progress
    from forecastr.cli.track import Tracking
    from forecastr.engine.backend import choose_backend
    from forecastr.files import to_json
    from forecastr.fitting.clock import Clock
    from forecastr.fitting.fit import FitOptions, fit_table
    from forecastr.fitting.inspection import inspect_table
    from forecastr.report import exceptions_text, verdict_text, where_to_look
    from forecastr.schema import parse_bytes, parse_seconds

    options = FitOptions(
        reading=reading, horizon=horizon, context=context, season=season, preset=preset,
        time_limit=parse_seconds(time_limit), max_trials=max_trials, jobs=jobs, backend=backend, seed=seed,
        disk_limit=None if disk_limit is None else parse_bytes(disk_limit),
    )  # fmt: skip
    if dry_run:
        choose_backend(backend)  # an unknown one is an error here too
        found = inspect_table(
            tables(data), reading, budget=options.budget, horizon=horizon, context=context, season=season,
            preset=preset, seed=seed,
        )  # fmt: skip
        show(found, json=json, picture=False)
        return
    earlier = [] if output else earlier_folders(data)
    clock = Clock(options.time_limit, started=STARTED)
    tracking = Tracking(tracking_uri, experiment)
    with ending_soon(), Progress(time_limit=options.time_limit, started=STARTED) as progress:

        def watch(event: dict[str, Any]) -> None:
            progress.watch(event)
            # There will be something to track, and a first trial has had the machine for itself.
            if event["event"] in ("trial_completed", "resumed"):
                tracking.prepare()
            elif event["event"] == "kept" and event["kept"] and event["interrupted"]:
                tracking.deliver_stopped(Path(event["folder"]), name=_name(data), say=progress.say)

        try:
            fitted = fit_table(
                tables(data), output or default_folder(data), options, watch=watch, clock=clock, overwrite=overwrite,
                resume=resume, earlier=earlier,
            )  # fmt: skip
            folder = fitted.folder
            progress.watch({"event": "phase", "name": "track", "seconds_left": clock.left})
            tracked = tracking.deliver(folder, say=progress.say)
        except (KeyboardInterrupt, SystemExit):
            if progress.phase in INTERRUPTED:  # of the phases between them the event "kept" tells
                progress.say(INTERRUPTED[progress.phase])
            raise
        if (folder / "exceptions.csv").exists():
            progress.say(f"exceptions: {folder / 'exceptions.csv'} ({exceptions_text(fitted.summary)})")
    if json:
        run = {"run_folder": str(folder), "tracked_run": vars(tracked) if tracked else None}
        typer.echo(to_json({**fitted.summary, **run}, indent=2))
    else:
        typer.echo(verdict_text(fitted.summary))
        typer.echo()
        typer.echo(where_to_look(folder, tracked.uri if tracked else None, forecast=len(fitted.forecast) > 0))
    if require_tracking and tracked is None:
        raise typer.Exit(1)
    if require_skill and fitted.summary["verdict"]["kind"] != "better":
        raise typer.Exit(NOT_BETTER)


def default_folder(data: list[Path]) -> Path:
    """Return a new run folder below ``runs/``, named after the table and the moment."""
    from datetime import datetime

    return RUNS / f"{_name(data)}-{datetime.now():%Y%m%d-%H%M%S}"


def earlier_folders(data: list[Path]) -> list[Path]:
    """Return the run folders below ``runs/`` that are named after the table, newest first."""
    import re

    like = re.compile(re.escape(_name(data)) + r"-\d{8}-\d{6}")
    found = [path for path in RUNS.iterdir() if like.fullmatch(path.name)] if RUNS.is_dir() else []
    return sorted(found, reverse=True)


def _name(data: list[Path]) -> str:
    named = len(data) == 1 and str(data[0]) != "-"
    return (data[0].resolve().name.split(".")[0] if named else "") or "table"
