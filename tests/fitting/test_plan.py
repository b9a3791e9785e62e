import numpy as np
import pandas as pd
import pytest

from forecastr.data import read_panel
from forecastr.errors import ConfigError, DataError
from forecastr.fitting.plan import Plan, make_plan
from forecastr.fitting.scores import training_scales
from forecastr.schema import Budget, Splits
from forecastr.windows.scaling import fit_scaler
from forecastr.windows.store import SeriesStore


def daily(**series: np.ndarray) -> pd.DataFrame:
    """Return a table of daily series by name."""
    parts = [
        pd.DataFrame({"unique_id": name, "ds": pd.date_range("2024-01-01", periods=len(y)), "y": np.asarray(y, float)})
        for name, y in series.items()
    ]
    return pd.concat(parts, ignore_index=True)


def plan_of(table: pd.DataFrame, **options) -> Plan:
    return make_plan(read_panel(table), **options)


def weekly(n: int, seed: int = 0) -> np.ndarray:
    """A weekly pattern, noisy, above zero."""
    rng = np.random.default_rng(seed)
    return 50 + 10 * np.sin(2 * np.pi * np.arange(n) / 7) + rng.normal(size=n)


def test_the_parts_of_a_lone_series_worked_by_hand():
    plan = plan_of(daily(a=weekly(100)), horizon=5)
    assert plan.splits == Splits(n_validation=20, n_test=20)
    assert (plan.validation.steps[0], plan.validation.steps[-1]) == (60, 75)  # forecasts of steps 61-65 to 76-80
    assert (plan.test.steps[0], plan.test.steps[-1]) == (80, 95)  # and of 81-85 to 96-100
    assert (plan.train_store.lengths[0], plan.known_store.lengths[0]) == (60, 80)
    splits = plan.describe()["splits"]
    assert splits["train"] == {"start": "2024-01-01", "end": "2024-02-29", "rows": 60}
    assert splits["validation"] == {"start": "2024-03-01", "end": "2024-03-20", "rows": 20, "cutoffs": 16}
    assert splits["test"] == {"start": "2024-03-21", "end": "2024-04-09", "rows": 20, "cutoffs": 16}


def test_a_panel_gives_a_horizon_and_its_short_series_give_nothing():
    plan = plan_of(daily(a=weekly(50), short=weekly(8), b=weekly(40, 1)), horizon=4)
    assert plan.splits == Splits(n_validation=11, n_test=4)
    assert plan.judged.tolist() == [True, False, True]
    assert (plan.test.series.tolist(), plan.test.steps.tolist()) == ([0, 2], [46, 36])
    assert plan.train_store.lengths.tolist() == [35, 0, 25]
    assert plan.validation.steps.tolist() == [*range(35, 43), *range(25, 33)]
    assert any("short" in warning for warning in plan.warnings)


@pytest.mark.parametrize(("rows", "horizon", "needed"), [(12, 5, 13), (6, 2, 7), (40, 20, 43)])
def test_too_few_rows_are_an_error_with_the_number_needed(rows, horizon, needed):
    with pytest.raises(DataError, match=rf"has {rows} rows; a horizon of {horizon} needs {needed}\b"):
        plan_of(daily(a=weekly(rows)), horizon=horizon)


def test_the_usual_horizon_is_shortened_where_the_rows_do_not_carry_it_and_one_asked_for_is_not():
    assert plan_of(daily(a=weekly(500))).task.horizon == 14
    assert plan_of(daily(a=weekly(30))).task.horizon == 6
    with pytest.raises(DataError, match="--horizon"):
        plan_of(daily(a=weekly(30)), horizon=14)


def test_a_context_as_long_as_the_series_is_an_error():
    with pytest.raises(ConfigError, match="context is 100; the longest series has 100 rows"):
        plan_of(daily(a=weekly(100)), horizon=5, context=100)
    assert plan_of(daily(a=weekly(100)), horizon=5, context=99).space.contexts == (99,)


def test_the_classic_preset_reads_sixty_steps_unless_told():
    assert plan_of(daily(a=weekly(200)), horizon=5, preset="classic").task.context_length == 60
    assert plan_of(daily(a=weekly(200)), horizon=5, preset="classic", context=30).task.context_length == 30


@pytest.mark.parametrize(
    "table",
    [
        daily(a=np.r_[np.full(60, 3.0), weekly(40)]),
        daily(a=np.full(40, 1.0), b=np.r_[np.full(35, 2.0), np.arange(5.0)]),  # neither moves before its test part
        daily(a=np.r_[3.0, np.full(59, np.nan), weekly(40)]),
    ],
)
def test_a_training_part_that_never_moves_is_an_error(table):
    with pytest.raises(DataError, match="nothing to learn"):
        plan_of(table, horizon=5)


def test_logarithms_are_tried_where_the_training_part_is_above_zero_whatever_comes_later():
    dips_late, dips_early = weekly(100), weekly(100)
    dips_late[90], dips_early[10] = -37, -37
    assert plan_of(daily(a=dips_late), horizon=5).space.positive
    assert not plan_of(daily(a=dips_early), horizon=5).space.positive


def test_seasons_are_found_or_as_told():
    assert plan_of(daily(a=weekly(200)), horizon=5).task.season_lengths[0] == 7
    assert plan_of(daily(a=weekly(200)), horizon=5, season=3).task.season_lengths == (3,)


def test_the_budget_settles_the_updates_of_a_trial():
    little, much = (plan_of(daily(a=weekly(100)), budget=Budget(time_limit=limit)) for limit in (20, 600))
    assert little.space.updates < much.space.updates


@pytest.mark.parametrize("transform", ["level", "log"])
def test_nothing_that_is_planned_or_trained_moves_with_the_test_part(transform):
    rng = np.random.default_rng(1)
    tables = []
    for shocked in (False, True):
        a, b = weekly(80), weekly(60, 1)
        if shocked:
            a[-5:], b[-5:] = rng.uniform(1, 1e6, 5), -1e6
        tables.append(daily(a=a, b=b))
    before, after = (plan_of(table, horizon=5) for table in tables)
    assert not np.array_equal(before.store.values, after.store.values)
    assert (before.task, before.splits, before.space) == (after.task, after.splits, after.space)
    for name in ("train_store", "known_store"):
        for n in range(2):
            np.testing.assert_array_equal(getattr(before, name).series(n), getattr(after, name).series(n))
    for name in ("validation", "test"):
        np.testing.assert_array_equal(getattr(before, name).steps, getattr(after, name).steps)
    season = before.task.season_length
    scalers = [
        fit_scaler(plan.train_store, transform=transform, scaling="causal", lag=season) for plan in (before, after)
    ]
    np.testing.assert_array_equal(scalers[0].scale, scalers[1].scale)
    np.testing.assert_array_equal(scalers[0].center, scalers[1].center)
    np.testing.assert_array_equal(
        training_scales(before.train_store, season), training_scales(after.train_store, season)
    )


@pytest.mark.parametrize(
    ("n_series", "options", "scaling"), [(2, {"season": 1}, "horizon"), (1, {"season": 1}, "causal"), (2, {}, "causal")]
)
def test_the_unit_of_series_beside_others_is_their_change_over_a_horizon_if_nothing_repeats(n_series, options, scaling):
    table = daily(**{f"s{n}": weekly(100, n) for n in range(n_series)})
    assert plan_of(table, horizon=5, **options).space.scaling == scaling


def test_rows_on_disk_are_those_of_the_plan_for_every_process(tmp_path):
    plan = plan_of(daily(a=weekly(50), short=weekly(8), b=weekly(40, 1)), horizon=4)
    there = plan.on_disk(tmp_path)
    for name, mine, theirs in (
        ("all", plan.store, there.store),
        ("train", plan.train_store, there.train_store),
        ("known", plan.known_store, there.known_store),
    ):
        for store in (theirs, SeriesStore.load(tmp_path / name)):
            np.testing.assert_array_equal(store.values, mine.values)
            np.testing.assert_array_equal(store.lengths, mine.lengths)
    assert isinstance(there.store.values, np.memmap)
    assert there.validation.steps.tolist() == plan.validation.steps.tolist()
