"""``forecastr fetch``: prices from Yahoo as a table that ``fit`` reads."""

from pathlib import Path
from typing import Annotated

import typer


def fetch(
    tickers: Annotated[list[str], typer.Argument(metavar="TICKER", help="As Yahoo writes them: AAPL, BRK-B, ^GSPC.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="CSV (also .csv.gz) or Parquet file to write.")
    ],
    start: Annotated[
        str | None, typer.Option(metavar="DATE", help="First day, as 2015-01-01. Default: all there is.")
    ] = None,
    end: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Day after the last one. Default: today, whose prices may change."),
    ] = None,
    interval: Annotated[str, typer.Option(metavar="STEP", help="1m, 5m, 15m, 30m, 1h, 1d, 1wk, 1mo, 3mo.")] = "1d",
    retries: Annotated[
        int, typer.Option(min=0, max=8, metavar="N", help="Further attempts: after 2 s, 4 s, 8 s and so on.")
    ] = 3,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")] = False,
) -> None:
    """Fetch prices from Yahoo, adjusted for splits and dividends."""
    from datetime import UTC, datetime

    from forecastr.data.yahoo import Order, cache_folder, fetch_prices, write_prices
    from forecastr.files import require_table_format, to_json

    require_table_format(output)
    order = Order(tickers=tuple(tickers), today=datetime.now(UTC).date(), start=start, end=end, interval=interval)
    prices = fetch_prices(order, retries=retries, cache=cache_folder(), say=lambda text: typer.echo(text, err=True))
    write_prices(prices, output)
    first, last = f"{prices['Date'].min():%Y-%m-%d}", f"{prices['Date'].max():%Y-%m-%d}"
    if json:
        typer.echo(to_json({"output": str(output), "rows": len(prices), "start": first, "end": last}))
    else:
        typer.echo(
            f"prices  {output}  ({len(prices):,} rows from {first} to {last}, adjusted for splits and dividends)"
        )
