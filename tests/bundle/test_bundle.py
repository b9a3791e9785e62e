import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecastr.bundle import load_bundle
from forecastr.errors import DataError
from forecastr.schema import BASELINE, CUTOFF, forecast_columns

NUMBERS = [*forecast_columns(), BASELINE]


@pytest.fixture(scope="module")
def newer(table) -> pd.DataFrame:
    """The last twenty days of each series, with five that the bundle knows."""
    return table.groupby("unique_id").tail(25).reset_index(drop=True)


@pytest.fixture(scope="module")
def backtest(bundle, newer):
    """The backtest on the newer days."""
    return bundle.backtest(newer)


def test_a_forecast_follows_the_last_row_of_every_series(bundle):
    forecast = bundle.predict()
    assert forecast.columns.tolist() == ["unique_id", "ds", *NUMBERS]
    assert forecast["unique_id"].tolist() == ["a"] * 3 + ["b"] * 3
    assert forecast["ds"].iloc[[0, 2, 3]].astype(str).tolist() == ["2024-04-10", "2024-04-12", "2024-03-21"]
    assert np.isfinite(forecast[NUMBERS].to_numpy()).all()
    ordered = forecast[["forecastr-lo-95", "forecastr-lo-80", "forecastr", "forecastr-hi-80", "forecastr-hi-95"]]
    assert (np.diff(ordered.to_numpy(), axis=1) > 0).all()


def test_a_copied_bundle_predicts_the_same_bits(bundle, tmp_path):
    shutil.copytree(bundle.folder, tmp_path / "elsewhere" / "bundle")
    for path in (tmp_path / "elsewhere", tmp_path / "elsewhere" / "bundle"):  # a run folder, and the bundle in it
        pd.testing.assert_frame_equal(load_bundle(path).predict(), bundle.predict(), check_exact=True)


@pytest.mark.parametrize("order", [1, -1])
def test_newer_rows_are_appended_to_what_the_bundle_knows(bundle, table, newer, order):
    """Overlapping, in any order of the series: as if the whole table had been given."""
    names = ["a", "b"][::order]
    shuffled = pd.concat([newer[newer["unique_id"] == name] for name in names], ignore_index=True)
    whole = bundle.predict(table)
    assert whole["ds"].max() == pd.Timestamp("2024-05-02")
    pd.testing.assert_frame_equal(bundle.predict(shuffled), whole, check_exact=True)
    assert not np.allclose(whole["forecastr"], bundle.predict()["forecastr"])


def test_news_of_one_series_changes_no_other(bundle, newer):
    before, after = bundle.predict(), bundle.predict(newer[newer["unique_id"] == "b"])
    pd.testing.assert_frame_equal(after[after["unique_id"] == "a"], before[before["unique_id"] == "a"])
    assert after["ds"].iloc[-1] == pd.Timestamp("2024-04-12")


def test_a_shorter_horizon_is_the_beginning_and_a_longer_one_an_error(bundle):
    short, whole = bundle.predict(horizon=2), bundle.predict()
    pd.testing.assert_frame_equal(short, whole.groupby("unique_id").head(2).reset_index(drop=True))
    with pytest.raises(DataError, match="1 to 3 steps"):
        bundle.predict(horizon=4)


def test_a_series_a_thousand_times_larger_gets_a_forecast_a_thousand_times_larger(
    bundle, make_bundle, table_of, tmp_path
):
    larger = make_bundle(table_of(100, size=1000.0), tmp_path / "bundle").predict()
    np.testing.assert_allclose(larger[NUMBERS], 1000 * bundle.predict()[NUMBERS], rtol=1e-4)


def test_a_backtest_starts_from_every_newer_cutoff(bundle, backtest, table):
    assert not backtest.seen
    assert backtest.n_cutoffs == 2 * (20 - 3 + 1)
    rows = backtest.table[backtest.table["unique_id"] == "a"]
    assert rows[CUTOFF].min() == pd.Timestamp("2024-04-09")
    assert rows["ds"].max() == pd.Timestamp("2024-04-29")
    actual = table.set_index(["unique_id", "ds"])["y"]
    np.testing.assert_array_equal(rows["y"], actual.loc[list(zip(rows["unique_id"], rows["ds"], strict=True))])


def test_a_backtest_forecasts_what_predict_would_have(bundle, backtest, newer):
    for days in (0, 7):
        cutoff = pd.Timestamp("2024-04-09") + pd.Timedelta(days=days)
        then = backtest.table[(backtest.table["unique_id"] == "a") & (backtest.table[CUTOFF] == cutoff)]
        known = newer[(newer["unique_id"] == "a") & (newer["ds"] <= cutoff)]
        predicted = bundle.predict(known).query("unique_id == 'a'")
        assert then["ds"].tolist() == predicted["ds"].tolist()
        np.testing.assert_allclose(then[forecast_columns()], predicted[forecast_columns()], rtol=1e-5)


def test_a_hindcast_has_the_forecasts_of_a_backtest_and_its_best_baseline(bundle, backtest, newer):
    hindcast = bundle.hindcast(newer)

    same = ["unique_id", "ds", CUTOFF, "y", "forecastr"]
    pd.testing.assert_frame_equal(hindcast[same], backtest.table[same])
    best = hindcast[backtest.judgement.verdict.baseline].rename(BASELINE)
    pd.testing.assert_series_equal(best, backtest.table[BASELINE])


def test_a_backtest_on_rows_seen_in_training_says_so(bundle, table_of):
    result = bundle.backtest(table_of(100))
    assert result.seen
    assert result.n_cutoffs == (20 - 3 + 1) + (16 - 3 + 1)


def test_a_backtest_without_a_whole_horizon_is_an_error(bundle, table):
    two_days = table[(table["unique_id"] == "a") & (table["ds"] <= "2024-04-11")]
    with pytest.raises(DataError, match="needs 3 newer rows of a series, one horizon; there are 2"):
        bundle.backtest(two_days)


def stranger(n: int = 60) -> pd.DataFrame:
    """A series that the bundle has never seen."""
    y = 500 + 50 * np.sin(2 * np.pi * np.arange(n) / 4) + np.random.default_rng(3).normal(size=n)
    return pd.DataFrame({"unique_id": "new", "ds": pd.date_range("2024-01-01", periods=n), "y": y})


def test_a_series_never_seen_is_forecast_in_its_own_size(bundle):
    forecast = bundle.predict(stranger()).query("unique_id == 'new'")
    assert len(forecast) == 3
    assert forecast["forecastr"].between(300, 700).all()
    assert forecast["forecastr"].nunique() == 3


def test_no_forecast_of_a_series_never_seen_moves_with_what_follows_its_cutoff(bundle):
    rows, shocked = stranger(), stranger()
    shocked.loc[50:, "y"] += 1e5
    before, after = (bundle.backtest(table).table for table in (rows, shocked))
    assert before[CUTOFF].min() == pd.Timestamp("2024-01-01") + pd.Timedelta(days=47)  # the last fifth is 12 days
    early = before[CUTOFF] <= rows["ds"][49]
    pd.testing.assert_frame_equal(
        before.loc[early, forecast_columns()], after.loc[early, forecast_columns()], check_exact=True
    )
    assert not np.allclose(before.loc[~early, "forecastr"], after.loc[~early, "forecastr"])


def test_a_series_without_a_logarithm_is_forecast_all_the_same(bundle):
    below = stranger().assign(y=lambda rows: rows["y"] - 1000)
    assert np.isfinite(bundle.predict(below)[NUMBERS].to_numpy()).all()


def test_a_baseline_that_shares_in_the_ensemble_moves_the_forecast_by_its_weight(make_bundle, table, tmp_path):
    bundle = make_bundle(table, tmp_path / "bundle")
    forecast = bundle.predict()
    without = replace(bundle, shares={}).predict()

    naive = replace(bundle, baseline="seasonal_naive").predict()["baseline"]
    share = bundle.shares["seasonal_naive"]
    np.testing.assert_allclose(forecast["forecastr"], without["forecastr"] + share * naive)


def test_widths_stretch_the_ensemble_about_its_median(make_bundle, table, tmp_path):
    bundle = make_bundle(table, tmp_path / "bundle")
    bundle = replace(bundle, offsets={name: 0 * offsets for name, offsets in bundle.offsets.items()})
    names = forecast_columns()
    stated = bundle.predict()[names].to_numpy()
    wide = replace(bundle, widths=(3.0, 2.0, 1.0, 2.0, 3.0)).predict()[names].to_numpy()
    middle = stated[:, [names.index("forecastr")]]
    factors = [{"95": 3.0, "80": 2.0}.get(name[-2:], 1.0) for name in names]
    np.testing.assert_allclose(wide - middle, (stated - middle) * factors)


def counted(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(y=table["y"].round().abs())


def test_counts_are_forecast_as_counts_and_never_below_none(make_bundle, table, tmp_path):
    bundle = make_bundle(counted(table), tmp_path / "bundle")
    bundle = replace(bundle, widths=(300.0, 200.0, 1.0, 200.0, 300.0))
    forecast, backtest = bundle.predict(), bundle.backtest(counted(table)).table
    points = ["forecastr", BASELINE]
    assert (forecast[points] % 1 == 0).all(axis=None) and (backtest[points] % 1 == 0).all(axis=None)
    lowest = forecast["forecastr-lo-95"]
    assert (lowest == 0).all() and (forecast["forecastr-hi-95"] % 1 != 0).all()
    hindcast = bundle.hindcast(counted(table))
    assert (hindcast.drop(columns=["unique_id", "ds", CUTOFF, "y"]) % 1 == 0).all(axis=None)


def test_a_series_that_turns_out_to_have_fractions_is_forecast_with_them(make_bundle, table, tmp_path):
    bundle = make_bundle(counted(table), tmp_path / "bundle")
    last = table[table["unique_id"] == "a"].tail(1)
    forecast = bundle.predict(last.assign(ds=last["ds"] + pd.Timedelta(days=1), y=20.5)).set_index("unique_id")
    assert (forecast.loc["a", "forecastr"] % 1 != 0).all()
    assert (forecast.loc["b", "forecastr"] % 1 == 0).all()


def test_enough_rows_are_kept_for_the_quantiles_of_a_random_walk(make_bundle, tmp_path):
    days = pd.date_range("2010-01-01", periods=3000)
    long = pd.DataFrame({"unique_id": "a", "ds": days, "y": 20 + np.arange(3000) % 4})
    bundle = make_bundle(long, tmp_path / "bundle")

    assert len(bundle.context) == 2500 + 60 + 3
