"""A pipeline file: what to forecast every night, from where, within which limits, and where to."""
