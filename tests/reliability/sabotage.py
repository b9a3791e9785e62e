"""Training as it is, but for some trials, each of which goes wrong in a way of its own."""

import ctypes
import os
import resource
import signal
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import keras
import numpy as np

from forecastr.engine import training
from forecastr.engine.training import Report
from forecastr.engine.work import TrainJob


def train(job: TrainJob, report: Report) -> dict[str, Any]:
    """Train, or do what the trial's number says."""
    kind = KINDS.get(job.trial)
    return kind(job, report) if kind else training.train(job, report)


def hang(job: TrainJob, report: Report) -> dict[str, Any]:
    time.sleep(600)
    return {}


def be_killed(job: TrainJob, report: Report) -> dict[str, Any]:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def crash(job: TrainJob, report: Report) -> dict[str, Any]:
    ctypes.string_at(0)
    return {}


def run_out_of_memory(job: TrainJob, report: Report) -> dict[str, Any]:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 2**24, resource.RLIM_INFINITY))
    try:
        np.zeros(2**28)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return {}


def lose_numbers(job: TrainJob, report: Report, loss: float = float("nan")) -> dict[str, Any]:
    with patch.dict(training.LOSSES, {job.config.loss: lambda y, quantiles: keras.ops.sum(quantiles) * 0 + loss}):
        return training.train(job, report)


def lose_bounds(job: TrainJob, report: Report) -> dict[str, Any]:
    return lose_numbers(job, report, float("inf"))


def fail_to_build(job: TrainJob, report: Report) -> dict[str, Any]:
    object.__setattr__(job.config, "units", -1)
    return training.train(job, report)


KINDS = {
    "0001": hang,
    "0002": be_killed,
    "0003": crash,
    "0004": run_out_of_memory,
    "0005": lose_numbers,
    "0006": lose_bounds,
    "0007": fail_to_build,
}
