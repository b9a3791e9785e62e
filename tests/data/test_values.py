import numpy as np
import pandas as pd
import pytest

from forecastr.data.values import COMMA, POINT, parse_numbers
from forecastr.errors import DataError


def parse(texts, separator=","):
    return parse_numbers(pd.Series(texts, name="y"), separator=separator, where=lambda row: f"row {row}")


@pytest.mark.parametrize(
    ("texts", "separator", "expected"),
    [
        (["1", "-2.5", "+3", ".5", "4.", "1e3", "2E-2"], ",", [1, -2.5, 3, 0.5, 4, 1000, 0.02]),
        (["1,234", "1,234,567.5", "12"], ",", [1234, 1234567.5, 12]),
        (["1,5", "2,25"], ",", [1.5, 2.25]),
        (["1.234,5", "1.234", "7"], ";", [1234.5, 1234, 7]),
        (["1,5", "1,234"], ";", [1.5, 1.234]),
        (["1,657,300", "2"], ";", [1657300, 2]),
        (["1.5", "1,234.5"], ";", [1.5, 1234.5]),
        ([" 1 ", "NA", None, "#DIV/0!"], ",", [1, np.nan, np.nan, np.nan]),
        ([1, 2], None, [1, 2]),
        ([1.5, np.inf, np.nan], None, [1.5, np.nan, np.nan]),
    ],
)
def test_numbers_are_read_one_way_for_the_whole_column(texts, separator, expected):
    np.testing.assert_array_equal(parse(texts, separator).numbers, expected)


def test_the_style_says_which_mark_was_which():
    assert parse(["1,5"], ";").style is COMMA
    assert parse(["1.5"], ";").style is POINT
    assert parse(["1,234", "5"]).n_grouped == 1


@pytest.mark.parametrize("texts", [["1,234.5", "1.234,5"], ["1,23,4", "5"], ["1 234", "5"], [True, False], ["$5", "6"]])
def test_what_is_no_number_in_one_style_is_refused(texts):
    with pytest.raises(DataError, match="'y' is not a number"):
        parse(texts)


@pytest.mark.parametrize("texts", [["1,234"], ["1.234", "12.345"]])
def test_marks_with_two_meanings_are_refused_where_semicolons_leave_both_open(texts):
    with pytest.raises(DataError, match="can be read in two ways"):
        parse(texts, ";")
