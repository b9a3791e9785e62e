"""What a run was made with: versions, backend, device."""

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from forecastr.engine.backend import (
    available_cores,
    choose_backend,
    find_device,
    installed_backends,
    keras_environment,
)

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


def describe_environment(backend: str) -> dict[str, Any]:
    """Return ``device`` and ``versions`` as plain values, without loading any of the packages."""
    device = {"backend": backend, "device": find_device(), "cores": len(available_cores())}
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
        "cache": keras_environment(backend)["JAX_COMPILATION_CACHE_DIR"] if backend == "jax" else "none",
        "versions": environment["versions"],
    }


def recurrent_kernels(backend: str, device: str) -> str:
    """Return which kernels train recurrent layers, in words."""
    if device == "cpu":
        return {
            "jax": "compiled by XLA, one core a worker",
            "tensorflow": "TensorFlow's graph, not XLA (slower on a CPU)",
            "torch": "a Python loop over steps: slow; install jax",
        }[backend]
    return {
        "jax": "LSTM on cuDNN, GRU as a fused scan",
        "tensorflow": "LSTM and GRU on cuDNN",
        "torch": "LSTM and GRU on cuDNN",
    }[backend]
