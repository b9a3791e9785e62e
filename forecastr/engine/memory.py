"""Memory that a process no longer uses, given back to the system."""

import ctypes
import sys


def release_memory() -> None:
    """Give back what was freed: compiling leaves some hundred MiB, and Arrow as much, which are kept for later.

    Elsewhere than with glibc only Arrow's are given back.
    """
    if arrow := sys.modules.get("pyarrow"):
        arrow.default_memory_pool().release_unused()
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)
