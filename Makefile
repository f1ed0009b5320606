# SPDX-License-Identifier: Apache-2.0
# Two commands: make demo, make test. `make help` lists the rest.
# What a machine lacks is said by deploy/bootstrap.sh, which exits 3.
.POSIX:
.SUFFIXES:
.PHONY: help demo test interop check serve bench docs corpus attacks crash-table mutants dev runtime production lock clean

BIN = .venv/bin
STATE = state

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18

demo: runtime ## the workshop end to end, every signature real, under a minute
	@$(BIN)/python deploy/demo.py

test: dev ## unit, attack, contract and end-to-end tests
	@$(BIN)/python -m pytest -q -n 2 -m "not demo and not race and not long and not interop"

interop: dev ## real cosign, Fulcio, Rekor, CT log and TSA against ours (needs Go 1.26, Node 20)
	@$(BIN)/python -m deploy.peers
	@$(BIN)/python -m deploy.loopback $(BIN)/python -m pytest -q -m interop tests/interop

check: dev ## ruff, mypy, import contracts, docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet --site-dir build/site

serve: runtime ## a Control Plane on 127.0.0.1:8080 with the embedded default
	@$(BIN)/trustacks server run --state $(STATE)

# Commands are measured as they are installed to run: beside the development tools are
# the SDKs of several clouds, which securesystemslib loads wherever it finds them.
bench: dev ## measurements, as ratios in one run
	@VENV=build/runtime sh deploy/bootstrap.sh runtime
	@$(BIN)/python -m benchmarks

corpus: dev ## both corpora of overlay files as Markdown: what the gate says of each
	@$(BIN)/python -m deploy.corpus

attacks: dev ## every attack on trust as Markdown: by whom, how it is refused
	@$(BIN)/python -m deploy.attacks

crash-table: dev ## docs/generated/crash-table.md: what clients see after a kill at each write
	@$(BIN)/python -m deploy.crash_table

mutants: dev ## delete each numbered step of the verifying functions: a test must go red
	@$(BIN)/python deploy/mutate_verifier.py

docs: dev ## read the documentation on 127.0.0.1:8000
	@$(BIN)/python -m mkdocs serve --dev-addr 127.0.0.1:8000

dev: ## the virtual environment with the development tools
	@sh deploy/bootstrap.sh dev

runtime: ## the virtual environment to run
	@sh deploy/bootstrap.sh runtime

production: ## the virtual environment of a server on S3 and PostgreSQL
	@sh deploy/bootstrap.sh production

lock: dev ## resolve the dependencies again (needs uv on PATH)
	@sh deploy/lock.sh

clean: ## remove what these targets made, except .venv and state
	rm -rf build site .pytest_cache .mypy_cache .ruff_cache .hypothesis
