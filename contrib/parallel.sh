#!/usr/bin/env bash
# The shards of a sweep under GNU parallel, here on one machine; --sshlogin spreads them over several that share a folder.
# One is killed on the way, and `--resume-failed` runs it again.
#
#   cargo build --release && contrib/parallel.sh
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH=$PWD/target/release:$PATH
command -v parallel > /dev/null || DEBIAN_FRONTEND=noninteractive apt-get install -y -q parallel

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
say() { printf '\n# %s\n' "$*"; }
try() {
  local word line='$'
  for word; do
    if [[ $word =~ ^[A-Za-z0-9_./:=,{}-]+$ ]]; then line+=" $word"; else line+=" '$word'"; fi
  done
  printf '%s\n' "$line"
  "$@"
}

# The count of shards is said; {} is a shard's number. A failing run is a finding, not a broken job.
shard="rumormill sweep quickstart --seeds 0..2000 --set protocol.gossip.anti_entropy=3s --shard {}/4 --out part-{} --jobs 1 --fail-exit 0"

# Kills shard 3 once it has done something.
{
  until [[ -s part-3/runs.jsonl.part ]]; do sleep 0.01; done
  # shellcheck disable=SC2046 # one process, one word
  kill -KILL $(fuser part-3/runs.jsonl.part 2> /dev/null)
} &

say "four shards, two at a time; shard 3 is killed on the way"
try parallel --jobs 2 --joblog jobs.log "$shard > out-{}" ::: 1 2 3 4 || true
wait
try cut -f 1,7,8 jobs.log
try rumormill merge part-* --out whole || true

say "the same command with --resume-failed"
try parallel --jobs 2 --joblog jobs.log --resume-failed "$shard > out-{}" ::: 1 2 3 4
try rumormill merge part-* --out whole --fail-exit 0

try cut -f 1,7,8 jobs.log

say "the same bytes as of a sweep never cut in shards"
rumormill sweep quickstart --seeds 0..2000 --set protocol.gossip.anti_entropy=3s --out never-cut > /dev/null || true
try sha256sum whole/runs.jsonl never-cut/runs.jsonl
cmp whole/runs.jsonl never-cut/runs.jsonl
