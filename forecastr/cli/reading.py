"""Tables as commands take them: arguments, the options of reading that several share, and what to warn of."""

import functools
import gc
import inspect
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

if TYPE_CHECKING:
    from forecastr.bundle import Bundle
    from forecastr.data import Panel, ReadOptions

BLAS_THREADS = "OPENBLAS_NUM_THREADS"
GROUP = "Reading the table"
BUNDLE = "Bundle folder, the run folder that holds it, or models:/NAME@ALIAS."
TABLES = "CSV (also compressed) or Parquet: a file, several, a folder of them, or - for standard input."


def _option(metavar: str | None, help: str, name: str | None = None) -> Any:
    return typer.Option(*([name] if name else []), metavar=metavar, help=help, rich_help_panel=GROUP)


def _reading(
    target: Annotated[str | None, _option("NAMES", "Column to forecast; several are a series each: A,B.")] = None,
    time: Annotated[str | None, _option("NAME", "Column of dates, or of step numbers.")] = None,
    id: Annotated[str | None, _option("NAME", "Column that tells series apart.")] = None,
    wide: Annotated[bool, _option(None, "Every numeric column is a series.", "--wide")] = False,
    known_covariates: Annotated[
        str | None, _option("NAMES", "Columns known through the horizon: promo,holiday.")
    ] = None,
    past_covariates: Annotated[
        str | None, _option("NAMES", "Columns known until now, or none. Default: the other numeric ones.")
    ] = None,
    date_format: Annotated[str | None, _option("FORMAT", "How dates are written, such as %d/%m/%Y.")] = None,
    tz: Annotated[str | None, _option("ZONE", "Time zone of dates that name none: Europe/Berlin.")] = None,
    freq: Annotated[
        str | None, _option("STEP", "From row to row: D, B, h, 15min, MS. Default: found in the data.")
    ] = None,
    no_dates: Annotated[bool, _option(None, "There is no time column: rows are the steps.", "--no-dates")] = False,
    resample: Annotated[str | None, _option("STEP", "Take the mean of each such step: W, MS.")] = None,
    as_of: Annotated[str | None, _option("DATE", "Leave out later rows, and a last one not over by then.")] = None,
    decimal: Annotated[str | None, _option("MARK", "Decimal mark, . or ,")] = None,
    encoding: Annotated[str | None, _option("NAME", "Encoding of the text: utf-8, cp1252, utf-16.")] = None,
    skip_rows: Annotated[
        int, typer.Option(min=0, metavar="N", help="Lines before the header.", rich_help_panel=GROUP)
    ] = 0,
    no_header: Annotated[bool, _option(None, "The first line holds values.", "--no-header")] = False,
    on_bad_lines: Annotated[str, _option("POLICY", "Lines with too many fields: error, skip.")] = "error",
    duplicates: Annotated[
        str, _option("POLICY", "Several values at one time of one series: error, first, last, mean, sum.")
    ] = "error",
    missing: Annotated[
        str, _option("POLICY", "Missing values: mask (passed over), forward (the last one before), zero, error.")
    ] = "mask",
) -> "ReadOptions":
    """Return the options of reading, each named as its field."""
    from forecastr.data.options import ReadOptions, names_of

    past = None if past_covariates is None else names_of(past_covariates)
    return ReadOptions(
        target=names_of(target), time=time, id=id, wide=wide, known_covariates=names_of(known_covariates),
        past_covariates=past, date_format=date_format, tz=tz, freq=freq, dates=not no_dates, resample=resample,
        as_of=as_of, decimal=decimal, encoding=encoding, skip_rows=skip_rows, header=not no_header,
        on_bad_lines=on_bad_lines, duplicates=duplicates, missing=missing,
    )  # fmt: skip


def reads_tables(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of reading in place of its parameter ``reading``, which receives them as one."""
    options = inspect.signature(_reading).parameters

    @functools.wraps(command)
    def with_options(**given: Any) -> None:
        own = {name: given.pop(name) for name in options}
        with _loading_quickly():
            reading = _reading(**own)
        command(reading=reading, **given)

    signature = inspect.signature(command)
    parameters = [p for p in signature.parameters.values() if p.name != "reading"]
    parameters += [option.replace(kind=inspect.Parameter.KEYWORD_ONLY) for option in options.values()]
    keyword_only = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
    with_options.__signature__ = signature.replace(parameters=keyword_only)  # type: ignore[attr-defined]
    with_options.__annotations__ = {p.name: p.annotation for p in parameters}
    return with_options


@contextmanager
def _loading_quickly() -> Iterator[None]:
    """Load numpy and pandas in half the time.

    They make many objects and no garbage that is worth looking for, and OpenBLAS starts threads that wait by spinning:
    nothing here is linear algebra.
    """
    said = os.environ.get(BLAS_THREADS)
    os.environ[BLAS_THREADS] = said or "1"
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        if said is None:  # processes that are started later are to have their own
            del os.environ[BLAS_THREADS]


def tables(data: list[Path]) -> str | Path | list[Path]:
    """Return what the arguments of a command name, as the reader takes it."""
    if len(data) > 1:
        return data
    return "-" if str(data[0]) == "-" else data[0]


def bundle_folder(bundle: str) -> Path:
    """Return the folder that a command's BUNDLE names; that of a tracked model is fetched."""
    from forecastr.tracking.fetch import fetch_model, is_model_address

    return fetch_model(bundle) if is_model_address(bundle) else Path(bundle)


def warn_of(rows: "Panel", bundle: "Bundle") -> None:
    """Print what to know about rows that are newer than a bundle, on standard error."""
    from forecastr.data.continuation import compare_with_context
    from forecastr.report.wording import printable

    for text in [*rows.report["warnings"], *compare_with_context(rows.frame, bundle.context, bundle.source)]:
        typer.echo(f"warning: {printable(text)}", err=True)


class GroupedCommand(TyperCommand):
    """A command whose help lists the options of reading under a title of their own."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments, then each group of options, in order of first appearance."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                name, text = record
                if parameter.param_type_name == "argument":  # its type says less than its name
                    groups.setdefault("Arguments", []).append((name.partition(" ")[0], text))
                else:
                    groups.setdefault(getattr(parameter, "rich_help_panel", None) or "Options", []).append(record)
        for title in ("Arguments", *(title for title in groups if title != "Arguments")):
            if title in groups:
                with formatter.section(title):
                    formatter.write_dl(groups[title])
