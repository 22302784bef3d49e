#!/usr/bin/env bash
# fuzz.sh [TARGET...] [--seconds N | --runs N]: builds the fuzz targets of tests/fuzz with clang and runs them one after
# the other (all by default) for N seconds each (60 by default) or N executions each. Fails when one has a finding; its
# input is then in build/fuzz/findings. docs/fuzzing.md says more.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build/fuzz
limit=-max_total_time=60
targets=()

usage() { sed -n '2,4s/^# //p' "$0" >&2 && exit 2; }

while [ $# -gt 0 ]; do
    case $1 in
    --seconds | --runs)
        [[ ${2-} =~ ^[0-9]+$ ]] || usage
        [ "$1" = --runs ] && limit=-runs=$2 || limit=-max_total_time=$2
        shift
        ;;
    -*) usage ;;
    *) targets+=("$1") ;;
    esac
    shift
done
all=()
for folder in "$root"/tests/fuzz/corpus/*/; do all+=("$(basename "$folder")"); done
[ ${#targets[@]} -gt 0 ] || targets=("${all[@]}")
for target in "${targets[@]}"; do
    [ -d "$root/tests/fuzz/corpus/$target" ] || { echo "fuzz.sh: no target \"$target\"; there are: ${all[*]}" >&2 && exit 2; }
done

command -v clang >/dev/null || { echo "SKIPPED: clang is missing" && exit 77; }
echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' |
    clang -fsanitize=fuzzer,address,undefined -x c - -o /dev/null 2>/dev/null ||
    { echo "SKIPPED: libFuzzer is missing (Debian: libclang-rt-14-dev)" && exit 77; }
mkdir -p "$build/findings" "$build/logs"
{ (cd "$root" && cmake --preset fuzz) && cmake --build "$build" --parallel "$(env -u OMP_NUM_THREADS nproc)" --target fuzz; } \
    >"$build/logs/build.log" 2>&1 || { tail -20 "$build/logs/build.log" && exit 1; }

# Little memory is held back after it was freed: executions are short. One block of more than 256 MB is a finding.
export ASAN_OPTIONS=quarantine_size_mb=8:allocator_release_to_os_interval_ms=-1:${ASAN_OPTIONS-}
export LSAN_OPTIONS=suppressions=$root/tests/fuzz/leaks.txt:print_suppressions=0
export UBSAN_OPTIONS=print_stacktrace=1 HDF5_USE_FILE_LOCKING=FALSE
options=(-close_fd_mask=3 -detect_leaks=0 -rss_limit_mb=1024 -malloc_limit_mb=256 -timeout=20 "$limit")

# run_target NAME: one line of what it did, or the end of its log.
run_target() {
    local log=$build/logs/$1.log corpus=$root/tests/fuzz/corpus/$1 words=$root/tests/fuzz/words/$1 dictionary=()
    mkdir -p "$build/corpus/$1"
    [ ! -f "$words" ] || dictionary=("-dict=$words")
    if "$build/fuzz/$1" "${options[@]}" "${dictionary[@]}" -artifact_prefix="$build/findings/$1-" "$build/corpus/$1" "$corpus" \
        >"$log" 2>&1; then
        awk -v name="$1" '/^Done/ { printf "%-12s %s executions in %s seconds\n", name, $2, $5 }' "$log"
        return 0
    fi
    echo "$1: FINDING; from $log:"
    grep -vE '^#|^INFO|NEW_FUNC' "$log" | head -40
    return 1
}

status=0
for target in "${targets[@]}"; do run_target "$target" || status=1; done
[ $status -eq 0 ] || echo "inputs of findings: $build/findings"
exit $status
