# make demo: install into .venv, run the two examples, print where the reports are.    make test: the test suite.
PYTHON ?= python3
CONFIG ?= config/examples/demo.yaml
CORES ?= all
PYTEST_ARGS ?=

bin := .venv/bin
# PIP_REQUIRE_VIRTUALENV keeps a broken .venv from ever touching the system's Python.
pip := PIP_REQUIRE_VIRTUALENV=1 $(bin)/python -m pip install --quiet --disable-pip-version-check --constraint envs/constraints.txt

.PHONY: demo test lint format install clean
.DEFAULT_GOAL := demo

install: .venv/installed

.venv/installed: envs/constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "eelsunmix needs Python 3.11 or newer; say which with: make PYTHON=python3.12" >&2; exit 1; }
	@echo "Installing into .venv, once: 1 of 2, PyTorch (the largest part)"
	@$(PYTHON) -m venv .venv
	@$(pip) torch==2.13.0
	@echo "Installing into .venv, once: 2 of 2, eelsunmix and all else (some minutes)"
	@$(pip) --editable '.[workflow,networks,cluster,dev]'
	@touch $@

demo: install
	@$(bin)/python -m eelsunmix.examples --for $(CONFIG)
	@$(bin)/snakemake --cores $(CORES) --configfile $(CONFIG)
	@printf 'Open in a browser: %s\n' "$(CURDIR)"/reports/*.html

test: install
	$(bin)/python -m pytest $(PYTEST_ARGS)

lint: install
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/snakefmt --check Snakefile workflow
	$(bin)/python .ci/snakemake_lint.py --configfile config/examples/multilayer.yaml
	$(bin)/mypy

format: install
	$(bin)/ruff check --fix .
	$(bin)/ruff format .
	$(bin)/snakefmt Snakefile workflow

clean:
	rm -rf results reports/*.html .snakemake
