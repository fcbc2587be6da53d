# make setup | demo | test | check        (Python >= 3.11, Node >= 20)
PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest -q

.PHONY: setup demo test test-python test-contracts analyse reference check format clean

setup: .venv/.ready node_modules/.ready

.venv/.ready: pyproject.toml constraints.txt scripts/link_tools.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version)'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[brownie,dev,dp,ray,zk]' --editable experiments
	$(BIN)/python scripts/link_tools.py
	@touch $@

node_modules/.ready: package.json package-lock.json
	@node -e 'if (process.versions.node.split(".")[0] < 20) { console.error("Node 20 or newer is needed, this is " + process.version); process.exit(1) }'
	npm ci --no-audit --no-fund
	@touch $@

demo: setup
	$(BIN)/qfl run --out runs/demo --overwrite --explorer
	$(BIN)/qfl verify --run runs/demo

test: setup test-python test-contracts

# A file's tests share a devnet, so they stay on one processor.
test-python:
	$(PYTEST) -n auto --maxprocesses 4 --dist loadfile tests/unit tests/integration

# Brownie's own pytest plugin runs these on its own development chain.
test-contracts:
	$(BIN)/brownie test tests/contracts tests/stateful -o addopts=

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	node_modules/.bin/prettier --check 'contracts/**/*.sol' 'qfl/**/*.{js,mjs}' 'tests/**/*.mjs'
	node_modules/.bin/solhint --max-warnings 0 'contracts/**/*.sol'
	$(MAKE) analyse
	$(MAKE) test

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
