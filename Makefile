# make demo | test | coverage | bench | faults | fuzz: each sets up what it needs and says how it ended.
SHELL := /bin/bash
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
FUZZ_SECONDS := $(if $(filter command line,$(origin SECONDS)),$(SECONDS),60)
comma := ,

# Where bytecode may not be written, every process of the tests would compile all of ours anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup peers-installed demo test coverage lint bench faults peers load streams fuzz clean

help:
	@grep -E '^# [a-z]+:' Makefile | sed 's/^# /make /'

$(VENV)/.installed: pyproject.toml constraints.txt
	@scripts/venv $(PYTHON) $(VENV)
	@touch $@

setup: $(VENV)/.installed

peers-installed:
	@scripts/install-peers
	@scripts/unpack-peers

# demo: the whole road on sample letters, and the GP opens them
demo: setup
	@$(BIN)/python -m demo.run

# test: style, types, import rules and all tests, against real servers; EXAMPLES=whole for more of what is generated
test: setup peers-installed lint
	@scripts/run-tests $(if $(EXAMPLES),--hypothesis-profile=$(EXAMPLES))

# coverage: the tests again, and the branches of each file they do not take
coverage: setup peers-installed
	@$(BIN)/pytest -q -n 2 --dist loadgroup --cov --cov-report=term-missing:skip-covered

lint: setup
	@$(BIN)/ruff format --check -q .
	@$(BIN)/ruff check -q .
	@$(BIN)/mypy

# bench: our figures beside the peers', pair by pair, in one run
bench: setup peers-installed
	@$(BIN)/python -m tests.bench.run

# faults: every promise broken on purpose at full numbers, with controls; ONLY="A3 B2" for some of them, FAULT_… for sizes
faults: setup peers-installed
	@$(BIN)/python -m tests.faults.run $(subst $(comma), ,$(ONLY))

# load: the promises of speed alone (D2, D5, D7), on a quiet machine; LOAD_SECONDS for each stream
load: setup peers-installed
	@$(BIN)/python -m tests.faults.run D2 D5 D7

# streams: random lives of stays against a slow oracle, STREAMS (100000) of them from number FIRST (0)
streams: setup
	@$(BIN)/python -m tests.bench.delays_streams $(or $(STREAMS),100000) $(or $(FIRST),0)

# fuzz: every reader of foreign bytes for SECONDS (60) under Atheris; a line each: inputs, crashes, slowest, peak memory
fuzz: setup
	@FUZZ_SECONDS=$(FUZZ_SECONDS) $(BIN)/python -m tests.fuzz.run

# peers: the matrix of servers and clients, docs/interoperability.md written anew; an error when a cell got worse
peers: setup peers-installed
	@scripts/install-peers thunderbird xvfb imagemagick
	@CI=true $(BIN)/python -m pytest -q -p no:randomly -p tests.interoperability.plugin -m "screen or not screen" \
		--matrix docs/interoperability.md tests/interoperability

clean:
	rm -rf $(VENV) demo/out bench/results.json faults/results.json fuzz .mypy_cache .pytest_cache .ruff_cache .hypothesis
