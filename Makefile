# Every target sets up what it needs. Two commands matter: `make refresh` and `make test`.
SHELL := /bin/sh
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
unexport PYTHONDONTWRITEBYTECODE  # tests start some hundred processes, each would compile the project anew

.PHONY: help setup refresh test fast-tests test-slow test-kernels upgrade-check bench bench-load lint types i18n docs ui lock clean

help:
	@echo "make refresh    set up and run the main job on the embedded SYNTHETIC demo"
	@echo "make test       set up, then lint, types and tests"
	@echo "make test-slow  the long simulations and campaigns; PART=hostile (say): one part, see CONTRIBUTING.md"
	@echo "make test-kernels   the library's tests on other kernels of OpenBLAS"
	@echo "make upgrade-check  the unit tests on the newest packages that pyproject.toml allows"
	@echo "make bench      speed against peers, as ratios in one run (some minutes)"
	@echo "make bench-load seconds and memory of the whole chain and of a million units (some hours)"
	@echo "make ui         Dagster's webserver and daemon on 127.0.0.1:3000"
	@echo "make lint       ruff, sqlfluff and the walls between the rooms;  make types: mypy --strict, every package"
	@echo "make i18n       collect the messages of the report for its translations"
	@echo "make docs       these pages, the library and the dictionary as a site: build/site/index.html"
	@echo "make lock       renew requirements.lock and requirements-pages.lock from pyproject.toml"

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
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory -j 2 types fast-tests

fast-tests: setup
	@$(BIN)/python -m pytest -m "not slow" --durations 20 --numprocesses auto --maxprocesses 4 --dist loadfile \
	  --no-loadscope-reorder

SLOW_models := tests/unit/python_models tests/unit/study
SLOW_recovery := tests/unit/demo tests/unit/values tests/integration/test_end_to_end.py
SLOW_hostile := tests/unit/ingest $(wildcard tests/reliability/test_hostile_*.py)
SLOW_kills := $(wildcard tests/reliability/test_crash_*.py) $(addprefix tests/reliability/test_,event_log.py published_file.py run_ends.py)
SLOW_same := $(addprefix tests/reliability/test_,candidates.py incremental.py progress_reporter.py reproducible.py) \
  $(addprefix tests/integration/test_,landed.py publish.py release_history.py)
SLOW_real := $(addprefix tests/integration/test_,block_rules_on_real_files.py inspect.py new_year.py real_data.py real_editions.py)
SLOW_docs := $(addprefix tests/integration/test_,command_line.py docs_commands.py docs_site.py) \
  tests/reliability/test_benchmarks.py tests/packaging

test-slow: setup
	@$(if $(PART),$(if $(SLOW_$(PART)),,$(error no part '$(PART)': models recovery hostile kills same real docs)))\
	$(BIN)/python -m pytest -m slow --durations 5 $(SLOW_$(PART))

# Only kernels that the processor has: another one is an illegal instruction. A forced Haswell needs the size of the L2 cache,
# which OpenBLAS 0.3.34 does not find out on AMD's Zen 4 and 5.
test-kernels: setup
	@kernels=Prescott; \
	grep -qw avx2 /proc/cpuinfo 2>/dev/null && kernels="$$kernels Haswell"; \
	grep -qw avx512f /proc/cpuinfo 2>/dev/null && kernels="$$kernels SkylakeX"; \
	for kernel in $$kernels; do for threads in 1 2; do \
	  echo "$$kernel, threads: $$threads"; \
	  OPENBLAS_CORETYPE=$$kernel OPENBLAS_L2_SIZE=256 OPENBLAS_NUM_THREADS=$$threads OMP_NUM_THREADS=$$threads \
	    $(BIN)/python -m pytest -q -m "not slow" tests/unit/python_models || exit 1; \
	done; done

upgrade-check: setup
	@$(BIN)/python -m scripts.upgrade_check

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
	@$(BIN)/python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['optional-dependencies']['pages'], sep='\n')" | \
	$(BIN)/uv pip compile --quiet $(UPGRADE) --universal --python-version 3.12 --generate-hashes --no-header --no-annotate -c requirements.lock - -o requirements-pages.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build warehouse/demo
