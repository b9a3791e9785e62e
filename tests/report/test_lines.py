"""The lines behind pictures and page."""

import numpy as np
import pandas as pd

from forecastr.report.lines import beyond, find_best, join_lines, pick_series, read_curves


def test_series_are_picked_evenly_and_always_alike():
    ids = [f"s{index}" for index in range(11)]

    assert pick_series(ids, most=6) == ["s0", "s2", "s4", "s6", "s8", "s10"]
    assert pick_series(ids[:3], most=6) == ids[:3]


def test_pieces_of_the_test_part_join_up_to_one_line_that_goes_on_beyond_the_data(fakes):
    tables = fakes.make_tables(n_history=100, n_test=30, horizon=10)

    lines = join_lines("series_000", **tables)

    assert len(lines.forecast) == 30 + 10
    assert lines.forecast["ds"].is_monotonic_increasing
    assert lines.forecast["ds"].is_unique
    assert len(lines.cutoffs) == 3
    assert lines.end == tables["history"]["ds"].max()
    assert beyond(lines)["ds"].tolist() == tables["forecast"]["ds"].tolist()


def test_history_before_the_test_part_is_a_few_horizons(fakes):
    tables = fakes.make_tables(n_history=500, n_test=30, horizon=10)

    lines = join_lines("series_000", **tables)

    first_tested = tables["backtest"]["ds"].min()
    assert len(pd.bdate_range(lines.actual["ds"].min(), first_tested)) - 1 in (39, 40)  # a missing first is bridged


def test_a_long_test_part_has_a_close_up_of_its_last_horizons(fakes):
    long = join_lines("series_000", **fakes.make_tables(n_history=300, n_test=200, horizon=10))
    short = join_lines("series_000", **fakes.make_tables(n_history=300, n_test=20, horizon=10))

    assert len(pd.bdate_range(long.close_up, long.end)) == 60
    assert short.close_up is None


def test_of_a_very_long_test_part_the_last_pieces_are_drawn(fakes):
    tables = fakes.make_tables(n_history=300, n_test=200, horizon=10)
    test = tables["backtest"]
    last = test[test["cutoff"] >= sorted(test["cutoff"].unique())[-4]]

    lines = join_lines("series_000", **tables, most_steps=45)
    shorter = join_lines("series_000", **{**tables, "backtest": last[last["unique_id"] == "series_000"]})

    assert (lines.n_left_out, shorter.n_left_out) == (160, 0)
    pd.testing.assert_frame_equal(lines.forecast, shorter.forecast)
    pd.testing.assert_frame_equal(lines.actual, shorter.actual)
    assert lines.cutoffs == shorter.cutoffs


def test_pieces_that_lie_apart_are_not_joined(fakes):
    tables = fakes.make_tables(n_history=300, n_test=60, horizon=10)
    cutoffs = sorted(tables["backtest"]["cutoff"].unique())
    some = tables["backtest"][tables["backtest"]["cutoff"].isin([cutoffs[0], cutoffs[3], cutoffs[4]])]

    rows = join_lines("series_000", **{**tables, "backtest": some}).forecast

    empty = rows["forecastr"].isna()
    assert np.flatnonzero(empty).tolist() == [10]  # between the first piece and the next two, which follow each other
    assert rows["ds"].is_monotonic_increasing


def test_a_short_gap_is_bridged_and_a_long_one_stays(fakes):
    tables = fakes.make_tables(n_history=60, n_test=20, horizon=10, frequency=None)
    for name in ("history", "backtest"):
        table = tables[name]
        table["y"] = table["ds"].astype(float)
        table.loc[table["ds"].isin([50, 62, 63, 70, 71, 72, 73]), "y"] = np.nan

    lines = join_lines("series_000", **tables)

    shown = lines.actual.set_index("ds")["y"]
    assert not {50, 62, 63} & set(shown.index)
    assert shown.loc[[70, 71, 72, 73]].isna().all()


def test_times_with_a_zone_are_drawn_as_the_clock_the_user_knows(fakes):
    tables = fakes.make_tables(n_history=60, n_test=20, horizon=10)
    zoned = {
        name: table.assign(**{c: table[c].dt.tz_localize("Asia/Tokyo") for c in ("ds", "cutoff") if c in table})
        for name, table in tables.items()
    }

    pd.testing.assert_frame_equal(
        join_lines("series_000", **zoned).forecast, join_lines("series_000", **tables).forecast
    )


def test_a_series_without_a_test_part_still_has_its_history_and_forecast(fakes):
    tables = fakes.make_tables(n_series=2, n_history=60, n_test=20, horizon=10)
    tables["backtest"] = tables["backtest"][tables["backtest"]["unique_id"] != "series_001"]

    lines = join_lines("series_001", **tables)

    assert len(lines.forecast) == 10
    assert lines.cutoffs == []


def test_a_trial_that_was_started_again_is_drawn_as_it_ran_the_last_time():
    start = {"event": "trial_started", "trial": "0000", "config": {}}
    epochs = [
        {"event": "epoch", "trial": "0000", "updates": 50 * n, "loss": loss, "validation_loss": None,
         "gradient_norm": 1.0}
        for n, loss in ((1, 9.0), (2, 8.0))
    ]  # fmt: skip

    [curve] = read_curves([start, *epochs, start, epochs[0]])

    assert curve.updates == [50]
    assert curve.loss == [9.0]
    assert np.isnan(curve.validation_loss).all()


def test_the_best_trial_is_the_completed_one_with_the_lowest_score():
    events = []
    for name, score in (("0000", 0.9), ("0001", 0.7), ("0002", None), ("0003", 0.8)):
        events.append({"event": "trial_started", "trial": name, "config": {}})
        events.append({"event": "trial_completed", "trial": name, "score": score})
    events.append({"event": "trial_started", "trial": "0004", "config": {}})
    events.append({"event": "trial_failed", "trial": "0004", "reason": "killed"})

    best = find_best(read_curves(events))

    assert best is not None
    assert best.trial == "0001"
    assert find_best(read_curves([])) is None
