#!/bin/sh
# Usage: shellcheck.sh ROOT. Every shell script of ours passes shellcheck; files whose first line is neither "#!" nor a
# directive of shellcheck are checked only where they are sourced.
set -eu
cd "${1:?usage: shellcheck.sh ROOT}"
command -v shellcheck >/dev/null || { echo "SKIPPED: shellcheck is missing" && exit 77; }
scripts=$(find tools jobs tests \( -name '*.sh' -o -name '*.sbatch' \) -exec awk 'FNR == 1 && /^#(!| shellcheck )/ { print FILENAME }' {} +)
# shellcheck disable=SC2086 # a list of words: no file of ours has a space in its name
shellcheck --severity=warning --external-sources --source-path=SCRIPTDIR .ci/run $scripts
