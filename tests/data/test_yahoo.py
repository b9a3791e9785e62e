"""Prices from a server on this machine that answers like Yahoo's: good, busy, empty, damaged, not there."""

import sys
from datetime import date

import pandas as pd
import pytest

from forecastr.data.yahoo import Order, fetch_prices, write_prices
from forecastr.errors import ConfigError, ServiceError

TODAY = date(2024, 1, 10)
APPLE = [("2024-01-02", 10.0), ("2024-01-03", 12.0), ("2024-01-04", 11.0), ("2024-01-10", 99.0)]


def order(*tickers: str, **options) -> Order:
    return Order(**{"tickers": tickers or ("AAPL",), "today": TODAY, "start": "2024-01-01", **options})


@pytest.fixture
def market(yahoo):
    """Return the server with three tickers, one of them an index."""
    yahoo.prices.update({"AAPL": APPLE, "^GSPC": [("2024-01-02", 100.0)], "BRK-B": [("2024-01-03", 7.0)]})
    return yahoo


def test_one_ticker_is_a_table_of_adjusted_prices_without_the_unfinished_day(market):
    table = fetch_prices(order())

    assert list(table) == ["Date", "Open", "High", "Low", "Close", "Volume"]
    assert table["Date"].dt.strftime("%Y-%m-%d").tolist() == ["2024-01-02", "2024-01-03", "2024-01-04"]
    assert table["Close"].tolist() == [5.0, 6.0, 5.5]  # the server's adjusted prices are the half
    assert table["Open"].tolist() == [5.0, 6.0, 5.5]
    assert table["Volume"].tolist() == [1000] * 3


def test_several_tickers_are_one_long_table_whatever_signs_they_hold(market):
    table = fetch_prices(order("^GSPC", "brk-b", "AAPL", "aapl", start=None))

    assert list(table) == ["Ticker", "Date", "Open", "High", "Low", "Close", "Volume"]
    assert table["Ticker"].tolist() == ["^GSPC", "BRK-B", "AAPL", "AAPL", "AAPL"]
    assert market.asked == ["^GSPC", "BRK-B", "AAPL"]


def test_days_are_from_the_first_to_the_one_before_the_last(market):
    table = fetch_prices(order(start="2024-01-03", end="2024-01-04"))

    assert table["Close"].tolist() == [6.0]


def test_a_week_that_is_not_over_is_left_out(market):
    market.prices["AAPL"] = [("2024-01-01", 10.0), ("2024-01-08", 12.0)]

    assert fetch_prices(order(interval="1wk"))["Close"].tolist() == [5.0]


@pytest.mark.parametrize("trouble", ["busy", "truncated", "cut", "broken"])
def test_trouble_that_passes_is_waited_out(market, trouble):
    market.trouble[:] = [trouble] * (4 if trouble in ("busy", "broken") else 2)  # yfinance asks twice after an error
    said: list[str] = []

    table = fetch_prices(order(), pause=0.0, say=said.append)

    assert table["Close"].tolist() == [5.0, 6.0, 5.5]
    assert len(said) == 2
    assert all(text.startswith("AAPL: Yahoo") for text in said)


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ("always busy", "Yahoo answers 'too many requests'"),
        ("always truncated", "Yahoo's answer is damaged"),
        ("always cut", "Yahoo cannot be reached"),
        ("always broken", "Yahoo's answer is damaged"),
        ("always empty", "Yahoo has no such prices"),
    ],
)
def test_trouble_that_stays_is_told_and_nobody_else_is_asked_for_in_vain(market, trouble, reason):
    market.trouble[:] = [trouble]

    with pytest.raises(ServiceError, match="no data came from Yahoo for 2 of 2 tickers") as raised:
        fetch_prices(order("AAPL", "BRK-B"), retries=1, pause=0.0)

    lines = str(raised.value).splitlines()
    assert lines[1].startswith(f"  AAPL: {reason}")
    assert lines[2].startswith("  BRK-B: ")
    assert market.asked.count("BRK-B") == (trouble == "always empty")  # an empty answer is about one ticker


def test_an_unknown_ticker_is_named_and_the_others_are_not_written_without_it(market):
    with pytest.raises(ServiceError) as raised:
        fetch_prices(order("AAPL", "NOPE"), pause=0.0)

    assert str(raised.value) == (
        "no data came from Yahoo for 1 of 2 tickers:\n"
        "  NOPE: Yahoo does not know it\n"
        "Nothing was written. Prices came for AAPL: ask for them alone."
    )


def test_days_without_prices_are_no_empty_table(market):
    with pytest.raises(ServiceError, match="AAPL: Yahoo has no"):
        fetch_prices(order(start="2024-01-06", end="2024-01-09"))


def test_no_line_to_yahoo_is_told(market, monkeypatch):
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody listens there

    with pytest.raises(ServiceError, match=r"no data came from Yahoo for 1 ticker:\n  AAPL: Yahoo cannot be reached"):
        fetch_prices(order(), retries=0)


def test_prices_are_asked_for_once_a_day(market, tmp_path):
    cache = tmp_path / "kept" / "yahoo"
    first = fetch_prices(order("AAPL", "BRK-B"), cache=cache)
    second = fetch_prices(order("BRK-B", "AAPL"), cache=cache)

    assert market.asked == ["AAPL", "BRK-B"]
    assert first["Ticker"].tolist() == ["AAPL"] * 3 + ["BRK-B"]
    pd.testing.assert_frame_equal(first, second.sort_values("Ticker", kind="stable", ignore_index=True))
    fetch_prices(order(start="2024-01-03"), cache=cache)
    fetch_prices(order(today=date(2024, 1, 11)), cache=cache)
    assert market.asked == ["AAPL", "BRK-B", "AAPL", "AAPL"]
    assert [file.name[:10] for file in cache.iterdir()] == ["2024-01-11"]


def test_a_damaged_cache_is_asked_again(market, tmp_path):
    fetch_prices(order(), cache=tmp_path)
    [file] = tmp_path.glob("*.parquet")
    file.write_bytes(b"PAR1 and then nothing")

    assert len(fetch_prices(order(), cache=tmp_path)) == 3
    assert market.asked == ["AAPL", "AAPL"]


def test_a_cache_that_cannot_be_written_costs_nothing(market, tmp_path):
    (tmp_path / "file").write_text("")

    assert len(fetch_prices(order(), cache=tmp_path / "file" / "yahoo")) == 3


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"interval": "2d"}, "interval is '2d'; choose one of 1m,"),
        ({"start": "last year"}, "start is 'last year'; write a day as YYYY-MM-DD."),
        ({"start": "2024-01-05", "end": "2024-01-05"}, "there is no day between them"),
        ({"start": "2030-01-05"}, "the prices end before 2024-01-10"),
        ({"tickers": ("../etc",)}, "'../etc' is not a ticker"),
    ],
)
def test_an_order_that_makes_no_sense_asks_nobody(options, sentence):
    with pytest.raises(ConfigError, match=sentence):
        order(**options)


def test_without_yfinance_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "yfinance", None)

    with pytest.raises(ConfigError, match=r'pip install "forecastr\[yahoo\]"'):
        fetch_prices(order())


def test_written_prices_are_read_as_a_panel(market, tmp_path):
    from forecastr.data import read_panel

    market.prices["AAPL"] = [(f"{day:%Y-%m-%d}", 10.0 + day.day) for day in pd.bdate_range("2023-12-01", "2024-01-09")]
    market.prices["BRK-B"] = market.prices["AAPL"]
    table = fetch_prices(order("AAPL", "BRK-B", start="2023-12-01"))
    for name in ("prices.csv", "prices.csv.gz", "prices.parquet"):
        write_prices(table, tmp_path / name)
        panel = read_panel(tmp_path / name)

        assert panel.frame["unique_id"].unique().tolist() == ["AAPL", "BRK-B"]
        assert panel.frame["y"].tolist() == table["Close"].tolist()
        assert panel.calendar.name == "business-daily"
