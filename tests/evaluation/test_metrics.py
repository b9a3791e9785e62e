import time

import numpy as np
import pandas as pd
import pytest

from forecastr.evaluation import METRICS, errors_by_horizon, evaluate, seasonal_scale
from forecastr.schema import MEDIAN, QUANTILE_LEVELS


def cube(point):
    return np.repeat(np.asarray(point, dtype=float)[..., None], len(QUANTILE_LEVELS), axis=-1)


def random_panel(n_windows, horizon, n_series, n_models, seed=3):
    rng = np.random.default_rng(seed)
    y_true = rng.normal(10, 3, (n_windows, horizon))
    y_true[rng.random(y_true.shape) < 0.1] = np.nan
    y_true[0, 0] = 0.0
    forecasts = {f"m{i}": np.sort(rng.normal(10, 3, (n_windows, horizon, 5)), axis=-1) for i in range(n_models)}
    forecasts["m0"][0, 0] = 0.0
    panel = {
        "series": rng.integers(0, n_series, n_windows),
        "last": rng.normal(10, 3, n_windows),
        "scale": rng.uniform(0.5, 2, n_series),
    }
    panel["scale"][0], panel["scale"][1] = 0.0, np.nan
    panel["last"][1] = np.nan
    return y_true, forecasts, panel


def loop_metrics(y_true, quantiles, *, series, last, scale):
    """Every metric as its formula reads, point by point."""
    absolute, squares, smape, pinball, sizes, sides = [], [], [], [], [], []
    inside = {80: [], 95: []}
    scaled = {}
    for w in range(len(y_true)):
        for h in range(y_true.shape[1]):
            y, q = y_true[w, h], quantiles[w, h]
            if np.isnan(y):
                continue
            f = q[2]
            absolute.append(abs(y - f))
            squares.append((y - f) ** 2)
            total = abs(y) + abs(f)
            smape.append(200 * abs(y - f) / total if total else 0.0)
            pinball.append([max(p * (y - v), (p - 1) * (y - v)) for p, v in zip(QUANTILE_LEVELS, q, strict=True)])
            sizes.append(abs(y))
            inside[95].append(q[0] <= y <= q[4])
            inside[80].append(q[1] <= y <= q[3])
            if not np.isnan(last[w]) and y != last[w] and f != last[w]:
                sides.append((y > last[w]) == (f > last[w]))
            if scale[series[w]] > 0:
                scaled.setdefault(series[w], []).append(abs(y - f) / scale[series[w]])
    wql = np.mean([2 * sum(row[k] for row in pinball) / sum(sizes) for k in range(len(QUANTILE_LEVELS))])
    mase = np.mean([np.mean(errors) for errors in scaled.values()])
    shares = [np.mean(inside[80]), np.mean(inside[95]), np.mean(sides)]
    return [np.mean(absolute), np.sqrt(np.mean(squares)), np.mean(smape), mase, wql, *shares]


def test_every_metric_equals_its_formula_point_by_point():
    y_true, forecasts, panel = random_panel(60, 4, 9, 3)
    errors = evaluate(y_true, forecasts, **panel)
    assert list(errors.columns) == list(METRICS)
    for name, quantiles in forecasts.items():
        np.testing.assert_allclose(errors.loc[name], loop_metrics(y_true, quantiles, **panel), rtol=1e-12)


def test_errors_worked_out_by_hand():
    y_true = np.array([[2.0, 4.0], [0.0, np.nan]])
    quantiles = cube([[1.0, 7.0], [0.0, 5.0]])
    quantiles[..., 0], quantiles[..., 1] = -5.0, -1.0
    quantiles[..., 3], quantiles[..., 4] = 3.0, 9.0
    errors = evaluate(
        y_true,
        {"m": quantiles},
        series=np.array([0, 1]),
        last=np.array([2.0, 1.0]),
        scale=np.array([2.0, 0.5]),
    ).loc["m"]
    assert errors["mae"] == pytest.approx(4 / 3)  # errors 1, 3, 0
    assert errors["rmse"] == pytest.approx(np.sqrt(10 / 3))
    assert errors["smape"] == pytest.approx((200 / 3 + 600 / 11 + 0) / 3)
    assert errors["mase"] == pytest.approx((2 / 2 + 0 / 0.5) / 2)  # the mean of two series
    assert errors["coverage_80"] == pytest.approx(2 / 3)  # 4 is above 3
    assert errors["coverage_95"] == 1.0
    assert errors["direction"] == 1.0  # up and up, down and down; 2 did not move


def test_a_perfect_forecast_has_no_error():
    y_true = np.array([[1.0, 2.0]])
    errors = evaluate(y_true, {"m": cube(y_true)}, series=np.array([0]), last=np.array([0.0]), scale=np.array([1.0]))
    assert errors.loc["m"].tolist() == [0, 0, 0, 0, 0, 1, 1, 1]


def test_the_last_value_has_no_direction():
    y_true, _, panel = random_panel(20, 3, 4, 1)
    panel["last"][:] = 7.0
    errors = evaluate(y_true, {"last_value": cube(np.full((20, 3), 7.0))}, **panel)
    assert np.isnan(errors.loc["last_value", "direction"])
    assert errors.loc["last_value"].drop("direction").notna().all()


def test_series_without_a_scale_are_left_out_of_mase_alone():
    y_true = np.array([[1.0], [1.0], [1.0]])
    errors = evaluate(
        y_true,
        {"m": cube([[2.0], [11.0], [101.0]])},
        series=np.arange(3),
        last=np.zeros(3),
        scale=np.array([4.0, 0.0, np.nan]),
    )
    assert errors.loc["m", "mase"] == 0.25
    assert errors.loc["m", "mae"] == pytest.approx(37.0)


def test_a_hole_in_a_forecast_does_not_improve_its_average():
    y_true, forecasts, panel = random_panel(20, 3, 4, 3)
    y_true[4, 1] = 9.0
    forecasts["m1"][4, 1, MEDIAN] = np.nan
    forecasts["m2"][4, 1, 0] = np.nan  # only an interval is missing
    errors = evaluate(y_true, forecasts, **panel)
    assert errors.loc["m0"].notna().all()
    assert errors.loc["m1"].isna().all()
    assert errors.loc["m2"].isna().to_dict() == {
        metric: metric in ("wql", "coverage_80", "coverage_95") for metric in METRICS
    }


def test_a_forecast_beyond_the_actual_values_is_not_scored():
    y_true, forecasts, panel = random_panel(20, 3, 4, 1)
    before = evaluate(y_true, forecasts, **panel)
    forecasts["m0"][np.isnan(y_true)] = np.nan
    pd.testing.assert_frame_equal(evaluate(y_true, forecasts, **panel), before)


def test_nothing_to_score_is_undefined_not_an_error():
    nothing = {"series": np.array([0]), "last": np.array([0.0]), "scale": np.array([1.0])}
    errors = evaluate(np.array([[np.nan]]), {"m": cube([[1.0]])}, **nothing)
    assert errors.loc["m"].isna().all()


def test_all_zeros_leave_the_weighted_loss_undefined():
    zeros = np.zeros((2, 2))
    errors = evaluate(zeros, {"m": cube(zeros)}, series=np.zeros(2, int), last=np.zeros(2), scale=np.zeros(1)).loc["m"]
    assert errors[["mae", "rmse", "smape"]].tolist() == [0, 0, 0]
    assert errors[["mase", "wql", "direction"]].isna().all()


def test_scaling_the_data_scales_only_what_has_a_unit():
    y_true, forecasts, panel = random_panel(40, 3, 6, 2)
    before = evaluate(y_true, forecasts, **panel)
    panel["last"], panel["scale"] = 1000 * panel["last"], 1000 * panel["scale"]
    after = evaluate(1000 * y_true, {name: 1000 * f for name, f in forecasts.items()}, **panel)
    np.testing.assert_allclose(after[["mae", "rmse"]], 1000 * before[["mae", "rmse"]])
    unitless = before.columns.difference(["mae", "rmse"])
    np.testing.assert_allclose(after[unitless], before[unitless])


def test_forty_thousand_points_of_eight_models_take_less_than_a_moment():
    y_true, forecasts, panel = random_panel(2000, 20, 50, 8)
    evaluate(
        y_true[:2],
        {"m0": forecasts["m0"][:2]},
        **{**panel, "series": panel["series"][:2], "last": panel["last"][:2]},
    )
    start = time.process_time()
    evaluate(y_true, forecasts, **panel)
    assert time.process_time() - start < 1  # usually a tenth of that


def test_errors_by_horizon_average_each_step_over_its_known_values():
    y_true = np.array([[1.0, 2.0, np.nan], [3.0, np.nan, np.nan]])
    forecasts = {"a": cube([[2.0, 2.5, 9.0], [6.0, 9.0, 9.0]]), "b": cube(np.zeros((2, 3)))}
    forecasts["b"][0, 0] = np.nan
    errors = errors_by_horizon(y_true, forecasts)
    assert errors.index.tolist() == [1, 2, 3]
    np.testing.assert_array_equal(errors["a"], [2.0, 0.5, np.nan])
    np.testing.assert_array_equal(errors["b"], [np.nan, 2.0, np.nan])  # a hole, and nothing known


@pytest.mark.parametrize(
    ("values", "season_length", "scale"),
    [
        ([1, 2, 4, 7], 1, 2.0),
        ([1, 2, 4, 7], 2, 4.0),
        ([1, np.nan, 4, 7, 5], 2, (3 + 1) / 2),
        ([5, 5, 5], 1, 0.0),
        ([1, 2, 1, 2], 2, 0.0),
        ([1, 2], 2, np.nan),
        ([1, np.nan, 3], 1, np.nan),
        ([], 1, np.nan),
    ],
)
def test_seasonal_scale_is_the_mean_absolute_seasonal_difference(values, season_length, scale):
    np.testing.assert_equal(seasonal_scale(np.array(values, dtype=float), season_length), scale)
