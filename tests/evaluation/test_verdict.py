import math

import numpy as np
import pytest

from forecastr.evaluation import diebold_mariano, judge


def cube(point):
    return np.repeat(np.asarray(point, dtype=float)[..., None], 5, axis=-1)


def lone_series(n=200, horizon=3, seed=0):
    """A walk, every cutoff in it, its last values and the moves that follow."""
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.normal(size=n + horizon))
    y_true = np.lib.stride_tricks.sliding_window_view(walk[1:], horizon)[: n - 1].copy()
    windows = {"series": np.zeros(len(y_true), int), "last": walk[: len(y_true)], "scale": np.array([1.0])}
    return y_true, windows, rng


def lasting(windows, horizon=3):
    return np.repeat(windows["last"][:, None], horizon, axis=1)


def test_better_than_the_best_of_several_baselines():
    y_true, windows, rng = lone_series()
    forecasts = {
        "forecastr": cube(y_true + 0.5 * rng.normal(size=y_true.shape)),
        "last_value": cube(lasting(windows)),
        "theta": cube(y_true + 0.8 * rng.normal(size=y_true.shape)),
    }
    verdict = judge(y_true, forecasts, **windows, baselines=["last_value", "theta"])
    assert (verdict.kind, verdict.baseline) == ("better", "theta")
    errors = {name: np.abs(y_true - f[..., 2]).mean() for name, f in forecasts.items()}
    assert verdict.skill == pytest.approx(1 - errors["forecastr"] / errors["theta"])
    losses = [np.abs(y_true - forecasts[name][..., 2]).mean(axis=1) for name in ("forecastr", "theta")]
    assert verdict.p_value == pytest.approx(diebold_mariano(*losses, horizon=3))
    assert verdict.sentence == (
        "Better than theta, the best baseline: MASE 0.405 against 0.621, 34.9 % lower "
        "(Diebold-Mariano p < 0.001, 199 cutoffs)."
    )


def test_not_better_says_by_how_much_and_what_to_use():
    y_true, windows, rng = lone_series()
    forecasts = {
        "forecastr": cube(y_true + 3 * rng.normal(size=y_true.shape)),
        "last_value": cube(lasting(windows)),
    }
    verdict = judge(y_true, forecasts, **windows, baselines=["last_value"])
    assert verdict.kind == "not better"
    assert verdict.skill < 0
    assert verdict.sentence == (
        "Not better than last value: MASE 2.428 against 1.123, 116.3 % higher "
        "(p < 0.001, 199 cutoffs): use the baseline."
    )


def test_skill_that_may_be_chance_is_undecided():
    y_true, windows, rng = lone_series(40)
    noise = rng.normal(size=(2, *y_true.shape))
    forecasts = {"forecastr": cube(y_true + 0.97 * noise[0]), "seasonal_naive": cube(y_true + noise[1])}
    verdict = judge(y_true, forecasts, **windows, baselines=["seasonal_naive"])
    assert verdict.kind == "undecided"
    assert verdict.skill > 0
    assert verdict.p_value >= 0.05
    assert verdict.sentence == (
        "Undecided against seasonal naive, the best baseline: MASE 0.801 against 0.860, 6.8 % lower, "
        "but the difference may be chance (Diebold-Mariano p = 0.30, 39 cutoffs)."
    )


def test_a_forecast_one_day_late_is_a_copy_of_yesterday():
    y_true, windows, rng = lone_series()
    late = lasting(windows) + 0.1 * rng.normal(size=y_true.shape)
    forecasts = {"forecastr": cube(late), "last_value": cube(lasting(windows))}
    verdict = judge(y_true, forecasts, **windows, baselines=["last_value"])
    assert verdict.kind == "copy"
    assert verdict.sentence == (
        "A copy of yesterday: one step ahead the forecast lies 0.082 from the last value and 0.79 from the "
        "actual one, on average. Against last value, the best baseline: MASE 1.128 against 1.123, "
        "0.5 % higher (p = 0.20, 199 cutoffs): use the baseline."
    )


def test_the_last_value_itself_is_a_copy_and_not_a_bit_better():
    y_true, windows, _ = lone_series()
    forecasts = {name: cube(lasting(windows)) for name in ("forecastr", "last_value")}
    verdict = judge(y_true, forecasts, **windows, baselines=["last_value"])
    assert (verdict.kind, verdict.skill, verdict.p_value) == ("copy", 0.0, 1.0)
    assert verdict.sentence == (
        "A copy of yesterday: one step ahead the forecast lies 0 from the last value and 0.784 from the "
        "actual one, on average. Against last value, the best baseline: MASE 1.123 against 1.123, the same "
        "(p = 1.00, 199 cutoffs): use the baseline."
    )


def test_a_bad_forecast_far_from_the_last_value_is_no_copy():
    y_true, windows, rng = lone_series()
    stray = lasting(windows) + 2 * rng.normal(size=y_true.shape)
    assert np.abs(stray - lasting(windows))[:, 0].mean() < np.abs(stray - y_true)[:, 0].mean()
    forecasts = {"forecastr": cube(stray), "last_value": cube(lasting(windows))}
    assert judge(y_true, forecasts, **windows, baselines=["last_value"]).kind == "not better"


def test_a_forecast_that_beats_the_last_value_but_not_theta_is_no_copy():
    y_true, windows, _ = lone_series()
    last = lasting(windows)
    informed = last + 0.4 * (y_true - last)
    forecasts = {"forecastr": cube(informed), "last_value": cube(last), "theta": cube(y_true + 0.1)}
    verdict = judge(y_true, forecasts, **windows, baselines=["last_value", "theta"])
    assert (verdict.kind, verdict.baseline) == ("not better", "theta")


def panel(n_series=40, n_cutoffs=1, horizon=2, seed=1):
    rng = np.random.default_rng(seed)
    sizes = 10.0 ** rng.uniform(-2, 4, n_series)
    series = np.repeat(np.arange(n_series), n_cutoffs)
    y_true = rng.normal(size=(len(series), horizon)) * sizes[series, None]
    windows = {"series": series, "last": np.zeros(len(series)), "scale": sizes}
    noise = rng.normal(size=(2, *y_true.shape)) * sizes[series, None]
    forecasts = {"forecastr": cube(y_true + 0.5 * noise[0]), "theta": cube(y_true + noise[1])}
    return y_true, forecasts, windows


def scaled_losses(y_true, forecasts, windows):
    unit = windows["scale"][windows["series"]]
    return [np.abs(y_true - forecasts[name][..., 2]).mean(axis=1) / unit for name in ("forecastr", "theta")]


def test_a_panel_with_one_cutoff_each_is_tested_across_its_series():
    y_true, forecasts, windows = panel()
    verdict = judge(y_true, forecasts, **windows, baselines=["theta"])
    losses = scaled_losses(y_true, forecasts, windows)
    assert verdict.kind == "better"
    assert verdict.p_value == pytest.approx(diebold_mariano(*losses, horizon=1))
    assert verdict.sentence == (
        "Better than theta, the best baseline: MASE 0.399 against 0.746, 46.5 % lower "
        "(Diebold-Mariano p < 0.001 over 40 series)."
    )


def test_a_panel_with_many_cutoffs_is_tested_over_them_averaged_across_series():
    y_true, forecasts, windows = panel(n_series=6, n_cutoffs=5)
    verdict = judge(y_true, forecasts, **windows, baselines=["theta"])
    averaged = [loss.reshape(6, 5).mean(axis=0) for loss in scaled_losses(y_true, forecasts, windows)]
    assert verdict.p_value == pytest.approx(diebold_mariano(*averaged, horizon=2))
    assert verdict.sentence.endswith(" over 5 cutoffs averaged across 6 series).")


def test_a_panel_with_a_few_cutoffs_is_tested_across_series_each_averaged():
    y_true, forecasts, windows = panel(n_series=40, n_cutoffs=3)
    verdict = judge(y_true, forecasts, **windows, baselines=["theta"])
    averaged = [loss.reshape(40, 3).mean(axis=1) for loss in scaled_losses(y_true, forecasts, windows)]
    assert verdict.p_value == pytest.approx(diebold_mariano(*averaged, horizon=1))
    assert verdict.sentence.endswith(" over 40 series).")


def test_a_verdict_does_not_depend_on_the_unit():
    y_true, forecasts, windows = panel()
    before = judge(y_true, forecasts, **windows, baselines=["theta"])
    bigger = {**windows, "last": 1024 * windows["last"], "scale": 1024 * windows["scale"]}
    after = judge(1024 * y_true, {k: 1024 * f for k, f in forecasts.items()}, **bigger, baselines=["theta"])
    assert after == before


def test_mae_decides_where_mase_is_undefined():
    y_true, windows, rng = lone_series()
    windows["scale"] = np.array([0.0])
    forecasts = {"forecastr": cube(y_true + 0.5), "drift": cube(y_true + 3 * rng.normal(size=y_true.shape))}
    verdict = judge(y_true, forecasts, **windows, baselines=["drift"])
    assert verdict.sentence == (
        "Better than drift, the best baseline: MAE 0.5 against 2.428, 79.4 % lower "
        "(Diebold-Mariano p < 0.001, 199 cutoffs)."
    )


def test_a_flat_series_divides_by_nothing():
    zeros = np.zeros((10, 2))
    windows = {"series": np.zeros(10, int), "last": np.zeros(10), "scale": np.zeros(1)}
    forecasts = {"forecastr": cube(zeros), "last_value": cube(zeros)}
    verdict = judge(zeros, forecasts, **windows, baselines=["last_value"])
    assert (verdict.kind, verdict.skill, verdict.p_value) == ("not better", 0.0, 1.0)
    assert verdict.sentence == (
        "Not better than last value: MAE 0 against 0, the same (p = 1.00, 10 cutoffs): use the baseline."
    )


def test_a_baseline_without_error_cannot_be_beaten():
    y_true, windows, _ = lone_series(20)
    forecasts = {"forecastr": cube(y_true + 5), "theta": cube(y_true)}
    verdict = judge(y_true, forecasts, **windows, baselines=["theta"])
    assert (verdict.kind, verdict.skill) == ("not better", -math.inf)
    assert verdict.sentence == (
        "Not better than theta: MASE 5.000 against 0.000 (p < 0.001, 19 cutoffs): use the baseline."
    )


def test_a_single_cutoff_has_skill_but_no_p_value():
    y_true, windows, _ = lone_series(2)
    forecasts = {"forecastr": cube(y_true + 1), "theta": cube(y_true + 2)}
    verdict = judge(y_true, forecasts, **windows, baselines=["theta"])
    assert (verdict.kind, verdict.skill) == ("undecided", 0.5)
    assert math.isnan(verdict.p_value)
    assert verdict.sentence == (
        "Undecided against theta, the best baseline: MASE 1.000 against 2.000, 50.0 % lower, "
        "but the difference may be chance (1 cutoff: too few for a p-value)."
    )


def test_a_forecast_with_gaps_is_not_better():
    y_true, windows, _ = lone_series()
    forecasts = {"forecastr": cube(y_true), "last_value": cube(lasting(windows))}
    forecasts["forecastr"][3, 1] = np.nan
    verdict = judge(y_true, forecasts, **windows, baselines=["last_value"])
    assert verdict.kind == "not better"
    assert verdict.sentence == "Not better than last value: the model's forecast has gaps: use the baseline."


def test_no_actual_value_is_no_verdict():
    y_true, windows, _ = lone_series()
    forecasts = {"forecastr": cube(y_true), "last_value": cube(lasting(windows))}
    verdict = judge(np.full_like(y_true, np.nan), forecasts, **windows, baselines=["last_value"])
    assert (verdict.kind, verdict.baseline) == ("undecided", "")
    assert verdict.sentence == "Undecided: no actual value that a baseline could be scored on."


def test_a_test_that_points_the_other_way_does_not_make_a_model_better():
    y_true, windows, _ = lone_series(60)
    whole = np.arange(len(y_true)) % 12 == 0  # 5 whole windows; the rest are one step long
    y_true[~whole, 1:] = np.nan
    error = np.where(whole, 1.0, 2.25)[:, None]  # 15 points gain 1, 54 points lose 0.25
    forecasts = {"forecastr": cube(y_true + error), "theta": cube(y_true + 2)}
    losses = np.where(whole, 1.0, 2.25), np.full(len(whole), 2.0)
    assert losses[0].mean() > losses[1].mean()
    assert diebold_mariano(*losses, horizon=3) < 0.05
    verdict = judge(y_true, forecasts, **windows, baselines=["theta"])
    assert verdict.skill > 0
    assert verdict.kind == "undecided"


def test_a_difference_too_small_to_print_is_said_to_be_small():
    y_true, windows, _ = lone_series()
    forecasts = {"forecastr": cube(y_true + 1.0002), "theta": cube(y_true + 1)}
    verdict = judge(y_true, forecasts, **windows, baselines=["theta"])
    assert "1.000 against 1.000, less than 0.1 % higher" in verdict.sentence


def test_a_forecast_that_beats_the_last_value_later_in_the_horizon_is_no_copy():
    """One step ahead it repeats the last value; further on it foresees the season that the baseline knows better."""
    rng = np.random.default_rng(5)
    n, season = 400, np.array([0.0, 4.0, -4.0])
    last = rng.normal(size=n)
    y_true = last[:, None] + season + rng.normal(scale=1.0, size=(n, 3))
    quantiles = {
        "forecastr": last[:, None] + 0.5 * season,
        "seasonal_naive": last[:, None] + season,
        "last_value": last[:, None] + 0 * season,
    }
    verdict = judge(
        y_true,
        {name: np.repeat(point[..., None], 5, axis=-1) for name, point in quantiles.items()},
        series=np.arange(n),
        last=last,
        scale=np.ones(n),
        baselines=["seasonal_naive", "last_value"],
    )
    assert verdict.kind == "not better"


def test_of_equal_baselines_the_one_that_stands_first_is_the_best():
    y_true, windows, _ = lone_series()
    forecasts = {name: cube(lasting(windows)) for name in ("forecastr", "last_value", "random_walk")}
    assert judge(y_true, forecasts, **windows, baselines=["last_value", "random_walk"]).baseline == "last_value"
