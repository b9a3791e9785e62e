"""From a path or standard input to the bytes of one table: what may be read, and its compression told by content."""

import bz2
import gzip
import lzma
import re
import stat
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from forecastr.errors import DataError

STDIN = "-"
CHUNK = 1 << 20
HEAD_BYTES = 1 << 16
MOST_UNPACKED = 3 << 29  # with what growing takes on top, less than 2 GiB
PACKED = {
    b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "zip",
}  # fmt: skip
BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, RuntimeError, NotImplementedError)
# What a file is not, by its first bytes, and what helps.
FOREIGN = {
    b"\xd0\xcf\x11\xe0": "an old Excel workbook (.xls). Open it and save the sheet as CSV",
    b"%PDF": "a PDF. Export the table as CSV",
    b"7z\xbc\xaf": "a 7-Zip archive. Unpack it first",
    b"Rar!": "a RAR archive. Unpack it first",
    b"SQLite format 3": "a SQLite database. Export the table as CSV",
    b"\x89HDF": "an HDF5 file. Save the table as CSV or Parquet",
    b"\x80\x04": "a Python pickle, which could run code. Save the table as CSV or Parquet",
    b"\x80\x05": "a Python pickle, which could run code. Save the table as CSV or Parquet",
}
PAGE = re.compile(rb"\s*<(?:!doctype html|html|\?xml)", re.IGNORECASE)
URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/{1,2}[^/]")


@dataclass(frozen=True)
class Content:
    """The bytes of one table, plain: where they lie on the disk, or themselves.

    Parameters
    ----------
    label : str
        The file as the user named it, for errors.
    compression : str or None
        What they were unpacked from.
    path : Path or None
        The plain file that holds them.
    data : bytes
        The bytes, where no plain file holds them.
    stamp : tuple of int or None
        The file's size and time of change when it was opened.
    """

    label: str
    compression: str | None = None
    path: Path | None = None
    data: bytes = b""
    stamp: tuple[int, int] | None = None

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return self.path.stat().st_size if self.path else len(self.data)

    def open(self) -> BinaryIO:
        """Return the bytes as a stream from their beginning."""
        return self.path.open("rb") if self.path else BytesIO(self.data)

    def head(self, count: int = HEAD_BYTES) -> bytes:
        """Return the first bytes."""
        with self.open() as stream:
            return stream.read(count)

    def require_unchanged(self) -> None:
        """Raise a DataError if the file is not the one that was opened."""
        if self.path is None or self.stamp is None:
            return
        now = _stamp(self.path)
        if now != self.stamp:
            raise DataError(
                f"{self.label} changed while it was read (from {self.stamp[0]:,} to {now[0]:,} bytes): it is still "
                "being written or copied. Run the command again when that is done."
            )


def read_content(source: str | Path) -> Content:
    """Return the bytes of a file, or of standard input for ``-``, unpacked.

    Raises
    ------
    DataError
        If there is no such file, it cannot be read, is damaged, or is known to be no table.
    """
    if str(source) == STDIN:
        packed = Content("standard input", data=_read_all(sys.stdin.buffer, "standard input"))
    elif URL.match(str(source)):
        raise DataError(f"{source} is an address on the network. Download the file first, and name it here.")
    else:
        packed = _open_path(Path(source))
    return _unpack(packed)


def available_memory() -> int:
    """Return the bytes that this process may still take, as far as the system tells."""
    known = []
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        known += [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable")]
        group = Path("/sys/fs/cgroup")
        limit = (group / "memory.max").read_text().strip()
        if limit != "max":
            known.append(int(limit) - int((group / "memory.current").read_text()))
    except (OSError, ValueError):
        pass
    return max(min(known), 0) if known else 8 << 30


def _open_path(path: Path) -> Content:
    try:
        status = path.stat()
        if stat.S_ISREG(status.st_mode):
            with path.open("rb"):
                return Content(str(path), path=path, stamp=_stamp(path))
        with path.open("rb") as stream:  # a pipe, such as <(zcat ...)
            return Content(str(path), data=_read_all(stream, str(path)))
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file. Check the path.") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error


def _unpack(packed: Content) -> Content:
    """Return content without its compression; what is no table at all is refused."""
    head = packed.head()
    kind = next((name for magic, name in PACKED.items() if head.startswith(magic)), None)
    if kind:
        try:
            with _unpacked(packed, kind) as stream:
                data = _read_all(stream, packed.label)
        except BROKEN as error:
            raise DataError(f"{packed.label} is damaged and cannot be unpacked: {error}. Copy it again.") from error
        packed.require_unchanged()
        packed, head = Content(packed.label, kind, data=data), data[:HEAD_BYTES]
    _require_table(head, packed.label)
    return packed


@contextmanager
def _unpacked(packed: Content, kind: str) -> Iterator[Any]:
    """Yield the stream inside compressed content."""
    with packed.open() as raw:
        if kind == "zip":
            with zipfile.ZipFile(raw) as archive, archive.open(_only_member(archive, packed.label)) as stream:
                yield stream
        elif kind == "zstd":
            import pyarrow as pa

            yield pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd")
        else:
            opener: Any = {"gzip": gzip.open, "bz2": bz2.open, "xz": lzma.open}[kind]
            with opener(raw) as stream:
                yield stream


def _only_member(archive: zipfile.ZipFile, label: str) -> str:
    names = [name for name in archive.namelist() if not name.endswith("/")]
    if "[Content_Types].xml" in names:
        raise DataError(f"{label} is an Excel workbook. Open it and save the sheet as CSV (File, Save As, CSV UTF-8).")
    names = [name for name in names if not Path(name).name.startswith(".") and not name.startswith("__MACOSX/")]
    if len(names) != 1:
        raise DataError(
            f"{label} holds {len(names)} files ({', '.join(names[:5])}). Pack one table alone, or unpack them into a "
            "folder and name that."
        )
    return names[0]


def _require_table(head: bytes, label: str) -> None:
    """Raise a DataError if the first bytes are those of something else than a table."""
    if not head:
        raise DataError(f"{label} is empty. It needs a line of column names and a line per time step.")
    for magic, meaning in FOREIGN.items():
        if head.startswith(magic):
            raise DataError(f"{label} is {meaning}.")
    if head[257:262] == b"ustar":
        raise DataError(f"{label} is a tar archive. Unpack it first.")
    if PAGE.match(head):
        raise DataError(f"{label} is a web page or XML, not a table: perhaps a download that went wrong.")
    if head.lstrip().startswith((b"{", b'[{"')):
        raise DataError(f"{label} is JSON. Save the table as CSV or Parquet.")


def _read_all(stream: Any, label: str) -> bytes:
    """Return a stream's bytes as long as they are few enough to be held in memory."""
    most = min(MOST_UNPACKED, available_memory() // 2)
    whole = BytesIO()
    while chunk := stream.read(CHUNK):
        if whole.tell() + len(chunk) > most:
            raise DataError(
                f"{label} unpacks to more than {most / 2**30:.1f} GiB, which is not read into memory. Unpack it into "
                "a plain file, which is read in pieces, or save it as Parquet."
            )
        whole.write(chunk)
    return whole.getvalue()


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns
