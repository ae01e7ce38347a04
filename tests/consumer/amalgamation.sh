#!/bin/sh
# amalgamation.sh: make the amalgamation, compile it with each compiler that is there, run a program
# with it. CMake passes WORK and CC.
set -eu
cd "$(dirname "$0")/../.."
sh scripts/amalgamate "$WORK"
cp tests/consumer/consumer.c "$WORK/consumer.c"
cd "$WORK"
sed 's/<denpan.h>/"denpan.h"/' consumer.c >program.c
tried=" "
for compiler in "$CC" gcc clang; do
    case $tried in *" $compiler "*) continue ;; esac
    tried="$tried$compiler "
    command -v "$compiler" >/dev/null 2>&1 || continue
    [ -e "$compiler" ] || [ "$(basename "$CC")" != "$compiler" ] || continue
    "$compiler" -std=gnu11 -Wall -Wextra -O2 program.c denpan.c -o program -lm -ldl -pthread
    ./program
done
