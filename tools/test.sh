#!/usr/bin/env bash
# test.sh [ARGUMENTS]: installs what is missing, builds everything, runs all tests with CTest.
#
# ARGUMENTS go to ctest, for example: tools/test.sh -L quantum
# Environment: HQCNN_DATA_DIR (folder with MedMNIST .npz files; tests on real data are skipped without it).
set -euo pipefail
# shellcheck source=tools/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

say "test.sh: install missing Debian packages, build everything, run the tests"
install_for_build
install_for_tests python3-numpy python3-h5py python3-torch clang-format shellcheck valgrind # parity with PyTorch, style, instruction counts
install_for_tests clang libclang-rt-dev                                            # the fuzz targets
install_for_tests slurm-wlm                                                        # the job script; brings daemons
# For tests with the npm package quantum-circuit. npm is some 350 packages: it is the slowest of these, 1 to 2 minutes.
command -v node >/dev/null && command -v npm >/dev/null || install_for_tests nodejs npm
build_target all
say "tests: ctest in $build, $(nproc) at a time"
exec ctest --test-dir "$build" --parallel "$(nproc)" --output-on-failure "$@" </dev/null
