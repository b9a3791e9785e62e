"""Where work runs: the backend, the device, and worker processes."""
