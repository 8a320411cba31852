# Everything runs in .venv, which the first target that needs it sets up: `make demo` installs what the program
# needs, `make test` the rest.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
TESTS_READY := .venv/ready-for-tests
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

# A process a core, up to what the tests' memory allows.
PYTEST := $(BIN)/python -m pytest --numprocesses=logical --maxprocesses=8 --dist=worksteal

.PHONY: install demo test test-slow test-all lint bench clean

install: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or later is needed: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv
	@echo "installing the program and what it needs into .venv; this takes some minutes"
	$(INSTALL) --editable .
	touch $@

$(TESTS_READY): $(READY)
	@echo "installing what tests, lint and benchmarks need"
	$(INSTALL) --editable '.[dev]'
	touch $@

demo: $(READY)
	$(BIN)/animeinterp demo

test: $(TESTS_READY)
	$(PYTEST) $(PYTEST_ARGS)

test-slow: $(TESTS_READY)
	$(PYTEST) -m slow $(PYTEST_ARGS)

test-all: test test-slow

lint: $(TESTS_READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(TESTS_READY)
	$(BIN)/python -m benchmarks

clean:
	rm -rf .venv demo *.egg-info
