"""Which Keras backend runs on which device, decided before Keras is loaded."""

import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from forecastr.errors import ConfigError
from forecastr.files import cache_folder
from forecastr.schema import BACKENDS

# Fastest first, as measured: docs/backends.md.
PREFERENCE = ("jax", "tensorflow", "torch")
NUMPY = "numpy"  # Keras' backend that forecasts and cannot train
GPU_WORKERS = 4  # small networks that share a card
JAX_PLUGINS = ("jax_cuda12_plugin", "jax_cuda13_plugin")  # without one, JAX does not see the GPU
# With these XLA compiles for a CPU in half the seconds, and its programs take a quarter longer to run.
QUICK_FLAGS = ("xla_cpu_use_fusion_emitters=false", "xla_backend_optimization_level=1")
QUICK_JAX = ("0.7", "0.8", "0.9", "0.10")  # JAX that knows these flags: one that does not ends the process
# Recurrent cells that run on cuDNN as our layers are made: tanh and sigmoid, GRU with its reset after the product,
# no mask, no unrolling and no dropout inside the recurrence. From Keras' sources: backend/*/rnn.py.
CUDNN_CELLS = {"jax": ("lstm",), "tensorflow": ("lstm", "gru"), "torch": ("lstm", "gru")}


def installed_backends() -> list[str]:
    """Return the Keras backends that can be imported, by name."""
    return [name for name in BACKENDS[1:] if importlib.util.find_spec(name)]


def find_device() -> str:
    """Return ``"gpu"`` where an NVIDIA driver is present and the GPU is not hidden, else ``"cpu"``."""
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES") == "" or os.environ.get("JAX_PLATFORMS") == "cpu"
    return "gpu" if Path("/proc/driver/nvidia/version").exists() and not hidden else "cpu"


def device_of(backend: str) -> str:
    """Return ``"gpu"`` where there is one and this backend was installed to use it, else ``"cpu"``."""
    blind = backend == "jax" and not any(map(importlib.util.find_spec, JAX_PLUGINS))
    return "cpu" if blind else find_device()


def default_jobs(backend: str) -> int:
    """Return how many workers train side by side: one per core, or a few that share a GPU."""
    cores = len(available_cores())
    return min(GPU_WORKERS, cores) if device_of(backend) == "gpu" else cores


def recurrent_kernel(cell: str, *, backend: str, device: str) -> str:
    """Return what runs a recurrent layer: ``"cudnn"``, ``"scan"`` (a compiled loop) or ``"loop"`` (one in Python).

    Examples
    --------
    >>> [recurrent_kernel(cell, backend="jax", device="gpu") for cell in ("lstm", "gru", "rnn")]
    ['cudnn', 'scan', 'scan']
    """
    if device == "gpu" and cell in CUDNN_CELLS[backend]:
        return "cudnn"
    return "loop" if backend == "torch" else "scan"


def choose_backend(requested: str = "auto") -> str:
    """Return the backend to use: the one asked for, or the fastest one installed for the device.

    With ``"auto"``, what this process has loaded or ``KERAS_BACKEND`` names comes first, if it can train.

    Raises
    ------
    ConfigError
        If it is unknown or not installed.
    """
    installed = installed_backends()
    if requested == "auto":
        decided = loaded_backend() or os.environ.get("KERAS_BACKEND")
        if decided and decided != NUMPY:
            return decided
        able = [name for name in PREFERENCE if name in installed]
        return next((name for name in able if device_of(name) == find_device()), able[0])
    if requested not in BACKENDS:
        raise ConfigError(f"backend is '{requested}'; choose one of {', '.join(BACKENDS)}.")
    if requested not in installed:
        raise ConfigError(
            f"backend '{requested}' is not installed. Install it with pip, or use {', '.join(installed)}."
        )
    return requested


def backend_to_forecast(requested: str = "auto") -> str:
    """Return the backend for a process of ours that only forecasts: with ``"auto"`` NumPy.

    ``KERAS_BACKEND`` says what to train on. A bundle forecasts alike on all, and NumPy has nothing to compile.
    Keras takes some functions for it from JAX, without which the choice is that of training.
    """
    return NUMPY if requested == "auto" and "jax" in installed_backends() else choose_backend(requested)


def use_backend_to_forecast(requested: str = "auto") -> None:
    """Make this process, a command's, forecast on a backend, unless Keras is loaded already."""
    use_backend(backend_to_forecast(requested), quick=True)
    spare_tensorflow()


def loaded_backend() -> str | None:
    """Return the backend of the Keras that this process has already loaded, if any."""
    keras = sys.modules.get("keras")
    return keras.config.backend() if keras and hasattr(keras, "config") else None


def use_backend(name: str, *, quick: bool = False) -> None:
    """Make Keras use this backend in this process, unless it is loaded already."""
    if loaded_backend() is None:
        os.environ.update(keras_environment(name, quick=quick))


def spare_tensorflow() -> None:
    """Hide TensorFlow from a process of our own that will load Keras on another backend.

    Keras would load it, seconds and 400 MiB, only to ask whether an object is one of its own.
    """
    if loaded_backend() is None and os.environ["KERAS_BACKEND"] != "tensorflow":
        _hide("tensorflow")


@contextmanager
def without_packages(*names: str) -> Iterator[None]:
    """Let imports in the block find that packages are not there, unless they are loaded already."""
    hidden = _hide(*names)
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def _hide(*names: str) -> list[str]:
    """Let imports find that packages are not there; return those that were not loaded already."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    return hidden


def load_keras(backend: str | None = None) -> None:
    """Load Keras on this backend, and not what it only offers to work with: that is a third of its time.

    Without a name it is the one that this process was told to use, or else the one to train on.
    """
    use_backend(backend or os.environ.get("KERAS_BACKEND") or choose_backend())
    with without_packages("matplotlib", "sklearn"):
        import keras  # noqa: F401


def keras_environment(backend: str, *, quick: bool = False) -> dict[str, str]:
    """Return the environment variables that a process needs before it loads Keras.

    Parameters
    ----------
    backend : str
        Which one.
    quick : bool
        Whether there is too little to compute for compiling it well to pay.
    """
    return {
        **(_quick_compiling() if quick and backend == "jax" and device_of("jax") == "cpu" else {}),
        "KERAS_BACKEND": backend,
        "TF_CPP_MIN_LOG_LEVEL": "3",
        **_compilation_cache(),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.2",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "0",
        # Workers share a GPU: none of them takes its memory before it needs it.
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    }


def _compilation_cache() -> dict[str, str]:
    """Return where JAX keeps what it has compiled: nowhere, rather than with a warning each time, if it must not."""
    if asked := os.environ.get("JAX_COMPILATION_CACHE_DIR"):
        return {"JAX_COMPILATION_CACHE_DIR": asked}
    try:
        folder = cache_folder() / "jax"
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # RuntimeError: a user without a home
        return {}
    return {"JAX_COMPILATION_CACHE_DIR": str(folder)} if os.access(folder, os.W_OK) else {}


def _quick_compiling() -> dict[str, str]:
    if version("jaxlib").rpartition(".")[0] not in QUICK_JAX:
        return {}
    return {"XLA_FLAGS": " ".join([*(f"--{flag}" for flag in QUICK_FLAGS), os.environ.get("XLA_FLAGS", "")]).strip()}


def available_cores() -> list[int]:
    """Return the CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))
