"""Where the weights in ``forecastr/models/pretrained/`` come from: simulated series, and a network trained on them."""
