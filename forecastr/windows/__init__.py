"""Cutoffs, parts, causal scaling and windows: from a panel to what a network reads."""
