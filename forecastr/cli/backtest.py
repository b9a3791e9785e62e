"""``forecastr backtest``: judge a bundle on rows it has not seen, without training."""

from pathlib import Path
from typing import Annotated

import typer

from forecastr.cli.reading import BUNDLE, bundle_folder, tables, warn_of
from forecastr.schema import BACKENDS


def backtest(
    bundle: Annotated[str, typer.Argument(metavar="BUNDLE", help=BUNDLE)],
    data: Annotated[
        list[Path],
        typer.Argument(metavar="DATA", help="Newer rows than the bundle has seen: a file, several, a folder, or -."),
    ],
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="CSV or Parquet file for every forecast made.")
    ] = None,
    backend: Annotated[str, typer.Option(metavar="NAME", help=f"Keras backend: {', '.join(BACKENDS)}.")] = "auto",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")] = False,
) -> None:
    """Judge a bundle on newer rows, without training."""
    from forecastr.bundle.load import load_bundle
    from forecastr.bundle.tables import write_table
    from forecastr.data import read_panel
    from forecastr.engine.backend import use_backend_to_forecast
    from forecastr.files import require_table_format, to_json
    from forecastr.report.terminal import verdict_text

    if output:
        require_table_format(output)
    use_backend_to_forecast(backend)
    loaded = load_bundle(bundle_folder(bundle))
    rows = read_panel(tables(data), like=loaded.source)
    warn_of(rows, loaded)
    result = loaded.backtest(rows)
    document = {**result.judgement.to_dict(), "cutoffs": result.n_cutoffs, "seen_in_training": result.seen}
    if output:
        write_table(result.table, output, loaded.source)
    if json:
        typer.echo(to_json(document, indent=2))
        return
    typer.echo(verdict_text(document))
    if result.seen:
        typer.echo("These rows were part of the training: the scores flatter. Bring newer rows for honest ones.")
    if output:
        typer.echo(f"forecasts  {output}")
