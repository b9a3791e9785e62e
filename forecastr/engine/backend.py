"""Which Keras backend runs on which device, decided before Keras is loaded."""

import importlib.util
import os
import sys
from pathlib import Path

from forecastr.errors import ConfigError
from forecastr.schema import BACKENDS

# Fastest first, as measured: docs/backends.md.
PREFERENCE = {"cpu": ("jax", "tensorflow", "torch"), "gpu": ("jax", "tensorflow", "torch")}


def installed_backends() -> list[str]:
    """Return the Keras backends that can be imported, by name."""
    return [name for name in BACKENDS[1:] if importlib.util.find_spec(name)]


def find_device() -> str:
    """Return ``"gpu"`` where an NVIDIA driver is present and the GPU is not hidden, else ``"cpu"``."""
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES") == "" or os.environ.get("JAX_PLATFORMS") == "cpu"
    return "gpu" if Path("/proc/driver/nvidia/version").exists() and not hidden else "cpu"


def choose_backend(requested: str = "auto") -> str:
    """Return the backend to use: the one asked for, or the fastest one installed for the device.

    With ``"auto"``, what this process has loaded or ``KERAS_BACKEND`` names comes first.

    Raises
    ------
    ConfigError
        If it is unknown or not installed.
    """
    installed = installed_backends()
    if requested == "auto":
        decided = loaded_backend() or os.environ.get("KERAS_BACKEND")
        if decided:
            return decided
        return next(name for name in PREFERENCE[find_device()] if name in installed)
    if requested not in BACKENDS:
        raise ConfigError(f"backend is '{requested}'; choose one of {', '.join(BACKENDS)}.")
    if requested not in installed:
        raise ConfigError(
            f"backend '{requested}' is not installed. Install it with pip, or use {', '.join(installed)}."
        )
    return requested


def loaded_backend() -> str | None:
    """Return the backend of the Keras that this process has already loaded, if any."""
    keras = sys.modules.get("keras")
    return keras.config.backend() if keras and hasattr(keras, "config") else None


def use_backend(name: str) -> None:
    """Make Keras use this backend in this process, unless it is loaded already."""
    if loaded_backend() is None:
        os.environ.update(keras_environment(name))


def keras_environment(backend: str) -> dict[str, str]:
    """Return the environment variables that a process needs before it loads Keras."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "forecastr" / "jax"
    return {
        "KERAS_BACKEND": backend,
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "JAX_COMPILATION_CACHE_DIR": os.environ.get("JAX_COMPILATION_CACHE_DIR", str(cache)),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.2",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "0",
    }


def available_cores() -> list[int]:
    """Return the CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))
