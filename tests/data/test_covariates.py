import json

import numpy as np
import pandas as pd
import pytest

from forecastr.data import ReadOptions, Source, read_panel
from forecastr.errors import DataError
from forecastr.schema import Covariates

DAYS = pd.date_range("2024-01-01", periods=12)


def lone(**columns) -> pd.DataFrame:
    return pd.DataFrame({"ds": DAYS, "y": np.arange(12.0), **columns})


def shops(**columns) -> pd.DataFrame:
    """Return three shops of 12 days; a column is one value per shop or one per row."""
    rows = pd.DataFrame({"unique_id": np.repeat(["a", "b", "c"], 12), "ds": np.tile(DAYS, 3), "y": np.arange(36.0)})
    return rows.assign(**{name: np.repeat(v, 12) if len(v) == 3 else v for name, v in columns.items()})


def known(*names: str) -> ReadOptions:
    return ReadOptions(known_covariates=names)


def test_every_other_numeric_column_is_known_to_the_cutoff_unless_told():
    table = lone(visits=np.arange(12) ** 2, share=0.5 * np.arange(12), note="x")

    assert read_panel(table).covariates == Covariates(past=("visits", "share"))
    assert read_panel(table, ReadOptions(past_covariates=("share",))).covariates == Covariates(past=("share",))
    for nothing in ((), ("none",)):
        panel = read_panel(table, ReadOptions(past_covariates=nothing))
        assert panel.covariates == Covariates()
        assert list(panel.frame.columns) == ["unique_id", "ds", "y"]


def test_text_and_native_numbers_and_truths_give_the_same_covariates(tmp_path):
    table = lone(visits=np.arange(12) * 1000.5, promo=np.arange(12) % 2 == 0)
    table.loc[3, "visits"] = np.nan
    table.to_csv(tmp_path / "t.csv", index=False)

    panels = [read_panel(source, known("promo")) for source in (table, tmp_path / "t.csv")]

    for panel in panels:
        assert panel.covariates == Covariates(past=("visits",), known=("promo",))
        assert panel.frame["promo"].tolist() == [1, 0] * 6
        assert np.isnan(panel.frame["visits"][3]) and panel.frame["visits"][4] == 4002
        assert panel.frame["promo"].dtype == panel.frame["visits"].dtype == np.float32
    assert panels[0].fingerprint == panels[1].fingerprint


def test_the_fingerprint_sees_covariates_and_is_the_same_as_ever_without_them():
    table = lone(promo=np.arange(12) % 2)
    without = ReadOptions(past_covariates=())
    prints = [
        read_panel(table).fingerprint,
        read_panel(table, known("promo")).fingerprint,
        read_panel(table.assign(promo=1 - table["promo"])).fingerprint,
        read_panel(table, without).fingerprint,
    ]

    assert len(set(prints)) == 4
    assert prints[3] == read_panel(lone()).fingerprint


def test_rows_after_the_last_value_say_what_is_known_of_the_future():
    table = lone(promo=np.arange(12) % 2, other=1.0 * np.arange(12))
    table.loc[10:, ["y", "other"]] = np.nan

    panel = read_panel(table, known("promo"))

    assert panel.frame["ds"].iloc[-1] == DAYS[9]
    assert panel.future.to_dict("list") == {"unique_id": ["y", "y"], "ds": list(DAYS[10:]), "promo": [0.0, 1.0]}
    assert read_panel(table).future is None
    assert [r["what"] for r in panel.report["repairs"]] == []
    [dropped] = read_panel(table).report["repairs"]
    assert (dropped["what"], dropped["count"]) == ("rows after the last value dropped", 2)


def test_a_holiday_is_there_or_not():
    names = ["", "", "Easter", *[""] * 8, "May Day"]

    panel = read_panel(lone(holiday=names), known("holiday"))

    assert np.flatnonzero(panel.frame["holiday"]).tolist() == [2, 11]
    assert panel.report["warnings"] == ["'holiday' is text: 1 where it says something, 0 where it is empty"]
    with pytest.raises(DataError, match=r"row 1: 'holiday' is text in every row \('x', 'z'\)"):
        read_panel(lone(holiday=["x", "z"] * 6), known("holiday"))


def test_a_known_covariate_that_is_not_there_or_has_another_role_is_an_error():
    with pytest.raises(DataError, match="--known-covariates names 'promo', and there is no such column"):
        read_panel(lone(visits=1.0), known("promo"))
    with pytest.raises(DataError, match="that is the time, the target or the id"):
        read_panel(lone(), known("ds"))
    with pytest.raises(DataError, match="a name that forecasts need"):
        read_panel(lone(price=1.0, unique_id=range(12)), ReadOptions(target=("price",), known_covariates=("y",)))


def test_single_bad_values_of_a_covariate_are_missing_and_a_bad_one_is_not_used(tmp_path):
    visits = ["1", "2", "?x", *map(str, range(9))]
    mostly = [*map(str, range(5)), *["n/k"] * 7]
    lone(visits=visits).to_csv(tmp_path / "a.csv", index=False)
    pd.concat([lone(mostly=str(3))] * 200).assign(
        ds=pd.date_range("2000-01-01", periods=2400), y=np.arange(2400.0), mostly=["1"] * 1000 + ["bad"] * 1400
    ).to_csv(tmp_path / "b.csv", index=False)

    panel = read_panel(tmp_path / "a.csv")
    assert np.isnan(panel.frame["visits"][2])
    assert {"what": "values of 'visits' that are no numbers taken as missing", "count": 1, "first_line": 4} in (
        panel.report["repairs"]
    )
    assert read_panel(lone(mostly=mostly)).covariates == Covariates()
    panel = read_panel(tmp_path / "b.csv")
    assert panel.covariates == Covariates()
    assert panel.report["columns"]["unused"] == ["mostly"]
    assert "'mostly' is not used as a covariate" in panel.report["warnings"][0]


def test_what_never_changes_within_a_series_is_static():
    panel = read_panel(shops(region=["n", "n", "s"], size=[10, 20, 20], promo=np.arange(36) % 3, same=[1, 1, 1]))

    assert panel.covariates == Covariates(past=("promo",), static=("size", "region"))
    assert panel.static.to_dict("list") == {"size": [10.0, 20.0, 20.0], "region": ["n", "n", "s"]}
    assert panel.static.index.tolist() == ["a", "b", "c"]
    assert panel.report["columns"]["unused"] == ["same"]


def test_static_covariates_follow_the_series_that_are_kept():
    table = shops(region=["n", "s", "s"])
    table.loc[:11, "y"] = np.nan

    panel = read_panel(table)

    assert panel.static.index.tolist() == ["b", "c"] and panel.report["series"] == 2


def test_a_newer_table_must_bring_the_same_covariates():
    table = shops(region=["n", "n", "s"], promo=np.arange(36) % 3, visits=np.arange(36) * 2)
    panel = read_panel(table, known("promo"))
    like = Source.from_dict(json.loads(json.dumps(panel.source.to_dict())))
    newer = table.groupby("unique_id").tail(1).assign(ds=pd.Timestamp("2024-01-13"))

    again = read_panel(newer, like=like)

    assert again.covariates == panel.covariates and again.frame["promo"].tolist() == [2, 2, 2]
    with pytest.raises(DataError, match=r"covariates 'promo', 'visits', 'region', and this table has no 'visits'"):
        read_panel(newer.drop(columns="visits"), like=like)


@pytest.mark.parametrize("target", ["empty", "absent"])
def test_a_newer_table_may_hold_nothing_but_the_future(target):
    table = shops(promo=np.arange(36) % 3)
    like = read_panel(table, known("promo")).source
    ahead = pd.DataFrame({"unique_id": ["a", "a"], "ds": pd.date_range("2024-01-13", periods=2), "promo": [1, 0]})
    ahead = ahead.assign(y=np.nan) if target == "empty" else ahead

    panel = read_panel(ahead, like=like)

    assert len(panel.frame) == 0 and panel.future["promo"].tolist() == [1, 0]
    assert panel.report["dates"]["start"] == "2024-01-13"


def test_a_newer_table_may_begin_with_a_gap():
    like = read_panel(lone()).source
    newer = pd.DataFrame({"ds": pd.date_range("2024-01-13", periods=3), "y": [np.nan, np.nan, 5.0]})

    assert read_panel(newer, like=like).frame["ds"].tolist() == list(newer["ds"])
    assert len(read_panel(newer).frame) == 1


def test_more_columns_than_a_network_should_read_are_not_taken_unasked():
    many = lone(**{f"c{n}": np.arange(12.0) + n for n in range(101)})

    panel = read_panel(many)

    assert panel.covariates == Covariates() and "--past-covariates" in panel.report["warnings"][0]
    assert read_panel(many, ReadOptions(past_covariates=("c7",))).covariates == Covariates(past=("c7",))


def test_static_numbers_are_found_also_where_past_covariates_are_named():
    table = shops(size=[10, 20, 20], region=["n", "n", "s"], promo=np.arange(36) % 3, visits=np.arange(36) * 2)

    for past in (("visits",), ()):
        panel = read_panel(table, ReadOptions(past_covariates=past))
        assert panel.covariates == Covariates(past=past, static=("size", "region"))


def test_a_column_that_never_changes_is_used_only_where_it_is_named():
    assert read_panel(lone(same=3.0)).covariates == Covariates()
    assert read_panel(lone(same=3.0), ReadOptions(past_covariates=("same",))).covariates == Covariates(past=("same",))
