#!/bin/sh
# layers.sh ROOT: the rules of docs/architecture.md that no compiler checks, over the C files in ROOT/include, ROOT/src
# and ROOT/tests. Prints every violation as file:line: text; exits with 1 when there is one.
set -eu
rules=$(cd "$(dirname "$0")" && pwd)/layers.awk
cd "${1:?usage: layers.sh ROOT}"
files=$(find include src tests -name '*.[ch]' 2>/dev/null | LC_ALL=C sort)
[ -n "$files" ] || { echo "layers.sh: no C files in $PWD" >&2 && exit 2; }
# shellcheck disable=SC2086 # a list of words: no file of ours has a space in its name
exec awk -f "$rules" $files
