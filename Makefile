# make demo  one adaptive scan on a simulated specimen, through Micro-Manager
# make gui   the window
# make test  ruff, mypy, the manual, pytest
# Both create the environment first; the second time that costs nothing.

SHELL := /bin/sh
.DEFAULT_GOAL := help

VENV     ?= .venv
# 3.11 first: the pins were made with it. Any 3.11 or newer will do.
PYTHON   ?= $(shell for p in python3.11 python3 python3.12 python3.13 python3.14 python; do \
              "$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
PIP_ARGS ?=

SPECIMEN ?=
SEED     ?=
MODEL    ?=
ESTIMATOR ?=
EPSILON  ?=
OUT      ?= demo-run
ARGS     ?=
SHOTS    ?= docs/screenshots
THEMES   ?= dark light
SHOTS_PX ?=
JOBS     ?= 2
PYTEST_ARGS ?=

# where Python puts commands; on Windows make runs in Git's shell
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
PIP := $(BIN)/python -m pip --disable-pip-version-check install -qq -c constraints.txt $(PIP_ARGS)

.PHONY: help demo gui screenshots docs build test lint types pytest quick coverage readme system qt clean

help:  ## this list
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):.*## */  make \1\t/' | expand -t 20
	@echo
	@echo "  demo:  SPECIMEN=beads|nuclei|filaments SEED=N MODEL=NAME|PATH ESTIMATOR=NAME EPSILON=E OUT=DIR ARGS='...'"
	@echo "  test:  PYTEST_ARGS='-k optics' JOBS=N"
	@echo "  both:  VENV=DIR PYTHON=python3.12 PIP_ARGS='--extra-index-url ...'"

demo: $(VENV)/.demo-installed  ## set up, then scan a simulated specimen; the result is in demo-run/
	$(BIN)/rmz-acquire demo --out "$(OUT)" --overwrite \
	  $(if $(SPECIMEN),--specimen "$(SPECIMEN)") $(if $(SEED),--seed "$(SEED)") \
	  $(if $(MODEL),--model "$(MODEL)") $(if $(ESTIMATOR),--estimator "$(ESTIMATOR)") \
	  $(if $(EPSILON),--epsilon "$(EPSILON)") $(ARGS)

gui: $(VENV)/.gui-installed qt  ## set up, then open the window
	$(BIN)/rmz-acquire gui $(ARGS)

screenshots: $(VENV)/.gui-installed system  ## the window's main states as PNG, into docs/screenshots/
	@set -e; for theme in $(THEMES); do $(BIN)/python scripts/screenshots.py "$(SHOTS)" $$theme $(SHOTS_PX); done

docs: $(VENV)/.test-installed  ## the manual, into site/, whole without the internet: open site/index.html
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

build: $(VENV)/.test-installed  # wheel and sources, into dist/
	$(BIN)/python -m hatchling build -d dist -t sdist -t wheel

# Types and manual beside the tests: alone they would leave a core with nothing to do.
# What they say comes last.
test: lint  ## set up, then ruff, mypy --strict, the manual and all tests
	@$(MAKE) types docs >.beside.log 2>&1 & beside=$$!; \
	 $(MAKE) pytest; tests=$$?; wait $$beside; code=$$?; \
	 cat .beside.log; rm -f .beside.log; exit $$((tests + code))

lint: $(VENV)/.test-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.test-installed
	$(BIN)/mypy --strict

# what one process has compiled those that tests start need not compile again
pytest: export PYTHONDONTWRITEBYTECODE =
# Without Qt's system libraries the Qt tests are left out, which is said, and the rest runs.
pytest: $(VENV)/.test-installed system
	@if QT_QPA_PLATFORM=offscreen $(BIN)/python -c 'import PyQt6.QtWidgets' 2>/dev/null; then qt=; else \
	   qt='-p no:pytest-qt'; fi; \
	 set -x; $(BIN)/python -m pytest $$qt -n $(JOBS) --dist worksteal \
	   --max-worker-restart 3 $(PYTEST_ARGS)

# the tests that are not marked slow: some 170 s of a processor in all, measured beside
# other work, of which 15 go into finding them
quick: override PYTEST_ARGS += -m 'not slow'
quick: pytest

# all tests once more, slower, with what of the package they run
coverage: override PYTEST_ARGS += --cov --cov-report=term --cov-report=html
coverage: pytest

# Set up by the README's own commands, one after the other, and run all that it shows
# in what each of them installs. Where more is installed already, that is said.
readme:
	$(MAKE) help
	$(MAKE) demo OUT=demo-run-readme ARGS="--max-planes 5"
	$(BIN)/python scripts/readme.py demo
	$(MAKE) system
	sh scripts/in-a-window.sh $(MAKE) gui ARGS="--config simulated --out demo-run-readme"
	OMP_NUM_THREADS=1 $(MAKE) screenshots SHOTS=demo-run-readme/screenshots THEMES=dark \
	  SHOTS_PX=64 & shots=$$!; \
	  OMP_NUM_THREADS=1 $(BIN)/python scripts/readme.py gui; ended=$$?; wait $$shots && exit $$ended

system: $(VENV)/.demo-installed
	@sh scripts/system-packages.sh $(BIN)/python tests

qt: $(VENV)/.gui-installed
	@sh scripts/system-packages.sh $(BIN)/python window

$(VENV)/.created:
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11 or newer found; name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@sh scripts/create-venv.sh "$(PYTHON)" "$(VENV)"
	@touch $@

$(VENV)/.demo-installed: $(VENV)/.created pyproject.toml constraints.txt
	@echo "installing into $(VENV) (torch is large: minutes the first time)"
	@$(PIP) -e '.[simulation]'
	@touch $@

$(VENV)/.gui-installed: $(VENV)/.demo-installed
	@echo "installing the window's libraries into $(VENV)"
	@$(PIP) -e '.[gui,simulation]'
	@touch $@

$(VENV)/.test-installed: $(VENV)/.demo-installed
	@echo "installing the test tools into $(VENV)"
	@$(PIP) -e '.[dev]'
	@touch $@

clean:  ## remove the environment and caches, never runs
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache
