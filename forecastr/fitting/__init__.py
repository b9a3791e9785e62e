"""One fit from table to run folder: plan, search, choose, judge, refit, tell."""
