import os
import signal

import numpy as np
import pytest

from forecastr.engine.pool import WorkerPool
from forecastr.errors import SearchError
from forecastr.models.config import PRETRAINED
from forecastr.search import trials as trials_module
from forecastr.search.ledger import Ledger, read_ledger
from forecastr.search.trials import CANDIDATES, Search, SearchSetting
from forecastr.windows.store import Cutoffs, SeriesStore


def test_the_trial_limit_ends_a_search_with_the_best_first(tmp_path, scripted_search, run):
    search = scripted_search(tmp_path, [0.9, 0.5, "killed", 0.7])
    assert run(search, max_trials=4) == "trial limit"
    assert [trial.name for trial in search.completed] == ["0001", "0003", "0000"]
    assert search.proposals.told == {0: 0.9, 1: 0.5, 2: None, 3: 0.7}
    events = [(event["event"], event.get("trial")) for event in read_ledger(tmp_path / "ledger.jsonl")]
    assert events[:4] == [
        ("trial_started", "0000"),
        ("trial_completed", "0000"),
        ("trial_started", "0001"),
        ("trial_completed", "0001"),
    ]
    assert ("trial_failed", "0002") in events
    assert events[-1] == ("search_ended", None)


@pytest.mark.parametrize("bad", ["killed: not done at its deadline", float("nan"), float("inf")])
def test_a_failed_trial_is_never_the_best(tmp_path, scripted_search, run, bad):
    search = scripted_search(tmp_path, [bad, 0.9])
    run(search, max_trials=2)
    assert [trial.score for trial in search.completed] == [0.9]
    assert (search.trials[0].status, search.trials[0].score) == ("failed", None)
    assert search.proposals.told == {0: None, 1: 0.9}


def test_the_time_limit_ends_a_search_and_lets_the_running_trial_end(tmp_path, scripted_search, run):
    search = scripted_search(tmp_path, [0.9])
    assert run(search, seconds=[100.0, 100.0, 50.0, 2.9]) == "time limit"
    assert len(search.completed) == len(search.trials) >= 1


def test_trials_have_longer_past_their_end_until_one_is_completed(tmp_path, scripted_search, run):
    search = scripted_search(tmp_path, ["no memory", 0.9, 0.8])
    run(search, max_trials=3)
    late = [seconds - 1e6 for seconds in search.pool.allowed]  # scripted trials may take a million seconds
    assert late == [15.0 + trials_module.FIRST_GRACE, 15.0 + trials_module.FIRST_GRACE, 15.0]
    assert search.pool.hurried == [trials_module.FIRST_GRACE]


def test_a_search_without_a_completed_trial_is_an_error_with_the_commonest_reason(tmp_path, scripted_search, run):
    search = scripted_search(tmp_path, ["no memory", "died of signal 9", "died of signal 9"])
    with pytest.raises(SearchError, match="No trial was completed: died of signal 9"):
        run(search)
    assert len(search.trials) == trials_module.HOPELESS


def test_a_search_that_does_not_improve_any_more_ends(tmp_path, scripted_search, run):
    search = scripted_search(tmp_path, [0.5, 0.4, *[0.6] * 1000])
    assert run(search) == "no improvement"
    assert len(search.trials) == 2 + trials_module.STALLED


def test_an_exhausted_space_ends_a_search(tmp_path, scripted_search, run):
    with pytest.raises(SearchError, match="there was no time for one"):
        run(scripted_search(tmp_path, [0.5], configs=[]))
    assert read_ledger(tmp_path / "ledger.jsonl")[-1]["ended_by"] == "space exhausted"


def test_trials_train_in_processes_and_one_that_is_killed_is_a_failed_trial(tmp_path, listed, small):
    rng = np.random.default_rng(0)
    store = SeriesStore(np.cumsum(rng.normal(size=120)), np.array([0, 120]))
    setting = SearchSetting(
        train=store.drop_last(np.array([20])).save(tmp_path / "train"),
        known=store.save(tmp_path / "known"),
        validation=Cutoffs(np.zeros(10, int), np.arange(100, 110)),
        horizon=3,
        season_lengths=(1,),
        seed=1,
        scratch=tmp_path,
    )
    with WorkerPool(2, backend="jax") as pool, Ledger(tmp_path / "ledger.jsonl") as ledger:

        def kill_the_first(event: dict) -> None:
            if event["event"] == "trial_started" and event["trial"] == "0000":
                killed.append(event["trial"])
            elif event["event"] == "trial_started" and event["trial"] == "0001":
                worker = next(worker for worker in pool._workers if worker.job is search.trials[0])
                os.kill(worker.process.pid, signal.SIGKILL)

        killed: list[str] = []
        while not all(worker.ready for worker in pool._workers):
            pool.poll(0.2)
        search = Search(
            setting=setting,
            proposals=listed(small),
            score=lambda quantiles: {"validation_mase": float(np.abs(quantiles).mean())},
            pool=pool,
            ledger=ledger,
            watch=kill_the_first,
        )
        assert search.run(seconds_left=lambda: 1e6, trial_seconds=lambda: 1e6, max_trials=3) == "trial limit"
    assert killed == ["0000"]
    assert [trial.status for trial in search.trials] == ["failed", "completed", "completed"]
    assert search.trials[0].reason.startswith("died of signal 9")
    assert search.forecasts(search.trials[1]).shape == (10, 3, 5)
    epochs = [event["trial"] for event in read_ledger(tmp_path / "ledger.jsonl") if event["event"] == "epoch"]
    assert sorted(set(epochs)) == ["0001", "0002"]


def test_a_network_without_training_stays_a_candidate_however_many_err_less(tmp_path, scripted_search, run, small):
    configs = [small, PRETRAINED, *[small] * CANDIDATES]
    search = scripted_search(tmp_path, [0.9, 1.5, *np.linspace(0.5, 0.8, CANDIDATES).tolist()], configs=configs)
    run(search, max_trials=len(configs))

    assert search.completed[-1].config is PRETRAINED
    assert [trial.number for trial in search.candidates] == [*range(2, CANDIDATES + 2), 1]
    assert not (tmp_path / "0000").exists()  # one too many
