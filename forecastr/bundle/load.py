"""From a folder that anyone may have written to a bundle that is right: nothing in it is run, all of it is checked."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from forecastr.bundle.bundle import Bundle, Member
from forecastr.bundle.covariates import BundleCovariates
from forecastr.bundle.documents import parse_json, typed
from forecastr.bundle.manifest import MANIFEST, read_bundle
from forecastr.bundle.networks import read_arrays, reading, require_sensible
from forecastr.bundle.rows import parse_rows
from forecastr.data import Calendar, Source
from forecastr.data.files.unpack import available_memory
from forecastr.errors import BundleError
from forecastr.evaluation import BASELINES, NO_WIDER
from forecastr.models.config import NetworkConfig
from forecastr.schema import ID, MODEL, QUANTILE_LEVELS, TARGET, TIME, Task
from forecastr.windows.scaling import Scaler

FILES = {"task.json", "series.json", "context.parquet"}
BYTES_PER_STEP = 400  # of a forecast, while its table is made
MOST_SESSION_STEPS = 1_000_000


def load_bundle(path: str | Path) -> Bundle:
    """Return the forecaster stored in a bundle folder, or in the ``bundle/`` of a run folder.

    Raises
    ------
    BundleError
        If the folder holds no bundle, or one that is incomplete, altered or of another version.
    """
    folder = Path(path)
    if (folder / "bundle" / MANIFEST).is_file():
        folder = folder / "bundle"
    contents = read_bundle(folder)
    if missing := sorted(FILES - set(contents)):
        raise BundleError(_unlisted(missing[0]))
    document, series = (parse_json(contents[name], folder / name) for name in ("task.json", "series.json"))
    try:
        bundle = _from_documents(folder, contents, document, series)
        _require_right(bundle)
    except BundleError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError) as error:
        raise BundleError(
            f"{folder}: task.json or series.json is not what this release writes: {error}. Restore the bundle from a "
            "copy, or fit again."
        ) from error
    return bundle


def _from_documents(
    folder: Path, contents: dict[str, bytes], document: Mapping[str, Any], series: Mapping[str, Any]
) -> Bundle:
    members = [
        Member(
            file=member["file"],
            weight=member["weight"],
            config=NetworkConfig(**typed(NetworkConfig, member["config"])),
            scaler=Scaler(scaler["log"], _floats(scaler["center"]), _floats(scaler["scale"])),
            arrays=_arrays(folder, contents, member["file"]),
        )
        for member, scaler in zip(document["members"], series["scalers"], strict=True)
    ]
    known = FILES | {member.file for member in members} | {"future.parquet"}
    if extra := sorted(set(contents) - known):
        raise BundleError(f"{folder / extra[0]} is no part of a bundle. Restore it from a copy, or fit again.")
    return Bundle(
        folder=folder,
        task=Task(**typed(Task, document["task"])),
        source=Source.from_dict(document["source"]),
        calendar=Calendar.from_dict(document["calendar"]),
        ids=np.array(series["ids"], dtype=object),
        scale=_floats(series["scale"]),
        members=members,
        offsets={name: np.array(values, dtype=float) for name, values in document["offsets"].items()},
        baseline=document["baseline"],
        context=parse_rows(contents["context.parquet"], folder / "context.parquet"),
        covariates=_covariates(folder, contents, document, series),
        shares=document.get("shares", {}),
        widths=document.get("widths", NO_WIDER),
    )


def _arrays(folder: Path, contents: dict[str, bytes], file: str) -> dict[str, np.ndarray]:
    if file not in contents or not file.endswith(".keras"):
        raise BundleError(_unlisted(file))
    with reading(folder / file):
        return read_arrays(contents[file])


def _unlisted(file: str) -> str:
    return f"The bundle's manifest does not list '{file}'. Fit again, or restore it from a copy."


def _covariates(
    folder: Path, contents: dict[str, bytes], document: Mapping[str, Any], series: Mapping[str, Any]
) -> BundleCovariates:
    if "covariates" not in document:
        return BundleCovariates()
    content = contents.get("future.parquet")
    future = parse_rows(content, folder / "future.parquet") if content else None
    return BundleCovariates.from_documents(document["covariates"], series["covariates"], future)


def _floats(values: list[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def _require_right(bundle: Bundle) -> None:
    """Raise a ValueError, or a BundleError, unless the parts of a bundle fit each other."""
    task, n_series = bundle.task, len(bundle.ids)
    for name in (bundle.baseline, *bundle.shares, *bundle.offsets):
        if name not in (*BASELINES, MODEL):
            raise ValueError(f"there is no baseline '{name}'")
    if not {MODEL, bundle.baseline, *bundle.shares} <= set(bundle.offsets):
        raise ValueError("offsets are missing")
    for name, offsets in bundle.offsets.items():
        if offsets.shape != (task.horizon, len(QUANTILE_LEVELS)) or not np.isfinite(offsets).all():
            raise ValueError(f"the offsets of '{name}' do not fit a horizon of {task.horizon}")
    if len(bundle.widths) != len(QUANTILE_LEVELS) or not np.isfinite(np.array(bundle.widths, dtype=float)).all():
        raise ValueError("the intervals' widths are not one number for each quantile")
    sizes = [bundle.scale, *(part for m in bundle.members for part in (m.scaler.center, m.scaler.scale))]
    if any(part.shape != (n_series,) for part in sizes):
        raise ValueError(f"there are not constants of all {n_series} series")
    weights = [*(member.weight for member in bundle.members), *bundle.shares.values()]
    if not np.isfinite(np.array(weights, dtype=float)).all():
        raise ValueError("a weight is no number")
    context = bundle.context
    if list(context.columns) != [ID, TIME, TARGET, *bundle.covariates.columns]:
        raise ValueError("context.parquet has other columns")
    if not len(context) or not context[ID].isin(bundle.ids).all():
        raise ValueError("context.parquet has other series")
    if sum((last - first) // max(1, bundle.calendar.step) for _, first, last in bundle.calendar.sessions) > (
        MOST_SESSION_STEPS
    ):
        raise ValueError("its sessions have too many steps")
    needed, free = n_series * task.horizon * BYTES_PER_STEP, available_memory()
    if needed > free:
        raise BundleError(
            f"{bundle.folder} forecasts {task.horizon:,} steps of {n_series:,} series, which takes about "
            f"{needed / 2**30:.1f} GiB of memory, and {free / 2**30:.1f} GiB are free. Use a larger machine."
        )
    for member in bundle.members:
        with reading(bundle.folder / member.file):
            require_sensible(member.config, bundle.shape_of(member), member.arrays)
