# Every recipe is one line that works without just, too.

# all that the gate asks of the code
check:
    cargo fmt --check && cargo clippy --all-targets -- -D warnings && cargo test && RUSTDOCFLAGS='-D warnings' cargo doc --no-deps

# the tests
test:
    cargo test

# update snapshots, pinned digests and the schema, and show what changed
bless:
    UPDATE_EXPECT=1 cargo test; git diff --stat

# run a scenario
run SCENARIO:
    cargo run --release -- run {{SCENARIO}}

# a scenario under a thousand seeds
sweep SCENARIO:
    cargo run --release -- sweep {{SCENARIO}} --seeds 0..1000

# nanoseconds per event beside a bare loop, and peak memory
bench:
    cargo bench --bench speed

# the event queue beside others that it might have been
queues:
    cargo bench --bench queues

# a node on stdin and stdout
serve:
    cargo run --release -- serve gossip

# the profile maelstrom beside the real one, every row that somebody has measured
fidelity:
    cargo run --release --example fidelity > docs/fidelity.md

# the simulator beside real processes (some five minutes)
fidelity-real:
    cargo build --release && cargo run --release --example fidelity_real -- target/release/rumormill > docs/fidelity-real.md

# rumour mongering beside the tables of 1987 (half a minute)
demers:
    cargo run --release --example demers > docs/demers.md

# messages against latency for gossip, flood and relay: the tables and the plot of docs/broadcast.md (eleven minutes of CPU)
frontier:
    cargo run --release --example frontier
