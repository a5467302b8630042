# The only list of commands. `make` shows it.
.DEFAULT_GOAL := help
# where ./run and ./test put uv when the machine has none
export PATH := $(PATH):$(CURDIR)/.tillit/uv/bin
.PHONY: help run demo down test test-long check bench flame lint types unit format schemas

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 14

run: ## install what is missing, start everything, show the main job, stay up
	./run

demo: ## the same, and exit: non-zero on any failure
	./run --exit

down: ## stop the local stack (its data stays: `.venv/bin/tillit down --wipe` deletes it)
	.venv/bin/tillit down

test: ## every test but the long ones; starts what it needs
	./test

test-long: ## every test, the chaos rig over fifty seeds (half an hour; its report goes to .tillit/chaos) and 10,000 schedules (hours)
	./test --long

check: lint ## what takes under a minute: lint, types, laws of the house, tests without Docker
	$(MAKE) --no-print-directory -j2 --output-sync=target types unit

unit:
	uv run pytest -q contracts/tests chassis/tests tests/architecture deploy/local/tests -m "not containers and not downloads and not long"

bench: ## measure, and write benchmarks/README.md
	uv run python -m benchmarks

flame: ## where the processor's time goes, as pictures in benchmarks/
	for of in batch single-event; do \
		uv run python -m benchmarks.stages --only "$$of reaction" --events 40000 --flame benchmarks/flame-$$of.svg; \
	done

lint: ## style, formatting, and which package may import which
	uv run ruff check
	uv run ruff format --check
	uv run lint-imports

types: ## pyright, strict
	uv run pyright

format: ## put every file into the house's format
	uv run ruff format
	uv run ruff check --fix

schemas: ## generate the JSON Schemas and AsyncAPI documents from the contracts; refuse a breaking change
	uv run python -m contracts.generate
	uv run python -m contracts.compatibility
