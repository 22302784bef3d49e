#!/usr/bin/env bash
# tidy.sh [FILES]: clang-tidy with the checks of .clang-tidy over FILES, or over all of src/ (some minutes).
# Needs clang-tidy, and a build in build/release (tools/run.sh makes one).
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
[ -f "$root/build/release/compile_commands.json" ] || { echo "tidy.sh: no build in $root/build/release" >&2 && exit 1; }
if [ $# -gt 0 ]; then
    printf '%s\0' "$@"
else
    find "$root/src" -name '*.c' -print0
fi | xargs -0 -P "$(nproc)" -n 1 clang-tidy -p "$root/build/release" --quiet
