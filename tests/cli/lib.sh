# lib.sh: shared by the scripts that test the program from outside. Sourced, after: set -u
#   $1 of every script is the program. A check that fails is counted; `finish` closes the script.
PROGRAM=$1
DATA=${HQCNN_DATA_DIR:-}
SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/hqcnn-cli-XXXXXX")
CHECKS=0
FAILED=0
cleanup() { rm -rf "$SCRATCH"; }
trap cleanup EXIT
cd "$SCRATCH" || exit 1
export HQCNN_CHECK_MEMORY=1

# A training of a second: 96 phantom images, batches of 32 in micro-batches of 8.
SMALL=(--set phantom.train=96 --set phantom.val=32 --set phantom.test=32 --set train.epochs=2 --set train.batch=32 --set train.microbatch=8)

# mpirun waits for 1 or 2 seconds after a rank has failed. Not for runs that call MPI_Abort: mpirun 4.1.4 itself crashes (20 of
# 50) or hangs (2 of 50) after it then.
fail_fast() { export OMPI_MCA_odls_base_sigkill_timeout=0; }

fail() {
    FAILED=$((FAILED + 1))
    echo "FAILED: $*" >&2
}

check() { # check "what" command...
    local what=$1
    shift
    CHECKS=$((CHECKS + 1))
    "$@" || fail "$what"
}

same() { # same "what" have want
    CHECKS=$((CHECKS + 1))
    [ "$2" = "$3" ] || fail "$1: have \"$2\", expected \"$3\""
}

# np RANKS arguments...: the program under mpirun
np() {
    local ranks=$1
    shift
    mpirun -np "$ranks" "$PROGRAM" "$@"
}

hash_of() { "$PROGRAM" inspect --hash "$1"; }

# The rows of a metrics file without what may differ between runs: the timing, the rows that tell of a resume, and (for runs that
# were resumed) rows of single steps. The timing comes last in a row.
values_of() { sed -E -e '/"event":"(resume|step)"/d' -e 's/,"timing":\{.*\}$/}/' "$1/metrics.jsonl"; }

finish() {
    echo "$((CHECKS - FAILED)) passed, $FAILED failed"
    [ "$FAILED" -eq 0 ] && [ "$CHECKS" -gt 0 ]
    exit
}

skip() {
    echo "SKIPPED: $*"
    exit 77
}
