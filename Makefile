.PHONY: venv test test-all cover lint types docs browser docstrings bench sanitize leaks mutants flips fuzz long ci

python = .venv/bin/python

venv:
	python3 -m venv .venv
	.venv/bin/pip install -e '.[test,dev]'

test:
	$(python) -m pytest -n auto

test-all:
	$(python) -m pytest -n auto --long

cover:
	$(python) -m pytest -n auto --long --cov

lint:
	$(python) -m ruff check
	$(python) -m ruff format --check

types:
	$(python) -m mypy

docs:
	.venv/bin/pip install --quiet -e '.[docs]'
	$(python) playground/assemble.py
	$(python) docs/notebooks.py
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict

browser:
	.venv/bin/pip install --quiet -e '.[docs,browser]'
	$(python) -m pytest tests/browser/documentation.py tests/browser/notebook_pages.py tests/browser/playground*.py

docstrings:
	$(python) tests/tools/docstrings.py

bench:
	$(python) benchmarks/all.py

sanitize:
	PYTHON=$(python) tests/tools/sanitize

leaks:
	$(python) tests/tools/leaks.py
	$(python) tests/tools/no_memory.py
	PYTHON=$(python) tests/tools/without_free_lists tests/tools/no_memory.py

mutants:
	$(python) -m pip install --quiet 'cosmic-ray>=8.4'
	$(python) tests/tools/mutants.py

flips:
	$(python) tests/tools/flip_c.py

fuzz:
	PYTHON=$(python) tests/tools/fuzz readers
	PYTHON=$(python) tests/tools/fuzz arguments

long:
	SCALARGRAD_ENGINE=compiled $(python) tests/tools/long_run.py
	SCALARGRAD_ENGINE=reference $(python) tests/tools/long_run.py

ci:
	.ci/run
