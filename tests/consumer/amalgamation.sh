#!/bin/sh
# amalgamation.sh: make the amalgamation, compile it with each compiler that is there, run a program
# with it. CMake passes WORK and CC.
set -eu
cd "$(dirname "$0")/../.."
sh scripts/amalgamate "$WORK"
cp tests/consumer/consumer.c "$WORK/consumer.c"
cd "$WORK"
sed 's/<denpan.h>/"denpan.h"/' consumer.c >program.c
tried="|"
for compiler in "$CC" gcc clang; do
    command -v "$compiler" >/dev/null 2>&1 || continue
    version=$("$compiler" --version | sed 's/^[^ ]* //; q')
    case $tried in *"|$version|"*) continue ;; esac      # cc is often gcc
    tried="$tried$version|"
    "$compiler" -std=gnu11 -Wall -Wextra -O1 program.c denpan.c -o program -lm -ldl -pthread
    ./program
done
