from pathlib import Path

import numpy as np
import pytest

from forecastr.errors import ConfigError
from forecastr.models.config import NetworkConfig
from forecastr.search.ledger import Ledger, read_ledger
from forecastr.search.resume import replay_trials, resume
from forecastr.search.trials import CANDIDATES, Search

CONFIGS = [NetworkConfig(units=units, updates=50) for units in (4, 8, 16)]
OUTCOMES = [0.9, 0.5, "the loss is nan", 0.7]


def board(search: Search) -> list[tuple[object, ...]]:
    """Return what a leaderboard is made of."""
    return [(t.name, t.status, t.score, t.metrics, t.config, t.reason, t.result) for t in search.trials]


@pytest.fixture
def searched(tmp_path, scripted_search, run) -> Search:
    """A search of four trials that has come to its end."""
    search = scripted_search(tmp_path, OUTCOMES, CONFIGS)
    run(search, max_trials=4)
    return search


@pytest.fixture
def take_up(tmp_path, scripted_search, run):
    """Return a function that goes on with the search in the folder, to its end."""

    def go(*, max_trials: int = 4, further: bool = False) -> Search:
        events = read_ledger(tmp_path / "ledger.jsonl")
        search = scripted_search(tmp_path, OUTCOMES, CONFIGS)
        resume(search, events, further=further)
        run(search, max_trials=max_trials)
        return search

    return go


def test_a_ledger_torn_at_any_byte_of_its_last_two_records_is_gone_on_with(tmp_path, searched, take_up):
    content = (tmp_path / "ledger.jsonl").read_bytes()
    last_trial = content.index(b'{"event": "trial_completed", "time": "', content.index(b'"trial_failed"'))
    for end in range(last_trial, len(content) + 1):
        (tmp_path / "ledger.jsonl").write_bytes(content[:end])
        again = take_up()
        assert board(again) == board(searched)
        assert again.pool.trained == ([] if b"\n" in content[last_trial:end] else ["0003"])


def test_a_ledger_torn_anywhere_gives_back_every_trial_that_was_completed(tmp_path, searched):
    content = (tmp_path / "ledger.jsonl").read_bytes()
    for end in range(0, len(content), 19):
        (tmp_path / "ledger.jsonl").write_bytes(content[:end])
        with Ledger(tmp_path / "ledger.jsonl") as ledger:
            ledger.append("interrupted", kept=0)
        trials = replay_trials(read_ledger(tmp_path / "ledger.jsonl"))
        completed = sum(line.startswith(b'{"event": "trial_completed"') for line in content[:end].split(b"\n")[:-1])
        assert sum(trial.status == "completed" for trial in trials) == completed


def test_nothing_is_trained_again_when_a_search_has_ended(searched, take_up):
    again = take_up(max_trials=9)

    assert board(again) == board(searched)
    assert again.pool.trained == []
    assert again.ended_by == "trial limit"


def test_a_search_that_has_ended_goes_on_when_that_is_asked_for(searched, take_up):
    again = take_up(max_trials=6, further=True)

    assert board(again)[:4] == board(searched)
    assert again.pool.trained == ["0004", "0005"]


def test_proposals_are_asked_and_told_as_if_nothing_had_happened(searched, take_up):
    again = take_up(max_trials=5, further=True)

    assert again.proposals.asked == 5
    assert again.proposals.told == {0: 0.9, 1: 0.5, 2: None, 3: 0.7, 4: 0.9}


@pytest.mark.parametrize("damage", ["emptied", "gone"])
def test_a_trial_whose_files_are_not_whole_is_repeated(tmp_path, searched, take_up, damage):
    path = tmp_path / "0001" / "validation.npy"
    path.write_bytes(b"") if damage == "emptied" else path.unlink()

    again = take_up()

    assert board(again) == board(searched)
    assert again.pool.trained == ["0001"]
    assert again.forecasts(again.trials[1]).mean() == 0.5


def test_a_repeated_trial_that_is_cut_off_too_is_told_of(tmp_path, searched, take_up):
    (tmp_path / "0001" / "validation.npy").unlink()
    with Ledger(tmp_path / "ledger.jsonl") as ledger:
        ledger.append("trial_started", trial="0001", config=vars(CONFIGS[1]))

    again = take_up()

    assert board(again) == board(searched)
    assert again.proposals.told[1] == 0.5


def test_other_proposals_than_those_in_the_ledger_are_an_error(tmp_path, searched, scripted_search):
    search = scripted_search(tmp_path, OUTCOMES, CONFIGS[::-1])
    with search.ledger, pytest.raises(ConfigError, match="trial 0000 is not what would be tried today"):
        resume(search, read_ledger(tmp_path / "ledger.jsonl"), further=False)


def test_only_the_files_of_trials_that_may_be_chosen_are_kept(tmp_path, scripted_search, run):
    scores = list(np.random.default_rng(0).permutation(np.arange(1.0, 31.0)))
    search = scripted_search(tmp_path, scores)
    run(search, max_trials=30)

    best = {trial.name for trial in search.trials if trial.score <= CANDIDATES}
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == best
    assert {trial.name for trial in search.candidates} == best


def test_a_search_ends_when_there_is_no_room_for_a_further_trial(tmp_path, scripted_search):
    search = scripted_search(tmp_path, [0.5])
    with search.ledger:
        ended_by = search.run(
            seconds_left=lambda: 1e6, trial_seconds=lambda: 1e6, max_trials=None,
            disk_full=lambda: len(list(Path(tmp_path).glob("*/validation.npy"))) >= 3,
        )  # fmt: skip
    assert (ended_by, len(search.completed)) == ("disk limit", 3)
