#!/usr/bin/env bash
# run.sh ROOT PROGRAM: the job scripts on a real Slurm of 4 nodes, all on this machine. HQCNN_SLURM_LONG=1: also what
# takes a quarter of an hour or more (the real time limit, more ways to lose a node).
#
# Everything runs in namespaces of its own. When the first process in there ends, for whatever reason, the kernel ends
# every daemon, step and rank. The network has nothing but the loopback device, so that any port is free
# and nobody else can reach the cluster. Nothing of the machine's own Slurm is read or touched.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
skip() { echo "SKIPPED: $*" && exit 77; }

[ "$(id -u)" -eq 0 ] || skip "a Slurm of several nodes on one machine needs root"
for command in slurmctld slurmd sbatch srun mpirun unshare; do
    PATH=$PATH:/usr/sbin command -v "$command" >/dev/null || skip "$command is missing (Debian: slurm-wlm)"
done
# Mounts of the new namespace stay in it: /proc is made private there before it is covered.
apart=(unshare --net --uts --mount --propagation unchanged --pid --fork --kill-child --mount-proc)
"${apart[@]}" hostname hqcnn-test 2>/dev/null || skip "namespaces are not allowed here"

folder=$(mktemp -d "${TMPDIR:-/tmp}/hqcnn-slurm-XXXXXX")
trap 'rm -rf "$folder" 2>/dev/null || { sleep 1 && rm -rf "$folder"; }' EXIT
# The first process must wait for orphans too, which timeout does not.
# shellcheck disable=SC2016 # expanded by the inner shell
PATH=$PATH:/usr/sbin "${apart[@]}" bash -c 'timeout --foreground --signal=KILL "$@"; exit $?' \
    bash "$([ -n "${HQCNN_SLURM_LONG:-}" ] && echo 7200 || echo 580)" "$here/cases.sh" "$folder" "$(realpath "$1")" "$(realpath "$2")"
