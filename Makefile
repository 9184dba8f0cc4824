# The project's commands. Each runs on a fresh Debian or Ubuntu machine as root; scripts/setup installs what is missing.
CARGO ?= cargo

.PHONY: build up down test bench lint setup

build: setup
	$(CARGO) build --release

up: build
	scripts/up

down:
	scripts/down

test: setup
	$(CARGO) test --release --workspace

bench: setup
	$(CARGO) build --release --workspace
	target/release/bench

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --release --workspace --all-targets -- -D warnings

setup:
	@scripts/setup
