#!/bin/sh
# scripts/test.sh [--long]: find or install what is needed, build, run every test.
#
# The last line is `N passed, N failed` (and `, N skipped`); the exit status is 0 only if nothing
# failed. --long adds the tests that take more than minutes. Environment:
#   DENPAN_BUILD      folder to build in (build)
#   DENPAN_TEST_DATA  real data; without it (or ../shared/data) the tests that need it skip
#   DENPAN_STAGES     the stages to run, of: release clang asan tsan
#   DENPAN_STRICT     1: a compiler warning is a failure
set -u
denpan_source=$(cd "$(dirname "$0")/.." && pwd)
cd "$denpan_source" || exit 2
. scripts/setup.sh
long=
for argument in "$@"; do
    case $argument in
    --long) long=1 ;;
    *) echo "usage: scripts/test.sh [--long]" >&2; exit 2 ;;
    esac
done
build=${DENPAN_BUILD:-build}
stages=${DENPAN_STAGES:-release clang asan tsan}
if [ -z "${DENPAN_TEST_DATA-}" ] && [ -d ../shared/data ]; then
    DENPAN_TEST_DATA=$(cd ../shared/data && pwd)
fi
if [ -n "${DENPAN_TEST_DATA-}" ]; then
    export DENPAN_TEST_DATA
else
    echo "no real data (DENPAN_TEST_DATA is not set): the tests that need it will skip"
fi
passed=0 failed=0 skipped=0 failures=

now() { date +%s; }
pass() { passed=$((passed + 1)); echo "passed: $1"; }
fail() { failed=$((failed + 1)); failures="$failures
failed: $1"; echo "FAILED: $1"; }
skip() { skipped=$((skipped + 1)); echo "skipped: $1"; }

# count CTEST-OUTPUT LOG : "passed failed skipped"; each cmocka case (and each such line of a script)
# by itself, any other test as one. A test that fails has at least one failure.
count() {
    awk '
        FNR == 1 { file++ }
        file == 1 && $2 == "Test" && $3 ~ /^#[0-9]+:$/ {
            state[$4] = /\*\*\*Skipped/ ? "skipped" : / Passed +[0-9]/ ? "passed" : "failed"
        }
        file == 2 && /^[0-9]+\/[0-9]+ Test: / { name = $3; tail = 0 }
        file == 2 && /^\[ RUN / { tail = 0 }
        file == 2 && /^\[=+\] [0-9]+ test\(s\) run/ { tail = 1 }     # what follows is a summary
        file == 2 && !tail && /^\[       OK \]/ { ok[name]++ }
        file == 2 && !tail && /^\[  SKIPPED \]/ { skipped[name]++ }
        file == 2 && !tail && /^\[  FAILED  \]/ { failed[name]++ }
        END {
            for (name in state) {
                if (state[name] == "skipped") { S++; continue }
                if (state[name] == "failed" && !failed[name]) F++
                if (state[name] == "passed" && !(ok[name] + skipped[name])) P++
                P += ok[name]; S += skipped[name]
                if (state[name] == "failed") F += failed[name]
            }
            print P + 0, F + 0, S + 0
        }
    ' "$1" "$2"
}

# suite FOLDER NAME : run CTest there and add up
suite() {
    set -- "$1" "$2" --output-on-failure --test-output-size-passed 100000000 -j "$denpan_jobs"
    folder=$1 title=$2
    shift 2
    [ -n "$long" ] && [ "$title" = release ] || set -- "$@" -LE long
    # Without --long, sanitizers leave out what takes minutes and repeats other tests; the thread
    # sanitizer also what runs one thread.
    if [ -z "$long" ]; then
        case $title in
        asan) set -- "$@" -E '^test_(readme|headers|generated)$' ;;
        tsan) set -- "$@" -E '^test_(readme|headers|generated|number|text|vmath|safetensors|refusals|symbols|cli)$' ;;
        esac
    fi
    (cd "$folder" && ctest "$@") >"$folder/ctest.out" 2>&1
    status=$?
    if [ $status -ne 0 ]; then cat "$folder/ctest.out"; else tail -n 12 "$folder/ctest.out"; fi
    if grep -q 'No tests were found' "$folder/ctest.out"; then skip "$title: no tests were built"; return; fi
    # shellcheck disable=SC2046
    set -- $(count "$folder/ctest.out" "$folder/Testing/Temporary/LastTest.log")
    if [ $status -ne 0 ] && [ "$2" -eq 0 ]; then set -- "$1" 1 "$3"; fi
    passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
    [ "$2" -eq 0 ] || failures="$failures
failed: $title: $2 (see $folder/ctest.out)"
}

# stage NAME COMMAND... : announce it, time it
stage() {
    title=$1
    shift
    case " $stages " in *" $title "*) ;; *) return ;; esac
    printf '\n== %s\n' "$title"
    start=$(now)
    "$@"
    echo "== $title: $(($(now) - start)) s"
}

warnings() {   # warnings FOLDER NAME
    if ! grep -q 'warning:' "$1/build.log"; then
        return
    fi
    grep 'warning:' "$1/build.log" | sort -u | head -20
    if [ "${DENPAN_STRICT-}" = 1 ]; then fail "$2: the compiler warns"; fi
}

build_and_test() {   # build_and_test FOLDER NAME OPTIONS...
    folder=$1 name=$2
    shift 2
    if ! denpan_build "$folder" "$@"; then fail "$name: build"; return 1; fi
    warnings "$folder" "$name"
    suite "$folder" "$name"
}

release() { build_and_test "$build" release -DCMAKE_BUILD_TYPE=Release -DDENPAN_TESTS=ON; }

with_clang() {
    if ! denpan_has_clang; then skip "clang: not installed"; return; fi
    if [ -n "$long" ]; then
        build_and_test "$build/clang" clang -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Release
    elif denpan_build "$build/clang" -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Release; then
        warnings "$build/clang" clang
        pass "clang: build"
    else
        fail "clang: build"
    fi
}

# Tests read DENPAN_TEST_SMALL and do a smaller share of their loops: a sanitizer slows them 5-20 x.
sanitized() {   # sanitized NAME SANITIZERS
    printf 'int main(void) { return 0; }\n' | denpan_compiles "${CC:-cc}" c "-fsanitize=$2" || {
        skip "$1: the compiler has no -fsanitize=$2"
        return
    }
    DENPAN_TEST_SMALL=1
    export DENPAN_TEST_SMALL
    build_and_test "$build/$1" "$1" -DCMAKE_BUILD_TYPE=RelWithDebInfo \
        "-DCMAKE_C_FLAGS_RELWITHDEBINFO=-O1 -g1" "-DDENPAN_SANITIZE=$2"
    unset DENPAN_TEST_SMALL
}

begin=$(now)
if ! denpan_setup tests; then
    echo "0 passed, 1 failed"
    exit 2
fi
denpan_has_cmocka || skip "C tests: cmocka is not installed"
ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0:exitcode=99}
UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1:exitcode=98}
export ASAN_OPTIONS UBSAN_OPTIONS TSAN_OPTIONS

stage release release
stage clang with_clang
stage asan sanitized asan address,undefined
stage tsan sanitized tsan thread

echo
echo "total: $(($(now) - begin)) s$failures"
line="$passed passed, $failed failed"
[ "$skipped" -eq 0 ] || line="$line, $skipped skipped"
echo "$line"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
