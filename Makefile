# Everything one can do here. `make` lists it. Only Python 3.11 or newer, make and PyPI are needed.

PYTHON  ?= python3
VENV    := .venv
BIN     := $(VENV)/bin
RUNTIME := $(VENV)/.runtime
DEVELOPMENT := $(VENV)/.development
SPHINX  := $(BIN)/sphinx-build -W --keep-going -n -q -j auto -d build/doctrees docs site
HOME_DIR ?= .zooscope
SEED    ?= 1

.DEFAULT_GOAL := help
.PHONY: help install demo down up test check fix proto migration docs docs-serve \
        bench-attribution bench-pairwise bench-service bench-scale bench-real bench-layers bench-taskonomy chaos takeover fuzz clean \
        check-format check-lint check-names check-types check-imports check-stubs check-tables check-pages check-docs check-oldest-python check-clients check-pins

help:  ## list what one can do
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Each set is installed again only when the pins or the project file are newer than its last installation.
$(RUNTIME): constraints.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null \
	  || { echo "There is no $(PYTHON). Install Python 3.11 or newer, or name yours: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "$(PYTHON) is older than Python 3.11, which Zooscope needs; try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) deploy/install.py runtime
	@touch $@

$(DEVELOPMENT): $(RUNTIME)
	@$(BIN)/python deploy/install.py development
	@touch $@

install: $(RUNTIME)  ## create .venv with the pinned packages that the service runs on

demo: $(RUNTIME)  ## start the service, train a small zoo, upload and rank it
	$(BIN)/zooscope demo --home $(HOME_DIR)

up: $(RUNTIME)  ## start the service in the foreground (Ctrl-C stops it)
	$(BIN)/zooscope up --home $(HOME_DIR)

down: $(RUNTIME)  ## stop the service that `make demo` left running
	$(BIN)/zooscope down --home $(HOME_DIR)

# A file's tests stay together, and the slowest files come first (tests/slowest_files.py). Many tests wait for other
# processes, so there are more workers than small machines have cores; threads would only stand in their way.
# Compiled modules are kept, whatever the environment says: hundreds of processes import them.
test: $(DEVELOPMENT)  ## run every test that this machine can run
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 4 --dist loadfile --no-loadscope-reorder $(TESTS)

check: check-format check-lint check-names check-types check-imports check-stubs check-pages check-tables check-oldest-python check-docs check-clients check-page  ## format, lint, names, types, import contracts, generated files, tables, pins, docs
	@echo "check: all clean"

check-format: $(DEVELOPMENT)
	$(BIN)/ruff format --check --quiet .
check-lint: $(DEVELOPMENT)
	$(BIN)/ruff check --quiet .
check-names: $(DEVELOPMENT)
	$(BIN)/python -m tests.architecture.names
check-types: $(DEVELOPMENT)
	$(BIN)/mypy --no-error-summary
check-imports: $(DEVELOPMENT)
	$(BIN)/lint-imports --no-logo
check-stubs: $(DEVELOPMENT)
	$(BIN)/python proto/generate.py check
check-pages: $(DEVELOPMENT)
	$(BIN)/python deploy/pages.py check
check-tables: $(DEVELOPMENT)
	$(BIN)/python migrations/against_tables.py check
check-oldest-python: $(VENV)/.resolved
# Status 75: the index did not answer, so the next check asks again.
$(VENV)/.resolved: constraints.txt pyproject.toml | $(DEVELOPMENT)
	$(BIN)/python deploy/pins.py oldest && touch $@ || test $$? -eq 75
check-docs: $(DEVELOPMENT)
	$(SPHINX) -E
	$(BIN)/python -m tests.docs.built_site site

check-clients: $(DEVELOPMENT)  ## generate clients in TypeScript and Python from the OpenAPI document, and compile them
	$(BIN)/python deploy/generated_clients.py
check-page: $(DEVELOPMENT)  ## check the types of the scripts of the page
	$(BIN)/python deploy/page_types.py
check-pins: $(DEVELOPMENT)  ## check that the pins resolve on every supported Python (a few minutes)
	$(BIN)/python deploy/pins.py all

fix: $(DEVELOPMENT)  ## format, repair what the linter can, write generated pages anew
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format --quiet .
	$(BIN)/python deploy/pages.py write

proto: $(DEVELOPMENT)  ## write the gRPC stubs anew from proto/
	$(BIN)/python proto/generate.py write

migration: $(DEVELOPMENT)  ## write a migration from the records: make migration m="what changes"
	@test -n "$(m)" || { echo 'say what changes: make migration m="jobs get a colour"'; exit 1; }
	$(BIN)/python migrations/against_tables.py write "$(m)"

docs: $(DEVELOPMENT)  ## build the documentation into site/
	$(SPHINX)

docs-serve: docs  ## build the documentation and serve it on http://127.0.0.1:8000
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory site 8000

bench-attribution: $(RUNTIME)  ## cost of a measuring pass over a bare forward and backward
	$(BIN)/python -m benchmarks.attribution_cost
bench-pairwise: $(RUNTIME)  ## all-pairs similarity of 1 000 networks over one matrix product
	$(BIN)/python -m benchmarks.pairwise
bench-service: $(RUNTIME)  ## start-up, memory, latencies, upload speed
	$(BIN)/python -m benchmarks.service
bench-scale: $(RUNTIME)  ## neighbours in zoos of up to 100 000 networks (15 minutes, 6 GB of disk)
	$(BIN)/python -m benchmarks.scale
bench-layers: $(RUNTIME)  ## which layer to cut at, against measured transfer (needs the shared folder of real data)
	$(BIN)/python -m benchmarks.layer_selection
bench-taskonomy: $(RUNTIME)  ## which network transfers to which task, and who foresaw it (needs the shared folder of real data)
	$(BIN)/python -m benchmarks.small_taskonomy
bench-real: $(RUNTIME)  ## rank real networks (needs the shared folder of real data)
	$(BIN)/python -m benchmarks.real_zoo

chaos: $(DEVELOPMENT)  ## an hour of random faults against a zoo of real processes: make chaos SEED=7
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.chaos --seed $(SEED) --minutes 60
takeover: $(DEVELOPMENT)  ## kill a worker at every stage of a job, 20 times each, and print how long its job waits
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.chaos --takeover
fuzz: $(DEVELOPMENT)  ## 20 000 generated requests to every operation of REST: make fuzz SEED=7
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.rest.fuzz --seed $(SEED) --cases 20000

clean:  ## remove what tools leave behind; the environment and the zoo stay
	rm -rf site build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .schemathesis
