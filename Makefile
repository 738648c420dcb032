# `make demo` and `make test` need nothing done first but a Python >= 3.12.
BIN := .venv/bin
DEMO := build/demo
COLLECTION := DemoCam/runs/demo
CUTOUTS := $(BIN)/zooniverseCutouts --quiet --sqlitefile $(DEMO)/apdb.sqlite3 --collections $(COLLECTION) --overwrite
INSTALL := $(if $(shell command -v uv),uv pip install --python $(BIN)/python,$(BIN)/python -m pip install) --quiet

# How many places `make mutants` changes, and which.
MUTANTS := 200
SEED := 1

.PHONY: help demo test mutants notebook distributed loop clean-install lint docs figures clean

help:
	@echo "make demo   make a sky, a butler repository and an APDB, and pictures of its DiaSources in $(DEMO)"
	@echo "make test   run the tests"
	@echo "make mutants  change $(MUTANTS) places of the package, and list what no test notices (MUTANTS=, SEED=)"
	@echo "make notebook  execute the notebook of the documentation, and compare what it shows"
	@echo "make distributed  make the demo's pictures directly, with pipetask and with BPS, and compare them"
	@echo "make loop   make pictures of the demo, upload them to a stand-in, let volunteers judge, make labelled stamps"
	@echo "make clean-install  install the wheel and each extra into empty environments, and use them"
	@echo "make lint   run the linters"
	@echo "make docs   build the documentation, doc/_build/html/index.html"
	@echo "make figures  draw the figures of the documentation again"
	@echo "make clean  remove everything that was made"

.venv/.ready: pyproject.toml .ci/setup
	@.ci/setup

# The demo needs less than the tests.
.venv/.demo: pyproject.toml .ci/setup
	@.ci/setup demo

$(DEMO)/.ready: .venv/.demo $(wildcard python/lsst/analysis/ap/demo/*.py)
	@$(BIN)/zooniverseCutoutsDemo --overwrite $(DEMO)
	@touch $@

demo: $(DEMO)/.ready
	@$(CUTOUTS) $(DEMO)/repo $(DEMO)/plain
	@$(CUTOUTS) -c addMetadata=True $(DEMO)/repo $(DEMO)/annotated
	@echo "Look at the pictures in $(DEMO)/plain and $(DEMO)/annotated."

test: .venv/.ready
	@$(BIN)/python -m pytest -n auto --dist worksteal -q $(PYTEST_OPTIONS)

.venv/.mutants: .venv/.ready
	@$(INSTALL) --group mutants
	@touch $@

mutants: .venv/.mutants
	@nice $(BIN)/python tests/stress/mutants.py --number $(MUTANTS) --seed $(SEED)

notebook: .venv/.ready
	@$(BIN)/python tests/stress/notebook.py

distributed: .venv/.ready $(DEMO)/.ready
	@$(BIN)/python tests/stress/distributed.py $(DEMO) build/distributed

loop: .venv/.ready $(DEMO)/.ready
	@tests/stress/loop.sh $(BIN) $(DEMO) $(COLLECTION) build/loop

clean-install: .venv/.ready $(DEMO)/.ready
	@$(BIN)/python .ci/clean-install

lint: .venv/.ready
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@git ls-files 'python/*.py' | grep -v '/__init__\.py$$' | xargs $(BIN)/numpydoc lint

# In the same .venv, but only when wanted: Sphinx and its extensions are many.
.venv/.docs: .venv/.ready
	@$(INSTALL) --group docs
	@touch $@

# From nothing each time: what is made from the code must not be taken for up to date.
docs: .venv/.docs
	@rm -rf doc/py-api doc/_build
	@cd doc && ../$(BIN)/python -m sphinx -b html -d _build/doctrees -W --keep-going -q . _build/html
	@echo "Open doc/_build/html/index.html."

figures: .venv/.ready
	@$(BIN)/python doc/make_figures.py

clean:
	rm -rf .venv build dist doc/_build doc/py-api
