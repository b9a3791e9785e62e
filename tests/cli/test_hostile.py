"""Files made to hurt: refused or read, in little time and memory, and never followed where they point."""

import gzip
import io
import json
import os
import pickle
import re
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow.feather import write_feather
from pyarrow.parquet import write_table as write_parquet

GIB = 1 << 30
DAYS = pd.date_range("2024-01-01", periods=60).strftime("%Y-%m-%d").tolist()
PLAIN = "date,sales\n" + "".join(f"{day},{100 + n * 7 % 13}\n" for n, day in enumerate(DAYS))


def with_cell(text: str) -> bytes:
    """Return a table with one other value."""
    return re.sub(rf"({DAYS[30]}),\d+", lambda line: f"{line[1]},{text}", PLAIN).encode()


def packed(*members: tuple[str, bytes | str]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members:
            file.writestr(name, content)
    return archive.getvalue()


class Canary:
    """Unpickled, it writes a file: what code execution would look like."""

    def __reduce__(self) -> tuple:
        return os.system, ("touch canary",)


def object_array() -> bytes:
    file = io.BytesIO()
    np.savez(file, np.array([Canary()], dtype=object))
    return file.getvalue()


FILES = {
    "100,000 columns": lambda: (
        ",".join(["date", *(f"c{n}" for n in range(100_000))]).encode() + b"\n2024-01-01" + b",1" * 100_000
    ),
    "a line of 100 MB": lambda: PLAIN.encode() + b"2024-03-01," + b"9" * 100_000_000,
    "no line end": lambda: b"a" * 100_000_000,
    "10 MB of quotes": lambda: b"date,sales\n" + b'"' * 10_000_000,
    "quotes within quotes": lambda: with_cell('"' + '""' * 1_000_000 + '"'),
    "quotes left open": lambda: b"date,sales\n" + b'"2024-01-01,1\n' * 100_000,
    "thousands without end": lambda: with_cell('"' + "1," * 60_000 + '"'),
    "a date of digits": lambda: PLAIN.encode() + b"1/" * 60_000 + b",5\n2024-03-09,4\n",
    "commas": lambda: b"," * 1_000_000 + b"\n2024-01-01" + b"," * 1_000_000,
    "a formula": lambda: with_cell("=cmd|' /C calc'!A0"),
    "noise": lambda: np.random.default_rng(0).bytes(1_000_000),
    "a pickle": lambda: pickle.dumps(Canary()),
    "an old pickle": lambda: pickle.dumps(Canary(), protocol=0),
    "a pickle of protocol 2": lambda: pickle.dumps(Canary(), protocol=2),
    "an array of objects": object_array,
    "an archive of 10,000 tables": lambda: packed(*((f"{n}.csv", PLAIN) for n in range(10_000))),
    "an archive in an archive": lambda: packed(("inner.zip", packed(("table.csv", PLAIN)))),
}
BOMBS = {
    "rows": lambda: gzip.compress(PLAIN.encode()) + gzip.compress(b"2024-03-01,5\n" * 5_000_000) * 200,
    "zeros": lambda: gzip.compress(PLAIN.encode()) + gzip.compress(bytes(64_000_000)) * 200,
    "zip": lambda: packed(("table.csv", bytes(2_000_000_000))),
}

LONG = "x" * 1_000_000
ROWS = 300_000_000


def stored_in_every_row(rows: int) -> pa.Table:
    """Return a long text that every row repeats, held once."""
    ids = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array([LONG]))
    return pa.table({"ds": np.arange(rows), "unique_id": ids, "y": np.arange(rows, dtype=float)})


STORED = {
    "one text of 1 MB in 5,000 rows": lambda: stored_in_every_row(5_000),
    "5,000 texts of 1 MB": lambda: pa.table(
        {"ds": np.arange(5_000), "unique_id": pa.array([f"{LONG}{n}" for n in range(5_000)], pa.large_string())}
    ),
    "300 million rows": lambda: pa.table({"ds": np.zeros(ROWS, np.int32), "y": np.zeros(ROWS, np.int8)}),
}


def require_refused(code: int, errors: str) -> None:
    assert code == 2, errors[-500:]
    assert len(errors.splitlines()) == 1
    assert errors.startswith("error: ")
    assert len(errors) < 1_000  # nobody wants the line of 100 MB back


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_is_refused_with_one_sentence_in_little_memory(name, tmp_path, measured):
    path = tmp_path / "table.csv"
    path.write_bytes(FILES[name]())
    code, errors, memory = measured("inspect", path.name, "--json", cwd=path.parent)
    print(f"\n| {name} | {memory / GIB:.2f} | {errors.strip()} |")
    require_refused(code, errors)
    assert memory < GIB
    assert {path.name for path in tmp_path.iterdir()} == {"table.csv"}


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_a_decompression_bomb_is_refused_at_its_limit(name, tmp_path, measured):
    path = tmp_path / "table.csv.gz"
    path.write_bytes(BOMBS[name]())
    code, errors, memory = measured("inspect", path.name, "--json", cwd=path.parent)
    print(f"\n| {name} | {memory / GIB:.2f} | {errors.strip()} |")
    require_refused(code, errors)
    assert "unpacks to more than" in errors
    assert memory < 2 * GIB


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
@pytest.mark.parametrize("name", STORED)
def test_a_stored_table_that_unpacks_to_gigabytes_is_refused(name, suffix, tmp_path, measured):
    path, write = tmp_path / f"table{suffix}", {".parquet": write_parquet, ".feather": write_feather}[suffix]
    write(STORED[name](), path, compression="zstd")
    assert path.stat().st_size < 3_000_000
    code, errors, memory = measured("inspect", path.name, "--json", cwd=tmp_path)
    print(f"\n| {name} as {suffix} | {memory / GIB:.2f} | {errors.strip()} |")
    require_refused(code, errors)
    assert "unpack to gigabytes" in errors
    assert memory < 2 * GIB


def test_an_archive_that_points_outside_writes_nothing(tmp_path, measured):
    folder = tmp_path / "one" / "two"
    folder.mkdir(parents=True)
    (folder / "table.zip").write_bytes(packed(("../../escaped.csv", PLAIN)))
    code, _, memory = measured("inspect", "table.zip", "--json", cwd=folder)
    print(f"\n| an archive member outside | {memory / GIB:.2f} | |")
    assert code in (0, 2)
    assert memory < GIB
    assert {path.name for path in tmp_path.rglob("*")} == {"one", "two", "table.zip"}


@pytest.mark.parametrize(
    "suffix", [".parquet", *(pytest.param(name, marks=pytest.mark.slow) for name in (".npz", ".csv", ".csv.gz"))]
)
def test_a_pickle_is_no_table_whatever_its_name(suffix, tmp_path, measured):
    path = tmp_path / f"table{suffix}"
    path.write_bytes(pickle.dumps(Canary()))
    code, errors, memory = measured("inspect", path.name, cwd=tmp_path)
    print(f"\n| a pickle named {suffix} | {memory / GIB:.2f} | {errors.strip()} |")
    require_refused(code, errors)
    assert "a Python pickle, which could run code" in errors
    assert memory < GIB
    assert [path.name for path in tmp_path.iterdir()] == [path.name]


def test_formulas_as_names_of_series_are_names_and_stay_as_they_were_written(tmp_path, forecastr_here, measured):
    """What a spreadsheet makes of them is its own affair: docs/security.md says so."""
    rows = PLAIN.replace("date,", "id,date,").replace("\n2024", "\n=cmd(),2024")
    (tmp_path / "table.csv").write_text(rows)
    done = forecastr_here("inspect", "table.csv", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["data"]["series"] == 1
    code, _, memory = measured("inspect", "table.csv", cwd=tmp_path)
    print(f"\n| formulas as names | {memory / GIB:.2f} | |")
    assert (code, memory < GIB) == (0, True)
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]


# A panel as companies have them: 1 % of the series are bad, each in its own way

N_SERIES, N_ROWS = 10_000, 40
SPOILT = ("late", "ends early", "short", "constant", "missing", "text", "huge", "doubled", "undated", "endless")


def spoil(kind: str, ds: list[str], y: list[str]) -> tuple[list[str], list[str]]:
    """Return a series spoilt in a certain way."""
    changes = {
        "late": (ds[-3:], y[-3:]),
        "ends early": (ds[:15], y[:15]),
        "short": (ds[:2], y[:2]),
        "constant": (ds, ["5"] * len(y)),
        "missing": (ds, [""] * len(y)),
        "text": (ds, [*y[:10], "sold out", *y[11:]]),
        "huge": (ds, [*y[:10], "1e300", *y[11:]]),
        "doubled": ([*ds, ds[10]], [*y, "999"]),
        "undated": ([*ds[:10], "", *ds[11:]], y),
        "endless": (ds, ["inf"] * len(y)),
    }
    return changes[kind]


@pytest.mark.slow
def test_ten_thousand_series_of_which_a_hundred_are_bad_give_forecasts_and_a_table_of_reasons(forecastr, tmp_path):
    days = pd.date_range("2024-01-01", periods=N_ROWS).strftime("%Y-%m-%d").tolist()
    noise = np.random.default_rng(0).normal(100, 10, (N_SERIES, N_ROWS)).round(1).astype(str)
    bad = {f"s{place:05d}": SPOILT[n % len(SPOILT)] for n, place in enumerate(range(57, N_SERIES, 100))}
    lines = ["unique_id,ds,y"]
    for place in range(N_SERIES):
        name = f"s{place:05d}"
        ds, y = days, noise[place].tolist()
        if name in bad:
            ds, y = spoil(bad[name], ds, y)
        lines += [f"{name},{day},{value}" for day, value in zip(ds, y, strict=True)]
    (tmp_path / "shops.csv").write_text("\n".join(lines) + "\n")

    done = forecastr(
        "fit", "shops.csv", "--max-trials", "1", "--time-limit", "40s", "--horizon", "3", "--output", "run", "--json",
        cwd=tmp_path, seconds=300,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "exceptions.csv" in done.stderr
    listed = pd.read_csv(tmp_path / "run" / "exceptions.csv").set_index("unique_id")
    print("\n", listed.assign(kind=pd.Series(bad)).groupby(["kind", "status"])["reason"].agg(["size", "first"]))
    print("seconds", json.loads(done.stdout)["seconds"])
    assert set(listed.index) == set(bad)
    assert listed["reason"].str.len().min() > 5
    forecast = pd.read_csv(tmp_path / "run" / "forecast.csv")
    assert set(forecast["unique_id"]) >= {f"s{place:05d}" for place in range(N_SERIES)} - set(bad)
    assert forecast["forecastr"].notna().all()
