"""A bound on what reading one file may take: packed files can hold a million times what they weigh."""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute

from forecastr.errors import DataError

FREE = 3 << 29  # bytes that reading any file may take
SHORT, LONG_TEXT = 1 << 24, 1 << 16  # bytes of texts that are no matter at all; of a row's texts, on average
MOST_GROWTH = 100  # more than that: times its size; measured values take 3 to 20 times theirs


@contextmanager
def bounded(label: str, size: int) -> Iterator[None]:
    """Let the process grow by no more inside the block than a file of ``size`` bytes has a right to.

    Where the system keeps no such bound, as on Windows and macOS, the block runs without one.

    Raises
    ------
    DataError
        If the file needs more.
    """
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (ImportError, OSError):
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_AS)
    bound = pages * os.sysconf("SC_PAGE_SIZE") + _allowed(size)
    if before[0] != resource.RLIM_INFINITY and before[0] <= bound:  # whoever runs this has set a tighter one
        yield
        return
    resource.setrlimit(resource.RLIMIT_AS, (bound, before[1]))
    try:
        yield
    except MemoryError as error:
        gc.collect()
        raise _too_much(label, size) from error
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def require_short_texts(label: str, size: int, data: pa.Table) -> None:
    """Raise a DataError if the texts of a table are longer together than those of a file of ``size`` bytes may be.

    A text that every row repeats is packed to nothing, and held once until someone asks for the rows.
    """
    if sum(map(text_bytes, data.columns)) > min(_allowed(size), max(SHORT, LONG_TEXT * data.num_rows)):
        raise _too_much(label, size)


def text_bytes(column: pa.ChunkedArray) -> int:
    """Return how long the texts of a column are together, each as often as a row has it; 0 where they are none.

    Examples
    --------
    >>> text_bytes(pa.chunked_array([pa.array(["aa", None, "aa", "b"]).dictionary_encode()]))
    5
    """
    total = 0
    for chunk in column.chunks:
        packed = pa.types.is_dictionary(chunk.type)
        texts = chunk.dictionary if packed else chunk
        if pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type):
            lengths = pa.compute.binary_length(texts)
            total += pa.compute.sum((lengths.take(chunk.indices) if packed else lengths).cast(pa.int64())).as_py() or 0
    return total


def _allowed(size: int) -> int:
    return max(FREE, MOST_GROWTH * size)


def _too_much(label: str, size: int) -> DataError:
    return DataError(
        f"{label}: its {size:,} bytes unpack to gigabytes, which no table of measured values does. If you trust it, "
        "write it as CSV."
    )
