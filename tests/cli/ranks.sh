#!/usr/bin/env bash
# ranks.sh PROGRAM: the same bits on any number of ranks, whatever the network, the batch and the gradient method.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# compare NAME "RANKS" settings...: the run on one rank against the others
compare() {
    local name=$1 ranks=$2 n
    shift 2
    for n in 1 $ranks; do
        check "$name on $n ranks runs" np "$n" train "${SMALL[@]}" "$@" --run-dir "$name-$n" >"$name-$n.out" 2>&1 || cat "$name-$n.out"
        same "$name: state on $n ranks" "$(hash_of "$name-$n/last.h5")" "$(hash_of "$name-1/last.h5")"
        same "$name: best model on $n ranks" "$(hash_of "$name-$n/best.h5")" "$(hash_of "$name-1/best.h5")"
        same "$name: metrics on $n ranks" "$(values_of "$name-$n")" "$(values_of "$name-1")"
    done
}

compare default "2 3 4 7"
compare no-division "2 3 5" --set train.batch=25 --set train.microbatch=7
compare one-microbatch "2 5" --set train.batch=8 --set train.microbatch=8 --set train.epochs=1
compare shift "2 4" --set gradient.method=parameter-shift
compare everything "3" --set augment.flip=both --set augment.shift=2 --set augment.rotate=10 --set model.dropout=0.3 \
    --set model.norm=group --set train.optimizer=adamw --set train.weight_decay=0.01 --set train.clip_norm=0.5 \
    --set train.schedule=cosine --set train.warmup=1 --set train.class_weights=balanced --set model.attention=trainable --set model.layers=2
compare gates "3" --set train.epochs=1 --set model.qubits=2 --set model.circuit.template=gates --set gradient.method=parameter-shift \
    --set "model.circuit.gates=ry(x0) 0; rx(2*x1+pi/4) 1; cry(w0) 0 1; ry(x2) 0; u3(w1, w0/2, x0) 1" --set "model.circuit.measure=X0; Z0 Z1"
compare sgd "2" --set train.optimizer=sgd --set model.norm=none --set model.circuit.template=classical --set phantom.size=33
compare lars "3" --set train.optimizer=lars --set train.learning_rate=2 --set train.weight_decay=1e-3 --set train.trust=0.02 \
    --set train.rate_rule=linear --set train.rate_batch=64
compare lamb "3" --set train.optimizer=lamb --set train.weight_decay=0.01 --set train.rate_rule=sqrt --set train.rate_batch=8 --set train.warmup=1
compare whole-batch "3 5 64" --set model.norm_statistics=batch --set train.microbatch=2 --set train.epochs=1

HQCNN_NODE_RANKS=2 np 5 train "${SMALL[@]}" --set model.norm_statistics=batch --set train.microbatch=2 --set train.epochs=1 --set dist.overlap=on --set dist.piece=1 \
    --set dist.sum=node --set dist.exchange=packed --run-dir whole-batch-pieces >/dev/null 2>&1
same "whole-batch: in pieces on 3 nodes" "$(hash_of whole-batch-pieces/last.h5)" "$(hash_of whole-batch-1/last.h5)"
# 64 ranks on 16 nodes of 4, of which 4 ranks have a micro-batch
for ways in "node packed on" "flat mpi off"; do
    read -r sum exchange overlap <<<"$ways"
    check "64 ranks, $ways" env HQCNN_NODE_RANKS=4 mpirun -np 64 "$PROGRAM" train "${SMALL[@]}" --set dist.sum="$sum" --set dist.exchange="$exchange" --set dist.overlap="$overlap" \
        --run-dir "many-$sum" >many.out 2>&1
    same "64 ranks, $ways: state" "$(hash_of "many-$sum/last.h5")" "$(hash_of default-1/last.h5)"
done
for norms in microbatch batch; do # numbers that cannot be summed end the run
    np 3 train "${SMALL[@]}" --set model.norm_statistics=$norms --set train.optimizer=sgd --set train.learning_rate=1000 --set train.epochs=20 --run-dir "diverged-$norms" >diverged.out 2>&1
    same "diverged, norms of the $norms" $? 4
    same "it is told once" "$(grep -c 'error: training diverged in epoch' diverged.out)" 1
done

# Ways of summing, where every 1 to 4 ranks count as a node.
for ways in "auto auto auto 2" "flat mpi on 2" "flat direct on 1" "flat packed off 1" "node mpi on 1" "node direct on 2" "node packed off 3" "node auto on 4"; do
    read -r sum exchange overlap node <<<"$ways"
    name=sum-$sum-$exchange-$overlap-$node
    check "$name runs" env HQCNN_NODE_RANKS="$node" mpirun -np 4 "$PROGRAM" train "${SMALL[@]}" --set dist.sum="$sum" --set dist.exchange="$exchange" --set dist.overlap="$overlap" \
        --set dist.piece=1 --run-dir "$name" >"$name.out" 2>&1
    same "$name: state" "$(hash_of "$name/last.h5")" "$(hash_of default-1/last.h5)"
done
HQCNN_NODE_RANKS=2 np 4 train "${SMALL[@]}" --set train.epochs=15 --run-dir trials >trials.out 2>&1 # 45 steps, 42 of them trials
check "the trials are told" grep -qE '^sums +(over all ranks|in two levels) .*; a step takes: flat mpi [0-9.]+ ms, node mpi [0-9.]+ ms, .*; overlap off [0-9.]+ ms, overlap on ' trials.out

for kernel in plain avx2 avx512; do # each has bits of its own
    if "$PROGRAM" check --set compute.kernel=$kernel >/dev/null 2>&1; then
        compare $kernel "3" --set compute.kernel=$kernel --set train.epochs=1
    else
        echo "not tried: compute.kernel=$kernel (this processor does not have it)"
    fi
done
if "$PROGRAM" check --set compute.precision=bf16 >bf16.out 2>&1; then
    compare bf16 "3" --set compute.precision=bf16 --set train.epochs=1
    check "the variant says so" grep -qE '^kernels .*, convolutions bf16 by (AMX|AVX512-BF16)' bf16-3.out
else
    check "bf16 is refused by name" grep -q 'compute.precision = "bf16": this processor has neither AMX nor AVX512-BF16; allowed: "fp32"' bf16.out
fi

# the hash can tell runs apart
np 1 train "${SMALL[@]}" --set train.seed=2 --run-dir other >/dev/null 2>&1
check "another seed has another hash" test "$(hash_of other/last.h5)" != "$(hash_of default-1/last.h5)"

# A state of 60 MB: written by one rank, by windows, and by the first ranks of four nodes, a share each.
LARGE=("${SMALL[@]}" --set phantom.train=32 --set train.epochs=1 --set 'model.channels=[8,8,32,256,2048]')
for np in 1 4; do
    check "a large state on $np ranks" env HQCNN_NODE_RANKS=1 mpirun -np $np "$PROGRAM" train "${LARGE[@]}" --run-dir large-$np >out.txt 2>&1 || cat out.txt
done
check "a large state: the same file" cmp large-1/last.h5 large-4/last.h5
check "a large state is one" test "$(stat -c %s large-1/last.h5)" -gt 50000000
same "a large state: read again" "$(hash_of large-4/last.h5)" "$(hash_of large-1/last.h5)"
finish
