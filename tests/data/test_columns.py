import numpy as np
import pandas as pd
import pytest

from forecastr.data import ReadOptions, read_panel
from forecastr.errors import DataError

DAYS = pd.date_range("2024-01-01", periods=12)


def table(**columns) -> pd.DataFrame:
    return pd.DataFrame({"ds": DAYS, **columns})


def long_table(n_series: int = 2, **names: str) -> pd.DataFrame:
    """Return ``n_series`` series of 12 days; names for id, time and target."""
    parts = [
        pd.DataFrame({names["id"]: f"s{n}", names["time"]: DAYS, names["target"]: np.arange(12.0) + n})
        for n in range(n_series)
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize(
    "names",
    [
        {"id": "unique_id", "time": "ds", "target": "y"},
        {"id": "item_id", "time": "timestamp", "target": "target"},
        {"id": "segment", "time": "timestamp", "target": "target"},
        {"id": "series_id", "time": "date", "target": "value"},
        {"id": "Ticker", "time": "Date", "target": "Close"},
    ],
)
def test_the_long_tables_of_the_common_tools_are_known_by_their_names(names):
    panel = read_panel(long_table(**names))

    assert (panel.source.id, panel.source.time, panel.source.target) == tuple(names.values())
    assert panel.frame["unique_id"].unique().tolist() == ["s0", "s1"]


def test_the_adjusted_close_is_forecast_and_the_other_prices_are_past_covariates():
    prices = {name: np.arange(12.0) for name in ("Open", "High", "Low", "Close", "Adj Close")}
    panel = read_panel(table(**prices, Volume=np.arange(12)))

    assert panel.source.target == "Adj Close"
    assert panel.covariates.past == ("Open", "High", "Low", "Close", "Volume")
    assert panel.frame["Volume"].dtype == np.float32


def test_a_name_that_differs_by_case_and_blanks_is_found_and_noted():
    panel = read_panel(table(**{" CLOSE ": np.arange(12.0), "other": 1.0}), ReadOptions(target=("close",)))

    assert panel.source.target == " CLOSE "
    assert panel.report["columns"]["target"]["why"] == "named by --target ('close')"


def test_a_name_that_two_columns_could_mean_is_asked_for():
    with pytest.raises(DataError, match="--target names 'CLOSE', and 'Close', 'close ' differ from it by case"):
        read_panel(table(**{"Close": 1.0, "close ": np.arange(12.0)}), ReadOptions(target=("CLOSE",)))


@pytest.mark.parametrize("values", [["yes", "no", "yes"] * 4, [True, False, True] * 4, ["a", "b", "c"] * 4])
def test_a_target_that_is_no_number_gets_an_error_with_three_samples(values):
    with pytest.raises(DataError, match=r"is not a number: .* the first values are '\w+', '\w+', '\w+'"):
        read_panel(table(y=values), ReadOptions(target=("y",)))


def test_several_numeric_columns_and_no_target_are_not_guessed_at():
    with pytest.raises(DataError, match=r"'AAPL', 'MSFT', 'GE'.*--target.*--target AAPL,MSFT.* --wide"):
        read_panel(table(AAPL=1.0, MSFT=np.arange(12.0), GE=2.0))


@pytest.mark.parametrize(
    ("options", "ids"),
    [(ReadOptions(wide=True), ["A", "B", "C"]), (ReadOptions(target=("C", "A")), ["C", "A"])],
)
def test_a_wide_table_is_a_series_for_each_column(options, ids):
    wide = table(A=np.arange(12.0), B=np.arange(12.0) * 2, C=np.arange(12.0) * 3, note="x")
    wide.loc[0, "A"] = np.nan  # starts later

    panel = read_panel(wide, options)

    assert panel.frame["unique_id"].unique().tolist() == ids
    a = panel.frame[panel.frame["unique_id"] == "A"]
    assert (a["ds"].iloc[0], a["y"].tolist()) == (DAYS[1], list(range(1, 12)))


def test_a_newer_wide_table_is_read_as_the_earlier_one_and_so_is_a_long_one():
    wide = table(A=np.arange(12.0), B=np.arange(12.0) * 2)
    like = read_panel(wide, ReadOptions(wide=True)).source
    newer = pd.DataFrame({"ds": pd.date_range("2024-01-13", periods=2), "A": [1.0, 2], "B": [3.0, 4]})
    long = pd.DataFrame({"unique_id": ["A", "B"], "ds": pd.Timestamp("2024-01-13"), "y": [1.0, 3.0]})

    assert read_panel(newer, like=like).frame["unique_id"].tolist() == ["A", "A", "B", "B"]
    assert read_panel(long, like=like).frame["y"].tolist() == [1.0, 3.0]


def test_a_column_named_twice_as_a_target_is_refused():
    with pytest.raises(DataError, match="--target names 'A' more than once"):
        read_panel(table(A=np.arange(12.0), B=1.0), ReadOptions(target=("A", "B", "a")))


@pytest.mark.parametrize("name", ["y", "unique_id", "value"])
def test_the_time_of_a_wide_table_may_be_called_what_its_values_become(name):
    wide = table(A=np.arange(12.0), B=np.arange(12.0) * 2).rename(columns={"ds": name})

    frame = read_panel(wide, ReadOptions(wide=True, time=name)).frame

    assert frame["unique_id"].unique().tolist() == ["A", "B"]
    assert frame["y"].tolist() == [*range(12), *range(0, 24, 2)]
    assert frame["ds"].tolist() == [*DAYS, *DAYS]


def test_wide_tables_have_no_id_and_no_covariates():
    with pytest.raises(DataError, match="--id names a column of series' names, and a wide table has none"):
        read_panel(table(A=1.0, B=2.0, k="x"), ReadOptions(wide=True, id="k"))
    with pytest.raises(DataError, match="covariates need a row for each series"):
        read_panel(table(A=1.0, B=2.0), ReadOptions(wide=True, known_covariates=("B",)))


def test_a_table_without_dates_is_counted_by_its_rows_when_asked_to():
    values = pd.DataFrame({"y": [3.0, 1.0, 4.0, 1.0, 5.0]})

    with pytest.raises(DataError, match="say with --no-dates that the rows are the steps"):
        read_panel(values)
    panel = read_panel(values, ReadOptions(dates=False))

    assert panel.frame["ds"].tolist() == [1, 2, 3, 4, 5]
    assert panel.calendar.name == "integer"
    assert "--no-dates" in panel.report["columns"]["time"]["why"]
    with pytest.raises(DataError, match="Leave one out"):
        read_panel(values, ReadOptions(dates=False, time="y"))


def test_an_id_of_two_columns_is_both_names():
    rows = long_table(2, id="store", time="date", target="sales")
    rows = pd.concat([rows.assign(item="x"), rows.assign(item="y", sales=1.0)], ignore_index=True)

    panel = read_panel(rows, ReadOptions(id="store, item"))

    assert panel.frame["unique_id"].unique().tolist() == ["s0/x", "s1/x", "s0/y", "s1/y"]
    newer = rows.groupby(["store", "item"]).tail(1).assign(date=pd.Timestamp("2024-01-13"))
    assert read_panel(newer, like=panel.source).frame["unique_id"].tolist() == ["s0/x", "s1/x", "s0/y", "s1/y"]


def test_a_remark_that_repeats_is_no_id():
    rows = table(y=np.arange(12.0), remark=["ok"] * 12)
    doubled = pd.concat([rows, rows.tail(1).assign(y=5.0, remark="corrected")], ignore_index=True)

    with pytest.raises(DataError, match="this time has another value already"):
        read_panel(doubled)


@pytest.mark.parametrize("name", ["^GSPC", "BRK/B", "../x", "=cmd()", "🚀", "a,b", 'say "x"', "a|b"])
def test_any_name_of_a_series_survives(tmp_path, name):
    rows = pd.DataFrame({"unique_id": [name] * 12 + ["other"] * 12, "ds": [*DAYS, *DAYS], "y": np.arange(24.0)})
    rows.to_csv(tmp_path / "t.csv", index=False)

    assert read_panel(tmp_path / "t.csv").frame["unique_id"].unique().tolist() == [name, "other"]


def test_an_id_by_name_alone_that_holds_decimals_or_hardly_repeats_is_none():
    decimals = table(Ticker=[f"{1000 + n / 7:.2f}" for n in range(12)], y=np.arange(12.0))
    panel = read_panel(decimals)
    assert panel.source.id is None and panel.covariates.past == ("Ticker",)
    assert read_panel(table(id=[*range(11), 10], y=np.arange(12.0))).source.id is None


def test_dates_count_more_than_integers_whatever_the_names():
    panel = read_panel(pd.DataFrame({"time": np.arange(12) * 1000, "when": DAYS, "y": np.arange(12.0)}))

    assert panel.source.time == "when" and panel.covariates.past == ("time",)


def test_a_date_format_that_is_said_makes_a_column_the_time(tmp_path):
    months = [f"{year}{month:02d}" for year in (2019, 2020) for month in range(1, 13)]
    pd.DataFrame({"Month": months, "sales": range(24)}).to_csv(tmp_path / "t.csv", index=False)

    panel = read_panel(tmp_path / "t.csv", ReadOptions(date_format="%Y%m"))

    assert panel.source.time == "Month" and panel.calendar.name == "monthly"


def test_of_two_columns_that_tell_series_apart_the_one_that_leaves_no_time_twice_is_the_id():
    rows = long_table(40, id="country", time="date", target="value")
    rows["code"] = rows["country"].replace("s39", "s38")  # two countries share a code

    assert read_panel(rows).source.id == "country"
    assert read_panel(rows[["code", "country", "date", "value"]]).source.id == "country"
