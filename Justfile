# Every recipe is one cargo command; `just` lists them.

_default:
    @just --list

# All tests that need no root: units, vectors, the test cluster
test:
    cargo test --workspace --locked

# The rules alone: nothing but Rust needed
unit:
    cargo test --locked -p kubeop-shared -p kubeop-certs

# End-to-end tests on a real control plane (built once, then started in seconds)
e2e *FILTER:
    cargo test --locked -p kubeop-tests {{FILTER}}

# The same with a real node: root, containerd, runc, CNI plugins
real *FILTER:
    KUBEOP_TEST_REAL_NODE=1 cargo test --locked -p kubeop-tests {{FILTER}}

# The crash sweep with every fault at every write and every piece of news: half an hour
sweep:
    KUBEOP_TEST_SWEEP=all cargo test --locked -p kubeop-tests --test sweep -- --nocapture

# The manager API under every edge of every field that its document names: six minutes
fuzz:
    KUBEOP_TEST_SWEEP=all cargo test --locked -p kubeop-tests --test manager_api document -- --nocapture

# Benchmarks: ratios against a baseline measured in the same run
bench:
    cargo bench --locked -p kubeop-tests

# What 10,000 Apps cost the controller, at rest and at a restart: most of an hour
bench-10000:
    cargo bench --locked -p kubeop-tests --bench delivery -- --apps 10000

# The decision core under everything that can happen, deeper than in the normal tests: states and violations
prove MORE="1":
    KUBEOP_TEST_PROVE={{MORE}} cargo test --locked -p kubeop-model -- --nocapture --test-threads=1

# Starts a test cluster, keeps it, prints its KUBECONFIG
up *ARGS:
    cargo run --locked -p kubeop-tests --bin up -- {{ARGS}}

# The first delivery, told with real commands and their real output
demo *ARGS:
    cargo run --locked -p kubeop-tests --bin demo -- {{ARGS}}

# Writes manifests/crds and the reference pages from the types
generate:
    cargo run --locked --quiet -p kubeop-tests --bin generate

# Writes tests/upgrade/<version>: what this version leaves in a cluster, until it is released
snapshot:
    cargo run --locked -p kubeop-tests --bin snapshot

# What CI denies
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings
