# Everything happens in .venv of this checkout; nothing global is touched.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK := .ci/requirements.lock
FUZZ_SECONDS ?= 600
SEED ?= 0
MINUTES ?= 30

.DEFAULT_GOAL := help
.PHONY: help setup tools lint types layers pytest test coverage test-long deploy-check e2e-monitoring e2e-collector \
  image-check eval-sensitive differential fuzz fuzz-inputs ordinary clocks conformance interop faults soak \
  bench bench-forward bench-ordinary bench-sensitive bench-memory bench-guard run demo demo-clean docs lock clean

help: ## this list
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "%-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/ready ## a virtual environment in .venv with everything locked

NATIVE := $(wildcard collector/decode/native/*.pyx collector/decode/native/*.pxd)

$(VENV)/ready: pyproject.toml $(LOCK) $(NATIVE)
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; $(PYTHON) is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12 setup")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement $(LOCK)
	@echo "compiling the decoder where there is a C compiler: some minutes"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

tools: .tools/ready ## what checks deploy/ (Helm, Prometheus, ...), in .tools of the checkout

.tools/ready: tests/deploy/tools.py .ci/tools.lock | $(VENV)/ready
	@$(BIN)/python tests/deploy/tools.py fetch
	@touch $@

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: setup
	$(BIN)/mypy

layers: setup
	$(BIN)/lint-imports

pytest: setup tools
	$(BIN)/pytest -n 3 --dist worksteal

coverage: setup tools ## every test, and which branches none of them takes
	$(BIN)/pytest --cov --cov-report=term -n 2

test-long: setup ## the tests that take samples in `make test`, with many more of them
	LONG=1 $(BIN)/pytest -n 2 tests/decode tests/evaluate tests/kinds tests/order tests/ordinary tests/sensitive

test: lint types layers pytest ## every check

deploy-check: setup tools ## image, manifests, chart, alerts and dashboards, by their own tools
	$(BIN)/pytest -n 2 -rs tests/deploy

e2e-monitoring: setup tools ## from telemetry to an alert that arrives, and back to quiet
	$(BIN)/pytest -rs tests/deploy/e2e_monitoring.py

e2e-collector: setup tools ## the Collector configurations on a real Collector (needs Go; minutes at first)
	$(BIN)/python tests/deploy/tools.py fetch otelcol
	$(BIN)/pytest -rs tests/deploy/e2e_collector.py

eval-sensitive: setup ## how good the detectors are, on a corpus made apart from them (EVAL=--help)
	@$(BIN)/python tests/sensitive/evaluate.py $(EVAL)

image-check: setup ## run the steps of the image in an empty folder, and start the result
	$(BIN)/python tests/deploy/build_image.py

differential: setup ## compare the decoders on 200 thousand messages and more
	DIFFERENTIAL_MESSAGES=220000 DIFFERENTIAL_SEED=$(SEED) $(BIN)/pytest -n 2 tests/decode/native/test_differential.py

fuzz: setup ## feed odd bytes to the compiled decoder for FUZZ_SECONDS (needs clang)
	$(BIN)/python tests/fuzz/run.py --seconds $(FUZZ_SECONDS)

fuzz-inputs: setup ## feed odd bytes to each reader in Python for FUZZ_SECONDS (needs Atheris; FUZZ=--help)
	$(BIN)/python tests/fuzz/run_inputs.py --seconds $(FUZZ_SECONDS) $(FUZZ)

clocks: setup ## every case of every kind under every hostile clock
	LONG=1 $(BIN)/pytest -n auto tests/order/test_clocks.py

ordinary: setup ## all policies over a long ordinary load, which they must leave alone (ORDINARY=--help)
	@$(BIN)/python tests/ordinary/run.py $(ORDINARY)

bench: setup ## what inspection costs, in and out of process, in one table for each question
	@$(BIN)/python tests/bench/bench.py $(BENCH)

conformance: setup ## try an OTLP server row by row: this one, or TARGET=HTTP_ADDRESS,GRPC_ADDRESS
	@$(BIN)/python tests/conformance/run.py $(TARGET)

interop: setup ## SDKs of other languages against the auditor (needs their toolchains; INTEROP=node)
	@$(BIN)/python tests/interop/run.py $(INTEROP)

soak: setup ## MINUTES of mixed load, after which the process must be as large as it was
	@$(BIN)/python tests/soak/run.py --minutes $(MINUTES)

faults: setup ## break what can break, and print the ledger of each
	@$(BIN)/python tests/faults/run.py $(FAULTS)

bench-forward: setup ## how much later an answer comes because the auditor passes a request on
	@$(BIN)/python tests/bench/forwarding.py $(BENCH)

bench-ordinary: setup ## what the whole catalogue costs on ordinary load, and which policy how much
	@$(BIN)/python tests/bench/whole.py $(BENCH)

bench-sensitive: setup ## what the detectors cost on hostile values
	@$(BIN)/python tests/bench/hostile_values.py

bench-memory: setup ## resident memory after 50 million spans of 100 thousand services
	@$(BIN)/python tests/bench/memory.py $(BENCH)

bench-guard: setup ## instructions of the compiled decoder against those recorded (needs valgrind)
	@$(BIN)/python tests/bench/guard.py $(BENCH)

run: setup ## the auditor alone, OTLP on 127.0.0.1:4317 and :4318, metrics on :9464
	@$(BIN)/telemetry-auditor run

demo: setup ## the auditor, a shop that misbehaves, and a live table of findings
	@$(BIN)/python deploy/demo/demo.py

demo-clean: setup ## the same shop doing everything right: it must be left alone
	@$(BIN)/python deploy/demo/demo.py --clean

docs: setup ## write what is made of something else: catalogue, schema, copies in deploy/
	$(BIN)/telemetry-auditor policies docs
	$(BIN)/python deploy/grafana/build.py
	$(BIN)/python deploy/render.py

lock: ## resolve the newest versions into the lock (needs uv)
	uv pip compile --quiet --universal --generate-hashes --extra dev --python-version 3.11 \
	  --no-header --no-annotate --output-file $(LOCK) pyproject.toml
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	  --no-header --no-annotate --output-file .ci/tools.lock .ci/tools.in
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --constraint $(LOCK) \
	  --no-header --no-annotate --output-file .ci/build.lock .ci/build.in
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --constraint $(LOCK) \
	  --no-header --no-annotate --output-file deploy/requirements.lock pyproject.toml

clean: ## remove what setup and the checks made
	rm -rf $(VENV) .tools build *.egg-info .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis
