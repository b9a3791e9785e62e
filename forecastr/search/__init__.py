"""The oracle, trials, their budget and ledger; the ensemble of the best."""
