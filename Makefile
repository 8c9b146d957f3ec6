# From a fresh clone: `make demo` does the main job on a real sample, `make test` runs every native test.
#
# Both build the package and install it into a virtual environment, $(VENV); what is tested is the
# installed package, never the source tree. Variables: PYTHON (the interpreter to make the environment
# with), VENV (where), CC, T (what pytest gets, e.g. T='tests/wal -k torn'), QUICK=1 (short benchmarks).

PYTHON ?= python3
VENV ?= .venv
T ?=
QUICK ?=

BIN := $(VENV)/bin
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

# The same two as in pyproject.toml's build-system table; tests/test_tree.py compares them.
BUILD_REQUIRES := 'setuptools>=77' 'Cython>=3.1,<4'

# What the installed package is made of. Folders are listed for files that come and go.
SOURCES := pyproject.toml setup.py README.md $(shell find fastcore csrc -type d ! -name __pycache__ ! -path 'csrc/build*') \
	$(shell find fastcore -name '*.py' -o -name '*.p[yx][xi]' -o -name '*.pxd' -o -name py.typed) \
	$(shell find csrc -name '*.[ch]' -o -name '*.def')

# One stamp per Python version: another PYTHON makes the environment anew. `with-test` is the stamp of
# "the dependencies of the extra `test` are there too".
READY := $(VENV)/.ready-$(VERSION)
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test ctest test-arm64 test-sanitized fuzz bench lint docs wheel wheels clean

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' Makefile | while IFS='	' read -r name what; do \
		printf '  make %-14s %s\n' "$$name" "$$what"; done

demo: $(INSTALLED) ## decode, filter and log a real sample, then replay the log
	@$(BIN)/python examples/demo.py

test: ctest $(INSTALLED) $(VENV)/.with-test ## every native test: the C core's, then the package's
	$(BIN)/pytest $(T)

ctest: ## the C core's tests alone; needs no Python
	@CC="$(CC)" tools/check-tools
	$(MAKE) -C csrc test

test-arm64: ## kernels and smoke tests on emulated aarch64: NEON, SVE, SVE2
	tools/arm64.sh

# Another build of the package, beside the installed one; leaks are not looked for, since the
# interpreter itself keeps what it allocates.
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined
SANITIZED := build/sanitized/lib

test-sanitized: $(INSTALLED) $(VENV)/.with-test ## the parsers' Python tests under the address and undefined-behaviour sanitizers
	FASTCORE_CFLAGS="$(SANITIZE) -fno-omit-frame-pointer -O1" FASTCORE_LDFLAGS="$(SANITIZE)" \
		$(BIN)/python setup.py -q build --build-base build/sanitized --build-lib $(SANITIZED)
	PYTHONPATH="$(CURDIR)/$(SANITIZED)" PYTHONMALLOC=malloc ASAN_OPTIONS=detect_leaks=0 \
		LD_PRELOAD="$$($(CC) -print-file-name=libasan.so) $$($(CC) -print-file-name=libubsan.so)" \
		$(BIN)/pytest $(or $(T),tests/json tests/ijson tests/text tests/kernels)

# Needs clang. What it finds lies in build/fuzz; a useful input moves to tests/fuzz/<target>.
SECONDS ?= 60
FUZZED := json text
fuzz: $(FUZZED:%=build/fuzz/fuzz_%) ## the JSON core and the matcher under libFuzzer, for SECONDS=60 each
	for target in $(FUZZED); do \
		mkdir -p build/fuzz/$$target && \
		build/fuzz/fuzz_$$target -max_total_time=$(SECONDS) -max_len=600 -timeout=10 \
			-artifact_prefix=build/fuzz/ build/fuzz/$$target tests/fuzz/$$target || exit 1; \
	done

build/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(SOURCES)
	@mkdir -p $(@D)
	clang -std=c11 -O2 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		-Icsrc -Icsrc/include $< $(wildcard csrc/*/*.c) -pthread -o $@

bench: $(INSTALLED) $(VENV)/.with-test $(VENV)/.with-bench ## benchmarks beside the peers, then bench/results/report.md and report.svg
	$(BIN)/python bench/run.py $(if $(QUICK),--quick) $(T)

lint: $(INSTALLED) $(VENV)/.with-test $(VENV)/.with-lint ## formatting, lint, types and compiler warnings, all as errors
	PATH="$(CURDIR)/$(BIN):$$PATH" tools/lint

# What Sphinx says on the way is in build/docs/log; a page that cannot be built ends it.
docs: $(INSTALLED) $(VENV)/.with-docs ## the documentation as a site: build/docs/html/index.html
	@mkdir -p build/docs
	cd build/docs && $(CURDIR)/$(BIN)/sphinx-build -q -w log -c $(CURDIR)/docs/site -d doctrees $(CURDIR) html
	@echo "build/docs/html/index.html"

wheel: $(READY) ## a source distribution, the wheel built out of it alone, and a smoke test of that
	rm -rf dist build/wheel-test
	$(PIP) install build
	$(BIN)/python -m build
	$(PYTHON) -m venv build/wheel-test
	build/wheel-test/bin/python -m pip --quiet --disable-pip-version-check install dist/*.whl pytest
	build/wheel-test/bin/pytest -q tests/smoke
	@du -h dist/*

wheels: ## manylinux wheels for x86-64 and ARM64, each installed and smoke-tested; no container needed
	PYTHONS="$(or $(PYTHONS),$(PYTHON))" tools/wheels.sh

clean: ## remove what was built, the environment too
	rm -rf build dist *.egg-info $(VENV) .arm64 csrc/build demo-log bench/results/quick
	rm -rf fastcore/include
	rm -f fastcore/*.c fastcore/*.so fastcore/_native/*.c fastcore/_native/*.so

$(READY):
	@CC="$(CC)" tools/check-tools $(PYTHON)
	@echo "making the virtual environment $(VENV) (Python $(VERSION))"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(PIP) install $(BUILD_REQUIRES)
	@touch $@

# Modules that were deleted from the source must not live on in setuptools' build folder.
$(INSTALLED): $(READY) $(SOURCES)
	@echo "building fastcore into $(VENV)"
	@find build -path '*/lib.*' -type f ! -name '*.so' -delete 2>/dev/null || true
	@$(PIP) install --no-build-isolation '.[compress]'
	@touch $@

$(VENV)/.with-%: $(READY) pyproject.toml | $(INSTALLED)
	@echo "installing what \"$*\" needs into $(VENV)"
	@$(PIP) install --no-build-isolation '.[$*]'
	@touch $@
