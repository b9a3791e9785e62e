"""Makes the bundle that every later release has to load: run once for a format, from this folder's parent's parent.

    python tests/bundle/golden.py

It holds made-up sales and small networks of every kind with random weights; its forecast lies beside it.
"""

import shutil
import sys
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))


def make_golden(folder: Path) -> None:
    """Write ``format-1.zip``, a bundle, and ``format-1.csv``, its forecast."""
    from test_covariates import SMALL, bundle_of, make_table, plan_of  # type: ignore[import-not-found]

    from forecastr.models.config import CLASSIC

    last = replace(SMALL, supervision="last")
    configs = (
        replace(SMALL, covariates="all", calendar=True, dropout=0.1),
        replace(SMALL, cell="lstm", layers=2, transform="log", local_scale=True, bases="theta"),
        replace(last, attention="full", bidirectional=True, bases="deviations", transform="difference"),
        replace(last, head="decoder", cell="rnn", covariates="known"),
        replace(CLASSIC, layers=2, units=4, context_length=8),
    )
    with tempfile.TemporaryDirectory() as scratch:
        bundle = bundle_of(plan_of(make_table()), Path(scratch), configs, (0.3, 0.2, 0.2, 0.2, 0.1))
        bundle.predict().to_csv(folder / "format-1.csv", index=False)
        with zipfile.ZipFile(folder / "format-1.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(bundle.folder.iterdir()):
                archive.write(path, path.name)


if __name__ == "__main__":
    from forecastr.engine.backend import use_backend

    use_backend("jax")
    shutil.rmtree(HERE / "golden", ignore_errors=True)
    (HERE / "golden").mkdir()
    make_golden(HERE / "golden")
