# The project's commands. Each runs on a fresh Debian or Ubuntu machine as root; scripts/setup installs what is missing.
CARGO ?= cargo

.PHONY: build up down install uninstall test soak fuzz bench lint setup

# How long each test of `soak` and of `fuzz` goes on.
SECONDS ?= 600

build: setup
	$(CARGO) build --release

# STORE=etcd: with the cluster's data in an etcd, which is started too.
up: build
	STORE=$(STORE) scripts/up

down:
	scripts/down

# As a service of systemd, which comes up again with the machine.
install:
	scripts/install

uninstall:
	scripts/install remove

# Everything, and then the end-to-end tests again on etcd.
test: setup
	$(CARGO) test --release --workspace
	BERTH_TEST_STORE=etcd $(CARGO) test --release --workspace --test e2e

# The seeded tests of the store, for longer; the seed of a failure is printed, and BERTH_SEED repeats it.
soak: setup
	BERTH_SOAK_SECONDS=$(SECONDS) $(CARGO) test --release -p berth-store --test store -- --nocapture --test-threads=2 \
		crashes random_history linearizable

# Readers of what clients send, on mutated input, for longer; a failure shows its input and the seed.
fuzz: setup
	BERTH_FUZZ_SECONDS=$(SECONDS) BERTH_SEED=$${BERTH_SEED:-$$(date +%s)} $(CARGO) test --release -p berth-object --lib \
		-- --nocapture --test-threads=2 fuzz

bench: setup
	$(CARGO) build --release --workspace
	target/release/bench

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --release --workspace --all-targets -- -D warnings

setup:
	@scripts/setup
