#!/bin/sh
# format.sh ROOT: every C file of ours is as clang-format would write it.
set -eu
cd "${1:?usage: format.sh ROOT}"
command -v clang-format >/dev/null || { echo "SKIPPED: clang-format is missing" && exit 77; }
find include src tests -name '*.[ch]' -print0 | xargs -0 clang-format --dry-run -Werror --style=file
