"""Networks of these tests run on JAX, unless Keras is loaded already."""

from forecastr.engine.backend import use_backend

use_backend("jax")
