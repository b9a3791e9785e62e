PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo demo-nightly test lint clean

demo: $(VENV)/installed  ## fit the example, print the verdict and where to look
	$(BIN)/forecastr fit examples/prices.csv --output demo --overwrite
	@echo
	@echo "Open demo/report.html in a browser. Every trial: $(BIN)/forecastr ui. What next: README.md"

NIGHTS ?= 20

demo-nightly: $(VENV)/installed  ## replay trading nights with faults; NIGHTS=250 for a year
	$(BIN)/python pipelines/demo_nightly.py --nights $(NIGHTS)

test: $(VENV)/installed-test  ## run the default suite: offline, seeded, on two cores
	$(BIN)/python -m pytest -q -n 2 --dist loadfile

lint: $(VENV)/installed-test  ## format check, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) demo demo-nightly

$(VENV)/installed: pyproject.toml
	@echo "Installing into $(VENV), which takes a minute or two ..."
	@$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info < (3, 14) else \
	  "forecastr needs Python 3.11, 3.12 or 3.13; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12 demo")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/installed-test: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@
