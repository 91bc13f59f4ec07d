#!/usr/bin/env bash
# contrib/sweep.sbatch under a real Slurm: a cluster of one node on this machine, four shards, two of them lost, one
# merge. Needs root on Debian; installs slurm-wlm and munge if they are not there. All that it writes is in one
# temporary folder, its daemons end with it.
#
#   cargo build --release && contrib/slurm.sh
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
export PATH=$root/target/release:$PATH
export SCENARIO=quickstart SEEDS=0..1000 VARY=protocol.gossip.anti_entropy=1s,2s,3s,4s SHARDS=4

say() { printf '\n# %s\n' "$*"; }
try() {
  local word line='$'
  for word; do
    if [[ $word =~ ^[A-Za-z0-9_./:=,{}-]+$ ]]; then line+=" $word"; else line+=" '$word'"; fi
  done
  printf '%s\n' "$line"
  "$@"
}

command -v slurmctld slurmd munged > /dev/null || {
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends slurm-wlm munge
}

work=$(mktemp -d)
chmod 755 "$work"
daemons=()
finish() {
  for ((at = ${#daemons[@]} - 1; at >= 0; at--)); do kill "${daemons[at]}" 2> /dev/null || true; done
  wait
  rm -rf "$work"
}
trap finish EXIT

host=$(hostname -s)
mkdir -p "$work"/{state,spool}
dd if=/dev/urandom of="$work/munge.key" bs=128 count=1 status=none
chmod 400 "$work/munge.key"
cat > "$work/slurm.conf" << END
ClusterName=one
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$work/munge.socket
# No cgroups: processes are found by their parents, and nobody is pinned to a core.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
ReturnToService=2
KillWait=5
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
export SLURM_CONF=$work/slurm.conf

munged --foreground --force --key-file="$work/munge.key" --socket="$work/munge.socket" --num-threads=2 \
  --pid-file="$work/munged.pid" --log-file="$work/munged.log" --seed-file="$work/munged.seed" > "$work/munged.out" 2>&1 &
daemons+=($!)
slurmctld -D -f "$SLURM_CONF" > "$work/slurmctld.out" 2>&1 &
daemons+=($!)
slurmd -D -f "$SLURM_CONF" -N "$host" > "$work/slurmd.out" 2>&1 &
daemons+=($!)

# Waits until a command says something; after a minute the daemons' words are shown instead.
wait_for() {
  for _ in $(seq 600); do
    if [[ -n "$("$@" 2> /dev/null)" ]]; then return; fi
    sleep 0.1
  done
  printf 'waited in vain for: %s\n' "$*" >&2
  tail -n 20 "$work"/*.out >&2
  exit 1
}
idle() { sinfo -h -t idle -o %n; }
none_left() { [[ -n "$(squeue -h)" ]] || echo none; }
some_runs() { [[ -s "$1/runs.jsonl.part" ]] && echo some; }

cd "$work"
export SWEEP=sweeps/repair
wait_for idle
say "a cluster of one node"
try sinfo

cp "$root/contrib/sweep.sbatch" .
say "four shards; while shard 3 runs it is cancelled, and when all is done what shard 2 wrote is lost"
printf '$ export %s\n' "SCENARIO=$SCENARIO SEEDS=$SEEDS VARY=$VARY SHARDS=$SHARDS SWEEP=$SWEEP"
try sbatch --array=1-4 sweep.sbatch
wait_for some_runs "$SWEEP/part-3"
try scancel 1_3
wait_for none_left
try cat slurm-1_3.out
try rm -r "$SWEEP/part-2"
try wc -l "$SWEEP"/part-*/runs.jsonl*

say "what is missing is named"
try rumormill merge "$SWEEP"/part-* --out "$SWEEP/whole" || true

say "the two are submitted again, with the same SHARDS, and after them the merge"
printf '$ sbatch --array=2,3 sweep.sbatch\n'
again=$(sbatch --parsable --array=2,3 sweep.sbatch)
printf 'Submitted batch job %s\n' "$again"
try sbatch --dependency="afterok:$again" --output=merge.out \
  --wrap "rumormill merge $SWEEP/part-* --out $SWEEP/whole --fail-exit 0"
wait_for none_left
try head -n 2 "slurm-${again}_3.out"
try cat merge.out

say "the same bytes, and the same summary, as of a sweep never cut in shards"
printf '$ rumormill sweep %s --seeds %s --vary %s --out %s/never-cut > never-cut.out\n' "$SCENARIO" "$SEEDS" "$VARY" "$SWEEP"
rumormill sweep "$SCENARIO" --seeds "$SEEDS" --vary "$VARY" --out "$SWEEP/never-cut" > never-cut.out || true
try sha256sum "$SWEEP"/{whole,never-cut}/runs.jsonl merge.out never-cut.out
cmp "$SWEEP"/{whole,never-cut}/runs.jsonl
cmp merge.out never-cut.out
