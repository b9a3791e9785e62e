"""Rows of a bundle's Parquet files, read only where their memory stands in a proportion to their size."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from forecastr.data.files.bounds import text_bytes
from forecastr.errors import BundleError

FREE = 1 << 28  # bytes that any file may unpack to
MOST_GROWTH = 50  # more than that: times its size
CODECS = ("SNAPPY", "UNCOMPRESSED")  # ours; others pack a gigabyte into a megabyte
BROKEN = (pa.ArrowException, OSError, ValueError, LookupError, TypeError, ArithmeticError, RuntimeError, MemoryError)


def parse_rows(content: bytes, path: Path) -> pd.DataFrame:
    """Return the table in a Parquet file of text, numbers and stamps.

    Raises
    ------
    BundleError
        If it is damaged, not as bundles have it, or unpacks to more than its size makes likely.
    """
    try:
        schema = parquet.read_schema(pa.BufferReader(content))
        texts = [field.name for field in schema if _is_text(field.type)]
        # Texts as dictionaries: each is held once, however many rows have it.
        file = parquet.ParquetFile(pa.BufferReader(content), read_dictionary=texts)
        _require_ours(file, schema)
        _require_room(len(schema) * 8 * file.metadata.num_rows, len(content))
        table = file.read().replace_schema_metadata(None)
        table.validate(full=True)
        _require_room(sum(text_bytes(table[name]) for name in texts), len(content))
        for place, name in enumerate(table.column_names):
            if name in texts:
                table = table.set_column(place, name, table[name].cast(pa.large_string()))
        return table.to_pandas(ignore_metadata=True, split_blocks=True)
    except BROKEN as error:
        raise BundleError(f"{path} cannot be read: {error}. Restore the bundle from a copy, or fit again.") from error


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _require_ours(file: parquet.ParquetFile, schema: pa.Schema) -> None:
    kinds = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_timestamp, _is_text)
    for field in schema:
        if not any(is_kind(field.type) for is_kind in kinds):
            raise ValueError(f"column '{field.name}' is of type {field.type}")
    groups = [file.metadata.row_group(n) for n in range(file.metadata.num_row_groups)]
    if sum(group.num_rows for group in groups) != file.metadata.num_rows:
        raise ValueError("it says two numbers of rows")
    for group in groups:
        for column in map(group.column, range(group.num_columns)):
            if column.compression not in CODECS or column.num_values != group.num_rows:
                raise ValueError("it was not written by forecastr")


def _require_room(needed: int, size: int) -> None:
    if needed > max(FREE, MOST_GROWTH * size):
        raise ValueError(f"{size:,} bytes unpack to {needed:,}")
