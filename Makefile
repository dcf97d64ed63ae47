# Two commands for a newcomer: `make run` and `make test`. Both install what they need into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Where it is set, every process that the product or a test starts compiles all of it anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test test-slow test-all lint clients clean

run: $(VENV)/installed
	@exec $(BIN)/python manage.py up

# A few minutes on two cores: no browser, no kills, no big bodies.
test: $(VENV)/installed-dev
	$(BIN)/python -m pytest -m "not slow and not browser" -n auto --dist loadfile

# Real processes under SIGKILL, alone; then large uploads, vendors' clients, a real Chromium (Debian: chromium, ffmpeg).
test-slow: $(VENV)/installed-dev clients
	$(BIN)/python -m pytest -m "slow or browser" --durations=10 tests/chaos
	$(BIN)/python -m pytest -m "slow or browser" --durations=25 --ignore=tests/chaos -n 2 --dist loadfile

# The vendors' clients from npm (Node 20 or newer), which are tested against this server.
clients: tests/clients/node_modules/installed

tests/clients/node_modules/installed: tests/clients/package.json tests/clients/package-lock.json
	npm ci --prefix tests/clients --ignore-scripts --no-audit --no-fund
	@touch $@

test-all: lint test test-slow

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.11 …"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: requirements.txt requirements-nodeps.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-nodeps.txt
	@touch $@

$(VENV)/installed-dev: requirements.txt requirements-nodeps.txt requirements-dev.txt requirements-dev-nodeps.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-nodeps.txt -r requirements-dev-nodeps.txt
	@touch $@ $(VENV)/installed

clean:
	rm -rf $(VENV)
