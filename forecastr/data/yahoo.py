"""Prices from Yahoo, through the package yfinance: tried again where that helps, cached, and never half of them."""

import json
import logging
import os
import re
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from types import ModuleType

import pandas as pd

from forecastr.errors import ConfigError, ServiceError
from forecastr.files import whole_file

INTERVALS = ("1m", "5m", "15m", "30m", "1h", "1d", "1wk", "1mo", "3mo")
PRICES = ["Open", "High", "Low", "Close", "Volume"]
FIRST_PAUSE = 2.0  # seconds before the second attempt; each further one waits twice as long
LONGER = {
    "1wk": pd.DateOffset(days=7),
    "1mo": pd.DateOffset(months=1),
    "3mo": pd.DateOffset(months=3),
}  # bars that a day's end does not complete
INSTALL = 'Install it: pip install "forecastr[yahoo]"'


@dataclass(frozen=True, kw_only=True)
class Order:
    """Which prices to fetch.

    Parameters
    ----------
    tickers : tuple of str
        As Yahoo writes them: ``AAPL``, ``BRK-B``, ``^GSPC``.
    today : date
        The current day in UTC.
    start : str or None
        First day, as ``2015-01-01``; None for all there is.
    end : str or None
        The day after the last one; ``today`` if None or later, for today's prices are not final.
    interval : str
        One of ``INTERVALS``.
    """

    tickers: tuple[str, ...]
    today: date
    start: str | None = None
    end: str | None = None
    interval: str = "1d"

    def __post_init__(self) -> None:
        if self.interval not in INTERVALS:
            raise ConfigError(f"interval is '{self.interval}'; choose one of {', '.join(INTERVALS)}.")
        for ticker in self.tickers:
            if not re.fullmatch(r"[\w.^=&-]+", ticker):
                raise ConfigError(f"'{ticker}' is not a ticker. Yahoo writes them like AAPL, BRK-B or ^GSPC.")
        start, end = _day("start", self.start), self.last_day
        if start is not None and start >= end:
            raise ConfigError(f"start is {start}, and the prices end before {end}: there is no day between them.")

    @property
    def last_day(self) -> date:
        """The day that ends the prices; not one of them."""
        return min(_day("end", self.end) or self.today, self.today)


def fetch_prices(
    order: Order, *, retries: int = 3, pause: float = FIRST_PAUSE, cache: Path | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> pd.DataFrame:  # fmt: skip
    """Return prices adjusted for splits and dividends, oldest first.

    Parameters
    ----------
    order : Order
        What to fetch.
    retries : int
        Further attempts where Yahoo is busy, or its answer is damaged.
    pause : float
        Seconds before the second attempt; each further one waits twice as long.
    cache : Path, optional
        Folder of what was fetched earlier today. Not longer, for a dividend changes all earlier adjusted prices.
    say : callable
        Told of every attempt that failed.

    Returns
    -------
    DataFrame
        ``Date, Open, High, Low, Close, Volume``; for several tickers ``Ticker`` before them.

    Raises
    ------
    ServiceError
        If no data came for a ticker, with the reason for each.
    """
    frames: dict[str, pd.DataFrame] = {}
    failed: dict[str, str] = {}
    tickers = tuple(dict.fromkeys(ticker.upper() for ticker in order.tickers))
    for ticker in tickers:
        cached = _cache_file(cache, order, ticker) if cache else None
        frame = _read_cached(cached) if cached else None
        if frame is None:
            try:
                frame = _ask_again(order, ticker, retries=retries, pause=pause, cache=cache, say=say)
            except _NothingThereError as error:
                failed[ticker] = str(error)
                continue
            except ServiceError as error:  # the next ticker would meet the same
                waiting = [
                    other for other in tickers if other not in frames and other != ticker and other not in failed
                ]
                failed |= {ticker: str(error), **dict.fromkeys(waiting, "not asked for any more")}
                break
            if cached:
                _write_cached(frame, cached, order)
        frames[ticker] = frame
    if failed:
        reasons = "\n".join(f"  {ticker}: {reason}" for ticker, reason in failed.items())
        rest = f"\nNothing was written. Prices came for {', '.join(frames)}: ask for them alone." if frames else ""
        count = f"{len(failed)} of {len(tickers)} tickers" if len(tickers) > 1 else "1 ticker"
        raise ServiceError(f"no data came from Yahoo for {count}:\n{reasons}{rest}")
    return _one_table(frames)


def write_prices(table: pd.DataFrame, path: Path) -> None:
    """Write prices as CSV (also compressed) or Parquet, whole or not at all."""
    with whole_file(path) as temporary:
        if path.suffix == ".parquet":
            table.to_parquet(temporary, index=False)
        else:
            table.to_csv(temporary, index=False, float_format="%.10g")


def cache_folder() -> Path:
    """Return where fetched prices are kept for the rest of the day."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "forecastr" / "yahoo"


class _NothingThereError(ServiceError):
    """Yahoo answered, and has no such prices: asking again does not help."""


def _ask_again(
    order: Order, ticker: str, *, retries: int, pause: float, cache: Path | None, say: Callable[[str], None]
) -> pd.DataFrame:
    yahoo = _load_yfinance(cache)
    for attempt in range(retries + 1):
        try:
            return _ask(yahoo, order, ticker)
        except _NothingThereError:
            raise
        except ServiceError as error:
            if attempt == retries:
                raise
            wait = pause * 2**attempt
            say(f"{ticker}: {error}; trying again in {wait:g} s")
            time.sleep(wait)
    raise AssertionError("the last attempt returns or raises")


def _ask(yahoo: ModuleType, order: Order, ticker: str) -> pd.DataFrame:
    """Return one ticker's prices from one conversation with Yahoo."""
    from yfinance.data import YfData
    from yfinance.exceptions import YFRateLimitError, YFTickerMissingError, YFTzMissingError

    YfData.cache_get.cache_clear()  # it would repeat a damaged answer for ever
    end = order.last_day.isoformat()
    span = {"start": order.start, "end": end} if order.start else {"period": "max", "end": end}
    try:
        with warnings.catch_warnings(action="ignore"):  # of how yfinance uses pandas
            frame = yahoo.Ticker(ticker).history(interval=order.interval, auto_adjust=True, actions=False, **span)
    except YFRateLimitError as error:
        raise ServiceError("Yahoo answers 'too many requests'") from error
    except YFTzMissingError as error:
        raise _NothingThereError("Yahoo does not know it") from error
    except YFTickerMissingError as error:
        raise _NothingThereError(f"Yahoo has no such prices ({' '.join(error.rationale.split())})") from error
    except OSError as error:  # curl's errors are some too
        if getattr(getattr(error, "response", None), "status_code", None) == 404:
            raise _NothingThereError("Yahoo does not know it") from error
        raise ServiceError(f"Yahoo cannot be reached ({_first_sentence(error)})") from error
    except Exception as error:  # yfinance meets an answer of another shape with whatever that breaks
        raise ServiceError(f"Yahoo's answer is damaged ({type(error).__name__}: {_first_sentence(error)})") from error
    frame = _complete_bars(frame, order)
    if frame.empty:
        raise _NothingThereError("Yahoo has no prices between these days")
    return frame


def _complete_bars(frame: pd.DataFrame, order: Order) -> pd.DataFrame:
    """Return prices [B] with their stamps as the column ``Date``, without bars that were not over at the end."""
    stamps = pd.DatetimeIndex(frame.index).as_unit("ns")  # the same from Yahoo and from the cache
    if order.interval[-1] in "mh":  # intraday: the exchange's own time, offset included
        table = frame[PRICES].set_axis(stamps).reset_index(names="Date")
        return table[stamps < pd.Timestamp(order.last_day, tz=stamps.tz)]
    stamps = stamps.tz_localize(None)
    table = frame[PRICES].set_axis(stamps).reset_index(names="Date")
    after = stamps + LONGER.get(order.interval, pd.DateOffset(days=1))
    return table[after <= pd.Timestamp(order.last_day)]


def _one_table(frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    if len(frames) == 1:
        return next(iter(frames.values())).reset_index(drop=True)
    zones = {str(getattr(frame["Date"].dtype, "tz", None)) for frame in frames.values()}
    if len(zones) > 1:  # exchanges in several zones share no other clock
        frames = {ticker: frame.assign(Date=frame["Date"].dt.tz_convert("UTC")) for ticker, frame in frames.items()}
    return pd.concat([frame.assign(Ticker=ticker) for ticker, frame in frames.items()], ignore_index=True)[
        ["Ticker", "Date", *PRICES]
    ]


def _load_yfinance(cache: Path | None) -> ModuleType:
    try:
        with warnings.catch_warnings(action="ignore"):
            import yfinance
    except ImportError as error:
        raise ConfigError(f"Prices from Yahoo need the package yfinance. {INSTALL}") from error
    logging.getLogger("yfinance").setLevel(logging.CRITICAL)  # what it meets is told in our words
    yfinance.config.debug.hide_exceptions = False  # else an empty table is all that tells of an error
    if cache:
        yfinance.set_tz_cache_location(str(cache.parent / "yfinance"))  # made, or done without, by yfinance
    return yfinance


def _cache_file(cache: Path, order: Order, ticker: str) -> Path:
    key = json.dumps([ticker, order.start, order.last_day.isoformat(), order.interval])
    return cache / f"{order.today}-{sha256(key.encode()).hexdigest()[:24]}.parquet"


def _read_cached(file: Path) -> pd.DataFrame | None:
    try:
        return pd.read_parquet(file)
    except (OSError, ValueError):  # not there, or damaged
        return None


def _write_cached(frame: pd.DataFrame, file: Path, order: Order) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        for older in file.parent.glob("*.parquet"):
            if not older.name.startswith(str(order.today)):
                older.unlink(missing_ok=True)
        with whole_file(file) as temporary:
            frame.to_parquet(temporary, index=False)
    except OSError:
        return  # a full or read-only disk costs the cache, not the prices


def _day(name: str, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{name} is '{text}'; write a day as YYYY-MM-DD.") from error


def _first_sentence(error: Exception) -> str:
    return str(error).partition(". See ")[0].partition("\n")[0][:200]
