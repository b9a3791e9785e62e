import numpy as np
import pandas as pd
import pytest

from forecastr.data import ReadOptions, read_panel
from forecastr.errors import DataError

DAYS = pd.date_range("2024-01-01", periods=20)


def panel_of(n_series: int, **bad: dict[int, object]) -> pd.DataFrame:
    """Return series of 20 days; ``bad`` holds values by row for some of them."""
    parts = []
    for n in range(n_series):
        values = np.arange(20.0).astype(object) + n
        for row, value in bad.get(f"s{n}", {}).items():
            values[row] = value
        parts.append(pd.DataFrame({"unique_id": f"s{n}", "ds": DAYS, "y": values}))
    return pd.concat(parts, ignore_index=True)


def written(tmp_path, table: pd.DataFrame):
    table.to_csv(tmp_path / "t.csv", index=False)
    return tmp_path / "t.csv"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("oops", "t.csv, line 26: 'y' is 'oops', no number that can be used"),
        ("1e300", "t.csv, line 26: 'y' is '1e\\+300', no number that can be used"),
    ],
)
def test_one_bad_series_of_ten_is_left_out_and_listed(tmp_path, value, reason):
    panel = read_panel(written(tmp_path, panel_of(10, s1={4: value})))

    assert panel.frame["unique_id"].nunique() == 9 and "s1" not in set(panel.frame["unique_id"])
    assert panel.exceptions[["unique_id", "status"]].to_numpy().tolist() == [["s1", "left out"]]
    assert panel.exceptions["reason"].str.contains(reason).all()
    assert panel.report["left_out"] == 1 and panel.report["series"] == 9


@pytest.mark.parametrize(("n_series", "bad"), [(1, ["s0"]), (9, ["s3"]), (10, ["s3", "s5"])])
def test_few_series_and_too_many_bad_ones_are_an_error_at_the_first(tmp_path, n_series, bad):
    path = written(tmp_path, panel_of(n_series, **{name: {4: "oops"} for name in bad}))

    line = 2 + 20 * int(bad[0][1:]) + 4
    with pytest.raises(DataError, match=f"t.csv, line {line}: 'y' is not a number: 'oops'"):
        read_panel(path)


@pytest.mark.parametrize("n_series", [10, 4])
def test_a_series_that_is_infinite_in_many_rows_is_refused_as_a_lone_one_is(n_series):
    table = panel_of(n_series, s1=dict.fromkeys(range(4, 14), np.inf), s2={7: np.inf})
    table["y"] = table["y"].astype(float)
    reason = "'y' is infinite here and in 10 of 20 rows of the series, too many to be taken as missing"

    if n_series < 10:
        with pytest.raises(DataError, match=f"row 25: {reason}"):
            read_panel(table)
    else:
        panel = read_panel(table)
        assert panel.exceptions["unique_id"].tolist() == ["s1"] and reason in panel.exceptions["reason"][0]
        assert np.isnan(panel.frame[panel.frame["unique_id"] == "s2"]["y"]).sum() == 1


def test_a_series_with_two_values_at_a_time_is_left_out_unless_a_policy_chooses(tmp_path):
    table = panel_of(10)
    path = written(tmp_path, pd.concat([table, table.iloc[[25]].assign(y=99.0)]))

    panel = read_panel(path)
    assert panel.exceptions["unique_id"].tolist() == ["s1"]
    assert "line 202: this time has another value already in series 's1' (6, now 99)" in panel.exceptions["reason"][0]

    panel = read_panel(path, ReadOptions(duplicates="last"))
    assert len(panel.exceptions) == 0
    assert 99.0 in panel.frame["y"].tolist()


def test_a_series_without_a_date_is_left_out(tmp_path):
    table = panel_of(10).astype({"ds": "str"})
    table.loc[25, "ds"] = ""

    assert read_panel(written(tmp_path, table)).exceptions["reason"][0].endswith("line 27: a value without a date")


def test_a_series_of_another_frequency_is_left_out(tmp_path):
    table = panel_of(20)
    table.loc[20:39, "ds"] = [*DAYS[:10], *(DAYS[9] + pd.DateOffset(months=n) for n in range(1, 11))]

    panel = read_panel(written(tmp_path, table))

    assert panel.exceptions["unique_id"].tolist() == ["s1"]
    assert "the step between the rows of this series changes" in panel.exceptions["reason"][0]
    assert panel.calendar.name == "daily"


def test_series_without_any_value_are_listed_however_many_they_are():
    table = panel_of(4)
    table["y"] = table["y"].where(table["unique_id"] == "s2", np.nan).astype(float)

    panel = read_panel(table)

    assert panel.exceptions["unique_id"].tolist() == ["s0", "s1", "s3"]
    assert set(panel.exceptions["reason"]) == {"no value in any of its rows"}


def test_nine_thousand_nine_hundred_of_ten_thousand_series_are_kept(tmp_path):
    rng = np.random.default_rng(0)
    n, length = 10_000, 8
    table = pd.DataFrame(
        {
            "unique_id": np.repeat([f"s{k}" for k in range(n)], length),
            "ds": np.tile(DAYS[:length], n),
            "y": rng.normal(size=n * length).round(3).astype(str),
        }
    )
    bad = rng.choice(n, 100, replace=False)
    table.loc[bad * length + 3, "y"] = rng.choice(["oops", "1e300", "n/k"], 100)

    panel = read_panel(written(tmp_path, table))

    assert panel.frame["unique_id"].nunique() == 9_900
    assert sorted(panel.exceptions["unique_id"]) == sorted(f"s{k}" for k in bad)


def test_nothing_is_left_out_of_a_good_panel():
    panel = read_panel(panel_of(12).astype({"y": float}))

    assert panel.exceptions.columns.tolist() == ["unique_id", "status", "reason"] and len(panel.exceptions) == 0
