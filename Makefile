# Requorum. `make run` runs the console; `make test` passes every test. Each installs what it needs.
# Both build outside the checkout, in the user's cache folder, and do nothing twice.

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/requorum
export REQUORUM_CACHE := $(CACHE)
export CARGO_TARGET_DIR ?= $(CACHE)/target
# The built page, embedded by the server. One folder for run and test: the same files either way.
export REQUORUM_APP_DIST := $(CARGO_TARGET_DIR)/dist

# Where `make run` listens and keeps its data.
LISTEN ?= 127.0.0.1:8420
DATA_DIR ?= $(or $(XDG_DATA_HOME),$(HOME)/.local/share)/requorum

WASM := wasm32-unknown-unknown
STEP := @sh .ci/step

.PHONY: run test lint unit wasm real e2e bench setup rust page page-dev help

help:
	@echo "make run    build and run the console on http://$(LISTEN)"
	@echo "make test   everything below but bench, as CI does"
	@echo "make lint   rustfmt, clippy, and cargo-deny on all that we depend on"
	@echo "make unit   native tests"
	@echo "make wasm   the same code in WebAssembly"
	@echo "make real   tests against real etcd"
	@echo "make e2e    tests in Chromium, against the real server"
	@echo "make bench  the numbers, against etcdutl, cp and dd, in one run"

run: page
	$(STEP) "build the server" cargo build --locked --release -p requorum-server --bin requorum
	@echo "== data in $(DATA_DIR)"
	@exec "$(CARGO_TARGET_DIR)/release/requorum" serve --data-dir "$(DATA_DIR)" --listen "$(LISTEN)"

# The page as it is shipped. Its tools are built like the server: `make run` compiles nothing twice.
page: rust
	$(STEP) "build the page" cargo build --locked --profile page -p requorum-app --target $(WASM)
	$(STEP) "bundle the page" cargo run --locked --release -q -p requorum-bundle -- \
		--wasm "$(CARGO_TARGET_DIR)/$(WASM)/page" --source . --out "$(REQUORUM_APP_DIST)"

# The same page, its tools built like the tests.
page-dev: rust
	$(STEP) "build the page" cargo build --locked --profile page -p requorum-app --target $(WASM)
	$(STEP) "bundle the page" cargo run --locked -q -p requorum-bundle -- \
		--wasm "$(CARGO_TARGET_DIR)/$(WASM)/page" --source . --out "$(REQUORUM_APP_DIST)"

rust:
	@sh .ci/rust

setup:
	$(STEP) "install what the tests need" sh .ci/setup

test: setup lint unit wasm real e2e
	@sh .ci/closing

# The page comes first in each: the server is compiled around it, once.
lint: page-dev
	$(STEP) "rustfmt" cargo fmt --all --check
	$(STEP) "clippy" cargo clippy --locked --workspace --all-targets -- -D warnings
	$(STEP) "clippy, page" cargo clippy --locked -p requorum-app --all-targets --target $(WASM) -- -D warnings
	$(STEP) "licences and sources" sh .ci/deny

unit: page-dev
	$(STEP) "native tests" cargo test --locked --workspace

wasm: setup rust
	$(STEP) "tests in WebAssembly" sh .ci/wasm

real: setup page-dev
	$(STEP) "tests against real etcd" cargo test --locked --workspace --test real

e2e: setup page-dev
	$(STEP) "build the server" cargo build --locked --workspace --bin requorum --test it
	$(STEP) "tests in Chromium" sh .ci/e2e

bench: setup page
	$(STEP) "measure" sh .ci/bench
