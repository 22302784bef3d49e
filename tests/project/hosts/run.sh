#!/usr/bin/env bash
# run.sh PROGRAM: a training on 3 hosts of 2 ranks each, all on this machine, and what happens when a host or a link goes.
#
# A host is a network namespace with a host name and /dev/shm of its own, on a bridge. Everything runs in namespaces of its
# own: when the first process in there ends, the kernel ends every daemon and rank, and nothing of the machine is touched.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
skip() { echo "SKIPPED: $*" && exit 77; }

[ "$(id -u)" -eq 0 ] || skip "hosts on one machine need root"
export PATH=$PATH:/usr/sbin
for command in ip unshare nsenter mpirun; do
    command -v "$command" >/dev/null || skip "$command is missing (Debian: iproute2, util-linux, openmpi-bin)"
done
apart=(unshare --net --uts --mount --pid --fork --kill-child --mount-proc)
"${apart[@]}" sh -c 'ip link add br0 type bridge && ip link add name x0 type veth peer name x1' 2>/dev/null ||
    skip "namespaces, bridges or veth devices are not allowed here"

folder=$(mktemp -d "${TMPDIR:-/tmp}/hqcnn-hosts-XXXXXX")
trap 'rm -rf "$folder"' EXIT
# The first process must wait for orphans too, which timeout does not.
# shellcheck disable=SC2016 # expanded by the inner shell
"${apart[@]}" bash -c 'timeout --foreground --signal=KILL 280 "$@"; exit $?' bash "$here/cases.sh" "$folder" "$@"
