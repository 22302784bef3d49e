# shellcheck shell=bash
# setup.sh: shared by run.sh and test.sh, to be sourced: packages, build, environment of mpirun.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build/release

build_packages=(gcc libc6-dev make cmake pkg-config openmpi-bin libopenmpi-dev libhdf5-openmpi-dev
    libopenblas-serial-dev libconfig-dev libzip-dev libjansson-dev librandom123-dev libxxhash-dev)

say() { printf '== %s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2 && exit 1; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

explain_other_systems() {
    cat <<'TEXT'
This is not a Debian-like system, so nothing is installed. The build needs a C11 compiler, CMake 3.25, pkg-config, MPI,
parallel HDF5 1.10, OpenBLAS (without threads of its own), libconfig, libzip, jansson, Random123 and xxHash with their
headers. Going on with what is there; CMake names what is missing.
TEXT
}

# missing_packages PACKAGE...: those that are not installed, one a line.
missing_packages() {
    local package
    for package in "$@"; do
        # shellcheck disable=SC2016 # a format of dpkg-query
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
    done
}

updated=no
apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 "$@" \
        </dev/null >/dev/null
}

# install_packages PURPOSE PACKAGE...: installs those that are missing. Asks the network only when there are any.
install_packages() {
    local purpose=$1 missing
    shift
    mapfile -t missing < <(missing_packages "$@")
    if [ ${#missing[@]} -eq 0 ]; then
        say "packages for $purpose: nothing is missing"
        return
    fi
    say "packages for $purpose: installing with apt-get: ${missing[*]}"
    if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
        echo "not root, and there is no sudo; ask an administrator for: apt-get install ${missing[*]}" >&2
        return 1
    fi
    [ $updated = yes ] || apt_get update || return
    updated=yes
    apt_get install --no-install-recommends "${missing[@]}"
}

# Without these there is no program.
install_for_build() {
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        explain_other_systems
    else
        install_packages "the build" "${build_packages[@]}" || die "packages for the build are missing"
    fi
}

# install_for_tests PACKAGE...: without these some tests are skipped.
install_for_tests() {
    command -v dpkg-query >/dev/null && command -v apt-get >/dev/null || return 0
    install_packages "tests" "$@" || say "packages for tests: not all could be installed; tests that need them are skipped"
}

# build_target TARGET: configures, and builds it in $build with all cores.
build_target() {
    say "build: $1 in $build, $(nproc) at a time"
    (cd "$root" && cmake --preset release --log-level=WARNING >/dev/null) || die "the build cannot be configured"
    cmake --build "$build" --parallel "$(nproc)" --target "$1" || die "the build failed"
}

# Cores that mpirun would count as slots: hardware threads of one core are one, and a container may have fewer.
cores() {
    local threads physical
    threads=$(nproc)
    physical=$(lscpu -p=core,socket 2>/dev/null | grep -v '^#' | sort -u | wc -l)
    if [ "$physical" -ge 1 ] && [ "$physical" -lt "$threads" ]; then
        echo "$physical"
    else
        echo "$threads"
    fi
}

# prepare_mpirun RANKS: environment for mpirun on this machine alone. What the user has set stays.
prepare_mpirun() {
    if [ "$(id -u)" -eq 0 ]; then # Open MPI wants to be told twice
        export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    fi
    if [ "$(cores)" -lt "$1" ]; then
        export OMPI_MCA_rmaps_base_oversubscribe="${OMPI_MCA_rmaps_base_oversubscribe-1}"
    fi
    # Other programs may use the same cores.
    export OMPI_MCA_hwloc_base_binding_policy="${OMPI_MCA_hwloc_base_binding_policy-none}"
    export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
}
