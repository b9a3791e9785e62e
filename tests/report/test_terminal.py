"""What the command prints, as golden text."""

from pathlib import Path

import pytest

from forecastr.report import format_seconds, leaderboard_text, verdict_text, where_to_look
from forecastr.report.wording import format_column, format_number

VERDICT = """\
Better than theta, the best baseline: MASE 0.912 against 1.030, 11.5 % lower (Diebold-Mariano p =
0.003).

                  MAE   MASE  sMAPE     WQL  in 80 %  in 95 %
forecastr       1.277  0.912  3.648  0.0182     81 %     94 %
theta *         1.442  1.030  4.120  0.0206     70 %     94 %
last value      1.540  1.100  4.400  0.0220     70 %     94 %
drift           1.568  1.120  4.480  0.0224     70 %        –
seasonal naive  1.680  1.200  4.800  0.0240     70 %     94 %

* best baseline. WQL: weighted quantile loss, the error of point and intervals together.
In 80 %: how often the 80 % interval held the actual value."""

LEADERBOARD = """\
name       kind      validation MASE  test MASE  test MAE  seconds  status
forecastr  ensemble            0.950      0.912     1.277        –  completed
0000       trial               0.950      0.930     1.302      4.1  completed
theta      baseline            0.950      1.030     1.442      0.2  completed
... and 5 more"""


def test_the_verdict_stands_above_the_model_and_every_baseline(fakes):
    assert verdict_text(fakes.make_summary()) == VERDICT


@pytest.mark.parametrize("kind", ["better", "not better", "copy", "undecided"])
def test_every_verdict_is_told_in_its_own_words(fakes, kind):
    text = verdict_text(fakes.make_summary(kind=kind))

    first = text.split("\n\n")[0].replace("\n", " ")
    assert first == fakes.make_summary(kind=kind)["verdict"]["sentence"]
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 100


def test_undefined_metrics_are_dashes_and_their_baseline_comes_last(fakes):
    summary = fakes.make_summary()
    summary["metrics"]["last_value"] = dict.fromkeys(summary["metrics"]["last_value"])

    lines = verdict_text(summary).splitlines()

    assert lines[8].split() == ["last", "value", *["–"] * 6]


def test_the_leaderboard_shows_its_first_rows_and_says_how_many_follow(fakes):
    assert leaderboard_text(fakes.make_leaderboard(3), n=3) == LEADERBOARD
    assert "more" not in leaderboard_text(fakes.make_leaderboard(3), n=99)


def test_where_to_look_names_the_store_only_when_there_is_one():
    with_store = where_to_look(Path("runs/p"), "sqlite:///mlflow.db").splitlines()

    assert with_store[:-1] == where_to_look(Path("runs/p"), None).splitlines()
    assert with_store[-1] == "runs       sqlite:///mlflow.db  (forecastr ui opens it)"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.00 s"), (9.96, "10 s"), (59.4, "59 s"), (59.6, "1 min"), (3599.7, "1 h"), (7260, "2 h 1 min")],
)
def test_seconds_round_into_the_next_unit(seconds, text):
    assert format_seconds(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (float("nan"), "–"), (float("inf"), "–"), ("x", "–"), (True, "–"), (-1234.5, "-1,234"), (7, "7")],
)
def test_what_is_no_number_is_a_dash(value, text):
    assert format_number(value) == text


def test_a_column_shares_its_decimals():
    assert format_column([None, 0.0, 1.23456, 100.0]) == ["–", "0.000", "1.235", "100.000"]
    assert format_column([]) == []


def test_what_covariates_were_worth_stands_below_the_verdict(fakes):
    sentence = "Past covariates (Open) did not help: validation MASE 1.020 with them, 1.010 without."
    missing = {"rows": 0, "missing": "'promo' is not known for 7 of 7 steps to forecast"}
    lines = verdict_text(
        fakes.make_summary() | {"covariates": {"sentences": [sentence]}, "forecast": missing}
    ).splitlines()
    told = " ".join(lines[: lines.index("")])
    assert sentence in told
    assert "No forecast yet: 'promo' is not known for 7 of 7 steps to forecast." in told
