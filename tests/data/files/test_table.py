"""From the lines of a text to a rectangle: its header, what stands above it, and lines of another length."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecastr.data.files import delimited, header
from forecastr.data.files.table import open_table
from forecastr.data.options import ReadOptions
from forecastr.errors import DataError

ROWS = "2024-01-01,10\n2024-01-02,11.5\n2024-01-03,12\n"


@pytest.fixture
def opened(tmp_path):
    def opened(text: str, **options):
        path = tmp_path / f"{len(list(tmp_path.iterdir())) or ''}t.csv"
        path.write_text(text, newline="")
        return open_table(path, ReadOptions(**options))

    return opened


def cells(table, texts=None, numbers=None):
    """Return every row of a table, its first column as text and the others as numbers."""
    loaded = table.load(texts or table.columns[:1], numbers or table.columns[1:])
    return loaded.astype(object).where(loaded.notna(), None).to_numpy().tolist()


def repairs(table):
    return {repair["what"]: (repair["count"], repair["first_line"]) for repair in table.repairs}


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", "^", "~", " ", "\x01"])
def test_separators_are_told_by_the_first_lines(opened, separator):
    table = opened(("Date,Close\n" + ROWS).replace(",", separator))

    assert table.dialect["separator"] == separator
    assert cells(table) == [["2024-01-01", 10.0], ["2024-01-02", 11.5], ["2024-01-03", 12.0]]


def test_a_decimal_comma_is_no_separator(opened):
    table = opened("Datum;Kurs\n01.02.2020;1,5\n02.02.2020;5,25\n03.02.2020;6,5\n")

    assert table.columns == ("Datum", "Kurs")
    assert cells(table) == [["01.02.2020", 1.5], ["02.02.2020", 5.25], ["03.02.2020", 6.5]]


def test_excel_may_name_the_separator_in_a_line_of_its_own(opened):
    table = opened("sep=;\nDate;Close\n2024-01-01;1,5\n")

    assert table.columns == ("Date", "Close")
    assert table.line(0) == 3


def test_header_cells_lose_the_blanks_around_them_and_keep_their_case(opened):
    assert opened(" Date ,Adj Close , close\n2024-01-01,1,2\n").columns == ("Date", "Adj Close", "close")


def test_two_columns_of_one_name_are_refused(opened):
    with pytest.raises(DataError, match=r"t.csv, line 1: two columns are named 'y'"):
        opened("ds,y, y\n2024-01-01,1,2\n")


@pytest.mark.parametrize(
    "text",
    ["2024-01-01,5\n2024-01-02,6\n", "1.5;2,5\n2;3\n", "A,2024-01-01,5\nA,2024-01-02,6\n", "2024-01-01 10:00|x\n" * 2],
)
def test_a_first_line_of_values_is_no_header(opened, text):
    with pytest.raises(DataError, match=r"line 1: the first line holds values .* Pass --no-header"):
        opened(text)


def test_without_a_header_columns_have_numbers(opened):
    table = opened(ROWS, header=False)

    assert table.columns == ("column 1", "column 2")
    assert cells(table)[0] == ["2024-01-01", 10.0]
    assert table.where(0).endswith("t.csv, line 1")


@pytest.mark.parametrize("text", ["Country,1960,1961,1962\nAruba,1,2,3\n", "id,2024-01-01,2024-01-02\na,1.5,2\n"])
def test_years_and_dates_may_be_column_names(opened, text):
    assert len(opened(text).columns) == text.split("\n")[0].count(",") + 1


def test_comments_above_the_header_are_passed_over_and_counted(opened):
    table = opened("# made by hand\n#, twice\nDate,Close\n" + ROWS)

    assert table.columns == ("Date", "Close")
    assert repairs(table) == {"comment lines above the header passed over": (2, 1)}
    assert table.line(0) == 4


def test_a_comment_right_above_values_is_the_header(opened):
    assert opened("# notes\n# Date,Close\n" + ROWS).columns == ("Date", "Close")


def test_titles_above_the_header_are_passed_over_and_counted(opened):
    table = opened("Daily prices\n\nSource: hand\nDate,Open,Close\n2024-01-01,1,2\n2024-01-02,3,4\n")

    assert table.columns == ("Date", "Open", "Close")
    assert repairs(table) == {"lines above the header passed over": (2, 1)}
    assert [table.line(row) for row in (0, 1)] == [5, 6]
    assert opened("Daily prices\nDate,Close\n2024-01-01,1\n").columns == ("Date", "Close")


def test_the_preamble_of_the_world_bank_is_passed_over(opened):
    table = opened(
        '"Data Source","World Development Indicators",\n\n"Last Updated Date","2024-01-01",\n\n'
        '"Country Name","Country Code","1960","1961","1962",\n'
        '"Aruba","ABW","1","2","3",\n"Chad","TCD","4","","6",\n"Fiji","FJI","7","8","9",\n'
    )

    assert table.columns == ("Country Name", "Country Code", "1960", "1961", "1962")
    assert cells(table, ["Country Name"], ["1961"]) == [["Aruba", 2.0], ["Chad", None], ["Fiji", 8.0]]
    assert repairs(table) == {
        "lines above the header passed over": (2, 1),
        "columns without name or value left out": (1, 5),
    }


def test_prose_above_the_header_that_cannot_be_told_from_it_leads_to_the_option(opened):
    with pytest.raises(DataError, match=r"If the header is not line 1, say how many .* --skip-rows"):
        opened("Prices, by hand\nof one share\nand, of, another, one\nDate,Open,Close\n" + "2024-01-01,1,5\n" * 5)


def test_a_line_longer_than_the_one_above_all_others_may_stand_above_the_header(opened):
    with pytest.raises(DataError, match=r"line 2: 3 fields where the header has 2 .* say how many .* --skip-rows"):
        opened("Prices, by hand\nall, rights, reserved\n\nDate,Close\n" + "2024-01-01,5\n" * 5)


def test_prose_with_commas_above_decimal_commas_does_not_hide_the_separator(opened):
    table = opened("Prices\n\nDate;Close\n2024-01-01;1,5\n2024-01-02;1,75\n")

    assert cells(table) == [["2024-01-01", 1.5], ["2024-01-02", 1.75]]


def test_a_line_of_values_above_the_header_is_no_title(opened):
    with pytest.raises(DataError, match="line 1: the first line holds values"):
        opened("2024-01-01,1,2\nDate,Open,High,Close\n" + "2024-01-02,1,2,3\n" * 5)


@pytest.mark.parametrize("cut", [[4], [4, 9]])
def test_a_quote_that_swallows_the_end_of_its_line_is_refused_where_it_opens(opened, cut):
    rows = [f'2024-01-{day:02d},"a",{day}\n' for day in range(1, 21)]
    for row in cut:
        rows[row] = rows[row].partition("a")[0] + "\n"

    with pytest.raises(DataError, match=f"line {cut[0] + 2}: a quote is opened here and never closed"):
        opened("ds,unique_id,y\n" + "".join(rows))


def test_remarks_of_several_lines_and_misplaced_quotes_are_read(opened):
    table = opened('Date,Close,Remark\n2024-01-01,1,"one\ntwo"\n2024-01-02,2,"a" b\n2024-01-03,3,5" or 6"\n')

    assert cells(table, ["Date"], ["Close"]) == [["2024-01-01", 1.0], ["2024-01-02", 2.0], ["2024-01-03", 3.0]]


def test_lines_to_skip_may_be_said(opened):
    table = opened("a,b\nc,d\nDate,Close\n" + ROWS, skip_rows=2)

    assert table.columns == ("Date", "Close")
    assert table.repairs == ()
    assert table.line(0) == 4
    with pytest.raises(DataError, match="is empty"):
        opened("Date,Close\n" + ROWS, skip_rows=9)


def test_a_number_with_a_comma_and_no_quotes_is_never_shifted_into_place(opened):
    with pytest.raises(DataError, match=r"line 2: 3 fields where the header has 2, and most .*\(2 of 2\).*1,234.56"):
        opened("Date,Close\n2024-01-01,1,234.56\n2024-01-02,1,235.56\n")


def test_lines_with_too_many_fields_can_be_skipped_where_they_are_few(opened):
    text = "Date,Close\n" + ROWS + "2024-01-04,1,234.5\n2024-01-05,13\n"

    with pytest.raises(DataError, match=r"line 5: 3 fields where the header has 2 \(1 of 5 lines"):
        opened(text)
    table = opened(text, on_bad_lines="skip")

    assert cells(table)[-1] == ["2024-01-05", 13.0]
    assert repairs(table) == {"lines with too many fields skipped": (1, 5)}
    assert table.line(3) == 6
    with pytest.raises(DataError, match="line 2: 3 fields"):
        opened("Date,Close\n2024-01-01,1,2\n2024-01-02,1,2\n2024-01-03,5\n", on_bad_lines="skip")


def test_a_long_line_and_a_short_one_do_not_make_up_for_each_other(opened):
    head = "Date,Close\n" + "2024-01-01,1\n" * 2000

    with pytest.raises(DataError, match="line 2002: 3 fields where the header has 2"):
        opened(head + "2024-01-02,1,2\n2024-01-03\n2024-01-04,1\n").load(["Date"], ["Close"])


def test_cells_that_lack_at_the_end_of_a_line_are_missing_and_counted(opened):
    table = opened("Date,Open,Close\n2024-01-01,1,2\n2024-01-02,3\n2024-01-03,4,5\n2024-01-04\n2024-01-05,6,7\n")

    assert cells(table)[1] == ["2024-01-02", 3.0, None]
    assert cells(table)[3] == ["2024-01-04", None, None]
    assert repairs(table) == {"cells that lack at the end of a line taken as missing": (2, 3)}


def test_where_most_lines_are_short_the_header_is_wrong(opened):
    with pytest.raises(DataError, match=r"line 2: 2 fields where the header has 3, and most .*\(2 of 3\)"):
        opened("Date,Open,Close\n2024-01-01,1\n2024-01-02,3\n2024-01-03,3,4\n2024-01-04,3\n")


@pytest.mark.parametrize("tail", ["2024-01", "2024-01-04", "2024-01\n"])
def test_a_last_line_cut_short_is_left_out_with_a_warning(opened, tail):
    table = opened("Date,Close\n" + ROWS + tail)

    assert len(cells(table)) == 3
    assert repairs(table) == {"last line, cut short, left out": (1, 5)}
    assert table.warnings[0].startswith("the last line (5) has 1 of 2 fields and was left out")


def test_a_single_line_that_is_short_is_no_table(opened):
    with pytest.raises(DataError, match="line 2: 1 fields where the header has 2, and there is no other line"):
        opened("Date,Close\n2024-01-01\n")


@pytest.mark.parametrize("columns", ["Date,Close,", "Date,Close"])
def test_a_comma_after_the_last_cell_of_every_line_is_no_column(opened, columns):
    table = opened(f"{columns}\n" + ROWS.replace("\n", ",\n"))

    assert table.columns == ("Date", "Close")
    assert cells(table)[2] == ["2024-01-03", 12.0]
    assert len(table.repairs) == 1


def test_a_column_without_a_name_stays_if_it_has_a_value_anywhere(opened):
    text = "Date,Close,\n" + "2024-01-01,1,\n" * 3000

    assert opened(text).columns == ("Date", "Close")
    assert opened(text + "2024-01-02,1,x\n").columns == ("Date", "Close", "column 3")


def test_blank_lines_are_counted_and_do_not_shift_line_numbers(opened):
    table = opened("\nDate,Close\n2024-01-01,1\n\n  \n2024-01-02,2\n\n\n2024-01-03,3\n\n\n")

    assert [table.line(row) for row in range(3)] == [3, 6, 9]
    assert repairs(table)["blank lines passed over"] == (3, 4)


def test_lines_are_right_below_a_line_break_within_quotes(opened):
    table = opened('Date,Note,Close\n2024-01-01,"two\nlines",1\n2024-01-02,"say ""so""",2\n')

    assert cells(table, ["Note"], ["Close"]) == [["two\nlines", 1.0], ['say "so"', 2.0]]
    assert [table.line(row) for row in range(2)] == [3, 4]


def test_a_quote_that_is_never_closed_is_named_by_its_line(opened):
    with pytest.raises(DataError, match="line 3: a quote is opened here and never closed"):
        opened('Date,Close\n2024-01-01,1\n2024-01-02,"2\n2024-01-03,3\n')


def test_a_header_without_rows_needs_some(opened):
    for text in ("ds,y\n", "ds,y", "\n\nds,y\n\n\n"):
        with pytest.raises(DataError, match="holds column names and no rows"):
            opened(text)


@pytest.mark.parametrize("first", ["Price", "Ticker", "", "Attributes"])
def test_the_three_header_rows_of_yfinance_with_one_ticker_are_one(opened, first):
    table = opened(
        f"{first},Close,High,Volume\nTicker,AAPL,AAPL,AAPL\nDate,,,\n2024-01-02,1.5,2,100\n2024-01-03,1,2,90\n"
    )

    assert table.columns == ("Date", "Close", "High", "Volume")
    assert cells(table) == [["2024-01-02", 1.5, 2.0, 100.0], ["2024-01-03", 1.0, 2.0, 90.0]]
    assert repairs(table) == {"header rows of fields and tickers read as one": (3, 1)}
    assert "its ticker is 'AAPL'" in table.warnings[0]
    assert table.line(0) == 4


def test_several_tickers_of_yfinance_are_a_long_table(opened):
    by_field = (
        "Price,Close,Close,High,High\nTicker,AAPL,MSFT,AAPL,MSFT\nDate,,,,\n2024-01-02,1,2,3,4\n2024-01-03,5,6,7,8\n"
    )
    by_ticker = (
        "Ticker,AAPL,AAPL,MSFT,MSFT\nPrice,Close,High,Close,High\nDate,,,,\n2024-01-02,1,3,2,4\n2024-01-03,5,7,6,8\n"
    )

    for text in (by_field, by_ticker):
        table = opened(text)
        assert table.columns == ("Date", "Ticker", "Close", "High")
        assert cells(table, ["Date", "Ticker"], ["Close", "High"]) == [
            ["2024-01-02", "AAPL", 1.0, 3.0],
            ["2024-01-03", "AAPL", 5.0, 7.0],
            ["2024-01-02", "MSFT", 2.0, 4.0],
            ["2024-01-03", "MSFT", 6.0, 8.0],
        ]
        assert [table.line(row) for row in range(4)] == [4, 5, 4, 5]
        assert table.head["Ticker"].tolist() == ["AAPL", "AAPL", "MSFT", "MSFT"]


def test_more_columns_than_a_person_names_are_series_only_when_said(opened, monkeypatch):
    monkeypatch.setattr(header, "MOST_COLUMNS", 3)
    text = "Date,a,b,c\n2024-01-01,1,2,3\n"

    with pytest.raises(DataError, match=r"has 4 columns. If each is a series, say so with --wide"):
        opened(text)
    assert len(opened(text, wide=True).columns) == 4


def test_a_wide_table_of_many_columns_is_read(opened):
    names = [f"s{number}" for number in range(12_000)]
    row = ",".join(["1.5"] * len(names))
    table = opened(f"Date,{','.join(names)}\n2024-01-01,{row}\n2024-01-02,{row}\n", wide=True)

    assert table.load(["Date"], names[:3] + names[-1:]).shape == (2, 5)


def test_a_line_too_long_to_be_one_is_refused(opened, monkeypatch):
    monkeypatch.setattr(delimited, "LONGEST_LINE", 1000)
    with pytest.raises(DataError, match="a line is longer than"):
        opened("x" * 2000)


def test_a_line_too_long_deep_in_a_file_is_refused(opened, monkeypatch):
    monkeypatch.setattr("forecastr.data.files.encoding.LONGEST_LINE", 1 << 20)
    with pytest.raises(DataError, match="a line is longer than"):
        opened("Date,Close\n" + ROWS + "1" * (2 << 20))


def test_numbers_that_are_no_plain_ones_come_as_text_and_leave_the_others_alone(opened):
    text = 'Date,Open,Close\n2024-01-01,1,1\n2024-01-02,2,"1,234"\n'
    loaded = opened(text).load(["Date"], ["Open", "Close"])

    assert loaded["Open"].dtype == np.float64
    assert loaded["Close"].tolist() == ["1", "1,234"]


def test_only_a_comma_says_what_a_dot_means_before_a_value_tells(opened):
    open_question = opened("Date;Close\n2024-01-01;1.234\n2024-01-02;7\n")
    settled = opened("Date;Close\n2024-01-01;1.234\n2024-01-02;7.5\n")

    assert open_question.load(["Date"], ["Close"])["Close"].tolist() == ["1.234", "7"]
    assert settled.load(["Date"], ["Close"])["Close"].tolist() == [1.234, 7.5]
    whole = "Date;Close\n2024-01-01;1234\n2024-01-02;\n2024-01-03;-5\n"
    assert opened(whole).load(["Date"], ["Close"])["Close"].dropna().tolist() == [1234, -5]
    later = opened(whole + "2024-01-04;7\n" * 2000 + "2024-01-05;1.234\n")
    assert later.load(["Date"], ["Close"])["Close"].iloc[-1] == "1.234"
    assert opened("Date;Close\n1;1.234\n", decimal=".").load(["Date"], ["Close"])["Close"].tolist() == [1.234]
    assert opened("Date;Close\n1;1.234\n", decimal=",").load(["Date"], ["Close"])["Close"].tolist() == ["1.234"]


def test_missing_marks_are_nan_and_text_keeps_them(opened):
    table = opened("id,Close\nNA,NA\nb,.\nc,#DIV/0!\nd,n.a.\ne,4\nf,5\ng,6\nh,7\n")
    loaded = table.load(["id"], ["Close"])

    assert loaded["id"].tolist() == ["NA", "b", "c", "d", "e", "f", "g", "h"]
    np.testing.assert_array_equal(loaded["Close"], [np.nan] * 4 + [4, 5, 6, 7])


def test_a_frame_gives_its_columns_as_they_are(tmp_path: Path):
    frame = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=2), "y": [1, 2]}, index=[5, 6])
    table = open_table(frame)

    assert table.where(1) == "the table, row 2"
    assert table.load(["ds"], ["y"])["y"].tolist() == [1, 2]


def test_text_is_numbered_alike_whether_few_or_many_differ(opened, monkeypatch):
    table = opened("id,y\n" + "".join(f"s{row % 700},{row}\n" for row in range(200_000)))
    few = table.load(["id"], ["y"])
    monkeypatch.setattr("forecastr.data.files.native.MANY_TEXTS", 0)
    many = table.load(["id"], ["y"])

    assert few["id"].cat.codes.dtype == np.int16
    assert few["id"].tolist() == many["id"].tolist() == [f"s{row % 700}" for row in range(200_000)]


def test_text_that_hardly_repeats_is_left_as_it_is(opened, monkeypatch):
    monkeypatch.setattr("forecastr.data.files.native.MANY_TEXTS", 5)
    texts = [f"2024-01-{day:02}" for day in range(1, 15)]
    loaded = opened("ds,id,y\n" + "".join(f"{text},a,{row}\n" for row, text in enumerate(texts))).load(
        ["ds", "id"], ["y"]
    )
    assert isinstance(loaded["ds"].dtype, pd.StringDtype)
    assert loaded["ds"].tolist() == texts
    assert isinstance(loaded["id"].dtype, pd.CategoricalDtype)


def test_a_quote_in_the_header_does_not_swallow_the_rows_below(tmp_path):
    rows = "".join(f"2024-01-{day:02}|{day}\n" for day in range(1, 9))
    path = tmp_path / "loads.csv"
    path.write_text('time|"load\n' + rows[:-2] + '"\n' + "2024-01-09|9\n")

    with pytest.raises(DataError, match=r"line 1: a quote in the column names closes only in line 9"):
        open_table(path)
