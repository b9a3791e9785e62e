"""The house in order: which room imports which, and which package stays in which room."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import forecastr

PACKAGE = Path(forecastr.__file__).parent
# A room imports from those before it, and from itself.
ORDER = (
    *("errors", "files", "schema", "data", "windows", "evaluation", "models", "engine"),
    *("pretraining", "search", "bundle", "report", "tracking", "fitting", "forecaster", "pipeline", "cli"),
)
# Where other packages may be met.
HOMES = {
    "keras": {"models", "engine", "search", "bundle"},
    "h5py": {"bundle"},
    "keras_tuner": {"search"},
    "mlflow": {"tracking"},
    "typer": {"cli"},
    "rich": {"cli"},
    "tensorflow": {"engine"},
    "jax": {"engine"},
    "torch": {"engine"},
    "statsmodels": set(),
    "matplotlib": {"report"},
    "plotly": {"report"},
    "yfinance": {"data"},
    "pydantic": {"pipeline"},
    "yaml": {"pipeline"},
    "sqlalchemy": {"pipeline", "tracking"},
    "pickle": set(),
}
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def room_of(path: Path) -> str:
    """Return the folder below the package, or the name of a file beside the folders."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """Yield every module that a file names in an import, those inside functions and for types too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written out"
            assert node.module
            yield node.module
            if node.module == "forecastr":
                yield from (f"forecastr.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_from_rooms_above_it(path):
    room = room_of(path)
    assert room in ORDER
    for module in imports(path):
        first, _, rest = module.partition(".")
        if first == "forecastr" and rest:
            other = rest.partition(".")[0]
            assert ORDER.index(other) <= ORDER.index(room), f"{room} imports {module}"
        elif first in HOMES:
            assert room in HOMES[first], f"{module} has no place in {room}"


def test_only_the_command_line_prints():
    for path in FILES:
        if room_of(path) != "cli":
            calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
            assert not [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"], path


def test_public_names_are_those_listed_and_each_is_there():
    assert sorted(forecastr.__all__) == sorted({*forecastr._ROOMS, "__version__"})
    for name in forecastr.__all__:
        assert getattr(forecastr, name) is not None
    assert dir(forecastr) == sorted(forecastr.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Forcaster'"):
        forecastr.Forcaster  # noqa: B018


def test_there_is_no_room_for_odds_and_ends():
    assert not list(PACKAGE.rglob("util*"))
