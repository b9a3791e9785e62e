import json

import pytest

from forecastr.search.ledger import Ledger, read_ledger


@pytest.fixture
def path(tmp_path):
    """A ledger of two events."""
    with Ledger(tmp_path / "ledger.jsonl") as ledger:
        ledger.append("search_started", seed=1)
        ledger.append("trial_failed", trial="0000", reason="first\u2028second\x85third", score=float("nan"))
    return tmp_path / "ledger.jsonl"


def test_events_are_read_as_they_were_written_odd_separators_included(path):
    started, failed = read_ledger(path)
    assert (started["event"], started["seed"]) == ("search_started", 1)
    assert failed["reason"] == "first\u2028second\x85third"
    assert failed["score"] is None
    assert started["time"] <= failed["time"]


def test_opening_again_appends(path):
    with Ledger(path) as ledger:
        ledger.append("search_ended", ended_by="time limit")
    assert [event["event"] for event in read_ledger(path)] == ["search_started", "trial_failed", "search_ended"]


@pytest.mark.parametrize("torn", ['{"event": "epo', '{"event": "epoch"}', '{"reason": "Zü'])
def test_a_torn_tail_is_no_event(path, torn):
    whole = read_ledger(path)
    with path.open("ab") as file:
        file.write(torn.encode()[:-1] if torn.endswith("ü") else torn.encode())  # ü is two bytes: torn between them
    assert read_ledger(path) == whole


def test_an_event_is_on_disk_when_append_returns(tmp_path):
    with Ledger(tmp_path / "ledger.jsonl") as ledger:
        line = ledger.append("trial_started", trial="0000")
        assert json.loads((tmp_path / "ledger.jsonl").read_text()) == line
