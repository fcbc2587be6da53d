# make demo | test | test-rest | test-all | check | setup        (Python >= 3.11, Node >= 20)
PYTHON ?= python3
BIN := .venv/bin
PIP_INSTALL := $(BIN)/pip install --quiet --constraint constraints.txt --editable

.PHONY: runtime setup demo test test-rest test-all test-python test-contracts analyse reference check format clean

# What a run needs, and no more.
runtime: .venv/.runtime node_modules/.runtime

# That, and what develops, tests and analyses: Brownie, Slither, Ray, the prover, Ganache, a browser.
setup: .venv/.ready node_modules/.ready

.venv/.runtime: pyproject.toml experiments/pyproject.toml constraints.txt scripts/link_tools.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version)'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip
	$(PIP_INSTALL) . --editable experiments
	$(BIN)/python scripts/link_tools.py
	@touch $@

.venv/.ready: .venv/.runtime
	$(PIP_INSTALL) '.[brownie,dev,dp,ray,zk]'
	@touch $@

node_modules/.runtime: package.json package-lock.json
	@$(NODE_IS_NEW_ENOUGH)
	npm ci --omit=dev
	@touch $@

# `npm ci` deletes what is there, so this does not start from what a run needs.
node_modules/.ready: package.json package-lock.json
	@$(NODE_IS_NEW_ENOUGH)
	npm ci
	@touch node_modules/.runtime $@

NODE_IS_NEW_ENOUGH := node -e 'if (process.versions.node.split(".")[0] < 20) { console.error("Node 20 or newer is needed, this is " + process.version); process.exit(1) }'

demo: runtime
	$(BIN)/qfl run --out runs/demo --overwrite --explorer
	$(BIN)/qfl verify --run runs/demo

# What to run before a push. Brownie's tests and the others run side by side.
test: setup
	@$(MAKE) --no-print-directory -j 2 TESTS='-m "not rest"' test-python test-contracts

# Every other test: those that are marked `rest`.
test-rest: setup
	@$(MAKE) --no-print-directory -j 2 TESTS='-m rest' test-python test-contracts

test-all:
	@$(MAKE) --no-print-directory test
	@$(MAKE) --no-print-directory test-rest

# A file's tests share a devnet, so they stay on one processor. Brownie cannot share its work out: it goes first.
test-python:
	nice -n 5 $(BIN)/python -m pytest -q -n auto --maxprocesses 4 --dist loadfile $(TESTS) tests/unit tests/integration

# Brownie's own pytest plugin runs these on its own development chain. What they say comes in one piece.
test-contracts:
	@mkdir -p build
	@$(BIN)/brownie test tests/contracts tests/stateful -o addopts= $(TESTS) > build/contracts.log 2>&1; \
	code=$$?; cat build/contracts.log; exit $$code

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	node_modules/.bin/prettier --check 'contracts/**/*.sol' 'qfl/**/*.{js,mjs}' 'tests/**/*.mjs'
	node_modules/.bin/solhint --max-warnings 0 'contracts/**/*.sol'
	$(MAKE) analyse
	$(MAKE) test-all

# Every function, event and error of the contracts, from the NatSpec of their interfaces.
reference: setup
	$(BIN)/python scripts/contract_reference.py

# Slither: every finding of high or medium impact is explained in scripts/explained-findings.toml.
analyse: setup
	$(BIN)/python scripts/analyse.py

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	node_modules/.bin/prettier --write 'contracts/**/*.sol' 'qfl/**/*.{js,mjs}' 'tests/**/*.mjs'

clean:
	rm -rf build runs .qfl deployments .pytest_cache .mypy_cache .ruff_cache .hypothesis
