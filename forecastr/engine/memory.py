"""Memory that a process no longer uses, given back to the system."""

import ctypes
import sys


def release_memory() -> None:
    """Give back what was freed: compiling leaves some hundred MiB, which glibc keeps for later.

    Elsewhere than with glibc nothing happens.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)
