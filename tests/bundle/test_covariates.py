"""Bundles whose networks read covariates: what they keep, what they ask for, and that they repeat themselves."""

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecastr.bundle import Bundle, load_bundle
from forecastr.data import Panel, read_panel
from forecastr.errors import DataError
from forecastr.evaluation.baselines import BASELINES
from forecastr.fitting.pack import write_bundle
from forecastr.fitting.plan import Plan, make_plan
from forecastr.fitting.scores import training_scales
from forecastr.models.config import NetworkConfig, WindowShape
from forecastr.models.network import build_networks
from forecastr.schema import MODEL, Covariates
from forecastr.search.trials import Trial

HORIZON, SEASON, DAYS, SEEN = 3, 4, 120, 100
SMALL = NetworkConfig(layers=1, units=4, context_length=8, stride=4)
CONFIGS = (replace(SMALL, covariates="known"), replace(SMALL, covariates="all", calendar=True), SMALL)
WEIGHTS = (0.5, 0.3, 0.2)


def make_table(until: int = SEEN, *, known_until: int = SEEN + HORIZON) -> pd.DataFrame:
    """Two daily series with a promotion known beyond the last value, a price of the past, and a region."""
    rng, parts = np.random.default_rng(0), []
    for name, region, size in (("a", "north", 20), ("b", "south", 200)):
        promo, volume = (rng.random(DAYS) < 0.3).astype("float32"), rng.normal(size=DAYS).astype("float32")
        y = size * (1 + 0.2 * np.sin(2 * np.pi * np.arange(DAYS) / SEASON) + 0.5 * promo + 0.05 * rng.normal(size=DAYS))
        days = pd.date_range("2024-01-01", periods=DAYS)
        rows = pd.DataFrame({"unique_id": name, "ds": days, "y": y, "volume": volume, "promo": promo, "region": region})
        rows.loc[until:, ["y", "volume"]] = np.nan
        parts.append(rows.iloc[: max(until, known_until)])
    return pd.concat(parts, ignore_index=True)


def panel_of(table: pd.DataFrame) -> Panel:
    """Return a table as the reader gives it."""
    rows = table[table["y"].notna()].reset_index(drop=True)
    static = table.groupby("unique_id")[["region"]].first()
    future = table.loc[table["y"].isna(), ["unique_id", "ds", "promo"]].reset_index(drop=True)
    return replace(
        read_panel(rows[["unique_id", "ds", "y"]]),
        frame=rows.drop(columns="region"),
        covariates=Covariates(past=("volume",), known=("promo",), static=("region",)),
        future=future if len(future) else None,
        static=static,
    )


def plan_of(table: pd.DataFrame) -> Plan:
    return make_plan(panel_of(table), horizon=HORIZON, season=SEASON)


def bundle_of(plan: Plan, folder, configs=CONFIGS, weights=WEIGHTS) -> Bundle:
    """Write a bundle of networks with random weights."""
    networks, rng = folder / "networks", np.random.default_rng(1)
    networks.mkdir(parents=True)
    for n, config in enumerate(configs):
        steps = 1 if config.head == "plain" else HORIZON
        shape = WindowShape(horizon=steps, season_lengths=(SEASON,), covariates=plan.inputs.shape)
        _, network = build_networks(config, shape)
        network.set_weights([rng.normal(scale=0.2, size=weight.shape) for weight in network.weights])
        network.save(networks / f"{n:04d}.keras")
    write_bundle(
        folder / "bundle",
        plan,
        weights={Trial(n, config): weight for n, (config, weight) in enumerate(zip(configs, weights, strict=True))},
        shares={},
        offsets={name: np.zeros((HORIZON, 5)) for name in (MODEL, *BASELINES)},
        baseline="last_value",
        networks=networks,
        scaled_on=plan.store,
        scale=training_scales(plan.train_store, SEASON),
    )
    return load_bundle(folder / "bundle")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Bundle:
    """A bundle of the first hundred days, which knows of the promotions of three more."""
    return bundle_of(plan_of(make_table()), tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def unaware(tmp_path_factory) -> Bundle:
    """The same of a table that ends with its last value."""
    return bundle_of(plan_of(make_table(known_until=SEEN)), tmp_path_factory.mktemp("run"))


def test_a_bundle_keeps_the_covariates_that_its_networks_read(bundle):
    assert bundle.context.columns.tolist() == ["unique_id", "ds", "y", "volume", "promo"]
    assert bundle.covariates.inputs.cycles == ("week", "month")
    assert bundle.covariates.static.tolist() == [[1, 0], [0, 1]]
    assert bundle.source.covariates == Covariates(past=("volume",), known=("promo",), static=("region",))
    assert len(bundle.covariates.future) == 2 * HORIZON


def test_a_moved_bundle_predicts_the_same_bits(bundle, tmp_path):
    shutil.copytree(bundle.folder, tmp_path / "elsewhere" / "bundle")
    forecast = bundle.predict()
    assert forecast["ds"].iloc[[0, 2]].astype(str).tolist() == ["2024-04-10", "2024-04-12"]
    assert np.isfinite(forecast["forecastr"]).all()
    pd.testing.assert_frame_equal(load_bundle(tmp_path / "elsewhere").predict(), forecast, check_exact=True)


def test_promotions_to_come_move_their_step_and_the_table_s_count_more_than_the_bundle_s(bundle):
    table = make_table()
    day = table["ds"] == "2024-04-11"
    changed = table.assign(promo=table["promo"].where(~day, 1 - table["promo"]))
    before, after = bundle.predict(panel_of(table)), bundle.predict(panel_of(changed))
    pd.testing.assert_frame_equal(before, bundle.predict(), check_exact=True)
    moved = (before["forecastr"] != after["forecastr"]).to_numpy()
    assert moved.tolist() == [False, True, False] * 2


def test_rows_without_a_target_are_the_future_of_a_plain_frame_too(bundle, unaware):
    pd.testing.assert_frame_equal(unaware.predict(make_table()), bundle.predict(), check_exact=True)
    only_future = panel_of(make_table())
    empty = replace(only_future, frame=only_future.frame[["unique_id", "ds", "y"]].iloc[:0])
    pd.testing.assert_frame_equal(unaware.predict(empty), bundle.predict(), check_exact=True)


def test_a_missing_future_is_an_error_that_names_the_rows_to_add(unaware):
    with pytest.raises(DataError) as error:
        unaware.predict()
    assert str(error.value) == (
        "'promo' is not known for 6 of 6 steps to forecast (first: 2024-04-10 to 2024-04-12 of 'a'), and the networks "
        "read it. Add rows for these times to the table, with promo filled and the target empty, and pass it with "
        "--data."
    )
    table = make_table()
    table.loc[(table["unique_id"] == "b") & (table["ds"] == "2024-04-11"), "promo"] = np.nan
    with pytest.raises(DataError, match=r"1 of 6 steps to forecast \(first: 2024-04-11 of 'b'\)"):
        unaware.predict(panel_of(table))


def test_a_shorter_horizon_needs_fewer_rows_and_is_the_beginning(unaware, bundle):
    short = unaware.predict(panel_of(make_table(known_until=SEEN + 2)), horizon=2)
    whole = bundle.predict()
    pd.testing.assert_frame_equal(short, whole.groupby("unique_id").head(2).reset_index(drop=True))


def test_newer_rows_without_a_covariate_are_an_error_that_names_it(bundle):
    with pytest.raises(DataError, match=r"read 'volume' beside the target, and the newer rows have no such column"):
        bundle.predict(make_table().drop(columns="volume"))


def test_a_backtest_forecasts_what_predict_would_have(bundle):
    newer = panel_of(make_table(until=DAYS))
    result = bundle.backtest(newer)
    assert result.n_cutoffs == 2 * (DAYS - SEEN - HORIZON + 1)
    cutoff = pd.Timestamp("2024-04-14")
    then = result.table[result.table["cutoff"] == cutoff]
    known = make_table(until=SEEN + 5, known_until=SEEN + 5 + HORIZON)
    predicted = bundle.predict(panel_of(known))
    assert then["ds"].tolist() == predicted["ds"].tolist()
    np.testing.assert_allclose(then["forecastr"], predicted["forecastr"], rtol=1e-5)


def test_a_series_never_seen_is_forecast_with_its_own_covariates(bundle):
    stranger = make_table().query("unique_id == 'b'").assign(unique_id="new", region="west")
    forecast = bundle.predict(panel_of(stranger)).query("unique_id == 'new'")
    assert forecast["forecastr"].between(50, 500).all()


def test_a_network_that_reads_the_target_alone_asks_for_nothing(tmp_path):
    plan = plan_of(make_table(known_until=SEEN))
    bundle = bundle_of(plan, tmp_path, (SMALL,), (1.0,))
    assert bundle.source.covariates == Covariates()
    assert bundle.context.columns.tolist() == ["unique_id", "ds", "y"]
    assert np.isfinite(bundle.predict(make_table(known_until=SEEN)[["unique_id", "ds", "y"]])["forecastr"]).all()


def test_a_network_that_reads_the_calendar_needs_no_rows_of_the_future(tmp_path):
    plan = plan_of(make_table(known_until=SEEN))
    bundle = bundle_of(plan, tmp_path, (replace(SMALL, calendar=True),), (1.0,))
    assert bundle.context.columns.tolist() == ["unique_id", "ds", "y"]
    assert np.isfinite(bundle.predict()["forecastr"]).all()


def test_the_plan_says_before_training_what_a_forecast_would_lack():
    assert plan_of(make_table()).missing_future is None
    [warning] = [text for text in plan_of(make_table(known_until=SEEN)).warnings if "promo" in text]
    assert warning.startswith(
        "'promo' is not known for 6 of 6 steps to forecast (first: 2024-04-10 to 2024-04-12 of 'a')"
    )
    assert "forecastr predict --data" in warning


def test_a_series_that_ended_before_the_others_is_not_asked_for_its_future(tmp_path):
    table = make_table()
    ended = table[(table["unique_id"] == "a") | (table["ds"] < "2024-03-20")]

    forecast = bundle_of(plan_of(ended), tmp_path).predict()

    first = forecast.groupby("unique_id")["ds"].first().astype(str)
    assert first.to_dict() == {"a": "2024-04-10", "b": "2024-03-20"}
    assert np.isfinite(forecast["forecastr"]).all()
