PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint clean

demo: $(VENV)/installed  ## fit the example, print the verdict and where to look
	$(BIN)/forecastr fit examples/prices.csv --output demo --overwrite

test: $(VENV)/installed-test  ## run the default suite: offline, seeded
	$(BIN)/python -m pytest -q

lint: $(VENV)/installed-test  ## format check, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) demo

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/installed-test: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@
