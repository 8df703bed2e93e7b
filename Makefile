# make demo   the chat page on http://127.0.0.1:7860 (PORT=8080 make demo: on another port)
# make test   every check: style, types, import directions, tests
# make lint   the same without the tests
# make audit  whether a pinned dependency is on the public lists of vulnerabilities
# make clean  removes what the others made

PYTHON ?= python3
VENV := .venv
# Tests wait for processes and browsers more than they compute: so many run at once even on two cores. In their
# own order: pytest-xdist's would keep the modules with the few, long tests for the end, all at once.
WORKERS ?= 4
# Without compiling, the installation takes half the time; Python compiles what it imports, when it does.
PIP_INSTALL := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile \
	--constraint constraints.txt

.PHONY: demo test lint audit clean
.DELETE_ON_ERROR:

demo: $(VENV)/.runtime
	@$(if $(PORT),OMOST_WEB__PORT='$(PORT)') $(VENV)/bin/omost-bot web

test: lint
	$(VENV)/bin/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

lint: $(VENV)/.dev
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/basedpyright
	$(VENV)/bin/lint-imports

audit: $(VENV)/.dev
	$(VENV)/bin/python tools/audit.py

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The package is installed as a link to this checkout: a change to the code needs no new installation.
$(VENV)/.runtime: $(VENV)/.pip pyproject.toml constraints.txt
	@echo "Installing omost-bot into $(VENV); this takes about a minute the first time."
	@$(PIP_INSTALL) --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.pip pyproject.toml constraints.txt
	@echo "Installing omost-bot and its checks into $(VENV); this takes about a minute the first time."
	@$(PIP_INSTALL) --editable '.[dev]'
	@touch $@ $(VENV)/.runtime

# An environment that is there and works is kept; half of one (a Python without ensurepip) is made anew.
$(VENV)/.pip:
	@$(VENV)/bin/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@touch $@
