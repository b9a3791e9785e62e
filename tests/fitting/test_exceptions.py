import numpy as np
import pandas as pd
import pytest

from forecastr.data import read_panel
from forecastr.fitting.plan import make_plan

DAYS = pd.date_range("2024-01-01", periods=60)


def panel(**series: np.ndarray) -> pd.DataFrame:
    """Return daily series by name, each ending with the last day."""
    parts = [
        pd.DataFrame({"unique_id": name, "ds": DAYS[len(DAYS) - len(y) :], "y": np.asarray(y, float)})
        for name, y in series.items()
    ]
    return pd.concat(parts, ignore_index=True)


def noise(seed: int, n: int = 60) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=n)


def listed(table: pd.DataFrame, **options) -> dict[str, str]:
    exceptions = make_plan(read_panel(table), **options).exceptions
    return dict(zip(exceptions["unique_id"], exceptions["status"], strict=True))


def test_series_that_cannot_teach_or_be_judged_are_listed_with_their_reasons():
    table = panel(a=noise(0), b=noise(1), flat=np.full(60, 7.0), late=noise(2, 9), one=[3.0])

    plan = make_plan(read_panel(table), horizon=5)

    assert plan.exceptions.to_numpy().tolist() == [
        ["flat", "constant", "every value is 7: that is its forecast"],
        ["late", "short", "9 rows where 13 are needed to be judged; forecast by what the others teach"],
        ["one", "short", "1 row where 13 are needed to be judged; forecast by what the others teach"],
    ]
    assert plan.describe()["exceptions"] == {"short": 2, "constant": 1}


def test_a_series_that_ended_long_before_the_others_is_listed_and_one_that_is_a_horizon_late_is_not():
    table = panel(a=noise(0), b=noise(1), c=noise(2), early=noise(3), behind=noise(4))
    table = table[~((table["unique_id"] == "early") & (table["ds"] > "2024-02-15"))]
    table = table[~((table["unique_id"] == "behind") & (table["ds"] > "2024-02-25"))]

    plan = make_plan(read_panel(table), horizon=4)

    assert plan.exceptions.to_numpy().tolist() == [
        ["early", "ended early", "its last row is of 2024-02-15, most others' of 2024-02-29: forecast from there"]
    ]


def test_where_series_end_as_they_like_none_has_ended_early():
    table = panel(**{f"s{n}": noise(n) for n in range(6)})
    table = table[table["ds"] < DAYS[40] + pd.to_timedelta(3 * table["unique_id"].str[1:].astype(int), unit="D")]

    assert listed(table, horizon=2) == {}


def test_series_left_out_of_the_panel_come_first():
    table = panel(**{f"s{n}": noise(n) for n in range(12)}, flat=np.full(60, 7.0)).astype({"y": "str"})
    table.loc[100, "y"] = "oops"

    plan = make_plan(read_panel(table), horizon=5)

    assert listed(table, horizon=5) == {"s1": "left out", "flat": "constant"}
    assert any("1 of 13 series cannot be read and are left out (first: 's1'" in w for w in plan.warnings)


def test_a_lone_series_that_gives_one_horizon_to_each_part_is_told_so():
    def told(n):
        table = panel(a=noise(0)[:n])
        return any("rests on a single forecast" in w for w in make_plan(read_panel(table), horizon=10).warnings)

    assert told(23) and told(45) and not told(60)


@pytest.mark.parametrize("value", [7.0, 0.0])
def test_a_lone_constant_series_is_planned_without_a_search(value):
    plan = make_plan(read_panel(panel(a=np.full(60, value))), horizon=5)

    assert plan.budget.max_trials == 1
    assert plan.exceptions["status"].tolist() == ["constant"]
    assert any("nothing is trained" in warning for warning in plan.warnings)
