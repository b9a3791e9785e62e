"""The command line: one file per command."""

import time

STARTED = time.monotonic()  # a fit's time limit counts from here, before anything heavy is loaded
