#!/usr/bin/env bash
# tools/arm64.sh - fastcore on emulated aarch64 CPUs, on an x86-64 Debian machine.
#
#   arm64.sh [test]              build for aarch64; C tests and smoke tests on every model below
#   arm64.sh setup               only what `test` needs first; does nothing the second time
#   arm64.sh build               setup, then the package and the C tests
#   arm64.sh model MODEL         the tests of one model, after `build`
#   arm64.sh run MODEL CMD...    any aarch64 program on one model; `python` is the emulated Python
#
# MODEL is a name of the table below or any -cpu of QEMU. Everything it makes lies in .arm64/, or in
# the folder that FASTCORE_ARM64_DIR names. Emulation and cross compiler are Debian packages, which it
# installs where it is root or may use sudo, and names in one line where not. docs/howto/test-on-aarch64.md
# says more.
set -euo pipefail
self=$(realpath "$0")
cd "$(dirname "$self")/.."

DIR=$(realpath -m "${FASTCORE_ARM64_DIR:-.arm64}")
SYSROOT=$DIR/sysroot   # Debian's arm64 C library and Python
SITE=$DIR/site         # wheels that the smoke tests import
PACKAGE=${FASTCORE_ARM64_PACKAGE:-$DIR/package} # fastcore, built for aarch64; or a wheel, installed
VENV=$DIR/venv         # Cython and setuptools for the build machine's Python
PYTHON=$SYSROOT/usr/bin/python-emulated
CROSS=aarch64-linux-gnu-gcc
QEMU=qemu-aarch64-static

# name, QEMU's -cpu, the level fastcore must choose, the SVE bits it must see, tests beside the smoke
# tests. The SVE2 models run the same code at other vector lengths; cortex-a72 is NEON again, on the
# oldest core in wide use; a64fx has SVE without SVE2, so a cap there can ask for a level it lacks.
MODELS='
cortex-a72   cortex-a72                                         neon  0
neoverse-n1  neoverse-n1                                        neon  0
a64fx        a64fx                                              sve   512   tests/cpu/test_cpu.py
sve2-128     max,sve-default-vector-length=16,pauth-impdef=on   sve2  128
sve2-256     max,sve-default-vector-length=32,pauth-impdef=on   sve2  256
sve2-512     max,sve-default-vector-length=64,pauth-impdef=on   sve2  512
sve2-2048    max,sve-default-vector-length=256,pauth-impdef=on  sve2  2048
'

WHEELS=(numpy orjson lmdb pytest hypothesis)
C_TESTS=(make -s -C csrc "CC=$CROSS" LDFLAGS=-static)
# Walks over what a crash may leave on a disk, not over vectors: one model is enough.
DISK_TESTS='t_wal_crash t_wal_faults' DISK_MODEL=neoverse-n1

say() { printf '[arm64 %s] %s\n' "$(date -u +%T)" "$*"; }
die() { printf 'tools/arm64.sh: %s\n' "$*" >&2; exit 1; }

field() { # field MODEL N: the N-th column of the model's row
    awk -v name="$1" -v n="$2" '$1 == name { print $n }' <<<"$MODELS"
}

# --- setup -----------------------------------------------------------------------------------

host_packages() {
    local missing=()
    command -v "$QEMU" >/dev/null || missing+=(qemu-user-static)
    command -v "$CROSS" >/dev/null || missing+=(gcc-aarch64-linux-gnu)
    [ -e /usr/aarch64-linux-gnu/lib/libc.a ] || missing+=(libc6-dev-arm64-cross)
    command -v make >/dev/null || missing+=(make)
    command -v python3 >/dev/null || missing+=(python3)
    python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
    [ "${#missing[@]}" -gt 0 ] || return 0

    local as_root=(env DEBIAN_FRONTEND=noninteractive)
    [ "$(id -u)" -eq 0 ] || as_root=(sudo -n "${as_root[@]}")
    say "installing ${missing[*]}"
    {
        "${as_root[@]}" apt-get update -qq &&
            "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"
    } >/dev/null 2>&1 || die "needs ${missing[*]}; run: sudo apt-get install ${missing[*]}"
}

# apt with a state of its own, for arm64: the system's apt neither changes nor learns of it. The
# mirror and the key are those that the machine's own sources name for this release.
arm64_apt() {
    local state=$DIR/apt
    apt-get -qq -o Dir::Etc::SourceList="$state/sources.list" -o Dir::Etc::SourceParts=- \
        -o Dir::State::Lists="$state/lists" -o Dir::State::Status="$state/status" \
        -o Dir::State::Extended_States="$state/extended" -o Dir::Cache="$state" \
        -o Dir::Cache::Archives="$state/archives" -o Dir::Log="$state" \
        -o APT::Sandbox::User="$(id -un)" -o APT::Architecture=arm64 -o APT::Architectures=arm64 \
        -o Acquire::Languages=none -o APT::Install-Recommends=false -o Debug::NoLocking=1 "$@"
}

debian_source() { # the line of a sources.list for this release's main archive
    local release key uri
    release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    key=/usr/share/keyrings/debian-archive-keyring.gpg
    uri=$(apt-get indextargets --format "\$(CODENAME) \$(REPO_URI)" 'Identifier: Packages' \
        'Component: main' 2>/dev/null | awk -v release="$release" '$1 == release { print $2; exit }')
    [ -n "$uri" ] && [ -e "$key" ] || die "needs Debian's own apt sources for its arm64 Python"
    echo "deb [signed-by=$key] $uri $release main"
}

sysroot() {
    [ ! -e "$SYSROOT/.complete" ] || return 0
    say "fetching Debian's Python for arm64"
    rm -rf "$SYSROOT" "$DIR/apt"
    mkdir -p "$SYSROOT" "$DIR"/apt/{lists,archives}/partial
    : >"$DIR/apt/status"
    debian_source >"$DIR/apt/sources.list"
    arm64_apt update >"$DIR/apt/log" 2>&1 && arm64_apt install -y --download-only \
        python3 libpython3-dev libstdc++6 >>"$DIR/apt/log" 2>&1 ||
        { tail -n 3 "$DIR/apt/log" >&2; die "could not fetch arm64 packages; see $DIR/apt/log"; }
    for package in "$DIR"/apt/archives/*.deb; do
        dpkg-deb --fsys-tarfile "$package" | tar -x -C "$SYSROOT" --no-same-owner
    done
    [ -e "$SYSROOT/lib" ] || ln -s usr/lib "$SYSROOT/lib" # releases with a merged /usr
    rm -rf "$DIR/apt/archives"

    # Beside the real one, so that it finds its library, and under a name of its own, so that
    # sys.executable is this script and child processes are emulated too.
    local real
    real=$(cd "$SYSROOT/usr/bin" && echo python3.*[0-9])
    printf '#!/bin/sh\nexec %s -0 "$0" -L "%s" "%s" "$@"\n' "$QEMU" "$SYSROOT" \
        "$SYSROOT/usr/bin/$real" >"$PYTHON"
    chmod +x "$PYTHON"
    touch "$SYSROOT/.complete"
}

python_version() { "$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])'; }

wheels() {
    [ "$(cat "$SITE/.wheels" 2>/dev/null)" != "${WHEELS[*]}" ] || return 0
    say "fetching ${WHEELS[*]} for aarch64"
    rm -rf "$SITE"
    local glibc platforms=()
    for glibc in 2_17 2_26 2_27 2_28 2_31 2_34; do
        platforms+=(--platform "manylinux_${glibc}_aarch64")
    done
    "$VENV/bin/python" -m pip install --quiet --target "$SITE" --only-binary=:all: \
        --implementation cp --python-version "$(python_version)" --platform manylinux2014_aarch64 \
        "${platforms[@]}" "${WHEELS[@]}" || die "could not fetch aarch64 wheels"
    echo "${WHEELS[*]}" >"$SITE/.wheels"
}

build_tools() {
    [ ! -e "$VENV/.complete" ] || return 0
    say "making $VENV"
    python3 -m venv --clear "$VENV"
    local requires
    mapfile -t requires < <(sed -n 's/^requires = \[\(.*\)\]$/\1/p' pyproject.toml |
        grep -o '"[^"]*"' | tr -d '"')
    "$VENV/bin/python" -m pip install --quiet "${requires[@]}" || die "could not install ${requires[*]}"
    touch "$VENV/.complete"
}

setup() {
    [ "$(uname -m)" = x86_64 ] || die "emulates on x86-64; on aarch64, make test does it all"
    host_packages
    mkdir -p "$DIR"
    build_tools
    sysroot
    wheels
}

# --- build -----------------------------------------------------------------------------------

# The headers of the arm64 Python come first, so that it does not matter which Python builds.
# Its pyconfig.h is linked alone: the C library's headers are the cross compiler's own.
build_package() {
    local version include
    version=python$(python_version)
    include=$SYSROOT/usr/include
    mkdir -p "$DIR/include/aarch64-linux-gnu"
    ln -sfn "$include/aarch64-linux-gnu/$version" "$DIR/include/aarch64-linux-gnu/$version"

    say "building the package for aarch64"
    CC=$CROSS LDSHARED="$CROSS -shared" AR=aarch64-linux-gnu-ar \
        CFLAGS="-I$include/$version -I$DIR/include" \
        _PYTHON_HOST_PLATFORM=linux-aarch64 \
        "$VENV/bin/python" setup.py -q build --build-base "$DIR/build" --build-lib "$DIR/build/lib" \
        >"$DIR/build.log" 2>&1 || { tail -n 20 "$DIR/build.log" >&2; die "the build failed"; }

    # The suffix that setuptools gave names this machine; a plain .so fits any.
    rm -rf "$PACKAGE"
    cp -r "$DIR/build/lib" "$PACKAGE"
    local module
    while read -r module; do
        mv "$module" "${module%.cpython-*}.so"
    done < <(find "$PACKAGE" -name '*.cpython-*.so')
}

build() {
    setup
    build_package
    say "building the C tests for aarch64"
    "${C_TESTS[@]}" RUN=true test
}

# --- run -------------------------------------------------------------------------------------

run() { # run MODEL COMMAND ARGUMENTS...
    local cpu
    cpu=$(field "$1" 2)
    cpu=${cpu:-$1}
    shift
    [ "$1" != python ] || { shift; set -- "$PYTHON" "$@"; }
    # -P and a path of its own: the source tree must not stand in for what was built.
    QEMU_CPU=$cpu PYTHONSAFEPATH=1 PYTHONPATH=$PACKAGE:$SITE HYPOTHESIS_STORAGE_DIRECTORY="$DIR/hypothesis" \
        "$@"
}

c_tests() { # c_tests MODEL: names of its C tests
    local path name
    for path in tests/core/t_*.c; do
        name=$(basename "$path" .c)
        [[ $1 != "$DISK_MODEL" && " $DISK_TESTS " == *" $name "* ]] || echo "$name"
    done
}

model() { # model NAME: all tests of one model; one line, or what failed
    local name=$1 started=$SECONDS log=$DIR/$1.log expected found c_seconds
    expected="$(field "$name" 3) $(field "$name" 4)"
    [ "$expected" != " " ] || die "no model '$name'; there are: $(awk '{ print $1 }' <<<"$MODELS" | xargs)"

    found=$(run "$name" python -c 'import fastcore.cpu as c; print(c.available()[0], c.info().sve_bits)')
    if [ "$found" != "$expected" ]; then
        say "FAIL $name: chose '$found' (level, SVE bits), should be '$expected'"
        return 1
    fi
    if ! run "$name" "${C_TESTS[@]}" RUN="$QEMU" TESTS="$(c_tests "$name" | xargs)" test >"$log" 2>&1; then
        tail -n 20 "$log"
        say "FAIL $name: C tests, see $log"
        return 1
    fi
    c_seconds=$((SECONDS - started))
    # shellcheck disable=SC2046 # one word or none
    if ! run "$name" python -m pytest -q -p no:cacheprovider tests/smoke $(field "$name" 5) \
        >"$log" 2>&1; then
        tail -n 40 "$log"
        say "FAIL $name: Python tests, see $log"
        return 1
    fi
    say "ok $name: level $(field "$name" 3), $(field "$name" 4) SVE bits; C tests ${c_seconds} s, Python tests $((SECONDS - started - c_seconds)) s:" \
        "$(tail -n 1 "$log")"
}

run_models() {
    local failed=0
    awk 'NF { print $1 }' <<<"$MODELS" | xargs -P "$(nproc)" -n 1 "$self" model || failed=1
    [ "$failed" -eq 0 ] || die "some models failed"
    say "all models passed"
}

main() {
    local command=${1:-test}
    [ $# -eq 0 ] || shift
    case $command in
    setup) setup ;;
    build) build ;;
    test)
        build
        run_models
        ;;
    model) model "${1:?which model?}" ;;
    run)
        [ $# -ge 2 ] || die "run MODEL COMMAND..."
        run "$@"
        ;;
    *)
        sed -n '2,/^set/s/^# \{0,1\}//p' "$self" >&2
        exit 2
        ;;
    esac
}

# On one line, read before it runs: an edit of this file does not reach a run under way.
main "$@"; exit
