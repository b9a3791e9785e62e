"""Which backend and kernels a machine gets: chosen by what is installed, without a GPU to run on."""

import os
import subprocess
import sys

import pytest

from forecastr.engine import backend as room
from forecastr.engine.backend import (
    GPU_WORKERS,
    QUICK_FLAGS,
    available_cores,
    choose_backend,
    default_jobs,
    device_of,
    keras_environment,
    recurrent_kernel,
    use_backend_to_forecast,
    without_packages,
)
from forecastr.engine.environment import recurrent_kernels


@pytest.fixture
def machine(monkeypatch):
    """Return a function that makes this a machine with these packages, and a GPU or none."""

    def machine(*packages: str, gpu: bool) -> None:
        monkeypatch.delenv("KERAS_BACKEND", raising=False)
        monkeypatch.setattr(room, "loaded_backend", lambda: None)
        monkeypatch.setattr(room, "find_device", lambda: "gpu" if gpu else "cpu")
        monkeypatch.setattr(room.importlib.util, "find_spec", lambda name: name if name in packages else None)

    return machine


@pytest.mark.parametrize(
    ("backend", "device", "kernels"),
    [
        ("jax", "gpu", ["cudnn", "scan", "scan"]),
        ("tensorflow", "gpu", ["cudnn", "cudnn", "scan"]),
        ("torch", "gpu", ["cudnn", "cudnn", "loop"]),
        ("jax", "cpu", ["scan", "scan", "scan"]),
        ("tensorflow", "cpu", ["scan", "scan", "scan"]),
        ("torch", "cpu", ["loop", "loop", "loop"]),
    ],
)
def test_cells_get_the_kernels_that_keras_has_for_them(backend, device, kernels):
    assert [recurrent_kernel(cell, backend=backend, device=device) for cell in ("lstm", "gru", "rnn")] == kernels


def test_our_layers_are_made_as_cudnn_wants_them():
    import keras

    from forecastr.models.layers import recurrent_layer

    for cell in room.CUDNN_CELLS["tensorflow"]:
        layer = recurrent_layer(cell, 4, return_sequences=True)
        wanted = (keras.activations.tanh, keras.activations.sigmoid, True, 0.0, False)
        found = (layer.activation, layer.recurrent_activation, layer.use_bias, layer.recurrent_dropout, layer.unroll)
        assert found == wanted
        assert getattr(layer, "reset_after", True)


def test_the_doctor_says_it_in_words():
    assert recurrent_kernels("jax", "gpu") == "gru, rnn as a compiled loop; lstm on cuDNN"
    assert recurrent_kernels("torch", "cpu") == "gru, lstm, rnn as a Python loop over steps: slow; install jax"


def test_a_gpu_counts_only_for_a_backend_that_sees_it(machine):
    machine("jax", "tensorflow", gpu=True)
    assert (device_of("jax"), device_of("tensorflow")) == ("cpu", "gpu")
    assert choose_backend() == "tensorflow"
    machine("jax", "jax_cuda13_plugin", "tensorflow", gpu=True)
    assert device_of("jax") == "gpu"
    assert choose_backend() == "jax"


def test_a_gpu_that_no_backend_sees_is_no_reason_to_stop(machine):
    machine("jax", gpu=True)
    assert (choose_backend(), device_of("jax")) == ("jax", "cpu")


def test_without_a_gpu_the_fastest_backend_is_taken_with_a_worker_for_each_core(machine):
    machine("jax", "tensorflow", gpu=False)
    assert choose_backend() == "jax"
    assert default_jobs("jax") == len(available_cores())


def test_a_few_workers_share_a_gpu_and_reserve_nothing(machine, monkeypatch):
    machine("tensorflow", gpu=True)
    monkeypatch.setattr(room, "available_cores", lambda: list(range(16)))
    assert default_jobs("tensorflow") == GPU_WORKERS
    environment = keras_environment("tensorflow")
    assert environment["XLA_PYTHON_CLIENT_PREALLOCATE"] == "false"
    assert environment["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"


@pytest.mark.parametrize(
    ("packages", "asked", "chosen"),
    [
        (("jax", "tensorflow"), "auto", "numpy"),
        (("jax", "tensorflow"), "tensorflow", "tensorflow"),
        (("tensorflow",), "auto", "tensorflow"),  # Keras takes from JAX what NumPy does not have
    ],
)
def test_a_command_that_only_forecasts_compiles_nothing_unless_told(machine, monkeypatch, packages, asked, chosen):
    machine(*packages, gpu=False)
    monkeypatch.setattr(room, "_hide", lambda *names: [])
    monkeypatch.setattr(room.os, "environ", {})
    use_backend_to_forecast(asked)
    assert room.os.environ["KERAS_BACKEND"] == chosen
    assert choose_backend() != "numpy"  # which cannot train


def test_what_computes_little_is_compiled_quickly_on_a_cpu(machine, monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=here")
    machine("jax", gpu=False)
    assert (
        keras_environment("jax", quick=True)["XLA_FLAGS"] == f"--{QUICK_FLAGS[0]} --{QUICK_FLAGS[1]} --xla_dump_to=here"
    )
    assert "XLA_FLAGS" not in keras_environment("jax")
    assert "XLA_FLAGS" not in keras_environment("tensorflow", quick=True)
    monkeypatch.setattr(room, "version", lambda package: "1.2.3")  # may not know the flags, and would abort
    assert "XLA_FLAGS" not in keras_environment("jax", quick=True)


def test_no_cpu_flags_for_a_gpu(machine):
    machine("jax", room.JAX_PLUGINS[0], gpu=True)
    assert "XLA_FLAGS" not in keras_environment("jax", quick=True)


def test_packages_are_out_of_sight_in_the_block_alone(monkeypatch):
    monkeypatch.delitem(room.sys.modules, "wave", raising=False)
    with without_packages("wave", "json"), pytest.raises(ModuleNotFoundError):
        import wave
    with without_packages("json"):
        import json  # loaded already: nobody loses what they use

    import wave

    assert (json.loads("1"), wave.__name__) == (1, "wave")


def test_a_bidirectional_network_loads_no_tensorflow_into_a_process_that_uses_jax():
    code = """
import sys
from forecastr.engine.backend import spare_tensorflow, use_backend
use_backend("jax")
spare_tensorflow()
from forecastr.models.config import NetworkConfig, WindowShape
from forecastr.models.network import build_forecaster
config = NetworkConfig(bidirectional=True, supervision="last", units=4, context_length=8)
build_forecaster(config, WindowShape(horizon=2, season_lengths=(1,)))
sys.exit("tensorflow.python" in sys.modules)
"""
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
