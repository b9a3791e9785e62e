import numpy as np
import pandas as pd
import pytest

from forecastr.data import ReadOptions, Source, read_panel
from forecastr.data.continuation import compare_with_context

DAYS = pd.bdate_range("2020-01-01", periods=300)


def walk(seed: int = 0, n: int = 300) -> np.ndarray:
    return 100 * np.exp(np.random.default_rng(seed).normal(0, 0.01, n).cumsum())


def prices(close: np.ndarray, days=DAYS, **columns) -> pd.DataFrame:
    return pd.DataFrame({"Date": days, "Close": close, **columns})


def warnings(table, **options) -> list[str]:
    return read_panel(table, ReadOptions(**options)).report["warnings"]


def test_a_walk_raises_no_suspicion():
    true = walk()
    assert warnings(prices(true)) == []
    assert warnings(prices(true, Open=true, High=true * 1.01, Low=true * 0.99, Volume=1e6)) == []


@pytest.mark.parametrize(("ratio", "split"), [(2, "2-for-1"), (0.1, "10-for-1"), (0.66, "1.5-for-1"), (7, "7-for-1")])
def test_a_split_that_prices_are_not_adjusted_for_is_a_warning_with_its_row(tmp_path, ratio, split):
    true = walk()
    prices(np.r_[true[:200] * ratio, true[200:]]).to_csv(tmp_path / "t.csv", index=False)

    [warning] = warnings(tmp_path / "t.csv")

    assert f"like a {split} split" in warning and "line 202" in warning and "adjusted prices" in warning


def test_an_adjusted_column_is_pointed_at():
    true = walk()
    table = prices(np.r_[true[:200] * 2, true[200:]], **{"Adj Close": true})

    assert warnings(table) == []
    [warning] = warnings(table, target=("Close",))
    assert "--target 'Adj Close'" in warning


@pytest.mark.parametrize(
    "close",
    [
        np.where(np.arange(300) == 150, 2.0, 1.0) * walk(),  # a spike goes back
        np.exp(np.random.default_rng(1).normal(0, 0.4, 300)) * 100,  # moves like this are usual
        np.r_[walk(2)[:200] * 1.75, walk(2)[200:]],  # no ratio of a split
        np.r_[walk(2)[:200] * 1.5, walk(2)[200:]],  # a fall of a third: markets do that
        np.r_[walk(2)[:200] * 2, walk(2)[200:]] - 150,  # below zero: no price
    ],
)
def test_what_does_not_look_like_a_split_is_left_alone(close):
    assert not any("split" in warning for warning in warnings(prices(close)))


def test_monthly_values_do_not_split():
    close = np.r_[walk()[:200] * 2, walk()[200:]]
    assert warnings(prices(close, pd.date_range("1990-01-01", periods=300, freq="MS"))) == []


def test_a_close_outside_the_days_high_and_low_is_a_warning_with_its_rows(tmp_path):
    true = walk()
    table = prices(np.r_[true[:100] * 2, true[100:]], Open=true, High=true * 1.01, Low=true * 0.99)
    table.to_csv(tmp_path / "t.csv", index=False)

    outside, split = warnings(tmp_path / "t.csv")

    assert "'Close' lies outside the Low and High of the same row in 100 rows (line 2 to line 101)" in outside
    assert "about 2 times the day's prices" in outside and "--target 'Open'" in outside
    assert "line 102" in split
    [other] = warnings(tmp_path / "t.csv", target=("Open",))
    assert "'Close' lies outside" in other and "--past-covariates 'High,Low'" in other


@pytest.mark.parametrize("wrong", [0.0, -5.0])
def test_a_price_that_is_not_above_zero_lies_outside_and_looks_like_no_split(wrong):
    true = walk()
    table = prices(np.r_[true[:100], wrong, true[101:]], High=true * 1.01, Low=true * 0.99)

    [outside] = [warning for warning in warnings(table) if "lies outside" in warning]
    assert f"{wrong:g} is not between" in outside and "split" not in outside


def test_an_adjusted_close_may_lie_outside_and_rounding_is_nothing():
    true = walk()
    table = prices(true * 1.0101, High=true * 1.001, Low=true * 0.999, **{"Adj Close": true * 0.8})
    assert warnings(table) == []


def test_one_giant_value_is_a_warning_with_its_row(tmp_path):
    values = walk()
    values[50] = 1e7
    prices(values).to_csv(tmp_path / "t.csv", index=False)

    [warning] = warnings(tmp_path / "t.csv")

    assert "the series holds one value far beyond all others: 1e+07 (line 52)" in warning


def test_a_giant_value_in_one_of_many_series_names_the_series():
    table = pd.concat([prices(walk(n)).assign(unique_id=f"s{n}") for n in range(5)])
    table.iloc[2 * 300 + 7, 1] = -1e9

    [warning] = warnings(table)

    assert "one series holds one value far beyond" in warning and "(row 608 of 's2')" in warning


def test_a_series_as_good_as_constant_is_a_warning():
    [warning] = warnings(prices(1e9 + np.random.default_rng(0).normal(size=300)))
    assert "less than a millionth" in warning
    flat = np.full(300, 7.0)
    flat[10] = 8.0
    [warning] = warnings(prices(flat))
    assert "one value that differs, 8 (row 11); all others are 7" in warning


def frame(values: list[float], start: str, name: str = "a") -> pd.DataFrame:
    return pd.DataFrame({"unique_id": name, "ds": pd.date_range(start, periods=len(values)), "y": values})


SOURCE = Source(target="y", time="ds")


def test_rows_that_go_on_are_fine_also_where_they_overlap():
    seen = frame([10.0, 11, np.nan, 13], "2024-01-01")
    assert compare_with_context(frame([13.0, 14, 15, 16], "2024-01-04"), seen, SOURCE) == []
    assert compare_with_context(frame([12.0, 13], "2024-01-03"), seen, SOURCE) == []  # a gap that is filled
    assert compare_with_context(frame([500.0] * 5, "2024-01-04", "new"), seen, SOURCE) == []


def test_rows_that_are_all_older_than_what_was_seen_are_a_warning():
    seen = frame([10.0, 11, 12], "2024-01-01")
    [warning] = compare_with_context(frame([10.0, 10.5], "2023-01-01"), seen, SOURCE)
    assert "none of the 2 rows goes as far as those seen before: they end at 2023-01-02" in warning


def test_rows_that_contradict_what_was_seen_are_a_warning():
    seen = frame([10.0, 11, 12], "2024-01-01")
    [warning] = compare_with_context(frame([11.0, 24.0, 13.0], "2024-01-02"), seen, SOURCE)
    assert "1 of 2 rows" in warning and "on 2024-01-03: 12 before, 24 now" in warning


def test_rows_of_another_scale_are_a_warning():
    seen = frame([10.0, 11, 12], "2024-01-01")
    [larger] = compare_with_context(frame([110.0, 120, 115], "2024-01-04"), seen, SOURCE)
    [smaller] = compare_with_context(frame([1.1, 1.2, 1.1], "2024-01-04"), seen, SOURCE)
    assert "about 10.5 times as large" in larger and "about 10 times smaller" in smaller
