"""The picture of a series in characters."""

import numpy as np

from forecastr.report.sketch import sketch_series


def test_a_rising_series_rises_to_the_right():
    lines = sketch_series(np.arange(6.0), width=13, ascii_only=True)

    assert lines == [
        "5.000 |     #",
        "      |    #",
        "      |   #",
        "      |  #",
        "      | #",
        "0.000 |#",
        "      +------",
    ]


def test_braille_dots_are_four_times_as_fine():
    lines = sketch_series(np.array([0.0, 23.0]), width=8)

    assert lines[0] == "23.00 ┤⢸"  # the upper half of the jump, in the second column of dots
    assert lines[5] == " 0.00 ┤⣸"
    assert lines[6] == "      └─"


def test_no_line_is_wider_than_asked_and_parts_and_dates_are_below():
    values = np.random.default_rng(1).normal(size=1000).cumsum()
    for width in (40, 80, 120):
        for ascii_only in (False, True):
            lines = sketch_series(
                values, parts=[("validation", 600), ("test", 980)], edges=("2024-01-01", "2026-09-26"),
                width=width, ascii_only=ascii_only,
            )  # fmt: skip

            assert max(map(len, lines)) <= width
            assert lines[-1].split() == ["2024-01-01", "2026-09-26"]
            assert lines[-2].split() == ["validation", "test"]
            assert "".join(lines).isascii() == ascii_only


def test_parts_begin_where_the_marks_are():
    lines = sketch_series(np.zeros(100), parts=[("validation", 50)], width=27, ascii_only=True)

    margin = lines[6].index("+") + 1
    assert lines[6][margin:].index("+") == 12  # the middle of 24 columns
    assert lines[7][margin:].index("validation") == 12
    assert lines[0][margin + 12] == "|"


def test_gaps_stay_empty_and_a_constant_lies_in_the_middle():
    values = np.ones(40)
    values[10:30] = np.nan
    lines = sketch_series(values, width=47, ascii_only=True)

    assert [line.partition("|")[2] for line in lines[:6]].count("") == 5
    [drawn] = [line for line in lines[:6] if "#" in line]
    assert drawn.partition("|")[2] == "#" * 10 + " " * 20 + "#" * 10


def test_a_series_that_fills_the_picture_is_drawn_by_its_means():
    noise = np.tile([0.0, 10.0], 5000)
    trend = np.r_[np.zeros(5000), np.full(5000, 5.0)]
    lines = sketch_series(noise + trend, title="load", width=47, ascii_only=True)

    assert lines[0] == "load (means of 212 steps)"
    assert lines[1].partition("|")[2].split() == ["#" * 19]  # the later half, of 40 columns
    assert lines[6].partition("|")[2] == "#" * 20


def test_nothing_is_drawn_of_nothing():
    assert sketch_series(np.array([np.nan, np.nan])) == []
