import numpy as np
import pandas as pd
import pytest

from forecastr.data.values import COMMA, POINT, looks_numeric, parse_numbers
from forecastr.errors import DataError


def parse(texts, separator=",", **more):
    return parse_numbers(pd.Series(texts, name="y"), separator=separator, where=lambda row: f"row {row}", **more)


def repairs(numbers):
    return {what: rows.tolist() for what, rows in numbers.repairs}


@pytest.mark.parametrize(
    ("texts", "separator", "expected"),
    [
        (["1", "-2.5", "+3", ".5", "4.", "1e3", "2E-2"], ",", [1, -2.5, 3, 0.5, 4, 1000, 0.02]),
        (["1,234", "1,234,567.5", "12"], ",", [1234, 1234567.5, 12]),
        (["12,34,567.5", "1,234"], ",", [1234567.5, 1234]),
        (["1,5", "2,25"], ",", [1.5, 2.25]),
        (["1.234,5", "1.234", "7"], ";", [1234.5, 1234, 7]),
        (["1,5", "1,234"], ";", [1.5, 1.234]),
        (["0,123", "1,234"], ";", [0.123, 1.234]),
        (["0.123", "1.234"], ";", [0.123, 1.234]),
        (["1,657,300", "2"], ";", [1657300, 2]),
        (["1.5", "1,234.5"], ";", [1.5, 1234.5]),
        (["1.234", "2.345"], ",", [1.234, 2.345]),
        (["1.234", "0.345"], "\t", [1.234, 0.345]),
        ([" 1 ", "NA", None, "#DIV/0!"], ",", [1, np.nan, np.nan, np.nan]),
        ([1, 2], None, [1, 2]),
        ([1.5, np.inf, np.nan], None, [1.5, np.nan, np.nan]),
    ],
)
def test_numbers_are_read_one_way_for_the_whole_column(texts, separator, expected):
    np.testing.assert_array_equal(parse(texts, separator).numbers, expected)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["1 234,5", "12 345 678,25"], [1234.5, 12345678.25]),
        (["1\u00a0234.5", "7"], [1234.5, 7]),
        (["1\u2009234", "1\u202f234\u202f567"], [1234, 1234567]),
        (["1'234.50", "1\u2019234"], [1234.5, 1234]),
    ],
)
def test_blanks_and_apostrophes_between_thousands_are_taken_out(texts, expected):
    numbers = parse(texts, ";")

    assert numbers.numbers.tolist() == expected
    assert repairs(numbers)["thousands marks taken out of numbers"][0] == 0


@pytest.mark.parametrize(
    ("texts", "unit", "expected"),
    [
        (["$12.5", "-$3", "$-4", "$1,234.5"], "$", [12.5, -3, -4, 1234.5]),
        (["€ 1,5", "€ 2,25"], "€", [1.5, 2.25]),
        (["12.5 USD", "13 USD"], "USD", [12.5, 13]),
        (["R$ 1.234,50", "R$ 7"], "R$", [1234.5, 7]),
        (["1.5%", "-2 %"], "%", [1.5, -2]),
        (["($5)", "$(6)", "$7", "-$8"], "$", [-5, -6, 7, -8]),
        (["(5) €", "6- €", "7 €-"], "€", [-5, -6, -7]),
    ],
)
def test_one_unit_at_every_number_is_taken_off_and_noted(texts, unit, expected):
    numbers = parse(texts, ";")

    assert numbers.numbers.tolist() == expected
    assert numbers.unit == unit
    assert list(range(len(texts))) in repairs(numbers).values()


def test_percent_is_read_as_written():
    assert "percent signs taken off (1.5% is read as 1.5)" in repairs(parse(["1.5%"]))


def test_two_units_are_refused_with_both_places():
    with pytest.raises(DataError, match=r"row 2: 'y' mixes units: '€3' here and '\$1' at row 0"):
        parse(["$1", "$2", "€3"])
    with pytest.raises(DataError, match=r"row 2: 'y' is not a number with '\$', as the others are: '3'"):
        parse(["$1", "$2", "3"])


@pytest.mark.parametrize(
    ("texts", "expected", "what", "rows"),
    [
        (["(1.5)", "2"], [-1.5, 2], "numbers in brackets read as negative", [0]),
        (["3", "\u22121.5", "\u20132"], [3, -1.5, -2], "typographic minus signs read as minus", [1, 2]),
        (["5-", "1,234.5-"], [-5, -1234.5], "thousands marks taken out of numbers", [1]),
        (
            ["1.2M", "950K", "12", "2B", "-"],
            [1.2e6, 9.5e5, 12, 2e9, np.nan],
            "suffixes of thousands, millions and billions multiplied out",
            [0, 1, 3],
        ),
    ],
)
def test_other_ways_to_write_a_number_are_counted(texts, expected, what, rows):
    numbers = parse(texts)

    np.testing.assert_allclose(numbers.numbers, expected)
    assert repairs(numbers)[what] == rows


def test_the_style_says_which_mark_was_which():
    assert parse(["1,5"], ";").style is COMMA
    assert parse(["1.5"], ";").style is POINT
    assert parse([1.5], decimal=",").style is COMMA


@pytest.mark.parametrize(
    "texts",
    [
        ["1,234.5", "1.234,5"], ["1,23,4", "5"], ["1 23", "5"], [True, False], ["$5", "6"], ["(5", "6"], ["--5"],
        ["5m", "6m"], ["1.2.3"], ["0x10"], ["1_000"], ["+-5"], ["-(5)"], ["5)"], ["5--"], ["$5 USD"], ["12 kWh"], ["٣"],
        ["1e5e5"], ["TRUE", "FALSE"],
    ],
)  # fmt: skip
def test_what_is_no_number_in_one_style_is_refused(texts):
    with pytest.raises(DataError, match="'y' is not a number"):
        parse(texts)


@pytest.mark.parametrize(
    ("texts", "separator"),
    [
        (["1,234"], ";"),
        (["1.234", "12.345"], ";"),
        (["1,234", "5"], "\t"),
        (["1.234", "5"], "|"),
        (["1,234"], None),
        (["1,234", "5,678"], ","),
    ],
)
def test_marks_with_two_meanings_are_refused_and_the_option_settles_it(texts, separator):
    with pytest.raises(DataError, match=r"row 0: 'y' can be read in two ways.*--decimal"):
        parse(texts, separator)

    as_point, as_comma = (parse(texts, separator, decimal=mark).numbers[0] for mark in ".,")
    assert {as_point, as_comma} == {1234.0, 1.234}


def test_a_value_against_the_decimal_mark_asked_for_is_refused():
    with pytest.raises(
        DataError, match=r"row 1: 'y' is not a number with ',' as its decimal mark, as --decimal says: '2.5'"
    ):
        parse(["1,5", "2.5"], decimal=",")


@pytest.mark.parametrize(
    "mark", ["null", "-", "N/A", ".", "#DIV/0!", "None", "n.a.", "--", "?", "#N/A N/A", "Missing", "NaN"]
)
def test_marks_of_missing_values_are_gaps(mark):
    np.testing.assert_array_equal(parse(["1", mark]).numbers, [1, np.nan])


@pytest.mark.parametrize("mark", ["inf", "-Infinity", "1e400", "∞"])
def test_infinite_values_are_missing_and_counted(mark):
    numbers = parse(["1", mark, "2"])

    np.testing.assert_array_equal(numbers.numbers, [1, np.nan, 2])
    assert repairs(numbers) == {"infinite values taken as missing": [1]}


def test_a_column_with_many_infinite_values_is_refused():
    with pytest.raises(DataError, match="row 10: 'y' is infinite here and in 5 of 15 rows"):
        parse([1.0] * 10 + [np.inf] * 5)


def test_values_beyond_32_bits_are_refused_or_marked():
    with pytest.raises(DataError, match=r"row 1: 'y' is 1e\+300, beyond what 32-bit numbers hold"):
        parse(["1", "1e300"])
    numbers = parse([1, -1e300], strict=False)
    assert numbers.bad.tolist() == [False, True]
    assert np.isnan(numbers.numbers[1]) and "beyond what 32-bit" in numbers.problem


def test_integers_beyond_2_to_the_53_are_noted():
    numbers = parse(["9007199254740993", "36893488147419103232"])

    assert numbers.numbers.tolist() == [9007199254740992.0, 2.0**65]
    assert "row 0: 'y' has 2 values beyond 2**53" in numbers.notes[0]


def test_a_few_bad_values_are_marked_where_the_others_go_on():
    numbers = parse(["1", "two", "3", None, "vier"], strict=False)

    assert numbers.bad.tolist() == [False, True, False, False, True]
    np.testing.assert_array_equal(numbers.numbers, [1, np.nan, 3, np.nan, np.nan])
    assert numbers.problem.startswith("row 1: 'y' is not a number: 'two' (2 of 5 values are not")
    assert parse(["1", "2"], strict=False).bad is None
    with pytest.raises(DataError, match="is not a number"):
        parse(["one", "two", "3"], strict=False)


def test_a_column_of_gaps_has_no_numbers():
    assert np.isnan(parse(["", None, "."]).numbers).all()


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["1", "x", "3"], True),
        (["$1.5M", "-"], True),
        (["a", "b", "1"], False),
        (["", None], False),
        ([True, False], False),
    ],
)
def test_a_sample_looks_numeric_where_most_of_it_is(texts, expected):
    assert looks_numeric(pd.Series(texts)) is expected


def test_many_texts_are_read_as_few_ones_are():
    few = ["1,234.5", "(7)", "\u22128", ".", "1e3", "5K"]
    many = [f"{number}.25" for number in range(6000)] + few

    np.testing.assert_array_equal(parse(many).numbers[-6:], parse(few).numbers)
