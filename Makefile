# The operators' and the developers' short words; each says what it runs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BENCH := var/benchmarks
WHAT ?= benchmarks
HOST ?= 127.0.0.1
PORT ?= 8000
WORKERS ?= 2
THREADS ?= 4
export HOST PORT WORKERS THREADS

.DEFAULT_GOAL := help
.PHONY: help run serve test packages check bench tables format

help: ## what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/'

$(VENV)/installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one with PYTHON=...")'
	@$(PYTHON) -m venv $(VENV)
	@echo "Installing packages into $(VENV) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed
	@echo "Installing test packages into $(VENV) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

run: $(VENV)/installed ## a server for development on HOST:PORT, with its database and its first administrator; reloads changed code
	@DEVELOPMENT=on $(BIN)/python manage.py migrate --verbosity 0
	@DEVELOPMENT=on $(BIN)/python manage.py ensure_administrator --url http://$(HOST):$(PORT)
	@DEVELOPMENT=on WORKERS=1 exec $(BIN)/gunicorn --config python:usermgmt.server --reload usermgmt.wsgi

serve: $(VENV)/installed ## the production server: SECRET_KEY is required; `manage.py migrate` is yours to run
	@$(BIN)/python manage.py check --deploy --fail-level ERROR
	@$(BIN)/python manage.py collectstatic --no-input --verbosity 0
	@exec $(BIN)/gunicorn --config python:usermgmt.server usermgmt.wsgi

test: $(VENV)/installed-dev ## the whole suite; ARGS="accounts -k sign_in" narrows it
	@$(BIN)/pytest $(ARGS)

packages: $(VENV)/installed-dev ## what `make test` and `make check` stand on, installed

check: $(VENV)/installed-dev ## format, lint, types, import directions, migrations, deployment, OpenAPI
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	DEVELOPMENT=on $(BIN)/mypy .
	$(BIN)/lint-imports
	DEVELOPMENT=on $(BIN)/python manage.py makemigrations --check --dry-run
	DEVELOPMENT=off DEBUG=off SECRET_KEY=$$($(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(48))') $(BIN)/python manage.py check --deploy --fail-level WARNING
	DEVELOPMENT=on $(BIN)/python manage.py check_documents

format: $(VENV)/installed-dev ## put the code into its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(BENCH)/installed: requirements.txt benchmarks/requirements.txt
	@$(PYTHON) -m venv $(BENCH)
	@echo "Installing packages into $(BENCH) ..."
	@$(BENCH)/bin/pip install --quiet --disable-pip-version-check -r requirements.txt -r benchmarks/requirements.txt
	@touch $@

bench: $(BENCH)/installed ## benchmarks; ARGS=--help tells what there is, WHAT=benchmarks.crowd and the like run others
	$(BENCH)/bin/python -m $(WHAT) $(ARGS)

tables: $(BENCH)/installed ## every table of benchmarks/README.md anew, one after the other
	@for what in benchmarks "benchmarks --growth" "benchmarks --soak=1000000" benchmarks.profile benchmarks.crowd \
		benchmarks.forms benchmarks.importing benchmarks.servers benchmarks.lists; do \
		echo "$$what"; $(BENCH)/bin/python -m $$what --write-readme || exit; done
