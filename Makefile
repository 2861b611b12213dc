# make demo: install into .venv, run the two examples, print where the reports are.    make test: the test suite.    make docs: the site.
# make picture, after make demo: take the picture of the README anew.
PYTHON ?= python3
CONFIG ?= config/examples/demo.yaml
CORES ?= all
PYTEST_ARGS ?=

bin := .venv/bin
# PIP_REQUIRE_VIRTUALENV keeps a broken .venv from ever touching the system's Python.
pip := PIP_REQUIRE_VIRTUALENV=1 $(bin)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --use-pep517
# Every file has its hash in envs/locked*.txt, so nothing may come along that is not in there: --no-deps.
locked := $(pip) --no-deps --require-hashes --requirement
# One package first: setuptools, which builds others, and a PyTorch for CPUs if its file lies on this machine (PIP_FIND_LINKS).
pin = sed -n '/^$(1)==/,/[^\\]$$/p' envs/locked.txt > .venv/pin.txt

.PHONY: demo picture test lint format docs install lock clean
.DEFAULT_GOAL := demo

install: .venv/installed

.venv/installed: envs/locked.txt envs/locked-gpu.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "eelsunmix needs Python 3.11 or newer; say which with: make PYTHON=python3.12" >&2; exit 1; }
	@echo "Installing into .venv, once (some minutes); PyTorch is the largest part"
	@$(PYTHON) -m venv .venv
	@$(call pin,setuptools)
	@$(locked) .venv/pin.txt
	@$(call pin,torch)
	@$(locked) .venv/pin.txt --no-index 2>/dev/null || true
	@$(locked) envs/locked.txt
	@if $(bin)/python -m pip show torch | grep nvidia >/dev/null; then $(locked) envs/locked-gpu.txt; fi
	@$(pip) --no-deps --editable .
	@$(bin)/python -m pip check
	@touch $@

demo: install
	@$(bin)/python -m eelsunmix.examples --for $(CONFIG)
	@$(bin)/snakemake --cores $(CORES) --configfile $(CONFIG)
	@printf 'Open in a browser: %s\n' "$(CURDIR)"/reports/*.html

picture: install
	$(bin)/python tests/picture.py reports/multilayer.html docs/report.png

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

# Pictures and tutorials are computed here; every warning is an error. Then all that pages load and link to is checked.
docs: install .venv/documentation
	@rm -rf docs/_build
	$(bin)/python docs/pictures.py docs/_build/pictures
	PATH="$(CURDIR)/$(bin):$$PATH" $(bin)/python -m sphinx --quiet --jobs 2 --fail-on-warning --keep-going docs docs/_build/html
	$(bin)/python docs/check_site.py docs/_build/html

.venv/documentation: .venv/installed envs/locked-docs.txt
	@$(locked) envs/locked-docs.txt
	@touch $@

lock:
	$(PYTHON) envs/lock.py

clean:
	rm -rf results reports/*.html docs/_build .snakemake
