"""The pictures: there, of the right size, not blank, and different where the data differ."""

import io

import matplotlib.image
import numpy as np
import pytest

from forecastr.report import draw_error_by_horizon, draw_learning_curves, draw_predicted_vs_actual


def draw_series(path, tables, **changed):
    named = {"baseline_name": "theta", "title": "prices", "verdict": "Better than theta.", **changed}
    draw_predicted_vs_actual(path, **tables, **named)
    return path.read_bytes()


def pixels(picture: bytes) -> np.ndarray:
    return matplotlib.image.imread(io.BytesIO(picture), format="png")[..., :3]


def share_of(picture: bytes, color: tuple[float, float, float]) -> float:
    """Return the share of pixels within a small distance of ``color``."""
    return float((np.abs(pixels(picture) - np.array(color)).max(axis=-1) < 0.02).mean())


CASES = {
    "one series": {"n_history": 200, "n_test": 60, "horizon": 10},
    "with a close-up": {"n_history": 300, "n_test": 300, "horizon": 20},
    "one step": {"n_history": 100, "n_test": 40, "horizon": 1},
    "a panel": {"n_series": 8, "n_history": 60, "n_test": 18, "horizon": 18, "frequency": "MS"},
    "integer times": {"n_history": 60, "n_test": 20, "horizon": 10, "frequency": None},
}


@pytest.mark.parametrize("case", CASES)
def test_predicted_against_actual_is_wide_and_shows_every_line(tmp_path, fakes, case):
    picture = draw_series(tmp_path / "p.png", fakes.make_tables(**CASES[case]))

    height, width, _ = pixels(picture).shape
    assert width == 1600
    assert 800 <= height <= 1300
    assert share_of(picture, (0.0, 0.447, 0.698)) > 0.0005  # the forecast's blue
    assert share_of(picture, (0.835, 0.369, 0.0)) > 0.00005  # the baseline's orange
    assert share_of(picture, (1.0, 1.0, 1.0)) < 0.97


def test_equal_input_gives_equal_bytes_and_other_data_another_picture(tmp_path, fakes):
    tables, other = fakes.make_tables(seed=1), fakes.make_tables(seed=2)

    assert draw_series(tmp_path / "a.png", tables) == draw_series(tmp_path / "b.png", tables)
    assert draw_series(tmp_path / "a.png", tables) != draw_series(tmp_path / "b.png", other)


def test_nothing_touches_the_edges_even_with_long_names(tmp_path, fakes):
    tables = fakes.make_tables(n_series=6, n_history=40, n_test=10, ids=[f"{n} " + "long name " * 9 for n in "abcdef"])

    image = pixels(draw_series(tmp_path / "p.png", tables, title="title " * 60, verdict="many words " * 90))

    for edge in (image[:4], image[-4:], image[:, :4], image[:, -4:]):
        assert (edge == 1).all()


def test_dollars_and_unknown_letters_in_ids_are_only_text(tmp_path, fakes):
    tables = fakes.make_tables(n_series=2, n_history=40, n_test=10, ids=["$x_{1", "売上\n\x07"])

    assert draw_series(tmp_path / "p.png", tables, title="$\\frac{", verdict="50 $ and 60 $")


def test_missing_forecasts_and_values_leave_gaps(tmp_path, fakes):
    tables = fakes.make_tables()
    whole = draw_series(tmp_path / "a.png", tables)
    tables["backtest"].loc[5:25, ["y", "forecastr", "forecastr-lo-80", "baseline"]] = np.nan

    assert draw_series(tmp_path / "b.png", tables) != whole


def test_learning_curves_show_the_best_trial_and_the_failed_ones(tmp_path, fakes):
    path = tmp_path / "c.png"
    draw_learning_curves(path, events=fakes.make_events(12))

    picture = path.read_bytes()
    assert pixels(picture).shape[:2] == (1050, 1600)
    assert share_of(picture, (0.0, 0.447, 0.698)) > 0.0005
    assert ((pixels(picture)[..., 0] > 0.75) & (pixels(picture)[..., 1] < 0.6)).any()  # red, and faint


@pytest.mark.parametrize("value", [None, float("nan"), 0.0])
def test_learning_curves_survive_a_search_without_numbers(tmp_path, value):
    events = [
        {"event": "trial_started", "trial": "0000", "config": {}},
        {"event": "epoch", "trial": "0000", "updates": 50, "loss": value, "validation_loss": value,
         "gradient_norm": value},
    ]  # fmt: skip

    draw_learning_curves(tmp_path / "some.png", events=events)
    draw_learning_curves(tmp_path / "none.png", events=[])

    assert (tmp_path / "some.png").read_bytes() != (tmp_path / "none.png").read_bytes()


@pytest.mark.parametrize("horizon", [1, 20])
def test_error_by_horizon_draws_every_forecaster(tmp_path, fakes, horizon):
    path = tmp_path / "e.png"
    errors = fakes.make_summary(horizon=horizon)["horizon_errors"]
    draw_error_by_horizon(path, horizon_errors={**errors, "drift": [None] * horizon}, baseline_name="theta")

    picture = path.read_bytes()
    assert pixels(picture).shape[:2] == (800, 1600)
    for color in ((0.0, 0.447, 0.698), (0.835, 0.369, 0.0), (0.0, 0.62, 0.451)):  # model, best baseline, last value
        assert share_of(picture, color) > 0.0003


def test_a_picture_that_fails_leaves_the_one_before(tmp_path, fakes):
    path = tmp_path / "p.png"
    before = draw_series(path, fakes.make_tables())
    broken = fakes.make_tables()
    broken["forecast"] = broken["forecast"].drop(columns="baseline")

    with pytest.raises(KeyError):
        draw_series(path, broken)

    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["p.png"]


@pytest.mark.parametrize("case", ["with a close-up", "one step", "a panel"])
def test_without_a_forecast_the_test_part_is_drawn(tmp_path, fakes, case):
    tables = fakes.make_tables(**CASES[case])
    without = draw_series(tmp_path / "p.png", {**tables, "forecast": tables["forecast"].iloc[:0]})
    assert pixels(without).std() > 0.05
