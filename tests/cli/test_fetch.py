"""``forecastr fetch``: a table, or one sentence; never half a table, never an empty one."""

import json

import pandas as pd
import pytest

SPAN = ("--start", "2024-01-01", "--end", "2024-01-05")


@pytest.fixture
def market(yahoo):
    """Return the server with two tickers."""
    yahoo.prices["AAPL"] = [("2024-01-02", 10.0), ("2024-01-03", 12.0)]
    yahoo.prices["^GSPC"] = [("2024-01-02", 100.0)]
    return yahoo


def test_prices_become_a_table(forecastr, market, tmp_path):
    done = forecastr("fetch", "AAPL", "^GSPC", *SPAN, "-o", "prices.csv", cwd=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "prices  prices.csv  (3 rows from 2024-01-02 to 2024-01-03, adjusted for splits and dividends)\n"
    )
    assert (tmp_path / "prices.csv").read_text() == (
        "Ticker,Date,Open,High,Low,Close,Volume\n"
        "AAPL,2024-01-02,5,5,5,5,1000\n"
        "AAPL,2024-01-03,6,6,6,6,1000\n"
        "^GSPC,2024-01-02,50,50,50,50,1000\n"
    )

    again = forecastr("fetch", "AAPL", *SPAN, "--output", "apple.parquet", "--json", cwd=tmp_path)
    assert json.loads(again.stdout) == {
        "output": "apple.parquet", "rows": 2, "start": "2024-01-02", "end": "2024-01-03",
    }  # fmt: skip
    assert list(pd.read_parquet(tmp_path / "apple.parquet")) == ["Date", "Open", "High", "Low", "Close", "Volume"]
    assert market.asked == ["AAPL", "^GSPC"]  # the second command found Apple's in the cache


def test_a_yahoo_that_is_busy_leaves_the_earlier_file_alone(forecastr, market, tmp_path):
    (tmp_path / "prices.csv").write_text("yesterday's\n")
    market.trouble[:] = ["always busy"]

    done = forecastr("fetch", "AAPL", *SPAN, "-o", "prices.csv", "--retries", "1", cwd=tmp_path)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "AAPL: Yahoo answers 'too many requests'; trying again in 2 s\n"
        "error: no data came from Yahoo for 1 ticker:\n"
        "  AAPL: Yahoo answers 'too many requests'\n"
    )
    assert (tmp_path / "prices.csv").read_text() == "yesterday's\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "prices.csv"]


def test_without_a_line_there_is_no_file(forecastr, market, tmp_path, monkeypatch):
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    done = forecastr("fetch", "AAPL", *SPAN, "-o", "prices.csv", "--retries", "0", cwd=tmp_path)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: no data came from Yahoo for 1 ticker:\n  AAPL: Yahoo cannot be reached")
    assert not list(tmp_path.glob("*.csv"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["-o", "prices.xlsx"], "error: prices.xlsx: write to a file that ends in .csv, .csv.gz, .parquet.\n"),
        (
            ["-o", "nowhere/prices.csv"],
            "error: nowhere/prices.csv: there is no folder nowhere. Create it first.\n",
        ),
        (["-o", "p.csv", "--start", "soon"], "error: start is 'soon'; write a day as YYYY-MM-DD.\n"),
    ],
)
def test_a_command_that_cannot_work_asks_nobody(forecastr, market, tmp_path, arguments, sentence):
    done = forecastr("fetch", "AAPL", *arguments, cwd=tmp_path)

    assert (done.returncode, done.stderr) == (2, sentence)
    assert market.asked == []
