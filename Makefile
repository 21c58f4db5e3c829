# `make run` and `make test` are all that a new user needs; `make help` lists the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN_STAMP := $(VENV)/run-ready
DEV_STAMP := $(VENV)/ready
PIP_INSTALL = PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --disable-pip-version-check
PYTEST_PARALLEL := $(BIN)/pytest --numprocesses auto --dist worksteal
QUICK_TESTS := tests/app tests/codec tests/diagnosis tests/domain
REGISTRY_TESTS := tests/repo/test_documents.py tests/repo/test_repo_conventions.py tests/repo/test_documentation_site.py \
	tests/repo/test_code_blocks.py tests/app/test_fault_kinds.py tests/end_to_end/test_exchanges.py
TOOL := PYTHONPATH=tests:tools nice $(BIN)/python
URL ?= http://127.0.0.1:10692
CRASH_COUNT ?= 50
CORRECT_COUNT ?= 10000
FLAKY_RUNS ?= 50
IMAGE ?= sms10692-mock
IMAGE_TOOL ?= $(firstword $(foreach tool,docker podman buildah,$(if $(shell command -v $(tool)),$(tool))))
IMAGE_BASE ?= python:3.13-slim
IMAGE_PYTHON ?= 3.13
IMAGE_PLATFORM ?= $(shell uname -m)
# The machine has a name in the names of wheels, and another in those of images.
WHEEL_MACHINE = $(patsubst arm64,aarch64,$(patsubst amd64,x86_64,$(IMAGE_PLATFORM)))
IMAGE_MACHINE = $(patsubst aarch64,arm64,$(patsubst x86_64,amd64,$(IMAGE_PLATFORM)))

.DEFAULT_GOAL := help
.PHONY: help run test test-quick test-full test-ci test-timing test-parallel test-flaky test-crash test-suite-mutation test-vendors test-tutorials test-examine test-examine-drivers test-correct-requests check \
  contract-loop fuzz stress mutation bench bench-findings bench-deps examine-results docs site screenshots wheel image-wheels image test-image test-bounds test-distributions test-action clean

help: ## list the targets
	@awk -F ':.*## ' '/^##@ / { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ Use (ARGS="..." adds options)

run: $(RUN_STAMP) ## start the emulator (ARGS="--port 8000")
	@exec $(BIN)/sms10692-mock serve $(ARGS)

##@ Before a commit

check: $(DEV_STAMP) ## run ruff, mypy --strict, pyright, the import rules, and compare documents and registries
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python tests/typing_example.py
	$(BIN)/lint-imports
	$(BIN)/pytest -q $(REGISTRY_TESTS) -k 'generated or injector or complete or has_an_exchange or every_path or every_block'

test-quick: $(DEV_STAMP) ## run the tests of codec, domain, diagnosis and app (ARGS="-k balance" selects)
	$(PYTEST_PARALLEL) -m "not slow" $(QUICK_TESTS) $(ARGS)

test: $(DEV_STAMP) ## run all tests except the slow ones (ARGS="-k balance" selects)
	$(PYTEST_PARALLEL) -m "not slow" $(ARGS)

test-full: $(DEV_STAMP) ## run all tests
	$(PYTEST_PARALLEL) $(ARGS)

test-ci: $(DEV_STAMP) ## run all tests, and repeat those that fail, alone: both failures fail (.ci/run)
	$(PYTEST_PARALLEL) || { [ $$? -eq 1 ] && echo "=== The failed tests are repeated alone ===" && \
	  $(BIN)/pytest --last-failed --last-failed-no-failures none; }

##@ More tests

test-timing: $(DEV_STAMP) ## assert time limits (console, shutdown); run it on an idle machine
	SMS10692_ASSERT_TIMING=1 $(BIN)/pytest -q tests/console tests/testing/test_emulator.py -k "within_200_ms or first_paint or ends_at_once"

test-parallel: $(DEV_STAMP) ## run 500 tests that use sms_vendor on 8 pytest-xdist workers, and time the fixture
	SMS10692_FULL_PARALLEL=1 $(BIN)/pytest -q tests/testing/test_pytest_plugin.py -k "at_once or milliseconds"

test-suite-mutation: $(DEV_STAMP) ## run the whole contract suite against every vendor with a seeded defect
	SMS10692_FULL_MUTATION=1 $(BIN)/pytest tests/contract_suite/test_suite_detects_mutants.py $(ARGS)

test-vendors: $(DEV_STAMP) ## run the contract suite against vendors written from the manual alone, and all their deviations
	SMS10692_ALL_BREAKS=1 $(BIN)/pytest tests/contract_suite/test_suite_vendors.py tests/contract_suite/test_learned_vendors.py \
		tests/contract_suite/test_small_changes.py $(ARGS)

test-examine: $(DEV_STAMP) ## examine the careful, the careless and the own clients, each at all endpoints
	SMS10692_FULL_EXAMINE=1 $(BIN)/pytest -q tests/examine $(ARGS)

test-tutorials: $(DEV_STAMP) ## follow the tutorials in fresh clones and run their CI files (ARGS="php java")
	$(TOOL) tools/tutorials.py $(ARGS)

test-examine-drivers: $(DEV_STAMP) ## examine the ready-made drivers at all endpoints (.ci/install-driver-runtimes all)
	SMS10692_FULL_DRIVERS=1 $(BIN)/pytest -q tests/examine/test_examine_drivers.py $(ARGS)

test-correct-requests: $(DEV_STAMP) ## diagnose CORRECT_COUNT=10000 correct requests of every kind, none of which may have a finding
	SMS10692_CORRECT_REQUESTS=$(CORRECT_COUNT) $(BIN)/pytest -q -o faulthandler_timeout=1800 tests/diagnosis/test_correct_requests.py $(ARGS)

suite-traffic: $(DEV_STAMP) ## count at a server what the contract suite sends, and print what it says about network errors
	$(TOOL) -m suite_traffic $(ARGS)

test-crash: $(DEV_STAMP) ## kill emulators and Valkey servers under load, CRASH_COUNT=50 times each, and check what survived
	$(TOOL) -m stress.crash $(CRASH_COUNT)

test-flaky: $(DEV_STAMP) ## run the quick contract suite FLAKY_RUNS=50 times while another process keeps a core busy
	PYTHONPATH=tests:tools $(BIN)/python tools/flakiness.py --runs $(FLAKY_RUNS)

contract-loop: $(DEV_STAMP) ## run the thorough contract suite against URL with new random seeds until a clause fails
	while :; do env -u CI $(BIN)/sms10692-contract run $(URL) --control $(URL) --effort thorough $(ARGS) || exit $$?; done

fuzz: $(DEV_STAMP) ## send a million malformed HTTP requests (ARGS="--seconds 20 --seed 7")
	$(TOOL) -m fuzz $(ARGS)

stress: $(DEV_STAMP) ## run every kind of client and fault against one emulator for ten minutes (ARGS="60": one minute)
	$(TOOL) -m stress $(ARGS)

mutation: $(DEV_STAMP) ## mutation testing of the emulator (ARGS="vendor.py" chooses files)
	$(PIP_INSTALL) --editable '.[mutation]'
	$(TOOL) tools/mutation/run.py $(ARGS)

##@ Measure, build, clean

bench: $(DEV_STAMP) ## run the benchmarks and write benchmarks/results.md (ARGS="--only stores" prints one part)
	$(PIP_INSTALL) --editable '.[bench]'
	PYTHONPATH=tests $(BIN)/python -m benchmarks $(ARGS)

bench-findings: $(DEV_STAMP) ## measure the CPU time that a clean send pays for findings
	$(BIN)/python -m benchmarks.findings_cost $(ARGS)

bench-deps: $(DEV_STAMP) ## download the other tools that the benchmarks compare with, from npm and PyPI
	PYTHONPATH=tests $(BIN)/python -m benchmarks.peers --install

examine-results: $(DEV_STAMP) ## run the ready-made drivers at two pages, and write the tables and pictures of docs/examine-results.md
	$(TOOL) -m examine_results

docs: $(DEV_STAMP) ## write the tables of docs/ that come from registries and clauses
	$(TOOL) tools/key_clauses.py
	$(TOOL) tools/reference_tables.py

site: $(DEV_STAMP) ## build the documentation site into site/ (open site/index.html); a broken link fails
	$(TOOL) -m documentation_site site

screenshots: $(DEV_STAMP) ## take a picture of every console page and state, and contact sheets, into screenshots/
	PYTHONPATH=tests:tools $(BIN)/python tools/screenshots.py screenshots

wheel: $(DEV_STAMP) ## build the wheel and the sdist into dist/
	PIP_CONSTRAINT=constraints.txt $(BIN)/python -m build

image-wheels: wheel ## collect the wheels of an image into dist/image, for IMAGE_PYTHON=3.13 and IMAGE_PLATFORM=x86_64
	rm -rf dist/image && mkdir -p dist/image
	cp "$$(ls -t dist/sms10692-*.whl | head -1)" dist/image/
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --constraint constraints.txt --dest dist/image \
	  --only-binary :all: --implementation cp --python-version $(IMAGE_PYTHON) \
	  $(foreach glibc,2_17 2_24 2_28,--platform manylinux_$(glibc)_$(WHEEL_MACHINE)) --platform manylinux2014_$(WHEEL_MACHINE) \
	  pip "$$(ls dist/image/sms10692-*.whl)[mock,tls,valkey]"

image: image-wheels ## build the image sms10692-mock with docker, podman or buildah (IMAGE_BASE=python:3.13-slim)
	$(IMAGE_TOOL) build $(if $(filter-out docker,$(IMAGE_TOOL)),--format docker) --platform linux/$(IMAGE_MACHINE) --file Containerfile --tag $(IMAGE) \
	  --build-arg BASE=$(IMAGE_BASE) --build-arg VERSION="$$($(BIN)/python -c 'import sms10692; print(sms10692.__version__)')" \
	  --build-arg REVISION="$$(git rev-parse HEAD 2>/dev/null || echo unknown)" $(IMAGE_ARGS) .

test-distributions: $(DEV_STAMP) ## build wheel and sdist twice, compare them, and run make test-quick in the sdist
	SMS10692_TEST_SDIST=1 $(BIN)/pytest -q -o faulthandler_timeout=1800 -rP tests/release/test_distributions.py $(ARGS)

test-action: $(DEV_STAMP) ## run the commands of action.yml as a runner does, installation included
	$(TOOL) -m support.composite_action

test-bounds: $(DEV_STAMP) ## test with the oldest and the newest dependencies (PYTHONS="python3.11 python3.13" chooses interpreters)
	$(PIP_INSTALL) uv
	$(TOOL) tools/dependency_bounds.py $(ARGS) $(PYTHONS)

test-image: $(DEV_STAMP) ## build the image on a new Debian with buildah as root, and run the contract suite against it
	SMS10692_TEST_IMAGE=1 timeout 1800 $(BIN)/pytest -q -x -o faulthandler_timeout=1200 -rP tests/release/test_image.py $(ARGS)

clean: ## delete .venv and everything that the other targets created
	rm -rf $(VENV) dist site .mutants .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is required; $(PYTHON) is %d.%d. Choose another: make PYTHON=python3.12" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv $(VENV)

$(RUN_STAMP): pyproject.toml constraints.txt | $(BIN)/python
	@$(BIN)/python tools/check_port.py $(ARGS)
	@echo "Installing the emulator into $(VENV) (once: 10 seconds to 2 minutes, depending on the network) ..."
	@$(PIP_INSTALL) --editable '.[mock]'
	@touch $@

$(DEV_STAMP): pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing the emulator and the test tools into $(VENV) (once: 40 seconds to 5 minutes, depending on the network) ..."
	@$(PIP_INSTALL) --editable '.[dev]'
	@touch $(RUN_STAMP) $@
