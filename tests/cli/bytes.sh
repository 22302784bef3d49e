#!/usr/bin/env bash
# bytes.sh PROGRAM: what a step sends, by Open MPI's own count, against the least that each way of summing can do with.
# The default network sums 92,039 numbers of 8 bytes. Direct sums on p processes: 2 (p - 1) / p of that, for any p.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
SIZE=$((92039 * 8))

# sent RANKS NODE EPOCHS SETTINGS...: bytes sent by each rank of a training of 4 steps an epoch, in rank order
sent() {
    local ranks=$1 node=$2 epochs=$3
    shift 3
    rm -rf count run && mkdir count
    HQCNN_NODE_RANKS=$node mpirun -np "$ranks" --mca osc ^monitoring --mca pml_monitoring_enable 2 --mca pml_monitoring_enable_output 3 \
        --mca pml_monitoring_filename "$PWD/count/rank" "$PROGRAM" train --set phantom.train=128 --set phantom.val=16 --set phantom.test=16 \
        --set train.batch=32 --set train.microbatch=4 --set train.epochs="$epochs" --set checkpoint.epochs=1000 --set dist.spread=off "$@" --run-dir run >run.out 2>&1 ||
        cat run.out >&2
    awk '/^[EI]/ { sent[$2] += $4 } END { for (r = 0; r in sent; r++) print sent[r] }' count/*.prof
}

# step NAME RANKS NODE "LEAST OF EACH RANK, IN BLOCKS" SETTINGS...: none of them sends more than 1.1 times that
step() {
    local name=$1 ranks=$2 node=$3 least=$4
    shift 4
    sent "$ranks" "$node" 3 "$@" >few && sent "$ranks" "$node" 13 "$@" >many # 40 steps more
    paste few many | awk -v size=$SIZE '{ printf "%.3f ", ($2 - $1) / 40 / size }' >blocks
    echo "$name: blocks sent in a step by each rank: $(cat blocks)(least: $least)"
    check "$name: bytes within 1.1 of the least" awk -v least="$least" '{ n = split(least, l, " "); for (i = 1; i <= NF; i++) if ($i > 1.1 * l[i] + 0.02 || $i < 0.8 * l[i]) exit 1; exit NF != n }' blocks
}

ompi_info 2>/dev/null | grep -q 'MCA pml: monitoring' || skip "this Open MPI cannot count messages (pml_monitoring)"
step "direct on 3 nodes" 3 1 "1.333 1.333 1.333" --set dist.sum=flat --set dist.exchange=direct --set dist.overlap=off
step "direct on 5 nodes, overlapped" 5 1 "1.6 1.6 1.6 1.6 1.6" --set dist.sum=flat --set dist.exchange=direct --set dist.overlap=on
step "in two levels, 3 nodes of 2 ranks" 6 2 "1.333 0 1.333 0 1.333 0" --set dist.sum=node --set dist.exchange=direct --set dist.overlap=on
step "by MPI on 4 nodes, reduce-scatter and gather" 4 1 "1.5 1.5 1.5 1.5" --set dist.sum=flat --set dist.exchange=mpi --set dist.overlap=off
step "packed on 4 nodes, at most three quarters" 4 1 "1.03 1.03 1.03 1.03" --set dist.sum=flat --set dist.exchange=packed --set dist.overlap=off
finish
