#!/bin/sh
# scripts/setup.sh [tests]: find what building needs, install what is missing (Debian, Ubuntu).
#
# Called alone or sourced by demo.sh and test.sh, which call denpan_setup. Nothing is asked. Without
# root and without sudo it prints the one line to type, and goes on with what is there.

denpan_say() { printf '%s\n' "$*"; }

denpan_compiles() {   # denpan_compiles COMPILER SUFFIX FLAGS... : does the program on stdin build?
    denpan_cc=$1 denpan_suffix=$2
    shift 2
    command -v "$denpan_cc" >/dev/null 2>&1 || return 1
    denpan_dir=$(mktemp -d) || return 1
    cat >"$denpan_dir/x.$denpan_suffix"
    denpan_rc=0
    "$denpan_cc" "$denpan_dir/x.$denpan_suffix" -o "$denpan_dir/x" "$@" >/dev/null 2>&1 || denpan_rc=1
    rm -rf "$denpan_dir"
    return $denpan_rc
}

denpan_has_cc() {
    for denpan_try in ${CC:-cc gcc clang}; do
        denpan_compiles "$denpan_try" c -lm <<'C' && return 0
#include <math.h>
#include <stdio.h>
int main(void) { return printf("%g\n", sqrt(4)) < 0; }
C
    done
    return 1
}

denpan_has_cmocka() {
    for denpan_try in ${CC:-cc gcc clang}; do
        denpan_compiles "$denpan_try" c -lcmocka <<'C' && return 0
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
int main(void) { return 0; }
C
    done
    return 1
}

denpan_has_cxx() { printf 'int main() { return 0; }\n' | denpan_compiles "${CXX:-c++}" cpp; }
denpan_has_clang() { printf 'int main(void) { return 0; }\n' | denpan_compiles clang c; }

denpan_has_cmake() {   # 3.21 or newer
    command -v cmake >/dev/null 2>&1 || return 1
    cmake --version 2>/dev/null | awk 'NR == 1 { split($3, v, "."); ok = v[1] > 3 || (v[1] == 3 && v[2] >= 21) }
        END { exit !ok }'
}

denpan_has_zlib() {
    for denpan_file in /lib/*/libz.so.1 /usr/lib/*/libz.so.1 /lib*/libz.so.1 /usr/lib*/libz.so.1 \
        /usr/local/lib/libz.so.1; do
        [ -e "$denpan_file" ] && return 0
    done
    return 1
}

# denpan_install "NEEDED..." "OPTIONAL..." : a status other than 0 means that something is missing still
denpan_install() {
    if ! command -v apt-get >/dev/null 2>&1; then
        denpan_say "setup: please install: $1 $2 (their names on Debian)"
        return 1
    fi
    denpan_root=
    if [ "$(id -u)" != 0 ]; then
        if command -v sudo >/dev/null 2>&1 && sudo -n true >/dev/null 2>&1; then
            denpan_root="sudo -n"
        else
            denpan_say "setup: missing: $1 $2. To install what is missing, type:"
            denpan_say "    sudo apt-get update && sudo apt-get install -y $1 $2"
            return 1
        fi
    fi
    denpan_say "setup: installing $1 $2"
    $denpan_root apt-get update -qq >/dev/null 2>&1 || :
    # shellcheck disable=SC2086  # lists of words
    denpan_apt $1 $2 && return 0
    # Not all together: what is needed first, then one by one what is only useful.
    # shellcheck disable=SC2086
    [ -z "$1" ] || denpan_apt $1 || :
    for denpan_package in $2; do denpan_apt "$denpan_package" || :; done
    denpan_say "setup: not everything could be installed. To see why, type:"
    denpan_say "    ${denpan_root:+sudo }apt-get update && ${denpan_root:+sudo }apt-get install -y $1 $2"
    return 1
}
denpan_apt() {
    $denpan_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1
}

denpan_setup() {   # denpan_setup [tests]
    denpan_needed= denpan_optional=
    denpan_has_cc || denpan_needed="gcc libc6-dev"
    denpan_has_cmake || denpan_needed="$denpan_needed cmake"
    command -v make >/dev/null 2>&1 || command -v ninja >/dev/null 2>&1 ||
        denpan_needed="$denpan_needed make"
    denpan_has_zlib || denpan_needed="$denpan_needed zlib1g"
    if [ "${1-}" = tests ]; then
        denpan_has_cmocka || denpan_optional="libcmocka-dev"
        command -v pkg-config >/dev/null 2>&1 || denpan_optional="$denpan_optional pkg-config"
        denpan_has_cxx || denpan_optional="$denpan_optional g++"
        denpan_has_clang || denpan_optional="$denpan_optional clang"
    fi
    [ -z "$denpan_needed$denpan_optional" ] || denpan_install "${denpan_needed# }" "${denpan_optional# }" || :
    if ! denpan_has_cc; then
        denpan_say "setup: there is no C compiler that works: nothing can be built" >&2
        return 1
    fi
    if ! denpan_has_cmake; then
        denpan_say "setup: there is no CMake of version 3.21 or newer: nothing can be built" >&2
        denpan_say "setup: (without CMake: sh scripts/amalgamate, then compile build/amalgamation/denpan.c)" >&2
        return 1
    fi
    if ! command -v make >/dev/null 2>&1 && command -v ninja >/dev/null 2>&1; then
        CMAKE_GENERATOR=${CMAKE_GENERATOR:-Ninja}
        export CMAKE_GENERATOR
    fi
    denpan_jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
}

# denpan_build FOLDER CMAKE-OPTIONS... : configure and build; all output to FOLDER/build.log
denpan_build() {
    denpan_folder=$1
    shift
    mkdir -p "$denpan_folder"
    {
        cmake -S "$denpan_source" -B "$denpan_folder" "$@" &&
            cmake --build "$denpan_folder" -j "$denpan_jobs"
    } >"$denpan_folder/build.log" 2>&1 || {
        grep -n -i -E -A3 'error|undefined reference' "$denpan_folder/build.log" | head -60 >&2
        denpan_say "the build failed; everything it said is in $denpan_folder/build.log" >&2
        return 1
    }
}

case ${0##*/} in
setup.sh) denpan_setup "${1-}" ;;
esac
