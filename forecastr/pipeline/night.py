"""One night of one group: from rows to a forecast, each step written down before the next begins."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecastr.bundle.bundle import Bundle
from forecastr.bundle.load import load_bundle
from forecastr.data import Panel
from forecastr.errors import BundleError, DataError, SearchError
from forecastr.files import whole_file
from forecastr.fitting.fit import fit_table
from forecastr.pipeline.decide import PREDICT, REFIT, SEARCH, Situation, decide
from forecastr.pipeline.gate import describe_rows, last_rows, refusals
from forecastr.pipeline.journal import FITS, FORECAST, GOOD, REFUSED, Journal, read_nights
from forecastr.pipeline.load import Pipeline
from forecastr.pipeline.scoring import compare_bundles, count_new_rows, drift_since, rolling_error
from forecastr.pipeline.source import cut_panel
from forecastr.schema import MODEL, TIME

Watcher = Callable[[dict[str, Any]], None]
SEEN_TABLE, FORECAST_TABLE = "seen.parquet", "forecast.parquet"
MOST_HELD_OUT = 5  # a part of the rows, at most, that a challenger is not trained on


@dataclass(eq=False)
class Night:
    """What the steps of a night share.

    Parameters
    ----------
    pipeline : Pipeline
        What to do.
    journal : Journal
        What has been done.
    panel : Panel
        The rows up to the night's date.
    watch : callable
        Hears of every step.
    group : str
        Whose rows; empty where there are no groups.
    """

    pipeline: Pipeline
    journal: Journal
    panel: Panel
    watch: Watcher
    group: str = ""

    def run(self) -> None:
        """Bring the journal to a forecast, or to a refusal; a night that is over stays as it is."""
        self._begin()
        if self.journal.status in GOOD:
            return
        if refused := self.journal.step("checks", self._checks):
            self._refuse(refused)
            return
        decision = self.journal.step("decide", self._decide)
        self.watch({"event": "decided", **decision})
        if decision["action"] != PREDICT:
            challenge = self.journal.step("challenge", lambda: self._challenge(decision["action"]))
            self.watch({"event": "challenged", **challenge})
        promotion = self.journal.step("promote", self._promote)
        self.watch({"event": "champion", **promotion})
        try:
            self.journal.step("forecast", lambda: self._forecast(promotion["champion"]))
        except DataError as error:  # what is known of the future is not there yet
            self._refuse([f"no forecast: {error}"])
            return
        self.journal.end(FORECAST)

    def _begin(self) -> None:
        """Read what an earlier attempt came to; of other rows it came to nothing."""
        rows = {**describe_rows(self.panel), "group": self.group}
        known = self.journal.steps.get("rows")
        other = known is not None and known["fingerprint"] != rows["fingerprint"]
        if self.journal.status == REFUSED or (self.journal.status not in GOOD and other):
            self.journal.begin_again()
        if self.journal.status not in GOOD:
            self.journal.write_table(SEEN_TABLE, last_rows(self.panel))
            self.journal.step("rows", lambda: rows)
            self.watch({"event": "rows", "rows": rows["rows"], "series": rows["series"], "last": rows["last"]})
            self._tell_left_out()

    def _tell_left_out(self) -> None:
        """Write which series cannot be read and have no forecast."""
        left_out = self.panel.exceptions
        if len(left_out):
            file = self.journal.folder / "exceptions.csv"
            with whole_file(file) as temporary:
                left_out.to_csv(temporary, index=False)
            name, _, reason = left_out.iloc[0]
            text = (
                f"{len(left_out):,} series cannot be read and are left out, first '{name}': {reason} ({file} has all)"
            )
            self.watch({"event": "warning", "text": text})

    def _refuse(self, reasons: list[str]) -> None:
        self.journal.steps["checks"] = reasons
        self.journal.end(REFUSED)
        self.watch({"event": "refused", "reasons": reasons})

    @cached_property
    def _good(self) -> list[Journal]:
        """Earlier nights that ended with a forecast, oldest first."""
        earlier = read_nights(self.journal.state, before=self.journal.as_of)
        return [night for night in earlier if night.status in GOOD]

    @property
    def _challenged(self) -> list[Journal]:
        """Those of them on which something was fitted."""
        return [night for night in self._good if night.steps["decide"]["action"] != PREDICT]

    def _checks(self) -> list[str]:
        gate, good = self.pipeline.spec.gate, self._good
        before = {"before": good[-1].steps["rows"], "seen": good[-1].read_table(SEEN_TABLE)} if good else {}
        return refusals(self.panel, gate, self.journal.as_of, **before)

    def _champion(self) -> tuple[str | None, str | None]:
        """Return the name of the fit in use, and why there is none."""
        good = self._good
        if not good:
            return None, None
        name = good[-1].steps["promote"]["champion"]
        try:
            self._bundle(name)
        except BundleError as error:
            return None, f"the champion {name} cannot be used: {error}"
        return name, None

    def _decide(self) -> dict[str, Any]:
        name, trouble = self._champion()
        situation = Situation(trouble=trouble)
        if name is not None:
            bundle, triggers = self._bundle(name), self.pipeline.spec.triggers
            errors = rolling_error(bundle, self.panel, rolling=triggers.rolling) or {}
            situation = Situation(
                champion=name,
                new_rows=count_new_rows(bundle, self.panel),
                since_challenge=self._since_challenge(),
                rolling=errors.get("champion"),
                baseline=errors.get("baseline"),
                test=self._test_error(name),
                drift=drift_since(bundle, self.panel),
            )
        return {**asdict(decide(situation, self.pipeline.spec.triggers)), "situation": asdict(situation)}

    def _since_challenge(self) -> int | None:
        challenged = self._challenged
        if not challenged:
            return None
        stamps = self.panel.frame[TIME]
        newest: Any = challenged[-1].steps["rows"]["newest"]
        newest = pd.Timestamp(newest) if stamps.dtype.kind == "M" else int(newest)
        return int(stamps[stamps > newest].nunique())

    def _test_error(self, name: str) -> float | None:
        error = read_summary(self._fit_folder(name))["metrics"][MODEL].get("mase")
        return None if error is None else float(error)

    def _challenge(self, action: str) -> dict[str, Any]:
        """Fit a challenger, without the newest rows where there is a champion to compare it with on them."""
        champion = self.journal.steps["decide"]["situation"]["champion"]
        name = f"{self.journal.folder.name}-{action}"
        rows = self.panel if champion is None else cut_panel(self.panel, self._last_to_train(champion))
        try:
            challenger = self._fit(name, rows, champion if action == REFIT else None)
            if champion is None:
                return {"fit": name}
            compared = compare_bundles(challenger, self._bundle(champion), self.panel)
        except (SearchError, DataError) as error:
            if champion is None:
                raise
            return {"failed": str(error)}
        return {"fit": name, **asdict(compared)}

    def _last_to_train(self, champion: str) -> Any:
        """Return the last stamp that a challenger is trained on: what the champion has not seen is held out."""
        bundle = self._bundle(champion)
        stamps = np.sort(self.panel.frame[TIME].unique())
        held_out = max(count_new_rows(bundle, self.panel), 2 * bundle.task.horizon)
        return stamps[-1 - min(held_out, len(stamps) // MOST_HELD_OUT)]

    def _fit(self, name: str, rows: Panel, like: str | None) -> Bundle:
        """Return the bundle of a fit of some rows, made now or in an earlier attempt."""
        folder = self._fit_folder(name)
        if not is_fit_of(rows, folder):
            options = self.pipeline.spec.fit_options(self.journal.as_of)
            options = replace(options, seed=options.seed + len(self._challenged))  # another search than the last
            if like is not None:
                members = self._bundle(like).members
                options = replace(options, max_trials=None, configs=tuple(member.config for member in members))
            self.watch({"event": "fit", "action": REFIT if like else SEARCH, "folder": str(folder)})
            fit_table(rows, folder, options, watch=self._hear, overwrite=True)
        return self._bundle(name)

    def _hear(self, event: dict[str, Any]) -> None:
        if event["event"] in ("trial_completed", "trial_failed", "warning"):
            told: dict[str, Any] = {key: event[key] for key in ("trial", "score", "reason", "text") if key in event}
            self.watch({"event": event["event"], **told})

    def _promote(self) -> dict[str, Any]:
        champion = self.journal.steps["decide"]["situation"]["champion"]
        challenge = self.journal.steps.get("challenge")
        if challenge is None:
            return {"champion": champion, "promoted": False, "reason": "not challenged"}
        if "failed" in challenge:
            return {"champion": champion, "promoted": False, "reason": f"no challenger: {challenge['failed']}"}
        if champion is None:
            return {"champion": challenge["fit"], "promoted": True, "reason": "the first"}
        p_value, limit = challenge["p_value"], self.pipeline.spec.triggers.significance
        errors = f"{challenge['challenger']:.3f} against {challenge['champion']:.3f}, {challenge['cutoffs']} cutoffs"
        if p_value is None:
            return {"champion": champion, "promoted": False, "reason": f"{errors}: too few to tell"}
        better = challenge["challenger"] < challenge["champion"] and p_value < limit
        reason = f"{errors}, p = {p_value:.3f} (significance is {limit:g})"
        return {"champion": challenge["fit"] if better else champion, "promoted": better, "reason": reason}

    def _forecast(self, champion: str) -> dict[str, Any]:
        table = self._bundle(champion).predict(self.panel)
        self.journal.write_table(FORECAST_TABLE, table)
        return {"rows": len(table)}

    def _bundle(self, name: str) -> Bundle:
        return load_fit(self._fit_folder(name).absolute())

    def _fit_folder(self, name: str) -> Path:
        return self.journal.state / FITS / name


def is_fit_of(rows: Panel, folder: Path) -> bool:
    """Say whether a folder holds a finished fit of these rows; its summary is the last file that a fit writes."""
    return (folder / "summary.json").exists() and read_summary(folder)["data"]["fingerprint"] == rows.fingerprint


@lru_cache(maxsize=8)
def load_fit(folder: Path) -> Bundle:
    """Return the bundle of a finished fit; its networks are loaded once."""
    return load_bundle(folder)


def read_summary(folder: Path) -> dict[str, Any]:
    """Return what a fit came to."""
    import json

    return dict(json.loads((folder / "summary.json").read_text(encoding="utf-8")))


def describe_night(journal: Journal) -> dict[str, Any]:
    """Return a night in a few plain values: its status, decision and reasons."""
    steps = journal.steps
    decision, promotion = steps.get("decide", {}), steps.get("promote", {})
    refused = journal.status == REFUSED
    return {
        "as_of": journal.as_of,
        "status": journal.status,
        "action": None if refused else decision.get("action"),
        "reason": "; ".join(steps["checks"]) if refused else decision.get("reason"),
        "champion": promotion.get("champion"),
        "promoted": bool(promotion.get("promoted")),
        "promotion": promotion.get("reason"),
    }
