"""``forecastr run``: one night of a pipeline file, or only a look at the file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from forecastr.pipeline.run import Outcome

ROWS_REFUSED, SOME_GROUPS = 4, 5


def run(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Pipeline file; several with --check.")],
    as_of: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="The night: no later row is seen. Default: yesterday, a day that is over."),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Only say whether the files are sound.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")] = False,
) -> None:
    """Run one night of a pipeline file; twice changes nothing."""
    from datetime import date, timedelta

    from forecastr.cli.events import Events
    from forecastr.errors import ConfigError, ForecastrError, exit_code
    from forecastr.files import to_json
    from forecastr.pipeline.check import check_pipelines
    from forecastr.pipeline.load import require_date

    if as_of is not None:
        as_of = require_date(as_of, "--as-of")
    if len(files) > 1 and not check:
        raise ConfigError(f"{len(files)} files are named. Name one; with --check any number.")
    if check:
        pipelines = check_pipelines(files)
        sound = [{"file": str(pipeline.path), "forecast": str(pipeline.forecast)} for pipeline in pipelines]
        typer.echo(to_json(sound, indent=2) if json else "\n".join(f"sound  {each['file']}" for each in sound))
        return
    night = as_of or (date.today() - timedelta(days=1)).isoformat()
    events = Events(files[0].stem, night)
    try:
        [pipeline] = check_pipelines(files)
        from forecastr.pipeline.run import run_pipeline  # seconds, which a mistake need not cost

        outcome = run_pipeline(pipeline, night, watch=events, own_process=True)
    except ForecastrError as error:
        if events.for_people:
            raise
        events({"event": "failed", "reason": str(error)})
        raise typer.Exit(exit_code(error)) from error
    events({"event": "ended", "status": outcome.status})
    alone = outcome.groups.get("")
    told = alone if alone is not None else {"groups": outcome.groups}
    document = {"pipeline": pipeline.name, **told, "as_of": night, "status": outcome.status}
    document["forecast"] = str(outcome.forecast)
    typer.echo(to_json(document, indent=2) if json else outcome_text(outcome))
    code = {"refused": ROWS_REFUSED, "partly": SOME_GROUPS}.get(outcome.status, 0)
    if code:
        raise typer.Exit(code)


def outcome_text(outcome: "Outcome") -> str:
    """Return what a night came to, in a few lines; a table of failures where there are groups."""
    if list(outcome.groups) == [""]:
        return "\n".join(f"{name:<10}{value}" for name, value in night_lines(outcome, outcome.groups[""]))
    lines = [f"night     {outcome.as_of}: {outcome.status}, {len(outcome.groups):,} groups"]
    lines += [f"forecast  {outcome.forecast}"]
    if outcome.failures:
        lines += ["", f"{'group':<20}  {'status':<8}  reason"]
        lines += [f"{name:<20}  {night['status']:<8}  {night['reason']}" for name, night in outcome.failures.items()]
        lines += ["", f"the same in {outcome.failures_file}"]
    return "\n".join(lines)


def night_lines(outcome: "Outcome", night: dict[str, Any]) -> list[tuple[str, str]]:
    """Return a night as lines of name and value."""
    if outcome.status == "refused":
        return [("night", f"{outcome.as_of}: refused"), ("because", night["reason"]), ("forecast", kept(outcome))]
    changed = ": already done, nothing changed" if outcome.status == "already done" else ""
    champion = f"{night['champion']} ({'promoted' if night['promoted'] else 'kept'}: {night['promotion']})"
    return [
        ("night", f"{outcome.as_of}{changed}"),
        ("decision", f"{night['action']}: {night['reason']}"),
        ("champion", champion),
        ("forecast", str(outcome.forecast)),
    ]


def kept(outcome: "Outcome") -> str:
    """Say which forecast is there after a refusal."""
    there = outcome.forecast.exists()
    return f"{outcome.forecast} stays as it was" if there else f"{outcome.forecast} is not there: no night was good yet"
