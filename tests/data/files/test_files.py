"""From a file of any kind to a table: what is opened, unpacked, decoded, or refused."""

import bz2
import gzip
import io
import lzma
import os
import sys
import threading
import zipfile
from contextlib import suppress
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import feather

from forecastr.data.files import unpack
from forecastr.data.files.table import open_table
from forecastr.data.options import ReadOptions
from forecastr.errors import ConfigError, DataError

SMALL = "Date,Close\n2024-01-01,10\n2024-01-02,11.5\n"


@pytest.fixture
def write(tmp_path):
    def write(content: str | bytes, name: str = "table.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def closes(source, **options):
    table = open_table(source, ReadOptions(**options))
    return table.load(["Date"], ["Close"])["Close"].tolist()


@pytest.mark.parametrize(
    ("name", "pack"),
    [("gzip", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)],
)
@pytest.mark.parametrize("file", ["prices.csv", "prices.csv.gz", "prices"])
def test_compression_is_told_by_content_whatever_the_name(write, name, pack, file):
    path = write(pack(SMALL.encode()), file)

    table = open_table(path)

    assert closes(path) == [10, 11.5]
    assert table.name == "prices"
    assert table.dialect["compression"] == name


def test_zstandard_is_unpacked_too(write):
    packed = pa.compress(SMALL.encode(), codec="zstd", asbytes=True)

    assert closes(write(packed, "prices.csv.zst")) == [10, 11.5]


def test_a_zip_with_the_litter_of_a_mac_holds_one_table(tmp_path):
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
        archive.writestr("data/", "")
        archive.writestr("data/t.csv", SMALL)
        archive.writestr("__MACOSX/data/._t.csv", b"\x00\x05")
        archive.writestr("data/.DS_Store", b"\x00")

    assert closes(tmp_path / "t.zip") == [10, 11.5]


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, bz2.compress])
def test_a_bomb_is_refused_before_it_fills_the_memory(write, monkeypatch, pack):
    monkeypatch.setattr(unpack, "MOST_UNPACKED", 256 << 10)
    path = write(pack(b"1,2\n" * (1 << 17)))
    assert path.stat().st_size < 100 << 10

    with pytest.raises(DataError, match=r"unpacks to more than 0.0 GiB.*Unpack it into a plain file"):
        open_table(path)


def test_no_more_than_half_of_the_free_memory_is_unpacked_into(write, monkeypatch):
    monkeypatch.setattr(unpack, "available_memory", lambda: 1 << 20)

    with pytest.raises(DataError, match="unpacks to more than"):
        open_table(write(gzip.compress(b"1,2\n" * (1 << 18))))


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_damaged_archive_is_said_to_be_one(write, pack):
    packed = pack(SMALL.encode() * 1000)

    with pytest.raises(DataError, match=r"is damaged and cannot be unpacked.*Copy it again"):
        open_table(write(packed[: len(packed) // 2]))


@pytest.mark.parametrize("name", ["t.parquet", "t.csv", "t"])
def test_parquet_is_read_under_any_name(tmp_path, name):
    frame = pd.DataFrame({"Date": pd.date_range("2024-01-01", periods=3), "Close": [1.0, 2, 3]})
    frame.to_parquet(tmp_path / name)

    assert closes(tmp_path / name) == [1, 2, 3]


def test_feather_is_read_and_its_text_comes_as_categories(tmp_path):
    frame = pd.DataFrame({"Date": [date(2024, 1, 1), date(2024, 1, 2)], "id": ["a", "b"], "Close": [1, 2]})
    feather.write_feather(frame, tmp_path / "t.csv", compression="lz4")

    table = open_table(tmp_path / "t.csv")
    loaded = table.load(["Date", "id"], ["Close"])

    assert table.columns == ("Date", "id", "Close")
    assert loaded["Date"].tolist() == [pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-02")]
    assert isinstance(loaded["id"].dtype, pd.CategoricalDtype)
    assert table.where(1) == f"{tmp_path / 't.csv'}, row 2"


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.95])
def test_a_parquet_file_cut_short_is_refused(tmp_path, keep):
    path = tmp_path / "t.parquet"
    pd.DataFrame({"Date": pd.date_range("2024-01-01", periods=500), "Close": np.arange(500.0)}).to_parquet(path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])

    with pytest.raises(DataError, match="this Parquet file cannot be read"):
        open_table(path)


@pytest.mark.parametrize("kind", ["parquet", "feather"])
def test_a_flipped_byte_in_a_stored_table_is_at_worst_a_data_error(tmp_path, kind):
    frame = pd.DataFrame({"Date": pd.date_range("2024-01-01", periods=50), "id": ["a", "b"] * 25, "y": np.arange(50.0)})
    frame.to_parquet(tmp_path / "t") if kind == "parquet" else feather.write_feather(frame, tmp_path / "t")
    whole = (tmp_path / "t").read_bytes()

    for place in range(0, len(whole), 37):
        content = bytearray(whole)
        content[place] ^= 16
        (tmp_path / "t").write_bytes(content)
        with suppress(DataError):
            table = open_table(tmp_path / "t")
            table.load([name for name in ("Date", "id") if name in table.columns], [])


def test_an_excel_workbook_is_refused_with_the_way_out(tmp_path):
    with zipfile.ZipFile(tmp_path / "prices.csv", "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")

    with pytest.raises(DataError, match=r"is an Excel workbook. Open it and save the sheet as CSV"):
        open_table(tmp_path / "prices.csv")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "is an old Excel workbook"),
        (b"%PDF-1.7\n", "is a PDF"),
        (b"\n<!DOCTYPE html><html>rate limited</html>", "is a web page"),
        (b'{"chart": {"result": null}}', "is JSON"),
        (b"SQLite format 3\x00", "is a SQLite database"),
        (b"7z\xbc\xaf\x27\x1c", "is a 7-Zip archive"),
        (b"a" * 257 + b"ustar\x00", "is a tar archive"),
        (b"", "is empty"),
        (b" \n\n  \n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b'"', "is empty"),
    ],
)
def test_what_is_no_table_is_called_by_its_name(write, content, message):
    with pytest.raises(DataError, match=message):
        open_table(write(content))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_mark_at_the_beginning_tells_the_encoding(write, encoding):
    table = open_table(write("Zeit,Schlußkurs\n2024-01-01,10\n2024-01-02,\n".encode(encoding)))

    assert table.columns == ("Zeit", "Schlußkurs")
    assert table.dialect["encoding"] == encoding
    assert table.warnings == ()
    assert table.line(1) == 3


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_told_by_its_zeros(write, encoding):
    assert closes(write(SMALL.encode(encoding))) == [10, 11.5]


def test_what_is_not_utf_8_is_taken_for_cp1252_and_said(write):
    table = open_table(write("Date,Schlußkurs\n2024-01-01,10\n".encode("cp1252")))

    assert table.columns == ("Date", "Schlußkurs")
    assert table.dialect["encoding"] == "cp1252"
    assert table.warnings == ("the file is not UTF-8; it was read as Windows-1252 (cp1252)",)


def test_an_odd_character_far_below_the_head_is_found(write):
    text = "id,Date,Close\n" + "a,2024-01-01,1\n" * 100_000
    table = open_table(write(text.encode() + "ü,2024-01-01,2\n".encode("cp1252")))

    assert table.load(["id"], ["Close"])["id"].iloc[-1] == "ü"
    assert table.dialect["encoding"] == "cp1252"


def test_utf_8_with_a_damaged_byte_is_not_taken_for_something_else(write):
    content = "id,y\nä,1\nö,2\nü,3\n".encode().replace("ö".encode(), b"\xc3")

    with pytest.raises(DataError, match="line 3: a character is not UTF-8, as the others are"):
        open_table(write(content))


def test_a_byte_that_no_usual_encoding_has_is_a_question(write):
    with pytest.raises(DataError, match=r"line 3: byte 0x81 is neither UTF-8 nor Windows-1252 .*--encoding"):
        open_table(write(b"id,y\na,1\n\x81,2\n"))


def test_the_encoding_can_be_named(write):
    path = write("Дата,Close\n2024-01-01,10\n".encode("cp1251"))

    assert open_table(path, ReadOptions(encoding="cp1251")).columns == ("Дата", "Close")
    with pytest.raises(ConfigError, match="encoding is 'klingon', which is none"):
        open_table(path, ReadOptions(encoding="klingon"))
    with pytest.raises(ConfigError, match="encoding is 'rot13', which is none"):
        open_table(path, ReadOptions(encoding="rot13"))
    with pytest.raises(DataError, match="line 1: a character is not UTF-8"):
        open_table(path, ReadOptions(encoding="utf-8"))
    with pytest.raises(DataError, match=r"is not utf-16 .*--encoding"):
        open_table(write(b"a,b\n1,2\n3"), ReadOptions(encoding="utf-16"))


def test_a_nul_byte_is_named_by_its_line(write):
    with pytest.raises(DataError, match="line 3: the file holds a NUL byte"):
        open_table(write(b"Date,Close\n2024-01-01,1\n2024-01-0\x00,2\n"))
    with pytest.raises(DataError, match="line 50001: the file holds a NUL byte"):
        open_table(write(b"Date,Close\n" + b"2024-01-01,1\n" * 49_999 + b"2024-01-01,\x00\n"))


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_lines_may_end_in_any_way(write, ending, last):
    text = SMALL.replace("\n", ending)
    table = open_table(write(text if last else text.removesuffix(ending)))

    assert table.load(["Date"], ["Close"]).to_numpy().tolist() == [["2024-01-01", 10.0], ["2024-01-02", 11.5]]
    assert [table.line(row) for row in (0, 1)] == [2, 3]
    assert table.repairs == ()


def test_line_ends_may_be_mixed(write):
    assert closes(write("Date,Close\n2024-01-01,1\r\n2024-01-02,2\r2024-01-03,3\n")) == [1, 2, 3]


def test_a_file_that_is_still_being_written_is_not_read(write):
    path = write(SMALL)
    table = open_table(path)
    with path.open("a") as file:
        file.write("2024-01-03,12\n")

    with pytest.raises(DataError, match=r"changed while it was read .* still being written"):
        table.load(["Date"], ["Close"])


def test_standard_input_is_a_dash(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(gzip.compress(SMALL.encode())))
    monkeypatch.setattr(sys, "stdin", stream)

    table = open_table("-")

    assert table.load(["Date"], ["Close"])["Close"].tolist() == [10, 11.5]
    assert table.name == "stdin"
    assert table.where(0) == "standard input, line 2"


def test_a_pipe_is_read_to_its_end(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(SMALL,))
    writer.start()

    assert closes(pipe) == [10, 11.5]
    writer.join()


@pytest.mark.parametrize("address", ["https://example.org/prices.csv", "s3://bucket/key", Path("http://example.org/a")])
def test_an_address_is_to_be_downloaded_first(address):
    with pytest.raises(DataError, match=r"is an address on the network. Download the file first"):
        open_table(address)


def test_no_file_and_no_permission_are_said_plainly(write, monkeypatch):
    with pytest.raises(DataError, match=r"nothing.csv: there is no such file"):
        open_table("nothing.csv")
    path = write(SMALL)

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DataError, match="cannot be read: Permission denied"):
        open_table(path)


def test_a_table_larger_than_the_memory_is_refused_with_the_sizes(write, monkeypatch):
    path = write(SMALL)
    monkeypatch.setattr("forecastr.data.files.rectangle.available_memory", lambda: 50)

    with pytest.raises(DataError, match=r"has 2 rows; reading 2 of its columns takes about .* GiB are free"):
        open_table(path).load(["Date"], ["Close"])


def test_the_memory_that_is_free_is_a_number_of_bytes():
    assert unpack.available_memory() > 1 << 20
