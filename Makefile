# Two commands do everything on a fresh machine:
#   make demo   own environment, install, sample media with known truth, scan, table, HTML reports in demo-out/
#   make test   own environment, install, the tests
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test check clean

demo: $(STAMP)
	@$(BIN)/python -m tests.demo --out demo-out

test: $(STAMP)
	$(BIN)/python -m pytest -n logical --dist loadfile

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The stamp is older than a changed pyproject or constraints file: then it installs anew, else it starts at once.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "unforged needs Python 3.11 or newer (make PYTHON=...)")'
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
	@echo "Installing into $(VENV) (once, a minute or two)..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $(STAMP)

clean:
	rm -rf $(VENV) demo-out
