# `make` alone lists the targets. CI calls the same ones (.ci/run).
.DEFAULT_GOAL := help
SHELL := /bin/sh

# The SQL is checked against .sqlx, which is committed, so that nothing needs a database to build.
export SQLX_OFFLINE := true
export DATABASE_URL SOURCE_URL SOURCE CERTIFICATES
export CHAOS_SEED CHAOS_ONLY CHAOS_CERTIFICATES CHAOS_MINUTES
export ONLY BENCH_CERTIFICATES BENCH_FULL BENCH_REPETITIONS BENCH_BINARIES BENCH_PYTHON BENCH_FOLDER

target := $(or $(CARGO_TARGET_DIR),target)

# What scenarios of tests/chaos use where it can be had. Where it cannot, they say that they were left out.
chaos_tools = scripts/ensure-faketime || :; scripts/ensure-pgbouncer || :

# Finds PostgreSQL, or installs it, before a private server is wanted; PG=14 and so on is for that version.
postgres = CERTFERRY_POSTGRES_BIN=$$(scripts/ensure-postgres $(PG)) || exit $$?; export CERTFERRY_POSTGRES_BIN

# The same for MySQL, which then takes MariaDB's place.
mysql = CERTFERRY_MYSQL_BIN=$$(scripts/ensure-mysql) || exit $$?; export CERTFERRY_MYSQL_BIN

# What the tests read from beside PostgreSQL, and which of them run with MySQL.
ifeq ($(SOURCE),mysql)
legacy = $(mysql)
tested := --test conformance
else
legacy = scripts/ensure-mariadb || exit $$?; $(chaos_tools)
endif

.PHONY: help
help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.* ## \(.*\)/\1|\2/p' $(firstword $(MAKEFILE_LIST)) | \
		while IFS='|' read -r name words; do printf '  make %-14s %s\n' "$$name" "$$words"; done

.PHONY: build
build: ## Build producer, worker and reporter, optimized, into target/release
	cargo build --locked --release -p certferry-producer -p certferry-worker -p certferry-reporter

PREFIX ?= /usr/local

.PHONY: install
install: build ## Install the programs, their completions and manual pages under PREFIX=/usr/local; DESTDIR=… makes a package of them
	scripts/install "$(target)/release" "$(DESTDIR)$(PREFIX)"

.PHONY: deb
deb: build ## Make a Debian package of the programs, their pages, completions and units, in target/deb
	scripts/package "$(target)/release"

.PHONY: demo
demo: ## Migrate 20,000 messy certificates from nothing to the report; from SOURCE=mariadb, mysql or sqlite, or on your own servers: DATABASE_URL=… SOURCE_URL=…
	cargo build --locked --release -p certferry-producer -p certferry-worker -p certferry-reporter \
		-p certferry-testkit --bin producer --bin worker --bin reporter --bin demo
	@if [ -z "$$DATABASE_URL$$SOURCE_URL" ]; then $(postgres); fi; \
	case "$$SOURCE" in mariadb) scripts/ensure-mariadb || exit $$? ;; mysql) $(mysql) ;; esac; \
	$(target)/release/demo

.PHONY: test
test: ## Run all tests, on private servers that end with them; PG=14 … 18 chooses PostgreSQL's version, SOURCE=mysql tests reading from MySQL 5.7, CHAOS_SEED=… has the same chaos again
	@$(postgres); $(legacy); set -ex; \
	rm -f $(target)/tmp/chaos-left-out; \
	cargo build --locked --workspace --bins --tests; \
	if cargo nextest --version >/dev/null 2>&1; then \
		$(target)/debug/with-postgres cargo nextest run --locked --workspace $(tested); \
	else \
		$(target)/debug/with-postgres cargo test --locked --workspace $(tested); \
	fi
	@if [ -e $(target)/tmp/chaos-left-out ]; then cat $(target)/tmp/chaos-left-out; fi

deploy_venv := $(abspath $(target))/deploy/venv

.PHONY: deploy-test
deploy-test: $(deploy_venv)/ready ## Try deploy/ with the real thing, in some two minutes: roles, metrics, alerts, units, manifests; CHECKS='roles rules' runs some, CERTFERRY_PROGRAMS=… is the folder of programs that are built
	@$(postgres); scripts/ensure-prometheus >/dev/null || exit $$?; set -ex; \
	if [ -z "$$CERTFERRY_PROGRAMS" ]; then \
		cargo build --locked -p certferry-producer -p certferry-worker -p certferry-reporter \
			--bin producer --bin worker --bin reporter; \
	fi; \
	tools=$(deploy_venv)/bin CARGO_TARGET_DIR=$(abspath $(target)) tests/deploy/run $(CHECKS)

$(deploy_venv)/ready: tests/deploy/requirements.txt
	python3 -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --only-binary :all: -r $<
	touch $@

.PHONY: chaos
chaos: ## Kill, stop and cut off whatever there is, in some fifteen minutes, into tests/chaos/RESULTS.md; CHAOS_ONLY=links_cut CHAOS_SEED=1 CHAOS_CERTIFICATES=50000
	@$(postgres); scripts/ensure-mariadb || exit $$?; $(chaos_tools); set -ex; \
	cargo build --locked --workspace --bins --tests; \
	$(target)/debug/with-postgres cargo test --locked --quiet -p certferry-tests --test end_to_end -- \
		--ignored --exact --nocapture chaos::at_length::every_scenario_at_length

.PHONY: bench
bench: $(target)/bench/venv/ready ## Measure on this machine, in minutes, into bench/RESULTS.md; ONLY=floor,queue BENCH_FULL=1 BENCH_CERTIFICATES=2000
	cargo build --locked --release -p certferry-producer -p certferry-worker -p certferry-bench \
		--bin producer --bin worker --bin bench
	@$(postgres); $(target)/release/bench

$(target)/bench/venv/ready: crates/bench/peers/requirements.txt
	python3 -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@

.PHONY: lint
lint: ## Check format, clippy, licences, duplicate crates and, where they can be reached, security advisories
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	scripts/check-dependencies

.PHONY: fmt
fmt: ## Format the code
	cargo fmt --all

.PHONY: sqlx-prepare
sqlx-prepare: ## Write .sqlx anew, after a change of any .sql file
	@$(postgres); set -e; \
	cargo build --locked -p certferry-testkit --bin with-postgres; \
	$(target)/debug/with-postgres scripts/sqlx-prepare

.PHONY: clean
clean: ## Remove what was built, and what the demo left
	cargo clean
	rm -rf demo certificate_migration_report.xlsx
