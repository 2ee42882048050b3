PYTHON ?= python3
JOBS ?= 2
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# a thread for each of the $(JOBS) processes, whatever the surroundings say: two each hamper one another tenfold
export OMP_NUM_THREADS := 1
export MKL_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export NUMEXPR_NUM_THREADS := 1
export VECLIB_MAXIMUM_THREADS := 1

.PHONY: grokking comparisons figures gallery criteria docs explorer test test-slow mutants faults fuzz versions bench lint clean

$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	$(BIN)/python -c "import torch; torch.version.cuda is None or torch.cuda.is_available() or print('note: this torch was built for CUDA but sees no GPU, so all runs on the CPU; for another one see README, Two commands')"
	touch $@

grokking: $(READY)
	$(BIN)/python -m comparisons.grokking --preset quick --jobs $(JOBS)

comparisons: $(READY)
	$(BIN)/python -m comparisons --preset quick --jobs $(JOBS)

figures: $(READY)
	$(BIN)/python -m figures all --preset quick --jobs $(JOBS)

# changes tracked files: claims at two seeds, pictures, matrix, verdicts
gallery: $(READY)
	$(BIN)/python -m figures all --preset quick --jobs $(JOBS) --resume --write
	$(BIN)/python -m figures all --preset quick --jobs $(JOBS) --resume --write --seed 11
	$(BIN)/python -m comparisons --preset quick --jobs $(JOBS) --resume --with-exchange --write

criteria: $(READY)
	$(BIN)/python -m toymodels.neurashed
	$(BIN)/python -m toymodels.condensation
	$(BIN)/python -m dnn

# the pages in docs/explorer, which are tracked: a test holds them to what this writes
explorer: $(READY)
	$(BIN)/python -m docs.explorer

test: $(READY)
	$(BIN)/python -m pytest -n $(JOBS) -q

test-slow: $(READY)
	$(BIN)/python -m pytest -n $(JOBS) -q -m slow

# nightly: planted mutants that no test notices, faults after which something is lost, bad input that is not refused
mutants: $(READY)
	$(BIN)/python -m tests.mutants.table
	$(BIN)/python -m tests.mutants.drawn

faults: $(READY)
	$(BIN)/python -m tests.faults.table --times 20

fuzz: $(READY)
	$(BIN)/python -m tests.fuzz.table

# the tests of toymodels on the oldest and the newest Python that is here, each with the oldest and the newest libraries
versions: $(READY)
	$(BIN)/python -m tests.versions.table --jobs $(JOBS)

# writes benchmarks/RESULTS.md and the lines of it that the README quotes; what is not installed of the peers is named there
bench: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[peers]' || echo "note: the peers cannot be had"
	$(BIN)/python -m pytest benchmarks -q -s -p no:xdist --override-ini "filterwarnings=default" --results benchmarks/RESULTS.md

# the book, offline; every code cell is executed, and a warning is an error
docs: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	$(BIN)/sphinx-build -W --keep-going -q -j $(JOBS) -c docs/book docs build/book
	@echo build/book/index.html

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

clean:
	rm -rf $(VENV) results build *.egg-info
