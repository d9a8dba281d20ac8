# Two commands do everything on a fresh machine:
#   make demo   own environment, install, sample media with known truth, scan, table, HTML reports in demo-out/
#   make test   the same environment, PyTorch added (a download of gigabytes), the tests
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
LEARNED := $(VENV)/.installed-learned

.PHONY: demo test check clean

demo: $(STAMP)
	@$(BIN)/python -m tests.demo --out demo-out

# One thread a worker: threads of PyTorch that wait for each other across workers take many times as long. One worker more
# than processors: journeys wait for a browser, and engines for their limits. Hundreds of processes are started: byte code
# is kept, whatever the surroundings say.
test: $(LEARNED)
	OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n $$(($$(getconf _NPROCESSORS_ONLN) + 1)) --dist loadfile --no-loadscope-reorder

check: $(LEARNED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# A stamp is older than a changed pyproject or constraints file: then it installs anew, else it starts at once.
$(STAMP): pyproject.toml constraints.txt
	$(call install,test,a minute or two)
	@touch $(STAMP)

# Training and its tests need PyTorch, the dashboard's tests Streamlit; the demo does without.
$(LEARNED): pyproject.toml constraints.txt
	$(call install,api$(COMMA)archives$(COMMA)attacks$(COMMA)cluster$(COMMA)dashboard$(COMMA)learned$(COMMA)oidc$(COMMA)postgres$(COMMA)remote$(COMMA)test,some minutes: PyTorch is large)
	@touch $(STAMP) $(LEARNED)

COMMA := ,

# pip compiles one file after the other; libraries are compiled by all processors, but for the tests in them. Some hold
# templates that are no Python.
define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "unforged needs Python 3.11 or newer (make PYTHON=...)")'
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
	@echo "Installing into $(VENV) (once, $(2))..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt -e '.[$(1)]'
	@$(BIN)/python -m compileall -qq -j 0 -x '/tests/' "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" || true
endef

clean:
	rm -rf $(VENV) demo-out
