# Two commands are all a new user needs: make run, make test. Everything else is below make help.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
URL ?= http://127.0.0.1:10692
RUNS ?= 50
KILLS ?= 50

.DEFAULT_GOAL := help
.PHONY: help run test teeth crowd figures fuzz crash steady mutants storm malformed check bench peers screenshots wheel clean

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(READY) ## set up, and start the emulator (ARGS="--port 8000" adds options)
	@exec $(BIN)/sms10692-mock serve $(ARGS)

test: $(READY) ## set up, and run every test (ARGS="-k balance" selects)
	$(BIN)/pytest --numprocesses auto --dist worksteal $(ARGS)

teeth: $(READY) ## run the whole contract suite against every broken vendor
	SMS10692_WHOLE_TEETH=1 $(BIN)/pytest tests/contract_suite/test_suite_detects_mutants.py $(ARGS)

crowd: $(READY) ## 500 tests with sms_vendor on 8 workers and one emulator, and what the fixture takes
	SMS10692_WHOLE_CROWD=1 $(BIN)/pytest -q tests/testing/test_pytest_plugin.py -k "at_once or milliseconds"

figures: $(READY) ## assert the milliseconds that tests beside other work only measure: the console, an emulator's end
	SMS10692_FIGURES=1 $(BIN)/pytest -q tests/console tests/testing/test_emulator.py -k "within_200_ms or first_paint or ends_at_once"

fuzz: $(READY) ## examine what `make run` serves until a clause fails, each time from another seed
	while :; do env -u CI $(BIN)/sms10692-contract $(URL) --control $(URL) --profile thorough $(ARGS) || exit $$?; done

crash: $(READY) ## kill emulators and servers at work KILLS=50 times, and count what they have kept
	PYTHONPATH=tests:tools $(BIN)/python -m crash $(KILLS)

steady: $(READY) ## run the quick profile RUNS=50 times in a row, with the other core busy
	PYTHONPATH=tests:tools $(BIN)/python tools/flakiness.py --runs $(RUNS)

mutants: $(READY) ## change each operator of the emulator in turn, and see that a test notices (ARGS="vendor.py" chooses files)
	PIP_CONSTRAINT=$(CURDIR)/constraints.txt $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[mutants]'
	PYTHONPATH=tests:tools nice $(BIN)/python tools/mutation/run.py $(ARGS)

storm: $(READY) ## ten minutes of faults, rude clients and idle ones against one emulator, then its ledger (ARGS="60" is a minute)
	PYTHONPATH=tests:tools nice $(BIN)/python -m stress $(ARGS)

malformed: $(READY) ## a million malformed requests (ARGS="1000000 20" takes 20 seconds, with a third number another seed)
	PYTHONPATH=tests:tools nice $(BIN)/python -m fuzz $(ARGS)

check: $(READY) ## ruff, mypy --strict, pyright, the import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python tests/typing_example.py
	$(BIN)/lint-imports

screenshots: $(READY) ## make pictures of every page of the console, into screenshots/
	PYTHONPATH=tests:tools $(BIN)/python tools/screenshots.py screenshots

bench: $(READY) ## measure, side by side in one run, into benchmarks/results.md (ARGS="--only stores" prints a part)
	PIP_CONSTRAINT=$(CURDIR)/constraints.txt $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	$(BIN)/python -m benchmarks $(ARGS)

peers: $(READY) ## fetch those who are measured beside us, from npm and PyPI, into a folder that git ignores
	$(BIN)/python -m benchmarks.peers --install

wheel: $(READY) ## build the wheel and the sdist into dist/
	PIP_CONSTRAINT=$(CURDIR)/constraints.txt $(BIN)/python -m build

clean: ## remove what the other targets made
	rm -rf $(VENV) dist .mutants .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, and $(PYTHON) is %d.%d: make PYTHON=..." % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	PIP_CONSTRAINT=$(CURDIR)/constraints.txt $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@
