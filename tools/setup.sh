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

# install_packages [PACKAGE...]: installs what the build needs, and these, if missing. Asks the network only then.
install_packages() {
    set -- "${build_packages[@]}" "$@"
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        explain_other_systems
        return
    fi
    local package missing=()
    for package in "$@"; do
        # shellcheck disable=SC2016 # a format of dpkg-query
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done
    if [ ${#missing[@]} -eq 0 ]; then
        say "packages: all $# are installed"
        return
    fi
    say "packages: installing with apt-get: ${missing[*]}"
    if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
        die "not root, and there is no sudo; ask an administrator for: apt-get install ${missing[*]}"
    fi
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0)
    as_root "${apt[@]}" update </dev/null >/dev/null || die "apt-get update failed"
    as_root "${apt[@]}" install --no-install-recommends "${missing[@]}" </dev/null >/dev/null ||
        die "apt-get install failed; to see why: apt-get install ${missing[*]}"
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
