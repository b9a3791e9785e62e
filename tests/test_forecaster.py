"""The Python object: scikit-learn's conventions, and the same forecasts as the command's."""

import copy
import gc
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.validation import check_is_fitted

import forecastr.forecaster as room
from forecastr import ConfigError, DataError, Forecaster, load_bundle
from forecastr.data import ReadOptions

MATRIX = "it fits a matrix of features, which has no time axis; fitting is tested below, on a table"
NOT_A_MATRIX = "it wants another message for a matrix; ours says that it has no time axis"
EXPECTED_FAILED_CHECKS = {
    "check_fit_score_takes_y": MATRIX,
    "check_estimators_overwrite_params": MATRIX,
    "check_dont_overwrite_parameters": MATRIX,
    "check_estimators_fit_returns_self": MATRIX,
    "check_readonly_memmap_input": MATRIX,
    "check_positive_only_tag_during_fit": MATRIX,
    "check_estimators_dtypes": MATRIX,
    "check_pipeline_consistency": MATRIX,
    "check_f_contiguous_array_estimator": MATRIX,
    "check_methods_sample_order_invariance": MATRIX,
    "check_methods_subset_invariance": MATRIX,
    "check_dict_unchanged": MATRIX,
    "check_fit_idempotent": MATRIX,
    "check_fit_check_is_fitted": MATRIX,
    "check_estimators_pickle": "a bundle is saved and loaded; nothing is pickled",
    "check_estimator_sparse_tag": NOT_A_MATRIX,
    "check_estimator_sparse_array": NOT_A_MATRIX,
    "check_estimator_sparse_matrix": NOT_A_MATRIX,
    "check_fit2d_1sample": NOT_A_MATRIX,
    "check_fit2d_1feature": NOT_A_MATRIX,
}


class Untagged(Forecaster):
    """Hides that the input is no matrix: scikit-learn would leave out all checks but one."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        return tags


@pytest.fixture
def loaded(fit) -> Forecaster:
    return Forecaster.load(fit.folder)


@pytest.fixture
def quick(fit, monkeypatch, tmp_path) -> list:
    """Let ``fit`` end at once with the run that is there; return the calls."""
    calls = []

    def fit_table(table, folder, options):
        calls.append((table, Path(folder), options))
        summary = json.loads((fit.folder / "summary.json").read_text())
        board = pd.read_csv(fit.folder / "leaderboard.csv")
        return room_result(load_bundle(fit.folder), summary, board)

    def room_result(bundle, summary, leaderboard):
        return type("Fitted", (), {"bundle": bundle, "summary": summary, "leaderboard": leaderboard})

    monkeypatch.setattr(room, "fit_table", fit_table)
    return calls


def test_scikit_learns_checks_pass_where_they_apply_to_a_forecaster():
    results = check_estimator(
        Untagged(time_limit=20), expected_failed_checks=EXPECTED_FAILED_CHECKS, on_fail="raise", on_skip=None
    )

    passed = {result["check_name"] for result in results if result["status"] == "passed"}
    failed = {result["check_name"] for result in results if result["status"] == "xfail"}
    assert failed == set(EXPECTED_FAILED_CHECKS)  # no excuse outlives its check
    assert passed >= {"check_estimators_unfitted", "check_set_params", "check_get_params_invariance"}


@pytest.mark.filterwarnings("ignore:Can't test estimator")
def test_check_estimator_accepts_the_forecaster_as_it_is():
    check_estimator(Forecaster())


def test_parameters_survive_clone_and_set_params():
    model = Forecaster(horizon=7, target="sales", time_limit="30s", seed=3)
    other = clone(model).set_params(horizon=9)

    assert other.get_params() == {**model.get_params(), "horizon": 9}
    assert repr(model) == "Forecaster(horizon=7, seed=3, target='sales', time_limit='30s')"


def test_an_unfitted_forecaster_says_so(tmp_path):
    for use in (
        lambda: Forecaster().predict(),
        lambda: Forecaster().backtest("newer.csv"),
        lambda: Forecaster().leaderboard(),
        lambda: Forecaster().save(tmp_path / "bundle"),
        lambda: check_is_fitted(Forecaster()),
    ):
        with pytest.raises(NotFittedError, match="not fitted yet"):
            use()


def test_fitting_passes_the_options_on_changes_no_parameter_and_returns_itself(fit, quick):
    model = Forecaster(horizon=5, time_limit="90s", max_trials=2)
    before = model.get_params()

    assert model.fit(str(fit.table)) is model

    [(table, folder, options)] = quick
    assert (table, options.horizon, options.time_limit, options.max_trials) == (str(fit.table), 5, 90.0, 2)
    assert model.get_params() == before
    assert model.summary_["task"]["horizon"] == 5
    check_is_fitted(model)
    assert folder.is_dir()
    del model
    gc.collect()
    assert not folder.exists()  # a run folder that nobody named goes with its object


def test_what_is_said_of_the_table_reaches_its_reader(fit, quick):
    model = Forecaster(
        target=["a", "b"], time="day", known_covariates="promo, holiday", past_covariates="none",
        duplicates="last", missing="forward",
    )  # fmt: skip
    Forecaster(wide=True).fit([str(fit.table), str(fit.newer)])
    model.fit(str(fit.table))

    assert quick[0][0] == [str(fit.table), str(fit.newer)]
    assert quick[0][2].reading == ReadOptions(wide=True)
    assert quick[1][2].reading == ReadOptions(
        target=("a", "b"), time="day", known_covariates=("promo", "holiday"), past_covariates=("none",),
        duplicates="last", missing="forward",
    )  # fmt: skip
    assert "id" in model.get_params()


def test_values_without_dates_are_numbered(fit, quick):
    values = np.arange(50.0)
    dates = pd.date_range("2024-01-01", periods=50, name="day")

    Forecaster().fit(values)
    Forecaster().fit(pd.Series(values, index=dates, name="sales"))

    pd.testing.assert_frame_equal(quick[0][0], pd.DataFrame({"ds": range(50), "y": values}))
    assert list(quick[1][0]) == ["sales"]
    assert quick[1][0].index.equals(dates)


def test_a_matrix_has_no_time_axis():
    with pytest.raises(DataError, match=r"shape \(30, 3\) has no time axis"):
        Forecaster().fit(np.zeros((30, 3)))


def test_options_that_make_no_sense_are_errors_before_anything_starts(tmp_path):
    with pytest.raises(ConfigError, match="is not a duration"):
        Forecaster(time_limit="soon").fit(np.arange(50.0))
    with pytest.raises(ConfigError, match="choose one of auto, classic"):
        Forecaster(preset="best").fit(np.arange(50.0))


def test_a_loaded_forecaster_predicts_as_the_command_did(fit):
    program = "import forecastr, sys; print(*forecastr.Forecaster.load(sys.argv[1]).predict()['forecastr'])"
    run = subprocess.run(
        [sys.executable, "-c", program, str(fit.folder)],
        env={**os.environ, "KERAS_BACKEND": "numpy"},  # as commands forecast
        capture_output=True,
        text=True,
        check=True,
    )

    written = pd.read_csv(fit.folder / "forecast.csv", dtype=str)["forecastr"]
    assert [f"{float(value):.10g}" for value in run.stdout.split()] == list(written)


def test_on_the_backend_that_trains_its_forecast_differs_by_the_rounding_of_float32(loaded, fit):
    forecast = loaded.predict()

    written = pd.read_csv(fit.folder / "forecast.csv")
    np.testing.assert_allclose(forecast["forecastr"], written["forecastr"], rtol=np.finfo(np.float32).eps)
    assert pd.api.types.is_datetime64_any_dtype(forecast["ds"])


def test_newer_rows_come_as_a_path_or_as_a_frame(loaded, fit):
    from_path = loaded.predict(fit.newer)
    from_frame = loaded.predict(pd.read_csv(fit.newer))

    pd.testing.assert_frame_equal(from_path, from_frame)
    assert from_path["ds"].min() > loaded.predict()["ds"].max()


def test_backtest_judges_newer_rows(loaded, fit):
    result = loaded.backtest(fit.newer)

    assert result.n_cutoffs == 56
    assert not result.seen
    names = {"forecastr", "last_value", "drift", "seasonal_naive", "theta", "holt_winters", "random_walk"}
    assert set(result.judgement.metrics.index) == names


def test_saved_and_loaded_it_gives_the_same_bits(loaded, tmp_path):
    loaded.save(tmp_path / "elsewhere")

    pd.testing.assert_frame_equal(Forecaster.load(tmp_path / "elsewhere").predict(), loaded.predict(), check_exact=True)
    with pytest.raises(ConfigError, match="there already"):
        loaded.save(tmp_path / "elsewhere")


def test_a_fitted_forecaster_is_saved_not_pickled(loaded):
    with pytest.raises(TypeError, match="Call save"):
        pickle.dumps(loaded)
    assert pickle.loads(pickle.dumps(Forecaster(horizon=3))).horizon == 3
    assert copy.deepcopy(Forecaster(horizon=3)).horizon == 3
    assert clone(loaded).get_params() == loaded.get_params()


def test_a_loaded_forecaster_has_no_leaderboard(loaded):
    with pytest.raises(NotFittedError, match="leaderboard"):
        loaded.leaderboard()
