# Everything a newcomer needs: make demo, make test. Both set themselves up in .venv first.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed-dev
PACKAGES := pyproject.toml

.PHONY: demo test check bench support pictures clean help

help:
	@echo "make demo     the main job once, on real images, with a report (under 4 minutes on 2 cores)"
	@echo "make test     all tests"
	@echo "make check    lint, types, layers"
	@echo "make bench    speed, written to benchmarks/results"

$(STAMP): $(PACKAGES)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "pixelveil needs Python 3.11 or newer: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

demo: $(STAMP)
	$(BIN)/pixelveil demo --out demo-report

# Two processes with one thread each: more threads would only wait for each other.
test: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(STAMP)
	$(BIN)/python -m benchmarks.run

# The README's four pictures, from a photograph in the public domain.
pictures: $(STAMP)
	$(BIN)/python -m pixelveil.demo.readme docs/pictures

# Prove every architecture of the support table again and write it (about three minutes).
support: $(STAMP)
	$(BIN)/pixelveil model support --prove

clean:
	rm -rf $(VENV) build dist demo-report
