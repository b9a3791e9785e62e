"""What a run was made with: versions, backend, device."""

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from forecastr.engine.backend import (
    available_cores,
    choose_backend,
    device_of,
    installed_backends,
    keras_environment,
    recurrent_kernel,
)
from forecastr.models.config import CHOICES

PACKAGES = (
    "forecastr",
    "keras",
    "keras-tuner",
    "jax",
    "tensorflow",
    "torch",
    "numpy",
    "pandas",
    "scikit-learn",
    "mlflow",
)


KERNELS = {"cudnn": "on cuDNN", "scan": "as a compiled loop", "loop": "as a Python loop over steps: slow; install jax"}


def describe_environment(backend: str) -> dict[str, Any]:
    """Return ``device`` and ``versions`` as plain values, without loading any of the packages."""
    device = {"backend": backend, "device": device_of(backend), "cores": len(available_cores())}
    found = {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}}
    return {"device": device, "versions": {name: number for name, number in found.items() if number}}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def examine(requested: str = "auto") -> dict[str, Any]:
    """Return what a fit would run on: versions, backends, cores, and which recurrent kernels.

    Raises
    ------
    ConfigError
        If the backend asked for is not installed.
    """
    backend = choose_backend(requested)
    environment = describe_environment(backend)
    return {
        "backend": backend,
        "installed": ", ".join(installed_backends()),
        "device": environment["device"]["device"],
        "cores": environment["device"]["cores"],
        "kernels": recurrent_kernels(backend, environment["device"]["device"]),
        "cache": keras_environment(backend).get("JAX_COMPILATION_CACHE_DIR", "none") if backend == "jax" else "none",
        "versions": environment["versions"],
    }


def recurrent_kernels(backend: str, device: str) -> str:
    """Return which kernels train recurrent layers, in words.

    Examples
    --------
    >>> recurrent_kernels("tensorflow", "gpu")
    'gru, lstm on cuDNN; rnn as a compiled loop'
    """
    cells: dict[str, list[str]] = {}
    for cell in CHOICES["cell"]:
        cells.setdefault(recurrent_kernel(str(cell), backend=backend, device=device), []).append(str(cell))
    return "; ".join(f"{', '.join(names)} {KERNELS[kernel]}" for kernel, names in cells.items())
