#!/usr/bin/env bash
# run.sh [ARGUMENTS]: a first run: installs what is missing, builds, and trains on 2 ranks of this machine.
#
# Without arguments the default network learns the built-in phantom images; the last lines are the table of test
# accuracy and AUC. ARGUMENTS go to hqcnn-dist, for example: tools/run.sh train configs/breastmnist.cfg
# Environment: RANKS (default 2).
set -euo pipefail
# shellcheck source=tools/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
ranks=${RANKS:-2}
[[ $ranks =~ ^[1-9][0-9]*$ ]] || die "RANKS=$ranks: allowed is a number from 1"

say "run.sh: install missing Debian packages, build hqcnn-dist, start it on $ranks ranks"
install_for_build
build_target hqcnn-dist
prepare_mpirun "$ranks"
say "run: mpirun -np $ranks $build/hqcnn-dist $*"
exec mpirun -np "$ranks" "$build/hqcnn-dist" "$@"
