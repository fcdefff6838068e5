# Everything starts here; each command prepares what it needs.
PY := .venv/bin/python
.PHONY: help run test lint format bench bench-figures bench-pages bench-live lighthouse chaos lock

help:  ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

run:  ## start the whole product (DEMO=0: empty, without demo data)
	@scripts/prepare run && exec $(PY) -m apps.common.launcher

# Three at a time on two cores: tests that kill processes mostly wait. Longest first.
test:  ## run all tests; PYTEST_ARGS="-k name" for some
	@scripts/prepare test && exec $(PY) -m pytest -q -n 3 --dist loadfile \
		--no-loadscope-reorder $(PYTEST_ARGS)

lint:  ## check code, types, imports and templates
	@scripts/prepare test
	@failed=0; \
	for check in "ruff check ." "ruff format --check ." "mypy" "lint-imports --no-logo" \
		"djlint --lint --quiet templates"; do \
		echo "$$check"; .venv/bin/$$check || failed=1; \
	done; exit $$failed

format:  ## format code
	@scripts/prepare test
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

bench:  ## measure the copying path on this machine
	@scripts/prepare run && exec $(PY) manage.py bench_copy --followers 1,100,1000 --sustained 10000 --json var/bench.json

bench-figures:  ## measure the figures of 10,000 masters on this machine
	@scripts/prepare test && exec $(PY) manage.py bench_figures --masters 10000 --days 365 \
		--json var/bench-figures.json

bench-pages:  ## measure the server time of every page with a million outcomes
	@scripts/prepare run && exec $(PY) manage.py bench_pages --json var/bench-pages.json

bench-live:  ## measure how soon an outcome reaches 1,000 open pages
	@scripts/prepare run && exec $(PY) manage.py bench_live --clients 1000 --json var/bench-live.json

lighthouse:  ## audit the running product's main pages; EMAIL=… PASSWORD=… of a customer
	@export PATH="$(CURDIR)/.venv/bin:$$PATH" LIGHTHOUSE="$(CURDIR)/var/lighthouse" \
		EMAIL="$(EMAIL)" PASSWORD="$(PASSWORD)" OUT=var/lighthouse.json; \
	npm install --silent --no-audit --no-fund --prefix "$$LIGHTHOUSE" lighthouse@12.8.2 && \
	exec node scripts/lighthouse.mjs

chaos:  ## kill everything at random and audit what is left (SEED=1)
	@scripts/prepare run && exec $(PY) manage.py chaos_copy --kills 60 --seed $(or $(SEED),1) \
		--json var/chaos.json

lock:  ## pin the dependencies anew (needs uv)
	uv pip compile -q pyproject.toml --extra dev $(LOCK) -o requirements/dev.txt
	uv pip compile -q pyproject.toml -c requirements/dev.txt $(LOCK) -o requirements/base.txt
	uv pip compile -q requirements/node.in $(LOCK) -o requirements/node.txt
	npm install --package-lock-only

LOCK := --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --custom-compile-command "make lock"
