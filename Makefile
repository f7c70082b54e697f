# `make app` and `make test` do everything; each makes .venv when it is missing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: app test test-fast lint mutants clean

app: $(VENV)/app
	$(BIN)/streamlit run streamlit_app.py

# Everything, as CI runs it, in two processes side by side.
test: lint
	$(BIN)/python -m pytest -n 2 --dist worksteal

# What answers in about two minutes: no training, no process, no browser.
test-fast: $(VENV)/dev
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow"

lint: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Which wrong lines would no test see? By hand: all modules take hours, ONLY="unet_core.overlay*"
# minutes, the first time five more for all tests. `mutmut results` lists what survived,
# `mutmut show NAME` what was changed.
mutants: $(VENV)/dev
	$(BIN)/python -m pip install --quiet "mutmut>=3.8,<4" -c constraints.txt
	$(BIN)/mutmut run $(ONLY)

$(VENV)/app: requirements.txt constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -r requirements.txt -c constraints.txt
	touch $@

$(VENV)/dev: $(VENV)/app requirements-dev.txt
	$(BIN)/python -m pip install --quiet -r requirements-dev.txt -c constraints.txt
	touch $@

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache mutants
