"""``forecastr fit``: from a table to a forecast, a verdict and a tracked run."""

from pathlib import Path
from typing import Annotated

import typer

from forecastr.schema import BACKENDS, PRESETS

NOT_BETTER = 3


def fit(
    data: Annotated[Path, typer.Argument(help="CSV (also compressed) or Parquet file, one row per time step.")],
    target: Annotated[str | None, typer.Option(help="Column to forecast.")] = None,
    time: Annotated[str | None, typer.Option(help="Column of dates, or of step numbers.")] = None,
    id: Annotated[str | None, typer.Option(help="Column that tells series apart.")] = None,
    horizon: Annotated[int | None, typer.Option(min=1, help="Steps to forecast. Default: by frequency.")] = None,
    context: Annotated[
        int | None, typer.Option(min=1, help="Past steps a network reads. Default: 60, or longer if that is better.")
    ] = None,
    season: Annotated[
        int | None, typer.Option(min=1, help="Steps in one season, 1 for none. Default: found in the data.")
    ] = None,
    preset: Annotated[str, typer.Option(help=f"One of {', '.join(PRESETS)}: the tutorials' network.")] = "auto",
    time_limit: Annotated[str, typer.Option(help="For the whole command: 90, 90s, 2m, 1h.")] = "2m",
    max_trials: Annotated[int | None, typer.Option(min=1, help="Configurations to try at most.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Worker processes. Default: one per core.")] = None,
    backend: Annotated[str, typer.Option(help=f"One of {', '.join(BACKENDS)}.")] = "auto",
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds give equal searches.")] = 1,
    output: Annotated[Path | None, typer.Option(help="Run folder. Default: runs/NAME-DATE.")] = None,
    experiment: Annotated[str | None, typer.Option(help="MLflow experiment. Default: the data's name.")] = None,
    tracking_uri: Annotated[
        str | None, typer.Option(help="MLflow store. Default: MLFLOW_TRACKING_URI, or sqlite:///mlflow.db.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier run in the output folder.")
    ] = False,
    require_skill: Annotated[
        bool, typer.Option("--require-skill", help="Exit with 3 if the forecast is not better than its baseline.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan; train and write nothing.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")] = False,
) -> None:
    """Search a network for DATA, judge it against baselines, and forecast."""
    from forecastr.cli.main import STARTED
    from forecastr.cli.progress import Progress
    from forecastr.cli.track import Tracking
    from forecastr.files import to_json
    from forecastr.fitting.clock import Clock
    from forecastr.fitting.session import FitOptions, fit_table, plan_fit
    from forecastr.report import plan_text, verdict_text, where_to_look
    from forecastr.schema import parse_seconds

    options = FitOptions(
        target=target, time=time, id=id, horizon=horizon, context=context, season=season, preset=preset,
        time_limit=parse_seconds(time_limit), max_trials=max_trials, jobs=jobs, backend=backend, seed=seed,
    )  # fmt: skip
    if dry_run:
        plan = plan_fit(data, options)
        document = {**plan.describe(), "data_report": plan.panel.report}
        typer.echo(to_json(document, indent=2) if json else plan_text(document))
        return
    folder = output or default_folder(data)
    clock = Clock(options.time_limit, started=STARTED)
    tracking = Tracking(tracking_uri, experiment)
    with Progress(time_limit=options.time_limit, started=STARTED) as progress:
        fitted = fit_table(data, folder, options, watch=progress.watch, clock=clock, overwrite=overwrite)
        progress.watch({"event": "phase", "name": "track", "seconds_left": clock.left})
        tracking.deliver(folder, say=progress.say)
    if json:
        typer.echo(to_json({**fitted.summary, "run_folder": str(folder)}, indent=2))
    else:
        typer.echo(verdict_text(fitted.summary))
        typer.echo(where_to_look(folder, tracking.uri))
    if require_skill and fitted.summary["verdict"]["kind"] != "better":
        raise typer.Exit(NOT_BETTER)


def default_folder(data: Path) -> Path:
    """Return a new run folder below ``runs/``, named after the table and the moment."""
    from datetime import datetime

    name = data.name.split(".")[0] or "table"
    return Path("runs") / f"{name}-{datetime.now():%Y%m%d-%H%M%S}"
