# `make demo` and `make test` need nothing done first but a Python >= 3.12.
BIN := .venv/bin
DEMO := build/demo
COLLECTION := DemoCam/runs/demo
CUTOUTS := $(BIN)/zooniverseCutouts --quiet --sqlitefile $(DEMO)/apdb.sqlite3 --collections $(COLLECTION) --overwrite

.PHONY: help demo test lint clean

help:
	@echo "make demo   make a sky, a butler repository and an APDB, and pictures of its DiaSources in $(DEMO)"
	@echo "make test   run the tests"
	@echo "make lint   run the linters"
	@echo "make clean  remove everything that was made"

.venv/.ready: pyproject.toml .ci/setup
	@.ci/setup

$(DEMO)/.ready: .venv/.ready $(wildcard python/lsst/analysis/ap/demo/*.py)
	@$(BIN)/zooniverseCutoutsDemo --overwrite $(DEMO)
	@touch $@

demo: $(DEMO)/.ready
	@$(CUTOUTS) $(DEMO)/repo $(DEMO)/plain
	@$(CUTOUTS) -c addMetadata=True $(DEMO)/repo $(DEMO)/annotated
	@echo "Look at the pictures in $(DEMO)/plain and $(DEMO)/annotated."

test: .venv/.ready
	@$(BIN)/python -m pytest -n auto -q

lint: .venv/.ready
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@git ls-files 'python/*.py' | grep -v '/__init__\.py$$' | xargs $(BIN)/numpydoc lint

clean:
	rm -rf .venv build dist
