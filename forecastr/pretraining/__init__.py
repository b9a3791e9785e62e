"""Where the weights in ``forecastr/models/weights/`` come from: simulated series, and a network trained on them."""
