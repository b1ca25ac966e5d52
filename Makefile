# SPDX-License-Identifier: MIT
# `make` on a fresh machine installs everything into .venv and makes every table and figure of the default.
# Nothing outside this folder is touched, caches included.

CONFIG ?= config/config.yaml
PRESET ?=
CORES ?= all
ARGS ?=
VENV := .venv
STAMP := $(VENV)/.installed
BIN := $(VENV)/bin
# The first of these that is new enough; PYTHON=... goes before them.
PYTHONS := $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11
# The preset goes by a file, since a --config among ARGS would take the place of another one.
PRESET_FILE := .cache/preset.yaml
SNAKEMAKE = $(if $(PRESET),mkdir -p .cache && echo "preset: $(PRESET)" > $(PRESET_FILE) &&) \
    $(BIN)/snakemake --cores $(CORES) --configfile $(CONFIG) $(if $(PRESET),$(PRESET_FILE))
export XDG_CACHE_HOME := $(CURDIR)/.cache
export MPLCONFIGDIR := $(CURDIR)/.cache/matplotlib

SEED ?= 0
# Whole files, in the order that tests/conftest.py gives them.
PARALLEL := -n logical --dist loadfile --no-loadscope-reorder
FAULTS ?=
.PHONY: all results test test-slurm test-arithmetic test-faults lint bench bench-scale docs check report clean help
.DEFAULT_GOAL := all

all: results
	@$(BIN)/python workflow_scripts/show.py $(CONFIG) $(PRESET)

results: $(STAMP)
	@$(SNAKEMAKE) --no-hooks $(ARGS) -- all

test: $(STAMP) $(VENV)/plugins
	$(BIN)/python -m pytest $(PARALLEL) $(ARGS)

# Debian's Slurm on this machine, on loopback, for some minutes; as root it is installed where it is missing.
test-slurm: $(STAMP)
	$(BIN)/python tests/slurm/check.py

# The numeric tests once more with other sums: no wide instructions, and products in an order of their own.
test-arithmetic: $(STAMP)
	ATEN_CPU_CAPABILITY=default MKL_CBWR=COMPATIBLE OMP_NUM_THREADS=1 \
	    $(BIN)/python -m pytest -m 'not peer and not workflow' $(PARALLEL) $(ARGS)

# Minutes, and not for every change: what faults of disks, locks and kills lead to, for docs/reliability.md.
test-faults: $(STAMP)
	@mkdir -p results/benchmarks
	$(BIN)/python benchmarks/faults.py --seed $(SEED) $(if $(FAULTS),--only $(FAULTS)) > results/benchmarks/faults.md; \
	    status=$$?; cat results/benchmarks/faults.md; exit $$status

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint

# learnergy is measured against and needed for nothing else.
bench: $(STAMP)
	@echo "Fetching learnergy and what it needs, to be measured against ..."
	@$(BIN)/python -m pip install --quiet -c envs/constraints.txt learnergy==2.0.2
	@mkdir -p results/benchmarks
	@for name in workflow updates stages peers threads features networks streaming; do \
	    OMP_NUM_THREADS=1 $(BIN)/python benchmarks/$$name.py > results/benchmarks/$$name.md || exit 1; \
	    echo; cat results/benchmarks/$$name.md; \
	done

# Nearly an hour of one core: every step on up to a million rows, and search beside FAISS.
bench-scale: $(STAMP)
	@mkdir -p results/benchmarks
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/scale.py > results/benchmarks/scale.md
	@cat results/benchmarks/scale.md

# A site out of the pages and the docstrings; a warning is an error. Not in the tests, which check the links.
docs: $(STAMP)
	@$(BIN)/python -m pip install --quiet -c envs/constraints.txt -e '.[docs]'
	@$(BIN)/python docs/build_site.py

# Another processor moves tables a little; how far is in docs/tolerances.csv.
check: results
	@$(BIN)/python workflow_scripts/check.py $(CONFIG) $(PRESET)

report: results
	@$(SNAKEMAKE) $(ARGS) -- report
	@echo "results/report.html"

clean:
	rm -rf results .snakemake .pytest_cache .ruff_cache

help:
	@echo "make          install into $(VENV), make every table and figure, print them"
	@echo "make test     install, run the tests; ARGS='-k name' picks some"
	@echo "make test-slurm   the workflow on a Slurm of one node; as root Slurm is installed where it is missing"
	@echo "make test-arithmetic   the numeric tests with another arithmetic of the processor"
	@echo "make test-faults   kills, damaged files, full disks; SEED=1 puts them elsewhere, FAULTS=disk picks some (20 minutes)"
	@echo "make lint     ruff, mypy, snakefmt and Snakemake's linter"
	@echo "make bench    measure speed, against other libraries too; needs 8 GB of disk for a while"
	@echo "make bench-scale   every step on up to a million rows; needs 10 GB of disk and of memory for a while"
	@echo "make docs     the documentation as a site, results/site"
	@echo "make check    make every table, compare them with those in the documents"
	@echo "make report   one HTML page with what was found, every table and every figure"
	@echo "make clean    remove results and caches, but not $(VENV)"
	@echo
	@echo "CONFIG=config/mnist.yaml   another data set ($(CONFIG))"
	@echo "CORES=8                    processor cores to use ($(CORES))"
	@echo "PRESET=paper               a preset of that file"
	@echo "ARGS='-n'                  further options for Snakemake"
	@echo "PYTHON=/path/to/python     the Python to build $(VENV) from"

# Beside the rest: every call of Snakemake would import it.
$(VENV)/plugins: $(STAMP)
	@echo "Fetching Snakemake's plugin for Slurm, for the tests (less than a megabyte) ..."
	@$(BIN)/python -m pip install --quiet --upgrade --no-deps --target $@ \
	    snakemake-executor-plugin-slurm==2.8.0 snakemake-executor-plugin-slurm-jobstep==0.6.1
	@touch $@

$(STAMP): pyproject.toml envs/constraints.txt
	@for python in $(PYTHONS); do \
	    if "$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	    then echo "Installing into $(VENV) with $$python ..."; exec "$$python" -m venv $(VENV); fi; \
	done; \
	echo "Python 3.11 or newer, with its venv module, was not found: install it, or name it by" \
	    "make PYTHON=/path/to/python." >&2; exit 1
	@echo "Fetching $$(grep -c == envs/constraints.txt) packages (envs/constraints.txt). On Linux the usual torch brings" \
	    "CUDA libraries, several gigabytes. A build for the processor alone takes 2 GB in all, installed: stop this" \
	    "by Ctrl-C and run  PIP_EXTRA_INDEX_URL=<address of the CPU index> make  (envs/README.md says which)."
	@$(BIN)/python -m pip install --quiet -c envs/constraints.txt -e '.[workflow,network,faiss,test]'
	@touch $@
