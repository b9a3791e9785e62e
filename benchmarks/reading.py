"""Seconds and memory of reading one long CSV: pandas with Arrow, the table alone, and the checked panel.

    python benchmarks/reading.py                        # 10 million rows, 10,000 series
    python benchmarks/reading.py --rows 1000000 --series 1000 --repeats 5

Every reading has a process of its own. Memory is the most that the process held, less what it held after its
imports; the last column divides it by the size of what was read.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

MIB = 2**20
KEYS = ("seconds", "peak", "result")
ROW = "{:<34}" + "{:>12}" * 5


def main() -> None:
    """Write the file, read it in every way several times, and print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--series", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", choices=READERS, help="read in one way alone")
    parser.add_argument("--file", type=Path, help="read this file instead of writing one")
    parser.add_argument("--child", choices=[*READERS, "write"], help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child == "write":
        write_table(chosen.file, chosen.rows, chosen.series)
    elif chosen.child:
        print(json.dumps(measure(chosen.child, chosen.file)))
    else:
        with tempfile.TemporaryDirectory() as folder:
            path = chosen.file or Path(folder) / "long.csv"
            if not chosen.file:
                size = ["--rows", str(chosen.rows), "--series", str(chosen.series)]
                run_child("write", path, *size)
            print(f"{path.name}: {path.stat().st_size / MIB:,.0f} MiB")
            print(ROW.format("reading", "seconds", "x pandas", "peak MiB", "result MiB", "x result"))
            names = [chosen.only] if chosen.only else list(READERS)
            # Turn by turn, so that what else the machine does meets all of them alike.
            rounds = [[json.loads(run_child(name, path)) for name in names] for _ in range(chosen.repeats)]
            middle = [
                [statistics.median(run[key] for run in runs) for key in KEYS] for runs in zip(*rounds, strict=True)
            ]
            for name, (seconds, peak, result) in zip(names, middle, strict=True):
                numbers = (seconds, seconds / middle[0][0], peak / MIB, result / MIB, peak / result)
                print(ROW.format(name, *(f"{number:,.2f}" for number in numbers)))


def run_child(task: str, path: Path, *more: str) -> str:
    """Return what this file prints when run for one task."""
    command = [sys.executable, __file__, "--child", task, "--file", str(path), *more]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def measure(name: str, path: Path) -> dict[str, float]:
    """Return seconds, peak bytes and the result's bytes of one reading in this process."""
    read, size = READERS[name]()
    before = peak_bytes()
    start = time.perf_counter()
    result = read(path)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "peak": peak_bytes() - before, "result": size(result)}


def peak_bytes() -> int:
    """Return the most memory this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def write_table(path: Path, n_rows: int, n_series: int) -> None:
    """Write a long table of daily values, the series one after the other."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import csv

    rng = np.random.default_rng(0)
    length = n_rows // n_series
    days = pa.array(np.datetime_as_string(np.datetime64("2015-01-01") + np.arange(length)))
    schema = pa.schema([("unique_id", pa.string()), ("ds", pa.string()), ("y", pa.float64())])
    plain = csv.WriteOptions(quoting_style="none", include_header=False)
    with path.open("wb") as file, csv.CSVWriter(file, schema, write_options=plain) as writer:
        file.write(b"unique_id,ds,y\n")
        for number in range(n_series):
            values = np.round(100 + rng.normal(size=length).cumsum(), 2)
            ids = pa.array([f"series_{number:05d}"] * length)
            writer.write_batch(pa.record_batch([ids, days, pa.array(values)], schema=schema))


Reader = tuple[Callable[[Path], Any], Callable[[Any], float]]


def with_pandas() -> Reader:
    """Return pandas' own way, dates as text."""
    import pandas as pd
    import pyarrow.csv  # noqa: F401 (imported before the clock starts)

    return lambda path: pd.read_csv(path, engine="pyarrow"), frame_bytes


def with_table() -> Reader:
    """Return the columns as the table gives them: categories and floats."""
    from forecastr.data.files.table import open_table

    return lambda path: open_table(path).load(["unique_id", "ds"], ["y"]), frame_bytes


def with_panel() -> Reader:
    """Return the checked panel: rows sorted, gaps and calendar known."""
    from forecastr.data import read_panel

    return read_panel, lambda panel: frame_bytes(panel.frame)


def frame_bytes(frame: Any) -> float:
    """Return the bytes in a frame's columns."""
    return float(frame.memory_usage(deep=True, index=False).sum())


READERS = {
    "pandas.read_csv(engine='pyarrow')": with_pandas,
    "open_table(...).load(...)": with_table,
    "read_panel(...)": with_panel,
}

if __name__ == "__main__":
    main()
