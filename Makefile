# Everything one can do here. `make` lists it. Only Python 3.11 or newer, make and PyPI are needed.

PYTHON  ?= python3
VENV    := .venv
BIN     := $(VENV)/bin
SPHINX  := $(BIN)/sphinx-build -W --keep-going -n -q -j auto -d build/doctrees docs site
READY   := $(VENV)/.installed
HOME_DIR ?= .zooscope

.DEFAULT_GOAL := help
.PHONY: help install demo down up test check fix proto migration docs docs-serve \
        bench-attribution bench-pairwise bench-service bench-scale bench-real bench-layers bench-taskonomy clean \
        check-format check-lint check-types check-imports check-stubs check-tables check-pages check-docs

help:  ## list what one can do
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Installed again only when the pins or the project file are newer than the last installation.
$(READY): constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Zooscope needs Python 3.11 or newer; try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  -c constraints.txt -e '.[api,embedded,worker,dev]'
	@touch $@

install: $(READY)  ## create .venv with the pinned dependencies

demo: $(READY)  ## start the service, train a small zoo, upload and rank it
	$(BIN)/zooscope demo --home $(HOME_DIR)

up: $(READY)  ## start the service in the foreground (Ctrl-C stops it)
	$(BIN)/zooscope up --home $(HOME_DIR)

down: $(READY)  ## stop the service that `make demo` left running
	$(BIN)/zooscope down --home $(HOME_DIR)

# A file's tests stay together. Threads of their own would only stand in each other's way.
test: $(READY)  ## run every test that this machine can run
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n logical --maxprocesses 4 --dist loadfile $(TESTS)

check: check-format check-lint check-types check-imports check-stubs check-pages check-tables check-docs  ## format, lint, types, import contracts, generated files, tables, docs
	@echo "check: all clean"

check-format: $(READY)
	$(BIN)/ruff format --check --quiet .
check-lint: $(READY)
	$(BIN)/ruff check --quiet .
check-types: $(READY)
	$(BIN)/mypy --no-error-summary
check-imports: $(READY)
	$(BIN)/lint-imports --no-logo
check-stubs: $(READY)
	$(BIN)/python proto/generate.py check
check-pages: $(READY)
	$(BIN)/python deploy/pages.py check
check-tables: $(READY)
	$(BIN)/python migrations/against_records.py check
check-docs: $(READY)
	$(SPHINX) -E
	$(BIN)/python -m tests.docs.built_site site

fix: $(READY)  ## format, repair what the linter can, write generated pages anew
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format --quiet .
	$(BIN)/python deploy/pages.py write

proto: $(READY)  ## write the gRPC stubs anew from proto/
	$(BIN)/python proto/generate.py write

migration: $(READY)  ## write a migration from the records: make migration m="what changes"
	@test -n "$(m)" || { echo 'say what changes: make migration m="jobs get a colour"'; exit 1; }
	$(BIN)/python migrations/against_records.py write "$(m)"

docs: $(READY)  ## build the documentation into site/
	$(SPHINX)

docs-serve: docs  ## build the documentation and serve it on http://127.0.0.1:8000
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory site 8000

bench-attribution: $(READY)  ## cost of a measuring pass over a bare forward and backward
	$(BIN)/python -m benchmarks.attribution_cost
bench-pairwise: $(READY)  ## all-pairs similarity of 1 000 networks over one matrix product
	$(BIN)/python -m benchmarks.pairwise
bench-service: $(READY)  ## start-up, memory, latencies, upload speed
	$(BIN)/python -m benchmarks.service
bench-scale: $(READY)  ## neighbours in zoos of up to 100 000 networks (15 minutes, 6 GB of disk)
	$(BIN)/python -m benchmarks.scale
bench-layers: $(READY)  ## which layer to cut at, against measured transfer (needs the shared folder of real data)
	$(BIN)/python -m benchmarks.layer_selection
bench-taskonomy: $(READY)  ## which network transfers to which task, and who foresaw it (needs the shared folder of real data)
	$(BIN)/python -m benchmarks.small_taskonomy
bench-real: $(READY)  ## rank real networks (needs the shared folder of real data)
	$(BIN)/python -m benchmarks.real_zoo

clean:  ## remove what tools leave behind; the environment and the zoo stay
	rm -rf site build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .schemathesis
