#!/usr/bin/env bash
# cases.sh FOLDER PROGRAM: started by run.sh in namespaces of its own.
set -u
export HOSTS=$1
program=$2
agent=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/agent
cd "$HOSTS" || exit 1
failed=0
fail() { echo "FAILED: $*" && failed=1; }
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_hwloc_base_binding_policy=none
export OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_btl_tcp_if_include=eth0 OMPI_MCA_oob_tcp_if_include=eth0
export OMPI_MCA_plm=rsh OMPI_MCA_plm_rsh_agent=$agent OMPI_MCA_plm_rsh_no_tree_spawn=1
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1

# ---- the hosts: h1 to h3, each kept by a process whose number is in the file of its name
printf '127.0.0.1 localhost\n10.0.0.1 h1\n10.0.0.2 h2\n10.0.0.3 h3\n' >names
ip link set lo up
ip link add br0 type bridge && ip link set br0 up
start_host() { # start_host NUMBER
    # shellcheck disable=SC2016 # expanded by the inner shell
    unshare --net --uts --mount --propagation private sh -c 'hostname "$1"; mount --bind names /etc/hosts
        mount -t tmpfs -o size=512m tmpfs /dev/shm; echo $$ >"$1"; exec sleep infinity' sh "h$1" &
    while [ ! -s "h$1" ]; do sleep 0.02; done
    local keeper
    keeper=$(cat "h$1")
    ip link add "p$1" type veth peer name eth0 netns "$keeper" && ip link set "p$1" master br0 up
    on "h$1" sh -c "ip link set lo up; ip addr add 10.0.0.$1/24 dev eth0; ip link set eth0 up"
    # After a cut each connection tries again every second, and not when its own doubling waits say (Linux 6.15 and later).
    on "h$1" sh -c 'echo 1000 >/proc/sys/net/ipv4/tcp_rto_max_ms' 2>/dev/null
}
on() { # on HOST COMMAND...
    local host=$1
    shift
    nsenter -t "$(cat "$host")" --net --uts --mount -- "$@"
}
# everyone HOST: all processes there but the one that keeps the host; ranks HOST: those of the program
everyone() {
    local net process
    net=$(readlink "/proc/$(cat "$1")/ns/net")
    for process in /proc/[0-9]*; do
        [ "$(readlink "$process/ns/net" 2>/dev/null)" = "$net" ] && [ "${process#/proc/}" != "$(cat "$1")" ] &&
            echo "${process#/proc/}"
    done
}
ranks() {
    local process
    for process in $(everyone "$1"); do
        [ "$(readlink "/proc/$process/exe")" = "$program" ] && echo "$process"
    done
}
for i in 1 2 3; do start_host $i; done

# ---- a training of 6 ranks; circuits are spread, so that ranks wait in many places
now() { date +%s%N | cut -c1-13; } # milliseconds
begin() { # begin NAME OPTIONS OF TRAIN...
    name=$1
    shift
    on h1 mpirun --host h1:2,h2:2,h3:2 -np 6 "$program" train --set phantom.train=192 --set phantom.val=32 --set phantom.test=32 \
        --set train.epochs=5000 --set train.batch=96 --set train.microbatch=8 --set gradient.method=parameter-shift --set dist.spread=on \
        --set checkpoint.epochs=5000 --set dist.stall_timeout=2 --set dist.stall_abort=8 "$@" --run-dir "$HOSTS/$name" >"$name.out" 2>"$name.err" &
    job=$!
    for _ in $(seq 400); do
        grep -q '^epoch 2/' "$name.out" && break
        sleep 0.05
    done
    grep -q "ranks  *6 on 3 nodes" "$name.out" || { fail "$name: not 6 ranks on 3 nodes" && cat "$name.out" "$name.err"; }
    started=$(now)
}
ended() { # ended CODE MOST: within so many milliseconds
    wait "$job"
    local code=$? took=$(($(now) - started))
    [ $code -eq "$1" ] && [ $took -le "$2" ] || fail "$name: exit code $code after $took ms, expected $1 within $2 ms"
    echo "== $name: exit code $code after $took ms"
    grep '^hqcnn-dist: ' "$name.err" | grep -v 'share'
}
# Open MPI may be the one that ends the job, with a code of its own.
ended_badly() { # ended_badly MOST
    wait "$job"
    local code=$? took=$(($(now) - started))
    [ $code -ne 0 ] && [ $took -le "$1" ] || fail "$name: exit code $code after $took ms, expected a failure within $1 ms"
    echo "== $name: exit code $code after $took ms"
    grep -e '^hqcnn-dist: ' -e ORTE "$name.err" | grep -v share
}
once() { [ "$(grep -c -e "$1" "$name.err")" -eq 1 ] || { fail "$name does not say once: $1" && cat "$name.err"; }; }
# says TEXT...: one of them
says() {
    local text
    for text in "$@"; do grep -q -e "$text" "$name.err" && return; done
    fail "$name says none of: $*" && cat "$name.err"
}
place='[a-z]* of step [0-9]*'
elsewhere='no answer from 1 of 3 hosts: h3 (2 ranks from rank 4)'

# ---- the same bits as on one host, whichever way sums go
bits() { # bits HOST OPTIONS OF MPIRUN... -- OPTIONS OF TRAIN...: the hash of a short training
    local host=$1 options=()
    shift
    while [ "$1" != -- ]; do options+=("$1") && shift; done
    shift
    rm -rf bits
    on "$host" mpirun "${options[@]}" "$program" train --set phantom.train=192 --set phantom.val=32 --set phantom.test=32 --set train.epochs=2 \
        --set train.batch=96 --set train.microbatch=8 "$@" --run-dir "$HOSTS/bits" >bits.out 2>&1 || cat bits.out
    "$program" inspect --hash bits/last.h5
}
alone=$(bits h1 -np 1 --)
for way in "flat mpi on" "flat direct on" "flat packed off" "node mpi off" "node packed on"; do
    read -r sum exchange overlap <<<"$way"
    same=$(bits h1 --host h1:2,h2:2,h3:2 -np 6 -- --set dist.sum="$sum" --set dist.exchange="$exchange" --set dist.overlap="$overlap" --set dist.piece=1)
    [ "$same" = "$alone" ] || fail "3 hosts, sums $way: $same, on one rank $alone"
done
same=$(bits h1 --host h1,h2,h3 -np 3 -- --set dist.spread=on)
[ "$same" = "$alone" ] || fail "3 hosts, circuits spread: $same, on one rank $alone"

# One rank of a host with two: its neighbour names it.
begin rank-stopped --set dist.stall_timeout=3
kill -STOP "$(ranks h2 | head -n 1)"
ended 5 20000
once "rank [23] of 6 on h2 is late: in phase $place since [0-9]* s, its process has not run for [0-9]* s"

# All ranks of a host: it does not answer.
begin host-stopped
# shellcheck disable=SC2046 # a list of numbers
kill -STOP $(ranks h3)
ended 5 20000
once "$elsewhere"

# A link that is cut for a while: the run goes on, until it is asked to stop.
begin link-mended --set dist.stall_abort=60
ip link set p3 down
sleep 10
ip link set p3 up
for _ in $(seq 600); do
    grep -q "goes on after" "$name.err" && break
    sleep 0.1
done
kill -USR1 "$(ranks h1 | head -n 1)"
ended 75 90000
once "$elsewhere"
once "goes on after"

# What jobs/train.sbatch sets too: mpirun notices in seconds that a daemon is gone, and kills ranks at once.
export OMPI_MCA_oob_tcp_keepalive_time=2 OMPI_MCA_oob_tcp_keepalive_intvl=1 OMPI_MCA_oob_tcp_keepalive_probes=3
export OMPI_MCA_odls_base_sigkill_timeout=1

# A link that stays cut.
begin link-cut
ip link set p3 down
ended_badly 30000
says "$elsewhere" 'ORTE has lost communication with a remote daemon'
ip link set p3 up
# shellcheck disable=SC2046
kill -KILL $(everyone h3) 2>/dev/null
# The next start must not meet what is left of the cut: a port that comes up, neighbours taken for unreachable.
for _ in $(seq 100); do ip -o link show p3 | grep -q "state UP" && break || sleep 0.05; done
for i in 1 2 3; do on h$i ip neigh flush dev eth0; done

# A host that is lost: its daemon goes with it, which mpirun sees at once.
begin host-lost
# shellcheck disable=SC2046
kill -KILL $(everyone h2)
ended_badly 15000
says 'ORTE has lost communication with a remote daemon'

[ $failed -eq 0 ]
