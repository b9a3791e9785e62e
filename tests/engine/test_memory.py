import ctypes
import sys
from pathlib import Path

import pytest

from forecastr.engine.memory import release_memory

MIB = 2**20


def resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / MIB


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="glibc alone keeps what is freed"
)
def test_what_was_freed_between_what_is_kept_goes_back_to_the_system():
    blocks = [bytes(1000) for _ in range(200_000)]
    kept = blocks[::500]  # so that the heap cannot simply shrink
    del blocks
    before = resident()

    release_memory()

    assert resident() < before - 100
    assert len(kept) == 400
