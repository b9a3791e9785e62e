"""``forecastr predict``: forecast again with a bundle, also from newer rows."""

from pathlib import Path
from typing import Annotated

import typer

from forecastr.cli.reading import BUNDLE, bundle_folder, tables, warn_of
from forecastr.schema import BACKENDS


def predict(
    bundle: Annotated[str, typer.Argument(metavar="BUNDLE", help=BUNDLE)],
    data: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="TABLE", help="Newer rows than the bundle has seen; - is standard input. May be repeated."
        ),
    ] = None,
    horizon: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Steps to forecast, at most those it was fitted for.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="CSV or Parquet file. Default: standard output.")
    ] = None,
    backend: Annotated[str, typer.Option(metavar="NAME", help=f"Keras backend: {', '.join(BACKENDS)}.")] = "auto",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of CSV.")] = False,
) -> None:
    """Forecast what follows the last row, without training."""
    import sys

    from forecastr.bundle.load import load_bundle
    from forecastr.bundle.tables import DIGITS, table_text, write_table
    from forecastr.data import read_panel
    from forecastr.engine.backend import use_backend_to_forecast
    from forecastr.files import require_table_format, to_json

    if output:
        require_table_format(output)
    use_backend_to_forecast(backend)
    loaded = load_bundle(bundle_folder(bundle))
    history = read_panel(tables(data), like=loaded.source) if data else None
    if history:
        warn_of(history, loaded)
    forecast = loaded.predict(history, horizon=horizon)
    if output:
        write_table(forecast, output, loaded.source)
        typer.echo(to_json({"output": str(output), "rows": len(forecast)}) if json else f"forecast  {output}")
        return
    text = table_text(forecast, loaded.source)
    sys.stdout.write(
        to_json(text.to_dict("records"), indent=2) + "\n" if json else text.to_csv(index=False, float_format=DIGITS)
    )
