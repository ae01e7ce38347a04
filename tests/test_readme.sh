#!/bin/sh
# test_readme.sh: README.md is true. Comments in it say what to do with the next block:
#   <!-- program -->        compile it as C11 against the static library, and run it
#   <!-- run -->            run its lines, `denpan` being the command
#   <!-- run: demo -->      run scripts/demo.sh without set-up and build (no block)
#   <!-- run: mnist -->     only where real data is, and for a few steps
#   <!-- run: quiet -->     run it without showing what it prints
#   <!-- prints: FILTER --> it is what the last run printed, through FILTER
# test_readme.sh --update writes these last blocks anew. CMake passes DENPAN_COMMAND, DENPAN_SOURCE,
# DENPAN_CC, DENPAN_STATIC and DENPAN_CHECK_FLAGS.
set -u
root=${DENPAN_SOURCE:?}
readme=$root/README.md
work=$(mktemp -d "${TMPDIR:-/tmp}/denpan-readme-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
bad=0 runs=0

result() {   # result STATUS TEXT
    if [ "$1" -eq 0 ]; then echo "[       OK ] $2"; else echo "[  FAILED  ] $2"; bad=1; fi
}

# Blocks: $work/N.do has the comment, $work/N.is the lines between the next fences, N from 1 on.
awk -v to="$work/" '
    /^<!-- (program|run|prints)/ { n++; line = $0; sub(/^<!-- /, "", line); sub(/ -->$/, "", line)
        print line > (to n ".do"); printf "" > (to n ".is"); wanted = n; next }
    /^```/ && inside { inside = 0; wanted = 0; next }
    /^```/ { inside = 1; next }
    inside && wanted { print > (to wanted ".is") }
' "$readme"
[ -f "$work/1.do" ] || { echo "[  FAILED  ] no blocks in README.md"; exit 1; }

mkdir "$work/bin" "$work/at"
ln -s "${DENPAN_COMMAND:?}" "$work/bin/denpan"
PATH=$work/bin:$PATH
export PATH
cd "$work/at" || exit 1
out=$work/out

program() {   # program FILE
    cp "$1" program.c
    # shellcheck disable=SC2086  # a list of flags
    "${DENPAN_CC:-cc}" -std=c11 -Wall -Wextra -Werror -I"$root/include" ${DENPAN_CHECK_FLAGS-} program.c \
        "${DENPAN_STATIC:?}" -lm -ldl -pthread -o program >"$out" 2>&1 && ./program >"$out" 2>&1
}

# The demo's own lines, without looking for tools and building: its build folder is bin.
demo() {
    sed "/^denpan_setup/d; /^denpan_build/d; /^\\. /d; /^echo /d; s|^denpan_source=.*|denpan_source='$root'|" \
        "$root/scripts/demo.sh" >demo.sh
    DENPAN_BUILD=$work/bin sh demo.sh >"$out" 2>&1
}

mnist=${DENPAN_TEST_DATA:-$root/../shared/data}/mnist
n=1
while [ -f "$work/$n.do" ]; do
    kind=$(cat "$work/$n.do")
    block=$work/$n.is
    case $kind in
    program) program "$block"; result $? "program: $(sed -n '/dp_/{s/^ *//;p;q;}' "$block")" ;;
    "run: demo") demo; result $? "the demo" ;;
    "run: mnist")
        if [ -d "$mnist" ]; then
            [ -e mnist ] || ln -s "$mnist" mnist
            sed 's/--epochs [0-9]*/--steps 20/' "$block" >lines
            sh -e lines >"$out" 2>&1
            result $? "commands on real data"
        else echo "[  SKIPPED ] no $mnist"; fi ;;
    run*) sh -e "$block" >"$out" 2>&1; result $? "commands: $(head -n 1 "$block")" ;;
    "prints: "*)
        sh -c "${kind#prints: }" <"$out" >"$work/$n.new"
        if [ "${1-}" = --update ]; then cp "$work/$n.new" "$block"; fi
        diff "$block" "$work/$n.new"
        result $? "  what it prints" ;;
    esac
    case $kind in run* | program) runs=$((runs + 1)); [ $bad -eq 0 ] || { tail -n 5 "$out"; break; } ;; esac
    n=$((n + 1))
done

if [ "${1-}" = --update ] && [ $bad -eq 0 ]; then
    awk -v from="$work/" '
        /^<!-- (program|run|prints)/ { n++; prints = /^<!-- prints/ }
        /^```/ && prints && !inside { print; inside = 1
            while ((getline line < (from n ".is")) > 0) print line
            next }
        /^```/ && inside { inside = prints = 0 }
        !inside
    ' "$readme" >"$work/README.md" && cp "$work/README.md" "$readme"
fi
echo "$runs programs and commands"
exit $bad
