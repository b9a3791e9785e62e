"""Real worker processes throughout: what they do to each other cannot be acted."""

import os
import signal
import time
from pathlib import Path

import pytest

from forecastr.engine import pool as pool_module
from forecastr.engine.pool import Message, WorkerPool
from forecastr.errors import SearchError, StorageError


def wait_for(pool: WorkerPool, jobs: set[str], *, seconds: float = 90) -> list[Message]:
    """Poll until each of these jobs has ended; return all messages."""
    messages, end = [], time.monotonic() + seconds
    while jobs and time.monotonic() < end:
        for message in pool.poll(0.2):
            messages.append(message)
            if message.kind != "event":
                jobs = jobs - {message.job}
    assert not jobs, f"{jobs} never ended"
    return messages


def only(messages: list[Message]) -> Message:
    assert len(messages) == 1, messages
    return messages[0]


KERAS = """import os
if os.environ["KERAS_BACKEND"] != "jax":
    raise ValueError("there is no such backend")
"""


@pytest.fixture(scope="module", autouse=True)
def _importable(tmp_path_factory):
    """Let workers import jobs.py of this folder, and a Keras that takes no seconds: nothing here is trained."""
    stand_in = tmp_path_factory.mktemp("stand_in")
    (stand_in / "keras.py").write_text(KERAS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(stand_in), str(Path(__file__).parent)]), prepend=os.pathsep)
        yield


@pytest.fixture(scope="module")
def lasting_pool():
    """One pool of two for all tests: surviving the others' accidents is part of what is tested."""
    with WorkerPool(2, backend="jax") as started:
        yield started


@pytest.fixture
def pool(lasting_pool):
    """The pool, once both of its workers are up."""
    while lasting_pool.idle < lasting_pool.size:
        lasting_pool.poll(1.0)
    return lasting_pool


def test_results_come_back_by_job(pool):
    results = pool.run([(n, "jobs:echo", 10 * n) for n in range(5)], seconds=60)
    assert {n: result["value"] for n, result in results.items()} == {n: 10 * n for n in range(5)}
    assert len({result["pid"] for result in results.values()}) <= 2
    assert all(result["peak_mib"] > 0 for result in results.values())
    assert not pool.busy


def test_events_arrive_in_order_before_the_result(pool):
    pool.submit("counting", "jobs:count", 3, seconds=60)
    messages = wait_for(pool, {"counting"})
    assert [message.kind for message in messages] == ["event"] * 3 + ["done"]
    assert [message.content["step"] for message in messages[:3]] == [0, 1, 2]


def test_an_exception_fails_its_job_with_its_first_line_and_the_worker_goes_on(pool):
    before = pool.run([(n, "jobs:echo", n) for n in "ab"], seconds=60)
    pool.submit("bad", "jobs:fail", "the loss is nan\nand more", seconds=60)
    message = only(wait_for(pool, {"bad"}))
    assert (message.kind, message.content) == ("failed", "ValueError: the loss is nan")
    after = pool.run([(n, "jobs:echo", n) for n in "ab"], seconds=60)
    assert {r["pid"] for r in after.values()} <= {r["pid"] for r in before.values()} | set(_pids(pool))


def test_work_that_does_not_exist_fails(pool):
    pool.submit("nowhere", "jobs:no_such_function", seconds=60)
    assert "no_such_function" in only(wait_for(pool, {"nowhere"})).content


def test_a_killed_worker_fails_its_job_and_the_other_s_is_done(pool):
    pool.submit("killed", "jobs:die", seconds=60)
    pool.submit("other", "jobs:hang", 0.5, seconds=60)
    messages = {message.job: message for message in wait_for(pool, {"killed", "other"})}
    assert messages["killed"].kind == "failed"
    assert messages["killed"].content.startswith("died of signal 9")
    assert messages["other"].kind == "done"
    assert len(pool.run([(n, "jobs:echo", n) for n in range(3)], seconds=60)) == 3  # the replacement works


def test_a_segmentation_fault_fails_its_job_and_the_pool_goes_on(pool):
    pool.submit("crashed", "jobs:crash", seconds=60)
    assert only(wait_for(pool, {"crashed"})).content.startswith("died of signal 11")
    assert pool.run([("next", "jobs:echo", 1)], seconds=60)["next"]["value"] == 1


def test_a_worker_past_its_memory_limit_fails_its_job(pool):
    pool.submit("large", "jobs:exhaust", seconds=60)
    assert only(wait_for(pool, {"large"})).content.startswith("MemoryError")


def test_a_file_that_a_worker_cannot_write_is_an_error_and_no_failed_job(pool, tmp_path):
    pool.submit("unwritten", "jobs:fill", str(tmp_path / "nowhere" / "file"), seconds=60)
    with pytest.raises(StorageError, match="nowhere/file cannot be written: No such file"):
        wait_for(pool, {"unwritten"})
    assert not pool.busy


def test_signals_for_the_whole_group_are_the_parents_business(pool):
    pool.submit("trained", "jobs:hang", 0.5, seconds=60)
    for number in (signal.SIGINT, signal.SIGTERM):
        for pid in _pids(pool):
            os.kill(pid, number)
    assert only(wait_for(pool, {"trained"})).kind == "done"


def test_a_worker_that_leaves_is_quoted(pool):
    pool.submit("left", "jobs:leave", seconds=60)
    assert only(wait_for(pool, {"left"})).content == "ended with exit code 3: no memory left"


def test_a_job_past_its_deadline_is_killed_and_the_pool_goes_on(pool):
    begun = time.monotonic()
    pool.submit("slow", "jobs:hang", 600.0, seconds=0.5)
    message = only(wait_for(pool, {"slow"}))
    assert time.monotonic() - begun < 10
    assert (message.kind, message.content) == ("failed", "killed: not done at its deadline")
    assert pool.run([("next", "jobs:echo", 1)], seconds=60)["next"]["value"] == 1


def test_a_job_goes_back_to_the_worker_that_had_it(pool):
    jobs = [(name, "jobs:hang", 0.3) for name in ("one", "other")]
    pool.run(jobs, seconds=60)  # each worker has one of them
    first = pool.run([(name, "jobs:echo", 1) for name in ("one", "other")], seconds=60)
    again = pool.run([(name, "jobs:echo", 1) for name in ("other", "one")], seconds=60)
    assert first["one"]["pid"] != first["other"]["pid"]
    assert {name: result["pid"] for name, result in again.items()} == {
        name: result["pid"] for name, result in first.items()
    }


def test_deadlines_that_are_brought_forward_count(pool):
    begun = time.monotonic()
    pool.submit("slow", "jobs:hang", 600.0, seconds=60.5)
    pool.hurry(60.0)
    assert only(wait_for(pool, {"slow"})).content == "killed: not done at its deadline"
    assert time.monotonic() - begun < 10


def test_what_was_done_in_time_counts_even_if_it_is_heard_late(pool):
    pool.submit("counting", "jobs:count", 20, seconds=1.0)
    time.sleep(1.5)  # as when this process is stopped for a while
    messages = wait_for(pool, {"counting"})
    assert [message.kind for message in messages] == ["event"] * 20 + ["done"]


def test_a_worker_that_says_nothing_counts_as_hung(pool, monkeypatch):
    monkeypatch.setattr(pool_module, "SILENCE", 0.5)
    pool.submit("mute", "jobs:hang", 600.0, seconds=float("inf"))
    message = only(wait_for(pool, {"mute"}))
    assert message.kind == "failed"
    assert "silent" in message.content


def test_an_idle_worker_s_death_is_nobody_s_failure(pool):
    for pid in _pids(pool):
        os.kill(pid, signal.SIGKILL)
    end = time.monotonic() + 2
    while time.monotonic() < end:
        assert pool.poll(0.2) == []
    assert len(pool.run([(n, "jobs:echo", n) for n in range(3)], seconds=60)) == 3


def test_a_job_given_to_a_worker_that_has_just_died_fails_like_any_other(pool):
    for worker in pool._workers:
        worker.process.kill()
        worker.process.wait()
    pool.submit("unlucky", "jobs:echo", 1, seconds=60)
    assert only(wait_for(pool, {"unlucky"})).kind == "failed"
    assert pool.run([("next", "jobs:echo", 1)], seconds=60)["next"]["value"] == 1


def test_a_replacement_that_dies_while_it_starts_is_replaced_too(pool):
    pool.submit("first", "jobs:die", seconds=60)
    wait_for(pool, {"first"})
    fresh = next(worker for worker in pool._workers if not worker.ready)
    fresh.process.kill()
    fresh.process.wait()
    assert pool.poll(1.0) == []
    assert len(pool.run([(n, "jobs:echo", n) for n in range(3)], seconds=60)) == 3


def test_a_failing_job_ends_a_run_with_its_reason(pool):
    with pytest.raises(SearchError, match="broken: ValueError: no rows"):
        pool.run([("broken", "jobs:fail", "no rows")], seconds=60)


def test_workers_that_cannot_start_are_an_error_and_not_an_endless_loop(tmp_path):
    with (
        WorkerPool(1, backend="no-such-backend") as pool,
        pytest.raises(SearchError, match="could not start"),
    ):
        wait_for(pool, {"never"})


def test_a_machine_without_room_for_temporary_files_is_an_error_that_says_so(monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    with pytest.raises(StorageError, match="No temporary file can be written: No such file"):
        WorkerPool(1, backend="jax")


def test_the_seconds_until_the_first_worker_is_up_are_told_once(tmp_path):
    told, begun = [], time.monotonic()
    with WorkerPool(2, backend="jax", ready=told.append) as pool:
        pool.run([(n, "jobs:echo", n) for n in range(4)], seconds=60)
    assert len(told) == 1
    assert 0.01 < told[0] < time.monotonic() - begun  # no interpreter starts sooner


def test_closing_leaves_no_process_behind(tmp_path):
    pool = WorkerPool(2, backend="jax")
    processes = [worker.process for worker in pool._workers]
    pool.close()
    assert all(process.returncode is not None for process in processes)


def test_the_last_result_ends_the_wait(monkeypatch):
    with WorkerPool(1, backend="jax") as pool:
        poll, waited_for = pool.poll, []
        monkeypatch.setattr(
            pool, "poll", lambda timeout: waited_for.append(pool.busy or not pool.idle) or poll(timeout)
        )
        assert len(pool.run([(n, "jobs:echo", n) for n in range(2)], seconds=60)) == 2
    assert waited_for and all(waited_for)


def _pids(pool: WorkerPool) -> list[int]:
    return [worker.process.pid for worker in pool._workers]


def test_towards_the_end_a_worker_that_dies_is_not_replaced_unless_it_is_the_last():
    with WorkerPool(2, backend="jax") as pool:
        pool.run([(n, "jobs:hang", 0.3) for n in range(2)], seconds=60)
        pool.winding_down = True
        for left in (1, 1):
            pool.submit("dying", "jobs:die", seconds=60)
            assert only(wait_for(pool, {"dying"})).content == "died of signal 9"
            assert pool.size == left
        assert pool.run([("next", "jobs:echo", 1)], seconds=60)["next"]["value"] == 1
