"""Rows that are refused, and why; rows that only look odd."""

import numpy as np
import pandas as pd
import pytest

from forecastr.data import read_panel
from forecastr.pipeline.gate import describe_rows, last_rows, refusals
from forecastr.pipeline.spec import GateSpec

DAYS = pd.date_range("2024-01-01", periods=90)
LAST = f"{DAYS[-1]:%Y-%m-%d}"


def panel(*names: str, days=DAYS, seed: int = 1, **changes):
    """Return a panel of daily series that wander around 100; ``changes`` are by series."""
    parts = []
    for number, name in enumerate(names):
        values = 100 + np.random.default_rng(seed + number).normal(size=len(DAYS)).round(3)
        parts.append(pd.DataFrame({"unique_id": name, "ds": DAYS, "y": values}))
        if name in changes:
            parts[-1]["y"] = changes[name](parts[-1]["y"])
    frame = pd.concat(parts)
    return read_panel(frame[frame["ds"].isin(days)])


def refused(now, *, before=None, as_of: str = LAST, **gate) -> list[str]:
    """Return the refusals of a panel, beside an earlier one."""
    earlier = {"before": describe_rows(before), "seen": last_rows(before)} if before else {}
    return refusals(now, GateSpec(**gate), as_of, **earlier)


def yesterday(*names: str):
    """Return the same rows without the last."""
    return panel(*names, days=DAYS[:-1])


def spiked(factor: float, at: slice):
    """Return a change of values."""

    def change(y: pd.Series) -> pd.Series:
        y = y.copy()
        y.iloc[at] *= factor
        return y

    return change


def test_rows_that_go_on_are_good():
    assert refused(panel("a"), before=yesterday("a")) == []
    assert refused(panel("a", "b"), before=yesterday("a", "b")) == []
    assert refused(panel("a", "b", "new"), before=yesterday("a", "b")) == []


def test_stale_and_few_rows_are_refused_from_the_first_night_on():
    assert refused(panel("a"), as_of="2024-04-10") == [
        "stale: the newest row is of 2024-03-30, 11 steps before 2024-04-10 (max_age is 5)"
    ]
    assert refused(panel("a"), as_of="2024-04-04") == []
    assert refused(panel("a"), as_of="2025-01-01", max_age=None) == []
    assert refused(panel("a"), min_rows=91) == ["too few: 90 rows (min_rows is 91)"]


@pytest.mark.parametrize("factor", [100.0, 0.01])
def test_another_unit_is_refused_whether_all_rows_have_it_or_the_last_alone(factor):
    [reason] = refused(panel("a", a=spiked(factor, slice(-1, None))), before=yesterday("a"), max_range=2)
    assert reason.startswith("out of range: 'a' is ")
    assert "on 2024-03-30, and was between 9" in reason

    [corrected] = refused(panel("a", a=spiked(factor, slice(-5, -4))), before=yesterday("a"), max_range=2)
    assert corrected.startswith("out of range: 'a' is ")
    reasons = refused(panel("a", a=spiked(factor, slice(None))), before=yesterday("a"), max_range=2)
    assert reasons[0].startswith("values changed: 60 of 60 rows that were there have another value, first 'a' on ")


def test_one_odd_series_of_many_is_no_reason_to_refuse_all():
    names = [f"s{number}" for number in range(20)]

    assert refused(panel(*names, s3=spiked(100, slice(-1, None))), before=yesterday(*names)) == []
    assert refused(panel(*names, s3=spiked(100, slice(-1, None))), before=yesterday(*names), max_odd=0.0)


def test_new_rows_that_move_as_none_before_are_refused_where_they_are_many():
    names = [f"s{number}" for number in range(40)]
    raised = {name: spiked(1.15, slice(-1, None)) for name in names}

    [reason] = refused(panel(*names, **raised), before=yesterday(*names))
    assert reason.startswith("drift: the new changes differ by 1.00 from those before (max_drift is 0.9)")
    assert refused(panel(*names, **raised), before=yesterday(*names), max_drift=None) == []
    assert refused(panel("a", a=spiked(1.15, slice(-1, None))), before=yesterday("a")) == []


def test_lost_rows_and_series_are_refused():
    [rows] = refused(panel("a", days=DAYS[30:]), before=yesterday("a"))
    assert rows == "rows lost: 60 where there were 89 (max_lost is 0.1)"

    reasons = refused(panel("a", "b"), before=yesterday("a", "b", "c"))
    assert reasons[1] == "series lost: 1 of 3 are gone or end earlier than they did, first 'c' (max_lost is 0.1)"
    assert refused(panel("a", "b"), before=yesterday("a", "b", "c"), max_lost=0.5) == []


def test_another_table_is_refused():
    assert refused(panel("a", "b"), before=yesterday("a"))[0] == "another table: 2 series where there was one"
    weekly = refused(panel("a", days=DAYS[::7]), before=yesterday("a"))
    assert weekly[0] == "another table: frequency is weekly, and was daily"


def test_a_file_delivered_twice_is_refused():
    twice = panel("a", "b", "c")
    copy = twice.frame[twice.frame["unique_id"] == "b"].assign(unique_id="b (1)")
    [reason] = refused(read_panel(pd.concat([twice.frame, copy])), before=yesterday("a", "b", "c"))

    assert reason == "delivered twice: the new series 'b (1)' is a copy of 'b'"
