# shellcheck shell=bash
# checks.sh: to be sourced by cases.sh, which has fail and hash_of: jobs by name, and what must be true of them in the
# end. The job NAME trains in the folder NAME; its log is NAME.out, of a task of an array (folder NAME/TASK)
# NAME-TASK.out.
declare -A job
log_of() { echo "${1//\//-}.out"; }
show() { scontrol show job "${job[$1]}" | tr -s ' ' '\n'; }

nodes_of() { scontrol show hostnames "$(show "$1" | sed -n 's/^NodeList=//p')"; }
starts_of() { grep -c "restart [0-9]*, nodes" "$(log_of "$1")"; }

# submit NAME [VARIABLE=VALUE...] sbatch WORDS...: its number goes to job[NAME].
submit() {
    local name=$1 before=()
    shift
    while [ "$1" != sbatch ]; do before+=("$1") && shift; done
    shift
    job[$name]=$(env RUN_DIR="$name" "${before[@]}" sbatch --parsable --output="$name.out" "$@") ||
        fail "$name: sbatch"
}

# revive NAME: Open MPI 4.1.4 sometimes crashes inside MPI_Init when more ranks start than there are cores. The job
# scripts do not start such a job again; this does, and says so.
revive() {
    local start
    show "$1" 2>/dev/null | grep -q "^JobState=FAILED" || return
    start=$(tac "$(log_of "$1")" | sed '/^[a-z_]*\.sbatch: /q') # back to the last words of the script
    grep -q "Signal: Segmentation fault" <<<"$start" && ! grep -q "^hqcnn-dist [0-9]" <<<"$start" || return
    echo "$1: a start crashed before the program could say a word; started again" && scontrol requeue "${job[$1]}"
}

# wait_for NAME TEXT COMMAND...: until the output of COMMAND, which tells of the job NAME, has TEXT.
wait_for() {
    local name=$1 text=$2 i
    shift 2
    for i in $(seq 3000); do
        "$@" 2>/dev/null | grep -q -e "$text" && return 0
        sleep 0.1
        [ $((i % 20)) -ne 0 ] || revive "$name"
    done
    fail "$name: no \"$text\" in the output of: $*"
}
in_epoch() { wait_for "$1" "^epoch  *$2/" cat "$(log_of "$1")"; }

# ended NAME STATE CODE: waits for the job and checks how it ended.
ended() {
    wait_for "$1" "^JobState=\(COMPLETED\|FAILED\|CANCELLED\|TIMEOUT\|NODE_FAIL\)" show "$1"
    revive "$1" && ended "$@" && return
    show "$1" | grep -q "^ExitCode=$3:0" && show "$1" | grep -q "^JobState=$2" ||
        { fail "$1 did not end as $2 with $3" && show "$1" && cat "$(log_of "$1")"; }
}

# same_bits NAME [REFERENCE]
same_bits() {
    echo "$1: $(hash_of "$1") after $(starts_of "$1") start(s)"
    [ "$(hash_of "$1")" = "$(hash_of "${2:-one}")" ] || fail "$1 has other bits than 1 rank"
}

# same_rows NAME [REFERENCE]: but for times and the rows that tell of starts, metrics.jsonl is that of a run that was
# never stopped. So every step, every epoch and the test have one row, in order.
rows_of() { sed -E -e '/"event":"(start|resume)"/d' -e 's/,"timing":\{.*\}$/}/' "$1/metrics.jsonl"; }
same_rows() { diff <(rows_of "$1") <(rows_of "${2:-one}") || fail "$1: other rows than 1 rank"; }

# whole_rows NAME EPOCHS: that reference has a row for each step 1, 2, ... and each epoch 1, 2, ..., and then one for
# the test.
whole_rows() {
    local steps
    numbers() { sed -n -E "s/.*\"event\":\"$2\",\"epoch\":([0-9]+),\"step\":([0-9]+).*/\\$3/p" "$1/metrics.jsonl"; }
    steps=$(numbers "$1" test 2)
    [ "$(numbers "$1" step 2)" = "$(seq "$steps")" ] && [ "$(numbers "$1" epoch 1)" = "$(seq "$2")" ] &&
        tail -n 1 "$1/metrics.jsonl" | grep -q '"event":"test"' || fail "$1: rows are missing or there twice"
}

# one_log NAME KIND [REFERENCE]: the log is one. All starts tell themselves in it, numbered 0, 1, 2, ...; between them
# the epochs come one by one. The run was never stopped (KIND undisturbed), or it was, and went on with the epoch behind
# the last one (saved), or, where work was lost, at most repeated some (lost). Each line of an epoch says what it says
# in the reference, but for times. The last epoch comes last, and one test.
one_log() {
    awk -v kind="$2" '
        function bad(text) { print FILENAME ": " text; failed = 1 }
        function what(line) { sub(/ \| [^|]*$/, "", line); return line }
        NR == FNR { if (/^epoch /) said[++epochs] = what($0); next }
        /restart [0-9]+, nodes/ {
            match($0, /restart [0-9]+/)
            if (substr($0, RSTART + 8, RLENGTH - 8) != starts++) bad("start " starts - 1 " is: " $0)
            fresh = 1
        }
        /^epoch / {
            split($2, part, "/")
            if (part[1] > last + 1 || part[1] <= last && !(fresh && kind == "lost"))
                bad("behind epoch " last " comes: " $0)
            if (what($0) != said[part[1]]) bad("have " $0 ", expected " said[part[1]])
            fresh = 0
            last = part[1]
        }
        /^hqcnn-dist [0-9]/ { resumed++ }
        / yet: starting anew$/ { resumed-- }
        /^test split of / { tests++ }
        END {
            if (last != epochs) bad("epoch " epochs " is missing")
            if (tests != 1) bad("the test is there " tests + 0 " times")
            if ((resumed > 0) == (kind == "undisturbed")) bad("it went on " resumed + 0 " times")
            exit failed
        }' "$(log_of "${3:-one}")" "$(log_of "$1")" || { fail "$1: the log is not one" && cat "$(log_of "$1")"; }
}

# whole NAME KIND [REFERENCE]: all that must be true of a job that is done.
whole() {
    same_bits "$1" "${3:-one}"
    same_rows "$1" "${3:-one}"
    one_log "$1" "$2" "${3:-one}"
}
