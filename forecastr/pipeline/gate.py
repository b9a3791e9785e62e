"""Whether a night may use its rows: fresh, as many as before, of the same kind, in the range of the last good ones."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from forecastr.data import Panel, format_stamps
from forecastr.pipeline.spec import GateSpec
from forecastr.schema import ID, TARGET, TIME

SEEN = 60  # last rows of each series that the next night compares with
ALIKE = 1e-6  # relative difference that rounding explains
LEAST_RANGE = 0.1  # of the level: what counts as the range of values that hardly move
FEWEST_STEPS = 30  # on both sides, for their distributions to be compared
TELLING = 10  # different values from which on two equal series are one series twice


def describe_rows(panel: Panel) -> dict[str, Any]:
    """Return what the next night compares with, as plain values."""
    ends = format_stamps(np.array([panel.frame[TIME].min(), panel.frame[TIME].max()]), panel.source)
    return {
        "fingerprint": panel.fingerprint,
        "rows": len(panel.frame),
        "series": len(panel.starts) - 1,
        "first": ends[0],
        "last": ends[1],
        "newest": str(panel.frame[TIME].max()),
        "frequency": panel.calendar.name,
        "target": panel.source.target,
        "left_out": len(panel.exceptions),
        "covariates": sorted([*panel.covariates.past, *panel.covariates.known, *panel.covariates.static]),
    }


def last_rows(panel: Panel) -> pd.DataFrame:
    """Return the last rows of every series."""
    return panel.frame.groupby(ID, sort=False).tail(SEEN)[[ID, TIME, TARGET]].reset_index(drop=True)


def refusals(
    panel: Panel, gate: GateSpec, as_of: str, *, before: dict[str, Any] | None = None, seen: pd.DataFrame | None = None
) -> list[str]:
    """Return why the rows of a night are refused, in sentences; none where they are good.

    Parameters
    ----------
    panel : Panel
        The rows.
    gate : GateSpec
        What they must be like.
    as_of : str
        The night's date.
    before : dict, optional
        What ``describe_rows`` said on the last good night.
    seen : DataFrame, optional
        What ``last_rows`` returned then.
    """
    found = [*_too_old(panel, gate, as_of), *_too_few(panel, gate)]
    if before is not None and seen is not None:
        found += [*_other_kind(panel, before), *_lost(panel, gate, before, seen), *_twice(panel, seen)]
        found += [*_changed(panel, gate, seen), *_out_of_range(panel, gate, seen), *_drifted(panel, gate, seen)]
    return found


def _too_old(panel: Panel, gate: GateSpec, as_of: str) -> Iterator[str]:
    newest = panel.frame[TIME].max()
    if gate.max_age is None or not isinstance(newest, pd.Timestamp):
        return
    ends = np.array([newest, pd.Timestamp(as_of).tz_localize(None)], dtype="datetime64[ns]")
    [age] = panel.calendar.count(ends[:1], ends[1:])
    if age > gate.max_age:
        [last] = format_stamps(ends[:1], panel.source)
        yield f"stale: the newest row is of {last}, {age:.0f} steps before {as_of} (max_age is {gate.max_age})"


def _too_few(panel: Panel, gate: GateSpec) -> Iterator[str]:
    if len(panel.frame) < gate.min_rows:
        yield f"too few: {len(panel.frame):,} rows (min_rows is {gate.min_rows:,})"


def _other_kind(panel: Panel, before: dict[str, Any]) -> Iterator[str]:
    now = describe_rows(panel)
    for what in ("target", "frequency"):
        if now[what] != before[what]:
            yield f"another table: {what} is {now[what]}, and was {before[what]}"
    if gone := sorted(set(before["covariates"]) - set(now["covariates"])):
        yield f"another table: the columns {', '.join(gone)} are gone"
    if before["series"] == 1 < now["series"]:
        yield f"another table: {now['series']:,} series where there was one"


def _lost(panel: Panel, gate: GateSpec, before: dict[str, Any], seen: pd.DataFrame) -> Iterator[str]:
    if len(panel.frame) < (1 - gate.max_lost) * before["rows"]:
        yield f"rows lost: {len(panel.frame):,} where there were {before['rows']:,} (max_lost is {gate.max_lost:g})"
    last, was = panel.frame.groupby(ID)[TIME].last(), seen.groupby(ID)[TIME].last()
    now = last.reindex(was.index)
    gone = now.isna() | (now < was)
    if gone.mean() > gate.max_lost:
        yield (
            f"series lost: {int(gone.sum()):,} of {len(was):,} are gone or end earlier than they did, first "
            f"'{was.index[gone][0]}' (max_lost is {gate.max_lost:g})"
        )


def _twice(panel: Panel, seen: pd.DataFrame) -> Iterator[str]:
    """Yield a sentence if a new series is the copy of another: a file that was delivered twice."""
    known = set(seen[ID].unique())
    if known.issuperset(panel.frame[ID].unique()):
        return
    tails = last_rows(panel)
    owner: dict[bytes, str] = {}
    for new in (False, True):
        for name, rows in tails[~tails[ID].isin(known) == new].groupby(ID, sort=False):
            values = rows[TARGET].to_numpy()
            if new and len(np.unique(values)) >= TELLING and values.tobytes() in owner:
                yield f"delivered twice: the new series '{name}' is a copy of '{owner[values.tobytes()]}'"
                return
            owner.setdefault(values.tobytes(), str(name))


def _changed(panel: Panel, gate: GateSpec, seen: pd.DataFrame) -> Iterator[str]:
    both = seen.dropna(subset=TARGET).merge(panel.frame[[ID, TIME, TARGET]], on=[ID, TIME], suffixes=("_was", ""))
    was, now = both[f"{TARGET}_was"].to_numpy(), both[TARGET].to_numpy()
    differ = ~(np.abs(now - was) <= ALIKE * np.maximum(np.abs(was), np.abs(now)))
    if len(both) and differ.mean() > gate.max_changed:
        first = int(differ.argmax())
        [stamp] = format_stamps(both[TIME].to_numpy()[[first]], panel.source)
        yield (
            f"values changed: {int(differ.sum()):,} of {len(both):,} rows that were there have another value, first "
            f"'{both[ID].iloc[first]}' on {stamp}: {was[first]:.10g} before, {now[first]:.10g} now "
            f"(max_changed is {gate.max_changed:g})"
        )


def _out_of_range(panel: Panel, gate: GateSpec, seen: pd.DataFrame) -> Iterator[str]:
    if gate.max_range is None:
        return
    limits, new = seen.groupby(ID)[TARGET].agg(["min", "max"]), _new_values(panel, seen)
    low, high = (limits[side].reindex(new[ID]).to_numpy() for side in ("min", "max"))
    room = gate.max_range * np.maximum(high - low, LEAST_RANGE * np.maximum(np.abs(low), np.abs(high)))
    values = new[TARGET].to_numpy()
    with np.errstate(invalid="ignore"):
        odd = (values < low - room) | (values > high + room)
    share = new.loc[odd, ID].nunique() / max(len(limits), 1)
    if share > gate.max_odd:
        first = int(odd.argmax())
        [stamp] = format_stamps(new[TIME].to_numpy()[[first]], panel.source)
        yield (
            f"out of range: '{new[ID].iloc[first]}' is {values[first]:.10g} on {stamp}, and was between "
            f"{low[first]:.10g} and {high[first]:.10g} in its last {SEEN} rows (max_range is {gate.max_range:g})"
        )


def _drifted(panel: Panel, gate: GateSpec, seen: pd.DataFrame) -> Iterator[str]:
    """Yield a sentence if the new rows of all series together move as those before never did."""
    if gate.max_drift is None:
        return
    last = seen.groupby(ID, sort=False)[TIME].last()
    later = panel.frame[
        panel.frame[TIME].to_numpy() >= last.reindex(panel.frame[ID]).to_numpy()
    ]  # from the last seen on
    steps = [rows[[ID]].assign(step=rows.groupby(ID, sort=False)[TARGET].diff()) for rows in (seen, later)]
    units = steps[0]["step"].abs().groupby(seen[ID], sort=False).mean().replace(0.0, 1.0)
    drift = step_distance(*(part["step"].to_numpy() / units.reindex(part[ID]).to_numpy() for part in steps))
    if drift is not None and drift > gate.max_drift:
        yield f"drift: the new changes differ by {drift:.2f} from those before (max_drift is {gate.max_drift:g})"


def step_distance(before: np.ndarray, since: np.ndarray) -> float | None:
    """Return how far two distributions lie apart; None where there are too few values.

    The Kolmogorov-Smirnov statistic: 0 is none, 1 is all.

    Examples
    --------
    >>> step_distance(np.arange(40.0), np.arange(20.0, 60.0))
    0.5
    """
    one, other = np.sort(before[np.isfinite(before)]), np.sort(since[np.isfinite(since)])
    if min(len(one), len(other)) < FEWEST_STEPS:
        return None
    values = np.concatenate([one, other])
    shares = [np.searchsorted(side, values, side="right") / len(side) for side in (one, other)]
    return float(np.abs(shares[0] - shares[1]).max())


def _new_values(panel: Panel, seen: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of known series that are newer than those seen, or stand among them with another value."""
    begun = seen.groupby(ID)[TIME].first()
    frame = panel.frame.loc[panel.frame[ID].isin(begun.index), [ID, TIME, TARGET]]
    frame = frame[frame[TIME].to_numpy() >= begun.reindex(frame[ID]).to_numpy()]
    both = frame.merge(seen, on=[ID, TIME], how="left", suffixes=("", "_was"))
    return both[both[TARGET] != both[f"{TARGET}_was"]]
