# A verb for each habit. `make` alone lists them.
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
DEMO ?= demo
ALL := dev,notebooks,deep,mlops,dashboard,cluster,reference
export OMP_WAIT_POLICY ?= passive

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all lint types imports docs screenshots bench constraints clean

help: ## List the verbs
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(VENV)/.base: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed: sudo apt-get install python3 (or set PYTHON=...)"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
	  || { echo "The venv module is missing: sudo apt-get install python3-venv"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet -c constraints.txt -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.base
	$(PIP) install --quiet -c constraints.txt -e '.[dev,notebooks]'
	@touch $@

$(VENV)/.all: $(VENV)/.dev
	$(PIP) install --quiet -c constraints.txt -e '.[$(ALL)]'
	@touch $@

$(VENV)/.services: scripts/install_services.sh $(VENV)/.base
	scripts/install_services.sh
	@touch $@

# Airflow has versions of its own.
$(VENV)-airflow/.done: airflow/requirements.txt
	@test -x $(VENV)-airflow/bin/python || $(PYTHON) -m venv $(VENV)-airflow
	$(VENV)-airflow/bin/python -m pip --disable-pip-version-check install --quiet -r $<
	@touch $@

setup: $(VENV)/.base ## Make the virtual environment with the exact versions of constraints.txt

demo: $(VENV)/.base ## Run the whole pipeline on a small simulated corpus
	$(BIN)/fvc demo --project $(DEMO)

# One thread a test process: threads that wait for each other cost more than they bring.
test test-all: export OMP_NUM_THREADS = 1
test test-all: export OPENBLAS_NUM_THREADS = 1

test: $(VENV)/.dev ## Run the fast tests
	$(BIN)/pytest -q -n 2 -m "not slow"

test-all: export FVC_AIRFLOW_VENV = $(abspath $(VENV)-airflow)

test-all: $(VENV)/.all $(VENV)/.services $(VENV)-airflow/.done lint types imports docs ## Run every check and every test
	$(BIN)/pytest -q -n 2 $(TEST_OPTIONS)

lint: $(VENV)/.dev ## Check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.all ## Check types
	$(BIN)/mypy

imports: $(VENV)/.dev ## Check that rooms import only from the floors below
	$(BIN)/lint-imports --no-cache

docs: $(VENV)/.dev ## Build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

screenshots: $(VENV)/.all $(VENV)/.services ## Make the pictures of the documentation again, from the simulated corpus
	$(BIN)/fvc demo --project $(DEMO)
	$(BIN)/python docs/gallery.py $(DEMO) --measure
	$(BIN)/python docs/terminal.py $(DEMO)
	$(BIN)/python docs/screenshots.py $(DEMO)
	$(BIN)/python docs/screenshots.py $(DEMO) --pages model --schemes dark

bench: $(VENV)/.dev ## Measure speed and memory against FFmpeg and naive code
	$(BIN)/python -m benchmarks

constraints: ## Renew constraints.txt: the newest versions that the package allows
	rm -rf $(VENV)-constraints && $(PYTHON) -m venv $(VENV)-constraints
	$(VENV)-constraints/bin/python -m pip install --quiet -e '.[$(ALL)]'
	( echo '# Exact versions that set-up and CI install. `make constraints` renews this file.'; \
	  $(VENV)-constraints/bin/python -m pip list --format=freeze --exclude-editable \
	    | grep -ivE '^(pip|setuptools|wheel)==' | sort -f ) > constraints.txt.new
	mv constraints.txt.new constraints.txt
	rm -rf $(VENV)-constraints

clean: ## Remove what the verbs made
	rm -rf $(VENV) $(VENV)-airflow $(DEMO) site .pytest_cache .mypy_cache .ruff_cache .hypothesis
