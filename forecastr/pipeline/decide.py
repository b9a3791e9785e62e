"""What a night does with its champion: predict, refit or search, and why."""

from dataclasses import dataclass

from forecastr.pipeline.spec import TriggersSpec

PREDICT, REFIT, SEARCH = "predict", "refit", "search"


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What a decision rests on.

    Parameters
    ----------
    champion : str or None
        The champion's name; None where there is none.
    trouble : str or None
        Why the champion cannot be used, if it cannot.
    new_rows : int
        Rows since the champion's last one.
    since_challenge : int or None
        Rows since it was last challenged; None if never.
    rolling, baseline : float or None
        Rolling errors, of the champion and its baseline.
    test : float or None
        The champion's error on its test part, in the same unit.
    drift : float or None
        How far steps since then differ from those before.
    """

    champion: str | None = None
    trouble: str | None = None
    new_rows: int = 0
    since_challenge: int | None = None
    rolling: float | None = None
    baseline: float | None = None
    test: float | None = None
    drift: float | None = None


@dataclass(frozen=True)
class Decision:
    """An action and its reason, as the journal keeps them."""

    action: str
    reason: str


def decide(now: Situation, triggers: TriggersSpec) -> Decision:
    """Return what to do.

    Examples
    --------
    >>> decide(Situation(), TriggersSpec())
    Decision(action='search', reason='there is no champion yet')
    >>> decide(Situation(champion="a", new_rows=3), TriggersSpec())
    Decision(action='predict', reason='3 new rows, and nothing calls for a challenge')
    """
    if now.champion is None:
        return Decision(SEARCH, now.trouble or "there is no champion yet")
    action, reason = _wish(now, triggers)
    if action != PREDICT and now.since_challenge is not None and now.since_challenge < triggers.pause:
        challenged = f"the last challenge was {now.since_challenge} rows ago (pause is {triggers.pause})"
        return Decision(PREDICT, f"{reason}; but {challenged}")
    return Decision(action, reason)


def _wish(now: Situation, triggers: TriggersSpec) -> tuple[str, str]:
    if _above(now.new_rows, triggers.search_after):
        return SEARCH, f"the champion is old: {now.new_rows} new rows (search_after is {triggers.search_after})"
    for name, error, limit in (
        ("that of its test part", now.test, triggers.worse_than_test),
        ("its baseline's", now.baseline, triggers.worse_than_baseline),
    ):
        if now.rolling is not None and error and limit and now.rolling > limit * error:
            ratio = now.rolling / error
            return SEARCH, f"its rolling error {now.rolling:.3f} is {ratio:.2f} times {name} (limit {limit:g})"
    if now.drift is not None and triggers.drift is not None and now.drift > triggers.drift:
        return SEARCH, f"the data drifts: its steps differ by {now.drift:.2f} (drift is {triggers.drift:g})"
    waited = now.new_rows if now.since_challenge is None else min(now.new_rows, now.since_challenge)
    if _above(waited, triggers.refit_after):
        return REFIT, f"{now.new_rows} new rows (refit_after is {triggers.refit_after})"
    return PREDICT, f"{now.new_rows} new row{'s' * (now.new_rows != 1)}, and nothing calls for a challenge"


def _above(count: int, limit: int | None) -> bool:
    return limit is not None and count >= limit
