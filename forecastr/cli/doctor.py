"""``forecastr doctor``: versions, backend, device, and whether the fast kernels will be used."""

from typing import Annotated

import typer

from forecastr.schema import BACKENDS


def doctor(
    backend: Annotated[
        str, typer.Option(metavar="NAME", help=f"Keras backend to look at: {', '.join(BACKENDS)}.")
    ] = "auto",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")] = False,
) -> None:
    """Say what a fit would run on."""
    from forecastr.engine.environment import examine
    from forecastr.files import to_json

    findings = examine(backend)
    typer.echo(to_json(findings, indent=2) if json else "\n".join(f"{k:<14} {v}" for k, v in flat(findings)))


def flat(findings: dict[str, object]) -> list[tuple[str, object]]:
    """Return nested findings as lines of name and value."""
    lines: list[tuple[str, object]] = []
    for name, value in findings.items():
        lines += flat(value) if isinstance(value, dict) else [(name, value)]
    return lines
