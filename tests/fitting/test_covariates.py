import numpy as np
import pytest

from forecastr.fitting.covariates import compare_covariates
from forecastr.fitting.scores import Part
from forecastr.models.config import NetworkConfig
from forecastr.search.trials import Trial
from forecastr.windows.covariates import CovariateInputs
from forecastr.windows.static import StaticColumn
from forecastr.windows.store import Cutoffs, SeriesStore

PRICES = CovariateInputs(past=("Open", "High"))


def part_of(n_series: int) -> Part:
    """One window of two steps of every series, all zero, with a scale of one."""
    store = SeriesStore(np.zeros(3 * n_series), np.arange(n_series + 1) * 3)
    return Part.of(store, Cutoffs(np.arange(n_series), np.ones(n_series, int)), 2, np.ones(n_series))


def compared(inputs: CovariateInputs, errors: dict[str, np.ndarray], chosen: str = "none") -> dict:
    """Compare trials by level, each off by its errors [N] in the windows of N series."""
    trials = []
    for number, (level, error) in enumerate(errors.items()):
        calendar = level == "calendar"
        config = NetworkConfig(covariates="none" if calendar else level, calendar=calendar)
        trials.append(Trial(number, config, score=float(np.mean(error))))
    cubes = {t: np.broadcast_to(e[:, None, None], (len(e), 2, 5)) for t, e in zip(trials, errors.values(), strict=True)}
    used = [trial for trial, level in zip(trials, errors, strict=True) if level == chosen]
    n_series = len(next(iter(errors.values())))
    ranked = sorted(trials, key=lambda trial: trial.score)
    return compare_covariates(ranked, used, inputs, part_of(n_series), cubes.__getitem__)


def around(mean: float, *, seed: int = 0, spread: float = 0.1, n: int = 40) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(scale=spread, size=n)
    return mean + noise - noise.mean()


def test_covariates_that_lower_the_error_across_series_have_helped():
    found = compared(PRICES, {"none": around(1.0), "all": around(0.8, seed=1)}, chosen="all")
    assert found == {
        "all": pytest.approx(0.8),
        "none": pytest.approx(1.0),
        "sentences": [
            "Past covariates (Open, High) helped: validation MASE 0.800 with them, 1.000 without; the chosen network "
            "reads them."
        ],
    }


def test_covariates_that_do_not_lower_the_error_did_not_help():
    [sentence] = compared(PRICES, {"none": around(1.01), "all": around(1.02)})["sentences"]
    assert sentence == (
        "Past covariates (Open, High) did not help: validation MASE 1.020 with them, 1.010 without; the chosen network "
        "does not read them."
    )


def test_a_difference_that_may_be_chance_is_no_clear_help():
    [sentence] = compared(PRICES, {"none": around(1.0, n=4), "all": around(0.96, seed=3, n=4)})["sentences"]
    assert "did not clearly help: validation MASE 0.960 with them, 1.000 without, which may be chance" in sentence


def test_a_few_series_are_enough_where_the_difference_is_plain():
    [sentence] = compared(PRICES, {"none": around(1.0, n=3), "all": around(0.4, n=3)})["sentences"]
    assert "(Open, High) helped: validation MASE 0.400 with them, 1.000 without" in sentence


def test_known_and_past_covariates_are_told_apart():
    inputs = CovariateInputs(past=("volume",), known=("promo",), static=(StaticColumn(name="region"),))
    found = compared(inputs, {"none": around(1.0), "known": around(0.5, seed=1), "all": around(0.6, seed=2)}, "known")
    assert [sentence.split(":")[0] for sentence in found["sentences"]] == [
        "Known covariates (promo, region) helped",
        "Past covariates (volume) did not help",
    ]
    assert "0.500 with them, 1.000 without" in found["sentences"][0]
    assert "0.600 with them, 0.500 without" in found["sentences"][1]


def test_without_covariates_there_are_scores_and_nothing_to_say():
    found = compared(CovariateInputs(cycles=("week",)), {"none": around(1.0), "calendar": around(0.9)})
    assert found == {"calendar": pytest.approx(0.9), "none": pytest.approx(1.0), "sentences": []}


def test_what_was_not_tried_is_said_to_be():
    [sentence] = compared(PRICES, {"none": around(1.0)})["sentences"]
    assert "were not compared: no trial with them was completed" in sentence
