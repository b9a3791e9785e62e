"""Text in any usual encoding, as plain UTF-8 with line feeds; and one look at every line of it."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from forecastr.data.files.unpack import Content
from forecastr.errors import ConfigError, DataError

PIECE = 1 << 18  # stays in the cache, and its arrays off the system's pages
LONGEST_LINE = 16 << 20
TOO_LONG = f"a line is longer than {LONGEST_LINE >> 20} MiB, so this is no table of lines."
BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
LINE_FEED, RETURN = 10, 13


@dataclass(frozen=True)
class Scan:
    """What one look at every byte after the header has shown.

    Parameters
    ----------
    n_lines, n_blank : int
        Lines, and those of them with nothing in them; the empty ones at the end count in neither.
    n_separators : int
        Separators in all.
    first_blank : int
        The file's first such line after the header; 0 where there is none.
    quotes, lone_returns : bool
        Whether there are double quotes, and lines that end in a carriage return alone.
    broken_line : int
        The first line that is not UTF-8; 0 where all are.
    """

    n_lines: int = 0
    n_blank: int = 0
    n_separators: int = 0
    first_blank: int = 0
    quotes: bool = False
    lone_returns: bool = False
    broken_line: int = 0


def plain_text(content: Content, encoding: str | None) -> tuple[Content, str]:
    """Return text as UTF-8 and its encoding, by what was asked for or by the marks at its beginning.

    Raises
    ------
    ConfigError
        If there is no such encoding.
    DataError
        If the text is not in the encoding asked for.
    """
    found = encoding or _marked(content.head(4096))
    if found is None:
        return content, "utf-8"
    try:
        known = codecs.lookup(found).name
        "a".encode(found)
    except LookupError as error:
        raise ConfigError(f"encoding is '{found}', which is none. Known ones are utf-8, cp1252, utf-16.") from error
    if known in ("utf-8", "utf-8-sig"):
        return content, found  # read as it lies; the mark at its beginning is passed over
    return _recode(content, found), found


def broken_text(content: Content, line: int, *, asked: bool) -> tuple[Content, str]:
    """Return text that is not UTF-8 as such, taken for Windows-1252; damaged UTF-8 is refused.

    Raises
    ------
    DataError
        If UTF-8 was ``asked`` for, by an option or by the file's first bytes, or most of what is not ASCII is UTF-8.
    """
    with content.open() as stream:
        text = stream.read().decode("utf-8", errors="replace")
    n_broken = text.count("\ufffd")
    n_whole = sum(not character.isascii() for character in text) - n_broken if n_broken < 1000 else 0
    if asked or n_whole > n_broken:
        raise DataError(
            f"{content.label}, line {line}: a character is not UTF-8, as the others are ({n_broken:,} are not). "
            "The file is damaged, or has parts in another encoding: save it as UTF-8, or name one with --encoding."
        )
    try:
        return _recode(content, "cp1252"), "cp1252"
    except DataError as error:
        raise DataError(str(error).replace("is not cp1252", "is neither UTF-8 nor Windows-1252")) from error


def single_returns(content: Content) -> Content:
    """Return text in which every line ends in a line feed."""
    with content.open() as stream:
        data = stream.read()
    return Content(content.label, content.compression, data=data.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))


def scan(content: Content, separator: str, *, header_line: int) -> Scan:
    """Return what one look at every byte after the header shows.

    Raises
    ------
    DataError
        If there is a NUL byte, or a line that is too long.
    """
    n_lines = n_blank = n_separators = first_blank = broken = 0
    quotes = lone = False
    empty = 0  # blank lines since the last one with something in it
    for piece in _pieces(content, header_line):
        before = header_line + n_lines
        _require_text(piece, content.label, before)
        broken = broken or _first_broken(piece, before)
        quotes = quotes or b'"' in piece
        codes = np.frombuffer(piece, dtype=np.uint8)
        if b"\r" in piece:
            lone = lone or piece.count(b"\r") != piece.count(b"\r\n")
            codes = codes[codes != RETURN]
        ends = codes == LINE_FEED
        found = int(np.count_nonzero(ends)) + (not ends[-1])
        trailing = _count_trailing(ends)
        blanks = _blank_lines(ends)
        if trailing < found:
            n_blank += empty + len(blanks) - trailing
            if n_blank and not first_blank:
                place = int(np.count_nonzero(ends[: blanks[0]])) + 1 if len(blanks) else 0
                first_blank = before + (1 - empty if empty else place)
        n_lines += found
        n_separators += int(np.count_nonzero(codes == separator.encode()[0]))
        empty = trailing if trailing < found else empty + trailing
    return Scan(n_lines - empty, n_blank, n_separators, first_blank, quotes, lone, broken)


def _pieces(content: Content, header_line: int) -> Iterator[bytes]:
    """Yield the bytes after the header in pieces that end where a line does."""
    rest = b""
    with content.open() as stream:
        for _ in range(header_line):
            stream.readline(LONGEST_LINE)
        while fresh := stream.read(PIECE):
            end = fresh.rfind(b"\n") + 1
            if not end and len(rest) + len(fresh) > LONGEST_LINE:
                raise DataError(f"{content.label}: {TOO_LONG}")
            if end:
                yield rest + fresh[:end] if rest else fresh[:end]
            rest = fresh[end:] if end else rest + fresh
    if rest:
        yield rest


def _blank_lines(ends: np.ndarray) -> np.ndarray:
    """Return the places where a line ends right after another one, in a piece that begins with a line."""
    both = ends[1:] & ends[:-1]
    inner = np.flatnonzero(both) + 1 if both.any() else np.array([], dtype=np.int64)
    return np.append(0, inner) if ends[0] else inner


def _count_trailing(ends: np.ndarray) -> int:
    """Return how many of the last lines are blank, of a piece [B] that is True at line ends."""
    filled = np.flatnonzero(~ends[-1000:])
    if len(filled):
        return max(min(len(ends), 1000) - int(filled[-1]) - 2, 0)
    filled = np.flatnonzero(~ends)
    return len(ends) - int(filled[-1]) - 2 if len(filled) else len(ends)


def _require_text(piece: bytes, label: str, lines_before: int) -> None:
    if b"\x00" not in piece:
        return
    line = lines_before + piece.count(b"\n", 0, piece.index(b"\x00")) + 1
    raise DataError(
        f"{label}, line {line}: the file holds a NUL byte, so it is no text or is damaged. "
        "If it is UTF-16, say so with --encoding utf-16."
    )


def _first_broken(piece: bytes, lines_before: int) -> int:
    if piece.isascii():
        return 0
    try:
        piece.decode("utf-8")
    except UnicodeDecodeError as error:
        return lines_before + piece.count(b"\n", 0, error.start) + 1
    return 0


def _marked(head: bytes) -> str | None:
    """Return the encoding that the first bytes tell of, None where they are as UTF-8 has them."""
    for bom, name in BOMS:
        if head.startswith(bom):
            return name
    even, odd = head[0:400:2], head[1:400:2]
    if len(odd) > 4 and not any(odd) and all(even):
        return "utf-16-le"
    if len(odd) > 4 and not any(even) and all(odd):
        return "utf-16-be"
    return None


def _recode(content: Content, encoding: str) -> Content:
    with content.open() as stream:
        data = stream.read()
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{content.label}, line {line}: byte 0x{data[error.start]:02x} is not {encoding} ({error.reason}). "
            "Name the encoding that the file was written in with --encoding."
        ) from error
    return Content(content.label, content.compression, data=text.encode("utf-8"))
