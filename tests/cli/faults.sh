#!/usr/bin/env bash
# faults.sh PROGRAM MODULE: calls of the program fail on purpose, one in each run, on a chosen rank (MODULE: tests/support/fault.c): memory, files, MPI.
# Each run ends by itself, with the right exit code and one message that names what failed; the checkpoint of before can be loaded, no temporary file stays.
#
# A point is a call by its kind, rank, file and place in the program; it is walked where it comes first. Every command below has its points; the test walks a
# sample of them: of every kind on every rank some. HQCNN_TEST_ALL_FAULTS=1: all; HQCNN_TEST_ALL_FAULTS='train alloc': all of these (a grep pattern of "COMMAND KIND").
set -u
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
MODULE=$2
SHARE=60  # of so many points of one kind on one rank the sample has one
LIMIT=10  # seconds of a run, which takes half of one
WORKERS=${HQCNN_FAULT_WORKERS:-2}

# What starts fast: no network, little shared memory.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:verify_asan_link_order=0" # the module comes before the sanitizer's library
export OMPI_MCA_pml=ob1 OMPI_MCA_btl=self,vader OMPI_MCA_btl_vader_segment_size=65536

# The smallest training: two steps, a checkpoint behind each, in fixed ways, so that calls come in the same order again.
PHANTOM=(--set phantom.size=12 --set phantom.train=8 --set phantom.val=4 --set phantom.test=4)
TINY=("${PHANTOM[@]}" --set 'model.channels=[4]' --set 'model.padding=[1]' --set 'model.pool=[1]' --set model.features=2 --set model.qubits=2 --set model.head=0 --set train.epochs=1 --set train.batch=4 --set train.microbatch=2
    --set checkpoint.steps=1 --set dist.sum=flat --set dist.exchange=mpi --set dist.overlap=off)

# Each starts in a folder of its own that holds what `prepare` made.
ranks_of() { case $1 in train | resume | stream | ways) echo 3 ;; import | evaluate | predict) echo 2 ;; inspect) echo 1 ;; esac }
arguments_of() {
    case $1 in
        train) ARGUMENTS=(train "${TINY[@]}" --set dist.spread=off --run-dir new) ;;
        resume) ARGUMENTS=(train "${TINY[@]}" --set dist.spread=off --set train.epochs=2 --run-dir run --resume) ;;
        stream) ARGUMENTS=(train "${TINY[@]}" --set data.source=set.h5 --set data.stream=on --run-dir new) ;;
        ways) ARGUMENTS=(train "${TINY[@]}" --set dist.sum=node --set dist.exchange=packed --set dist.overlap=on --set dist.spread=on
            --set log.trace_steps=1 --run-dir new) ;;
        import) ARGUMENTS=(data import phantom "${PHANTOM[@]}" new.h5) ;;
        evaluate) ARGUMENTS=(evaluate run --json --set data.source=set.h5) ;;
        predict) ARGUMENTS=(predict run --output new.csv) ;;
        inspect) ARGUMENTS=(inspect run/last.h5) ;;
    esac
}

prepare() {
    mkdir before
    (cd before && np 3 train "${TINY[@]}" --run-dir run && np 1 data import phantom "${PHANTOM[@]}" set.h5) >out.txt 2>err.txt || fail "preparation: $(cat err.txt)"
}

# run COMMAND FAULT: in the folder `here`, which is made anew; output in out.txt and err.txt there. mpirun is told not to end the other ranks when one
# fails: all must end by themselves, and with the same code, which is returned; 255 when they differ. Where the program asks mpirun to end the job the code is mpirun's.
run() {
    local ranks code
    ranks=$(ranks_of "$1")
    rm -rf here
    cp -r before here
    arguments_of "$1"
    # shellcheck disable=SC2016 # expanded on each rank
    (cd here && timeout -k 10 $LIMIT mpirun --mca orte_abort_on_non_zero_status 0 -np "$ranks" -x HQCNN_FAULT="$2" -x HQCNN_FAULT_FOLDER="$PWD" \
        -x HQCNN_FAULT_LOG="$PWD/log.txt" sh -c 'LD_PRELOAD=$0 "$@"; echo $? >>../codes.txt' "$MODULE" "$PROGRAM" "${ARGUMENTS[@]}" >out.txt 2>err.txt)
    code=$?
    mv codes.txt here 2>/dev/null
    [ $code = 0 ] || return $code
    [ "$(wc -l <here/codes.txt)" = "$ranks" ] && [ "$(sort -u here/codes.txt | wc -l)" = 1 ] || return 255
    return "$(head -n 1 here/codes.txt)"
}

# What a command makes, from one folder to another: checkpoints, files, rows of metrics, and what it prints where that is its result.
results_of() {
    for file in new/last.h5 new/best.h5 run/last.h5 run/best.h5; do # by their hash: the path of the data set is in them
        [ ! -e "$2/$file" ] || "$PROGRAM" inspect --hash "$2/$file" >"$3/${file//\//-}"
    done
    for file in new.h5 new.csv; do
        [ ! -e "$2/$file" ] || cp "$2/$file" "$3"
    done
    for folder in new run; do
        [ ! -e "$2/$folder/metrics.jsonl" ] || values_of "$2/$folder" >"$3/$folder-metrics.jsonl"
    done
    case $1 in evaluate | inspect) cp "$2/out.txt" "$3" ;; esac
}

# The points of a command: "COMMAND KIND RANK K NUMBER PLACE" for the K-th call, which is the first of NUMBER alike. Other failures of a write than a full disk
# are for tests/checkpoint. What follows a failed call of MPI is up to the places next to it.
points_of() {
    run "$1" count
    same "$1 without a fault: exit code" $? 0
    mkdir -p "after/$1"
    results_of "$1" here "after/$1"
    awk -v command="$1" '$3 !~ /^(short|lose|flip)$/ && !($3 == "mpi" && command ~ /^(import|evaluate|predict|inspect)$/) {
        kind = $3; k = $4; rank = $6; place = $7; last = kind == "mpi" ? 10 : NF
        for (i = 9; i <= NF && i <= last; i++) place = place "," $i
        key = kind " " rank " " place
        if (!(key in first)) { first[key] = k; order[++n] = key }
        calls[key]++
    }
    END { for (i = 1; i <= n; i++) { split(order[i], part, " "); print command, part[1], part[2], first[order[i]], calls[order[i]], part[3] } }' here/log.txt
}

# What an exit code may be: a failure of a rank that is agreed on, or no harm.
expected_code() {
    case $1 in
        alloc | json | thread) echo 1 ;;
        mpi) echo 5 ;;
        *) echo 3 ;;
    esac
}

# walk COMMAND KIND RANK K: one line for what is wrong, or none
walk() {
    local command=$1 kind=$2 code errors warnings fired what
    rm -rf results && mkdir results
    run "$command" "$kind:$4@$3"
    code=$?
    fired=$(cat here/log.txt 2>/dev/null)
    errors=$(grep -c "hqcnn-dist: error: " here/err.txt)
    warnings=$(grep -v "ranks of a thread each share" here/err.txt | grep -c "hqcnn-dist: warning: ")
    what=$(awk '{ print $7 }' <<<"$fired")
    [ -n "$fired" ] || { [ $code = 0 ] || echo "exit code $code without a fault"; return; }
    if [ $code = 0 ]; then # no harm: the same results; what is not certain to last is said
        [ "$errors" = 0 ] || echo "error messages, but exit code 0"
        [ "$warnings" -gt 0 ] || [ "$kind" != sync ] || echo "nothing is said of the failure"
        results_of "$command" here results
        diff -r results "$AFTER/$command" || echo "other results"
    else
        [ $code = "$(expected_code "$kind")" ] || echo "exit code $code (of ranks: $(paste -sd ' ' here/codes.txt))"
        [ "$errors" = 1 ] || { [ "$kind" = mpi ] && [ "$errors" -gt 1 ]; } || echo "$errors error messages"
        case $kind in
            alloc | json) grep -q "error: .*no memory for" here/err.txt || echo "no word of memory" ;;
            mpi) grep -q "error: .* failed: MPI" here/err.txt || echo "no word of $what" ;;
            memfile | thread) ;;
            *) what=${what%.tmp} && grep "hqcnn-dist: error: " here/err.txt | grep -q "${what#"$PWD"/here/}" || echo "no word of $what" ;;
        esac
    fi
    grep -q "failed: MPI\|the job ends" here/err.txt || [ -z "$(find here -name '*.tmp')" ] || echo "temporary files: $(find here -name '*.tmp' | tr '\n' ' ')"
    grep -qi "signal\|internal error\|not freed\|HDF5-DIAG" here/err.txt && echo "crash: $(grep -i "signal\|internal error\|not freed\|HDF5-DIAG" here/err.txt | head -3)"
    for file in here/run/last.h5 here/new/last.h5; do
        [ ! -e $file ] || cmp -s $file "before/run/${file##*/}" || "$PROGRAM" inspect --hash $file >hash.txt 2>&1 || echo "$file: $(cat hash.txt)"
    done
}

# Every WORKERS-th point, from the one of this number on, in a folder of its own; findings go to found.txt there.
work() {
    mkdir "worker$1" && cp -r before "worker$1" && cd "worker$1" || exit
    export TMPDIR=$PWD # one mpirun removes what another, about to start, wants to use
    awk -v n=$WORKERS -v i="$1" 'NR % n == i' ../points.txt | while read -r command kind rank k _; do
        walk "$command" "$kind" "$rank" "$k" </dev/null >said.txt
        echo "$command $kind $rank $k" >>walked.txt
        [ -s here/log.txt ] || echo "$command $kind $rank $k" >>absent.txt
        [ ! -s said.txt ] || { echo "$command $kind:$k@$rank: $(paste -sd ';' said.txt)" && cat here/log.txt; grep "hqcnn-dist: " here/err.txt || head -5 here/err.txt; } >>found.txt
    done
}

prepare
AFTER=$PWD/after
: >all.txt
for command in train resume stream ways import evaluate predict inspect; do points_of $command >>all.txt; done
awk '!seen[$2 " " $3 " " $6]++' all.txt >places.txt && mv places.txt all.txt # the same place is reached by several commands
case ${HQCNN_TEST_ALL_FAULTS:-} in
    '') awk -v share=$SHARE '{ place = $2 " " $3 } seen[place]++ % share == 0' all.txt >points.txt ;;
    1) cp all.txt points.txt ;;
    *) grep -E "$HQCNN_TEST_ALL_FAULTS" all.txt >points.txt ;;
esac
for ((i = 0; i < WORKERS; i++)); do (work $i) & done
wait
cat worker*/found.txt 2>/dev/null
for kind in $(awk '{ print $2 }' all.txt | sort -u); do
    number() { cat "$@" 2>/dev/null | grep -c "^[a-z]* ${kind}[ :]"; } # of lines about it
    echo "$kind: $(number all.txt) points, $(number worker*/walked.txt) walked, $(number worker*/absent.txt) did not come again, $(number worker*/found.txt) wrong"
done
points=$(wc -l <points.txt)
same "points walked" "$(cat worker*/walked.txt 2>/dev/null | wc -l)" "$points"
check "nearly all calls come again" [ $((10 * $(cat worker*/absent.txt 2>/dev/null | wc -l))) -le "$points" ]
same "points that do not behave" "$(cat worker*/found.txt 2>/dev/null | grep -c '^[a-z]* [a-z]*:[0-9]*@')" 0
check "points are walked" [ "$points" -gt 0 ]
finish
