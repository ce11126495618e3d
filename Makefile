# DAWG-AI. `make run` and `make test` are all that is needed; `make help` lists the rest.
# Wanted on the machine: Python 3.11 to 3.13 with venv, and GNU make 3.81 or newer. Everything else is pinned and goes
# into .venv. Written for the oldest make and shell there are (macOS has make 3.81, Debian's sh is dash).

VENV := .venv
BIN  := $(VENV)/bin

# PYTHON=/path/to/python3.12 chooses the interpreter; otherwise an existing .venv keeps its own, and a new one gets the
# newest that runs (a name on the PATH is no proof: pyenv's shims are there for versions that are not).
PYTHON ?=
FITS    = import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))
CHOOSE  = for python in $(if $(PYTHON),"$(PYTHON)",$(BIN)/python python3.13 python3.12 python3.11 python3 python); do \
            if "$$python" -c '$(FITS)' >/dev/null 2>&1; then break; fi; python=; done; \
          if [ -z "$$python" ]; then \
            echo 'make: no usable Python$(if $(PYTHON), at $(PYTHON)). DAWG-AI needs Python 3.11, 3.12 or 3.13 with its venv' >&2; \
            echo 'module (Debian, Ubuntu: apt install python3-venv). make PYTHON=/path/to/python3.12 names one.' >&2; exit 1; fi

# Given on the command line: ARGS goes to pytest, the daemon or the benches; SLOW=1 adds the slow tests; UPGRADE=1 lets
# `make lock` move to newer versions (otherwise it keeps every pin that still fits pyproject.toml).
ARGS    ?=
SLOW    ?=
UPGRADE ?=

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup run test check format-check lint types imports fmt bench train lock clean

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

setup: ## make .venv with exactly the pinned packages (at once when nothing changed)
	@$(CHOOSE); "$$python" .ci/install.py $(VENV)

run: setup ## set up, then run the daemon (ARGS="--set http.enabled=false")
	@exec $(BIN)/dawg-ai serve $(ARGS)

test: setup ## set up, then run the tests (SLOW=1 for the slow ones too; ARGS="-k beats")
	$(BIN)/python -m pytest $(if $(SLOW),,-m "not slow") $(ARGS)

check: format-check lint types imports test ## everything that must hold before a commit lands

format-check: setup
	$(BIN)/ruff format --check .

lint: setup
	$(BIN)/ruff check .

types: setup
	$(BIN)/mypy

imports: setup
	$(BIN)/lint-imports

fmt: setup ## format, and mend what the linter can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Those that make what they measure on; accuracy and generate_quality need data, and say which in their --help.
BENCHES = bus speed generate

bench: setup ## run the measurements in bench/ that need no data, and print their tables
	@set -e; for name in $(BENCHES); do echo "== bench/$$name.py"; $(BIN)/python "bench/$$name.py" $(ARGS); done

DATA ?= data
WORK ?= build/training

train: setup ## make the shipped models again (DATA=folder with groove, pop909 and openewld unpacked; WORK=folder)
	$(BIN)/python -m engines.generate.training drums melody bass harmony feel --data $(DATA) --work $(WORK) $(ARGS)

# The lock: names, versions and hashes for every platform and Python at once, resolved here and nowhere else.
# * uv resolves, since pip cannot be told that magenta's declared dependencies (tensorflow 2.9.1, numba 0.49.1) are not
#   what it runs on; pyproject.toml says what it needs ([[tool.uv.dependency-metadata]]), and only uv reads that.
# * pip installs it with --no-deps: nothing is resolved on the user's machine, so nothing can resolve differently there.
# * --fork-strategy fewest: one version for all Pythons, so that results do not depend on the Python (librosa 1.0 asks
#   for 3.12, and would otherwise be beside 0.11).
# * --only-binary: no compiler and no unpinned build tool is used on installing.
# * --no-emit-index-url: where a package is fetched from is the machine's business, its hash is ours.
# * requirements-dev.lock holds only what is not in requirements.lock already (a package that is there for some platforms
#   only is repeated), so that the two are installed together, and the first alone serves a machine that only runs.
UV      = $(BIN)/uv
COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --only-binary :all: \
            --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' \
            $(if $(UPGRADE),--upgrade)
NAMES   = sed -n 's/^\([a-z0-9-]*\)==[^ ;]* \\$$/--no-emit-package \1/p' requirements.lock
TARGETS = x86_64-manylinux_2_28 aarch64-manylinux_2_28 aarch64-apple-darwin x86_64-pc-windows-msvc

lock: ## resolve pyproject.toml again and rewrite both lock files (UPGRADE=1 for newer versions)
	@if [ ! -x $(UV) ]; then $(CHOOSE); \
	  "$$python" -m venv $(VENV) && $(BIN)/python -m pip install --quiet uv; fi
	$(COMPILE) pyproject.toml --group models --group build --output-file requirements.lock
	$(COMPILE) --group dev --constraint requirements.lock $$($(NAMES)) --output-file requirements-dev.lock
	@for target in $(TARGETS); do for version in 3.11 3.12 3.13; do \
	  MACOSX_DEPLOYMENT_TARGET=14.0 $(UV) pip install --quiet --dry-run --no-deps --require-hashes --only-binary :all: \
	    --python-platform $$target --python-version $$version --target $(VENV)/none \
	    -r requirements.lock -r requirements-dev.lock \
	  && echo "wheels for all: $$target $$version" || exit 1; done; done

clean: ## remove .venv and every cache
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage .schemathesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
