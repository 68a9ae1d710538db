# make run — the whole product on this machine     make test — the suite, twice
# make setup — prepare only                        make lint — every other check
# make bench — figures of speed                    make faults — kills while posting
# make conformance — others' tools hold the running product to the standards it claims
# make messages — bring the translations up with the code
# Needs Python 3.11 or later, and make. docs/operations.md tells of the variables.

SHELL := /bin/sh
VENV := .venv
PYTHON := $(VENV)/bin/python
# Byte code is compiled where it is first used: a third of the install otherwise.
PIP_INSTALL := $(PYTHON) -m pip --disable-pip-version-check -qq install --no-compile

# The stamps carry a checksum of what they stand for: installed again only when a
# requirement changes, not when git touches a file.
sum = $(firstword $(shell cat $(1) 2>/dev/null | cksum))
RUNTIME := $(VENV)/.runtime-$(call sum,requirements.txt)
DEVELOPMENT := $(VENV)/.development-$(call sum,requirements.txt requirements-dev.txt)

.PHONY: setup run test lint bench faults proofs conformance messages format clean

setup: $(RUNTIME)
	@$(PYTHON) manage.py migrate --verbosity 0 --no-input
	@$(PYTHON) manage.py collectstatic --verbosity 0 --no-input
	@echo "Ready. Start with: make run"

# serve itself migrates and collects static files.
run: $(RUNTIME)
	@$(PYTHON) manage.py serve

# ARGS goes to the runner: make test ARGS="--only sqlite tests/fit"
test: $(DEVELOPMENT)
	@$(PYTHON) -m tests.run $(ARGS)

lint: $(DEVELOPMENT)
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(VENV)/bin/lint-imports
	$(PYTHON) manage.py makemigrations --check --dry-run
	$(PRODUCTION) $(PYTHON) manage.py check --deploy --fail-level WARNING

# Settings as in production, with a key that lives as long as the command.
PRODUCTION = TRACKER_ENV=production ALLOWED_HOSTS=tracker.example.org \
	SECRET_KEY=$$($(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(64))')

# ARGS="--full" measures at the size of the goals; a name runs that one alone.
bench: $(DEVELOPMENT)
	@$(PYTHON) -m tests.benchmarks $(ARGS)

# Thousands of postings while processes are killed; the suite has a small part of it.
faults: $(DEVELOPMENT)
	@FAULT_POSTINGS=10000 $(PYTHON) -m tests.run tests/faults $(ARGS)

# The ledger against an independent model, 500 runs of 50 steps where the suite has ten;
# and six writers at once, 50 turns each where the suite has eight.
proofs: $(DEVELOPMENT)
	@LEDGER_RUNS=500 LEDGER_WRITES=50 $(PYTHON) -m tests.run -n0 \
	  tests/spend/test_ledger_machine.py tests/spend/test_concurrent_postings.py \
	  tests/spend/test_concurrent_services.py $(ARGS)

# ARGS=--small tries as many cases as there is time for in CI; a name runs that one alone.
conformance: $(DEVELOPMENT)
	@$(PYTHON) -m tests.conformance $(ARGS)

# Then: python -m config.messages missing, and fill (docs/translations.md).
messages: $(RUNTIME)
	@$(PYTHON) -m config.messages update

format: $(DEVELOPMENT)
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

# Leaves the data (var/, or DATA_DIR) alone.
clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@./.ci/make-venv $(VENV)

$(RUNTIME): | $(VENV)/bin/python
	@echo "Installing what the product needs …"
	@$(PIP_INSTALL) -r requirements.txt
	@rm -f $(VENV)/.runtime-* && touch $@

$(DEVELOPMENT): | $(VENV)/bin/python
	@echo "Installing what the tests need …"
	@$(PIP_INSTALL) -r requirements-dev.txt
	@rm -f $(VENV)/.development-* $(VENV)/.runtime-* && touch $@ $(RUNTIME)
