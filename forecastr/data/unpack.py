"""From a path to the bytes of one table and from those to text: compression and encoding, told by content."""

import bz2
import codecs
import gzip
import lzma
import zipfile
import zlib
from io import BytesIO
from pathlib import Path

from forecastr.errors import DataError

UNPACK = {
    b"\x1f\x8b": ("gzip", gzip.decompress),
    b"BZh": ("bz2", bz2.decompress),
    b"\xfd7zXZ\x00": ("xz", lzma.decompress),
}
BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, RuntimeError)


def read_bytes(path: Path) -> tuple[bytes, str | None]:
    """Return a file's content, unpacked, and the name of its compression.

    Raises
    ------
    DataError
        If the file is not there, cannot be read, or is empty.
    """
    if path.is_dir():
        raise DataError(f"{path} is a folder. Name a CSV or Parquet file in it.")
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file. Check the path.") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    content, compression = _unpack(content, path)
    if not content.strip():
        raise DataError(f"{path} is empty. It needs a line of column names and a line per time step.")
    return content, compression


def decode(content: bytes, path: Path) -> tuple[str, str]:
    """Return a table's text, every line ending in a line feed alone, and its encoding."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif content.startswith(codecs.BOM_UTF8):
        encoding = "utf-8-sig"
    else:
        encoding = "utf-8"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        encoding = "cp1252"
        text = content.decode(encoding, errors="replace")
    if "\x00" in text:
        line = text.count("\n", 0, text.index("\x00")) + 1
        raise DataError(f"{path}, line {line}: the file holds a NUL byte, so it is no text or is damaged.")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text, encoding


def _unpack(content: bytes, path: Path) -> tuple[bytes, str | None]:
    try:
        for magic, (name, unpack) in UNPACK.items():
            if content.startswith(magic):
                return unpack(content), name
        if content.startswith(b"PK\x03\x04"):
            return _only_member(content, path), "zip"
    except BROKEN as error:
        raise DataError(f"{path} is damaged and cannot be unpacked: {error}. Copy it again.") from error
    return content, None


def _only_member(content: bytes, path: Path) -> bytes:
    with zipfile.ZipFile(BytesIO(content)) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        if "[Content_Types].xml" in names:
            raise DataError(f"{path} is an Excel workbook. Save the sheet as CSV.")
        if len(names) != 1:
            raise DataError(f"{path} holds {len(names)} files ({', '.join(names[:5])}). Pack one table alone.")
        return archive.read(names[0])
