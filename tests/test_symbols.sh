#!/bin/sh
# The shared library exports dp_* and nothing else, no internal dp__*; the static library defines
# no global name outside dp_*. Writable globals are few: listed when the test runs.
set -u
command -v nm >/dev/null 2>&1 || { echo "no nm: skipped"; exit 77; }
bad=0
names=$(nm -D --defined-only "$DENPAN_SHARED" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }')
wrong=$(printf '%s\n' "$names" | grep -v -E '^dp_[a-z0-9]' || :)
wrong=$(printf '%s\n' "$wrong" | grep -v -E '^(__asan|__ubsan|__tsan|__gcov|__llvm|__odr)|^$' || :)
if [ -n "$wrong" ]; then echo "exported, but not public: $wrong"; bad=1; fi
wrong=$(nm -g --defined-only "$DENPAN_STATIC" 2>/dev/null |
    awk 'NF == 3 && $3 !~ /^(dp_|__asan|__ubsan|__tsan|__gcov|__odr|__llvm|\.)/ { print $3 }')
if [ -n "$wrong" ]; then echo "global in the static library: $wrong"; bad=1; fi
exit $bad
