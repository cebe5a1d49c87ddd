# The two commands of the README are `make demo` and `make test`; each sets up what it needs.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PEERS := .venv-bench
PYTHON := $(shell command -v python3.11 || command -v python3)
STATE ?= .state/demo
AS_OF ?= 2026-01-15
WORKERS ?= 2
INPUT_OPTION := $(if $(INPUT),--input $(INPUT),)

.PHONY: demo up test check format generate bench lock setup clean help

help: ## Show this help
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(READY) ## Make the virtual environment from the lock file

$(READY): requirements.lock requirements.bootstrap.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "Python 3.11 is needed; found $$($(PYTHON) --version)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.bootstrap.lock
	$(BIN)/uv pip install --quiet --system-certs --python $(BIN)/python --require-hashes --compile-bytecode -r requirements.lock || \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock # where only pip knows the way out
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY) ## Run the main job from signed contracts to delivered invoices; INPUT=FILE for retail orders, STATE=DIR, AS_OF=DATE
	$(BIN)/billhub demo --state $(STATE) --as-of $(AS_OF) $(INPUT_OPTION)

up: $(READY) ## The same, and leave everything running
	$(BIN)/billhub demo --state $(STATE) --as-of $(AS_OF) $(INPUT_OPTION) --stay

test: $(READY) ## All tests; those that need a server or the vendors' contracts say so when they are skipped
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)

check: $(READY) ## Format, lint, types, import contracts, generated files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m canonical_model.schemas --check
	$(BIN)/python -m mappings.reference --check
	$(BIN)/python -m billhub.cli.reference --check
	$(BIN)/python -m connectors.matrix --check

format: $(READY) ## Format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

generate: $(READY) ## Make the generated files anew
	$(BIN)/python -m canonical_model.schemas
	$(BIN)/python -m mappings.reference
	$(BIN)/python -m billhub.cli.reference
	$(BIN)/python -m connectors.matrix

bench: $(READY) $(PEERS)/.ready ## The hub beside hand-written functions, a floor, a plain loop and peers; ARGS="ingest --records 10000" for a part
	$(BIN)/python -m bench $(ARGS)

$(PEERS)/.ready: requirements.bench.lock $(READY)
	$(PYTHON) -m venv $(PEERS)
	$(BIN)/uv pip install --quiet --system-certs --python $(PEERS)/bin/python --require-hashes -r requirements.bench.lock || \
		$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.bench.lock
	@touch $@

lock: $(READY) ## Resolve the dependencies anew
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --no-emit-index-url --generate-hashes --no-annotate \
		--extra dev --python-version 3.11 -o requirements.lock pyproject.toml
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --no-emit-index-url --generate-hashes --no-annotate \
		--group bench --python-version 3.11 -o requirements.bench.lock

clean: ## Forget the demo's state
	rm -rf .state
