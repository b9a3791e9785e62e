"""Covariates beside the values: kept with them, scaled on training alone, cut into windows."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecastr.data import read_panel
from forecastr.schema import Covariates
from forecastr.windows.beside import CovariateWindows
from forecastr.windows.covariates import CovariateInputs, CovariateShape
from forecastr.windows.cycles import cycle_waves, find_cycles
from forecastr.windows.rescaling import CovariateScaler, fit_covariates
from forecastr.windows.static import StaticColumn, learn_static
from forecastr.windows.store import Cutoffs, SeriesStore

NAN = np.nan


def column(*values: float) -> np.ndarray:
    return np.array(values, np.float32)[:, None]


def two_series(**covariates: np.ndarray) -> SeriesStore:
    """Four steps of one series and three of another."""
    return SeriesStore(np.arange(7.0), np.array([0, 4, 7]), **covariates)


def unscaled(n_series: int, n_columns: int) -> CovariateScaler:
    ones, zeros = np.ones((n_series, n_columns)), np.zeros((n_series, n_columns))
    return CovariateScaler(zeros, ones, np.array([zeros[0], ones[0]]), np.zeros(n_columns, bool))


def windows_of(store: SeriesStore, shape: CovariateShape, scaler: CovariateScaler | None = None, **sizes: int):
    sizes = {"context_length": 2, "known_length": 3, "horizon": 2, "season_length": 1, **sizes}
    scaler = scaler or unscaled(store.n_series, shape.known + shape.past)
    return CovariateWindows(store=store, scaler=scaler, shape=shape, **sizes)


def test_a_store_keeps_covariates_beside_its_values(tmp_path):
    store = two_series(known=column(*range(7)), past=column(*range(10, 17)), static=column(5, 6))
    loaded = SeriesStore.load(store.save(tmp_path / "store"))
    for name in ("values", "known", "past", "static"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(store, name))
    assert loaded.stamps is None
    assert loaded.known.dtype == np.float32


def test_zeros_and_ones_share_a_scale_and_numbers_are_measured_in_their_series():
    promo, price = column(0, 0, 0, 0, 1, 0, 1), column(8, 12, 8, 12, 103, 97, NAN)
    scaler = fit_covariates(two_series(known=np.concatenate([promo, price], axis=1)))
    share = 2 / 7
    np.testing.assert_allclose(scaler.center, [[0, 10], [0, 100]])
    np.testing.assert_allclose(scaler.scale, [[np.sqrt(share * (1 - share)), 2], [np.sqrt(share * (1 - share)), 3]])
    assert scaler.shared.tolist() == [True, False]


def test_past_covariates_are_measured_in_their_mean_change():
    scaler = fit_covariates(two_series(past=column(0, 1, NAN, 3, 10, 12, 16)))
    np.testing.assert_allclose(scaler.scale.ravel(), [1, 3])  # of the changes next to a gap none is known


def test_a_series_that_gives_no_scale_takes_the_usual_one():
    scaler = fit_covariates(two_series(known=column(5, 5, 5, 5, 1, 3, 2)))
    np.testing.assert_allclose(scaler.scale.ravel(), np.sqrt(2 / 3))
    nothing = fit_covariates(two_series(known=column(*[NAN] * 4, 1, 3, 2)))
    np.testing.assert_allclose(nothing.center.ravel(), [2, 2])


def test_a_new_series_is_measured_by_itself_and_the_others_as_in_training():
    known = np.concatenate([column(0, 0, 0, 1, 0, 1, 0), column(1, 3, 1, 3, 20, 40, 30)], axis=1)
    trained = fit_covariates(two_series(known=known))
    fresh = fit_covariates(two_series(known=np.concatenate([column(*[0] * 7), column(*range(7))], axis=1)))
    taken = trained.take(np.array([1, -1]), fresh)
    np.testing.assert_allclose(taken.center, [[0, 30], [0, 5]])
    np.testing.assert_allclose(taken.scale[:, 0], trained.usual[1, 0])


def test_known_windows_reach_into_the_horizon_and_stay_in_their_series():
    windows = windows_of(two_series(known=column(*range(7))), CovariateShape(known=1))
    known = windows.at(Cutoffs(np.array([0, 1, 1]), np.array([3, 1, 3])))["known"]
    assert known[..., 0].tolist() == [[0, 1, 2, 3, 3], [4, 4, 4, 5, 6], [4, 5, 6, 6, 6]]


def test_past_windows_end_at_the_cutoff_with_changes_and_distances():
    windows = windows_of(two_series(past=column(0, 2, 2, 8, 1, 1, 4)), CovariateShape(past=1))
    beside = windows.at(Cutoffs(np.array([0, 1]), np.array([3, 3])))["beside"]
    changes, distances = np.sinh(beside[..., 0]), np.sinh(beside[..., 1])
    np.testing.assert_allclose(changes, [[2, 0], [0, 3]], rtol=1e-6)
    np.testing.assert_allclose(distances, [[2 - 1, 2 - 4 / 3], [1 - 1, 4 - 2]], rtol=1e-6)


def test_gaps_take_the_last_value_of_their_series_and_outliers_lose_their_leverage():
    windows = windows_of(two_series(known=column(NAN, 1, NAN, 1e9, NAN, 3, NAN)), CovariateShape(known=1))
    known = windows.at(Cutoffs(np.array([0, 1]), np.array([2, 1])))["known"]
    assert known[..., 0].tolist() == [[0, 0, 1, 1, 10], [0, 0, 0, 3, 3]]


def test_static_covariates_stand_at_every_step():
    windows = windows_of(two_series(static=column(5, 6)), CovariateShape(static=1), unscaled(2, 0))
    beside = windows.at(Cutoffs(np.array([1, 0]), np.array([2, 1])))["beside"]
    assert beside[..., 0].tolist() == [[6, 6], [5, 5]]


def test_no_window_moves_with_past_covariates_after_its_cutoff_and_known_ones_do():
    rng = np.random.default_rng(0)
    known, past = rng.normal(size=(7, 2)).astype("float32"), rng.normal(size=(7, 2)).astype("float32")
    shape, scaler = CovariateShape(known=2, past=2), unscaled(2, 4)
    cutoff = Cutoffs(np.array([0, 1]), np.array([2, 2]))
    before = windows_of(two_series(known=known, past=past), shape, scaler).at(cutoff)
    later = np.array([False, False, True, True, False, False, True])[:, None]
    after = windows_of(two_series(known=np.where(later, -1, known), past=np.where(later, 1e6, past)), shape, scaler).at(
        cutoff
    )
    np.testing.assert_array_equal(after["beside"], before["beside"])
    np.testing.assert_array_equal(after["known"][:, :3], before["known"][:, :3])
    assert (after["known"][:, 3:] == -1).all()


@pytest.mark.parametrize(
    ("freq", "periods", "cycles"),
    [
        ("h", 24 * 40, ("day", "week")),
        ("D", 800, ("week", "month", "year")),
        ("D", 13, ()),
        ("B", 300, ("week", "month")),
        ("W-SUN", 120, ("year",)),
        ("MS", 48, ("year",)),
        ("QE", 12, ("year",)),
        ("YE", 50, ()),
    ],
)
def test_cycles_are_those_that_stamps_resolve_and_hold_twice(freq, periods, cycles):
    assert find_cycles(pd.date_range("2020-01-01", periods=periods, freq=freq).to_numpy()) == cycles


def test_waves_come_back_after_a_cycle_and_tell_its_steps_apart():
    days = pd.date_range("2023-01-01", periods=365 + 31).to_numpy().astype("datetime64[ns]")
    week, month, year = (cycle_waves(days, (name,)) for name in ("week", "month", "year"))
    np.testing.assert_allclose(week[:7], week[7:14], atol=1e-5)
    assert len(np.unique(week[:7].round(3), axis=0)) == 7
    np.testing.assert_allclose(month[0], month[31], atol=1e-5)  # the first of January and of February
    np.testing.assert_allclose(year[:30], year[365:395], atol=0.02)
    monday = np.array(["2024-01-01"], "datetime64[ns]")
    np.testing.assert_allclose(cycle_waves(monday, ("week",)), [[0, 1]], atol=1e-6)


def test_texts_become_their_most_frequent_values_and_numbers_are_standardized():
    regions = [*"aaabbbccddeefghij"]  # j is rarer than eight others, and last of its kind
    static = pd.DataFrame({"region": regions, "size": np.r_[np.zeros(16), 17.0], "same": "x"})
    region, size = learn_static(static, ("region", "size", "same"))
    assert region.values == tuple("abcdefgh")
    assert region.encode(pd.Series(["b", "j", None]))[:, :2].tolist() == [[0, 1], [0, 0], [0, 0]]
    assert size.encode(pd.Series([1.0, None])).ravel().tolist() == [0, 0]
    assert StaticColumn.from_dict(region.to_dict()) == region


def panel():
    days = pd.date_range("2024-01-01", periods=40)
    read = read_panel(pd.DataFrame({"unique_id": np.repeat(["a", "b"], 40), "ds": [*days, *days], "y": range(80)}))
    frame = read.frame.assign(promo=np.float32(1), high=np.arange(80, dtype=np.float32))
    static = pd.DataFrame({"region": ["N", "S"]}, index=pd.Index(["a", "b"], name="unique_id"))
    names = Covariates(past=("high",), known=("promo",), static=("region",))
    return replace(read, frame=frame, covariates=names, static=static)


def test_inputs_stack_a_panel_and_survive_json():
    inputs = CovariateInputs.of(panel(), panel().frame["ds"].to_numpy()[:40])
    assert inputs.cycles == ("week",)
    assert inputs.shape == CovariateShape(cycles=("week",), known=1, past=1, static=2)
    store = inputs.store(panel().frame, inputs.encode(panel().static, np.array(["a", "b", "new"])))
    assert (store.known.shape, store.past.shape) == ((80, 1), (80, 1))
    assert store.static.tolist() == [[1, 0], [0, 1], [0, 0]]
    assert CovariateInputs.from_dict(inputs.to_dict()) == inputs


def test_hours_are_those_that_clocks_show():
    hours = pd.date_range("2024-07-01", periods=48, freq="h")
    there = read_panel(pd.DataFrame({"ds": hours.tz_localize("Europe/Berlin"), "y": np.arange(48.0)}))
    here = read_panel(pd.DataFrame({"ds": hours, "y": np.arange(48.0)}))
    stores = []
    for panel in (there, here):
        inputs = CovariateInputs.of(panel, panel.frame["ds"].to_numpy())
        assert inputs.cycles == ("day",)
        stores.append(inputs.store(panel.frame))
    assert there.source.zone == "Europe/Berlin"
    np.testing.assert_array_equal(stores[0].stamps, stores[1].stamps)


def test_levels_read_more_and_more():
    whole = CovariateShape(cycles=("week",), known=2, past=3, static=1)
    assert whole.at("none", calendar=False) == CovariateShape()
    assert whole.at("none", calendar=True) == CovariateShape(cycles=("week",))
    assert whole.at("known", calendar=False) == CovariateShape(known=2, static=1)
    assert whole.at("all", calendar=True) == whole
    assert (whole.n_ahead, whole.n_beside) == (4, 7)
