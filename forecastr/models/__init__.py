"""Recurrent networks: cells, heads, losses, and the configuration that names them."""
