#!/bin/sh
# Every public header compiles alone, as C11 and as C++17, without a warning.
set -u
cd "$DENPAN_SOURCE/include" || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
warn="-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -fsyntax-only -I."
bad=0
check() {   # check SUFFIX COMPILER...
    suffix=$1
    shift
    for header in denpan.h denpan/*.h; do
        printf '#include "%s"\n#include "%s"\nint used;\n' "$header" "$header" >"$work/x.$suffix"
        # shellcheck disable=SC2086
        if "$@" $warn "$work/x.$suffix"; then echo "[       OK ] $* $header"; else
            echo "[  FAILED  ] $* $header"
            bad=1
        fi
    done
}
check c "$DENPAN_CC" -std=c11
if [ -n "${DENPAN_CXX-}" ]; then check cpp "$DENPAN_CXX" -std=c++17; else
    echo "[  SKIPPED ] no C++ compiler"
fi
exit $bad
