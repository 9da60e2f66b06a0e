# Every target sets up what it needs. Two commands matter: `make refresh` and `make test`.
SHELL := /bin/sh
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help setup refresh test test-slow bench bench-load lint types i18n docs ui lock clean

help:
	@echo "make refresh    set up and run the main job on the embedded SYNTHETIC demo"
	@echo "make test       set up, then lint, types and tests"
	@echo "make test-slow  the long simulations and campaigns"
	@echo "make bench      speed against peers, as ratios in one run (some minutes)"
	@echo "make bench-load seconds and memory of the whole chain and of a million units (some hours)"
	@echo "make ui         Dagster's webserver and daemon on 127.0.0.1:3000"
	@echo "make lint       ruff, sqlfluff and the walls between the rooms;  make types: mypy --strict, every package"
	@echo "make i18n       collect the messages of the report for its translations"
	@echo "make docs       these pages, the library and the dictionary as a site: build/site/index.html"
	@echo "make lock       renew requirements.lock from pyproject.toml"

setup: $(READY)

$(READY): requirements.lock pyproject.toml
	@python=$$(PYTHON="$(PYTHON)" .ci/find-python) && \
	echo "setup: environment in $(VENV) with $$python" && \
	"$$python" -m venv $(VENV)
	@echo "setup: installing locked packages (a minute the first time)"
	@.ci/install $(VENV)
	@$(BIN)/python -m dagster_project.cli.prepare
	@touch $(READY)
	@echo "setup: done"

refresh: setup
	@$(BIN)/nqpf refresh

test: setup
	@$(MAKE) --no-print-directory -j 2 lint types
	@$(BIN)/python -m pytest -m "not slow" --durations 20 --numprocesses auto --maxprocesses 4 --dist loadfile \
	  --no-loadscope-reorder

test-slow: setup
	@$(BIN)/python -m pytest -m slow

bench: setup
	@$(BIN)/python -P benchmarks/peers.py

bench-load: setup
	@$(BIN)/python benchmarks/growth.py
	@$(BIN)/python benchmarks/chain.py
	@$(BIN)/python benchmarks/chain.py --counties 2850

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/sqlfluff lint dbt --processes 2 --disable-progress-bar
	@$(BIN)/lint-imports --no-logo

# messages of the report into dagster_project/publish/locale/*.po; says which are not translated
i18n: setup
	@$(BIN)/python -m scripts.i18n

types: setup
	@$(BIN)/mypy python_models dagster_project expectations scripts benchmarks

docs: setup
	@$(BIN)/python -m scripts.docs_site

ui: setup
	@$(BIN)/nqpf ui

# versions and hashes only; what is locked stays as it is where it may: `make lock UPGRADE=--upgrade` renews all
lock: setup
	@$(BIN)/uv pip compile --quiet $(UPGRADE) --universal --python-version 3.12 --generate-hashes --no-strip-extras --no-header --no-annotate --extra dev pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build warehouse/demo
