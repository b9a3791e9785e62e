import resource
import sys

import numpy as np
import pyarrow as pa
import pytest

from forecastr.data.files.bounds import LONG_TEXT, SHORT, bounded, require_short_texts
from forecastr.errors import DataError


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says how large the process is")
def test_what_needs_more_than_its_file_may_is_an_error_and_the_bound_is_gone_then():
    before = resource.getrlimit(resource.RLIMIT_AS)
    with (
        pytest.raises(DataError, match=r"^y\.parquet: its 1,000 bytes unpack to gigabytes"),
        bounded("y.parquet", 1000),
    ):
        np.empty(3 << 30, np.uint8)
    assert resource.getrlimit(resource.RLIMIT_AS) == before
    with bounded("y.parquet", 1000):
        assert len(np.empty(1 << 20, np.uint8)) == 1 << 20


def test_texts_may_be_long_or_many_but_not_both():
    def column(text: str, rows: int) -> pa.Table:
        return pa.table({"id": pa.DictionaryArray.from_arrays(np.zeros(rows, np.int32), pa.array([text]))})

    require_short_texts("y.parquet", 1000, column("x" * SHORT, 1))
    require_short_texts("y.parquet", 1000, column("x" * LONG_TEXT, 10_000))
    with pytest.raises(DataError, match="unpack to gigabytes"):
        require_short_texts("y.parquet", 1000, column("x" * 10 * LONG_TEXT, 10_000))
