# One command from nothing: every target makes what it needs first.
# Needs only make and Python >= 3.11 with venv; everything else goes into .venv.

PYTHON    ?= python3
SCENARIO  ?= checkout
RESULTS   ?= results
WORKERS   ?= 2
LAB       ?= $(if $(filter 0,$(shell id -u)),--allow-root)

BIN       := .venv/bin
PY        := $(BIN)/python
READY     := .venv/.ready
READY_ALL := .venv/.ready-all
READY_BENCH := .venv/.ready-bench
COMPILED  := .venv/.compiled
NOTEBOOKS := $(wildcard notebooks/*.ipynb notebooks/solutions/*.ipynb docs/*.ipynb)

# The libraries decide where compiled kernels and figures go, not the caller's environment.
export MPLBACKEND := Agg

.DEFAULT_GOAL := help
.PHONY: help setup run test test-fast soak lab check format bench browser evidence golden lessons notebooks picture reproduce lock clean

help: ## show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: $(READY_ALL) $(COMPILED) ## make .venv with everything in it, and compile the kernels

run: $(READY) $(COMPILED) ## simulate a bundled scenario, print its table, save its figure
	$(BIN)/eda-sim run $(SCENARIO) --out $(RESULTS)/$(SCENARIO)

test: check $(COMPILED) ## check, then all tests and all notebooks
	$(PY) -m pytest --numprocesses $(WORKERS) --dist loadfile -m "not soak and not papermill"
	$(if $(NOTEBOOKS),$(MAKE) --no-print-directory notebooks)

test-fast: $(READY_ALL) $(COMPILED) ## the tests without the slow ones
	$(PY) -m pytest --numprocesses $(WORKERS) --dist loadfile -m "not slow and not soak"

soak: $(READY_ALL) $(COMPILED) ## ten times as many generated scenarios against every law
	$(PY) -m pytest --numprocesses $(WORKERS) --dist load -m soak

lab: setup ## JupyterLab on notebooks/
	$(BIN)/jupyter lab --notebook-dir notebooks $(LAB)

check: $(READY_ALL) ## linter, formatter, types, floors
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(READY_ALL) ## repair what the linter and the formatter can repair
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

notebooks: $(READY_ALL) $(COMPILED) ## compare every notebook's outputs; run it with other parameters
	$(PY) -m pytest --numprocesses $(WORKERS) --dist loadfile --override-ini addopts= \
	    --nbval --nbval-current-env --nbval-cell-timeout 300 \
	    --nbval-sanitize-with notebooks/nbval.cfg $(NOTEBOOKS)
	$(PY) -m pytest --numprocesses $(WORKERS) --dist load -m papermill tests/notebooks

browser: $(READY_ALL) $(COMPILED) ## open every lesson in a browser; screenshots go to results/
	EDA_SIM_BROWSER=1 EDA_SIM_SCREENSHOTS=$(RESULTS)/screenshots \
	    $(PY) -m pytest -m browser tests/notebooks

lessons: $(READY_ALL) $(COMPILED) ## build the notebooks anew from notebooks/src
	$(PY) notebooks/build.py

reproduce: $(READY_ALL) $(COMPILED) ## run the notebooks again; fail if a byte of text comes out new
	$(PY) notebooks/build.py --reproduce

bench: $(READY_BENCH) $(COMPILED) ## measure both engines beside others (FAST=1: in a minute)
	$(PY) -m benchmarks $(if $(FAST),--fast)

evidence: $(READY_ALL) $(COMPILED) ## make docs/evidence.md and .ipynb anew (takes some minutes)
	$(BIN)/eda-sim evidence --out docs/evidence.md --out docs/evidence.ipynb

golden: $(READY_ALL) $(COMPILED) ## write the digests of the bundled scenarios anew
	$(PY) -m tests.golden

picture: $(READY) $(COMPILED) ## draw the picture of the README anew
	$(BIN)/eda-sim run checkout --out $(RESULTS)/checkout
	$(BIN)/eda-sim plot $(RESULTS)/checkout --out docs/checkout.png

lock: $(READY) ## resolve the dependencies anew and rewrite requirements.lock
	$(PY) -m pip install --quiet "uv>=0.8"
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --upgrade \
	    --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
	    --quiet --output-file requirements.lock

clean: ## remove .venv, results and all caches
	rm -rf .venv $(RESULTS) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache \
	    .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ------------------------------------------------------------------------------------- set-up
# A file in .venv stands for each finished step; a newer pyproject.toml or lock repeats it.

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "make: $(PYTHON) must be Python 3.11 or newer; name another with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	    { echo "make: $(PYTHON) has no venv; on Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv .venv

$(READY): pyproject.toml requirements.lock | $(PY)
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv # was interrupted
	@echo "Installing the package and what it needs (a few minutes the first time) ..."
	$(PY) -m pip install --quiet --quiet --disable-pip-version-check \
	    --constraint requirements.lock --editable .
	@touch $@

$(READY_ALL): $(READY)
	@echo "Installing the tools for tests and notebooks ..."
	$(PY) -m pip install --quiet --quiet --disable-pip-version-check \
	    --constraint requirements.lock --editable ".[dask,lab,test]"
	@touch $@

$(READY_BENCH): $(READY)
	@echo "Installing the simulators to compare with ..."
	$(PY) -m pip install --quiet --quiet --disable-pip-version-check \
	    --constraint requirements.lock --editable ".[bench]"
	@touch $@

$(COMPILED): $(READY) $(wildcard eda_sim/engine/streams/*.py eda_sim/engine/compiled/*.py)
	@echo "Compiling the kernels, once (up to a minute) ..."
	$(PY) -m eda_sim.engine.warm
	@touch $@
