# Two commands do everything on a fresh machine:
#   make demo   own environment, install, sample media with known truth, scan, table, HTML reports
#   make test   own environment, install, the tests
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test check clean

demo: $(STAMP)
	@$(BIN)/python tests/make_media.py --out demo-out/media
	@$(BIN)/unforged scan demo-out/media --out demo-out/reports --store none --format html,json,csv; \
		code=$$?; test $$code -ne 2 -a $$code -le 3
	@echo
	@echo "What was planted:"
	@sed 's/^/  /' demo-out/TRUTH.txt

test: $(STAMP)
	$(BIN)/python -m pytest

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The stamp is older than a changed pyproject or constraints file: then it installs anew, else it starts at once.
$(STAMP): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -c 'import sys; assert sys.version_info >= (3, 11), "unforged needs Python 3.11 or newer"'
	@echo "Installing into $(VENV) (once)..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $(STAMP)

clean:
	rm -rf $(VENV) demo-out
