#!/bin/sh
# scripts/bench.sh: Denpan beside PyTorch, interleaved in one run; writes benchmarks.md and
# benchmarks.json into docs/ (or the folder DENPAN_BENCH_OUT).
#
# Each line of bench/workloads.txt is measured with 1 and 2 threads, DENPAN_BENCH_PAIRS (21) pairs,
# the sides taking turns to go first. Ratio: PyTorch's time over Denpan's, per pair; the table gives
# the median and the spread (half the distance of the quartiles, over the median). A spread above
# 10 % is called inconclusive. PYTHON names the interpreter that has PyTorch (python3).
set -eu
denpan_source=$(cd "$(dirname "$0")/.." && pwd)
cd "$denpan_source"
. scripts/setup.sh
denpan_setup
build=${DENPAN_BUILD:-build}
out=${DENPAN_BENCH_OUT:-docs}
pairs=${DENPAN_BENCH_PAIRS:-21}
python=${PYTHON:-python3}
LC_ALL=C
export LC_ALL
denpan_build "$build" -DCMAKE_BUILD_TYPE=Release
denpan=$build/denpan
[ -x "$denpan" ] || { echo "bench: there is no $denpan" >&2; exit 1; }
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

torch=$("$python" -c 'import torch; print(torch.__version__)' 2>/dev/null) || torch=
[ -n "$torch" ] || echo "bench: PyTorch is not on this machine ($python): its columns stay empty"

field() { sed -n "s/.*\"$1\": *\"\{0,1\}\([^,\"}]*\).*/\1/p" | head -n 1; }   # field KEY < json

ours() {   # one batch of ours: microseconds a step
    "$denpan" bench "$kind" --model "$model" --input "$input" --batch "$batch" --loss "$loss" \
        --optim "$optim" --threads "$threads" --seconds 0.25 --json | field median_us
}
theirs() {
    echo go >&3
    read -r answer <&4
    printf '%s\n' "$answer" | field median_us
}

# summary: quartiles of the numbers on stdin: "median spread"
summary() {
    sort -g | awk '{ x[NR] = $1 } function at(q,   p, i) { p = 1 + q * (NR - 1); i = int(p)
        return i >= NR ? x[NR] : x[i] + (p - i) * (x[i + 1] - x[i]) }
        END { m = at(0.5); printf "%.6g %.4f\n", m, (m > 0 ? (at(0.75) - at(0.25)) / 2 / m : 0) }'
}

measure() {   # one workload with $threads threads: a row of both files
    rm -f "$work"/ours "$work"/theirs "$work"/ratio "$work"/to "$work"/from
    settings=
    if [ -n "$torch" ]; then
        mkfifo "$work/to" "$work/from"
        "$python" bench/torch_step.py "$kind" --model "$model" --input "$input" --batch "$batch" \
            --loss "$loss" --optim "$optim" --threads "$threads" <"$work/to" >"$work/from" &
        exec 3>"$work/to" 4<"$work/from"
        read -r answer <&4
        settings=$(printf '%s\n' "$answer" | sed 's/.*"settings": "\([^"]*\)".*/\1/')
    fi
    i=0
    while [ "$i" -lt "$pairs" ]; do
        i=$((i + 1)) t=
        [ $((i % 2)) -eq 0 ] && [ -n "$torch" ] && t=$(theirs)
        d=$(ours)
        [ -n "$d" ] || { echo "bench: \`denpan bench $kind\` gave no median_us" >&2; exit 1; }
        [ $((i % 2)) -eq 1 ] && [ -n "$torch" ] && t=$(theirs)
        echo "$d" >>"$work/ours"
        [ -z "$t" ] || { echo "$t" >>"$work/theirs"; awk "BEGIN { print $t / $d }" >>"$work/ratio"; }
    done
    set -- $(summary <"$work/ours")
    ours_us=$1 ours_spread=$2 theirs_us=null ratio=null spread=null verdict="no peer"
    if [ -n "$torch" ]; then
        exec 3>&- 4<&-
        wait
        set -- $(summary <"$work/theirs")
        theirs_us=$1
        set -- $(summary <"$work/ratio")
        ratio=$1 spread=$2
        verdict=$(awk "BEGIN { print ($spread > 0.1 ? \"inconclusive\" : $ratio > 1 ? \"faster\" : \"slower\") }")
    fi
    awk -v name="$name" -v kind="$kind" -v threads="$threads" -v d="$ours_us" -v t="$theirs_us" \
        -v r="$ratio" -v s="$spread" -v verdict="$verdict" 'BEGIN {
        printf "| %s | %s | %d | %.1f | %s | %s | %s | %s |\n", name, kind, threads, d,
            t == "null" ? "-" : sprintf("%.1f", t), r == "null" ? "-" : sprintf("%.2f", r),
            s == "null" ? "-" : sprintf("%.1f %%", 100 * s), verdict }' | tee -a "$work/rows"
    printf '%s{"name":"%s","kind":"%s","model":"%s","input":%s,"batch":%s,"loss":"%s","optim":"%s","threads":%s,"pairs":%s,"denpan_us":%s,"denpan_spread":%s,"pytorch_us":%s,"ratio":%s,"spread":%s,"settings":"%s"}\n' \
        "$comma" "$name" "$kind" "$model" "$input" "$batch" "$loss" "$optim" "$threads" "$pairs" \
        "$ours_us" "$ours_spread" "$theirs_us" "$ratio" "$spread" "$settings" >>"$work/json"
    comma=,
    [ -z "$settings" ] || echo "* $kind, $name, $threads threads: $settings" >>"$work/settings"
}

limits() {   # limits THREADS : a row of the machine's own limits
    peak=$("$denpan" bench peak --threads "$1" --json | field gflops)
    gemm=$("$denpan" bench gemm 1024 1024 1024 --threads "$1" --json | field gflops)
    memory=$("$denpan" bench bandwidth --threads "$1" --json | field gbytes)
    echo "| $1 | ${peak:--} | ${gemm:--} | ${memory:--} |" >>"$work/limits"
    printf '%s{"threads":%s,"peak_gflops":%s,"gemm1024_gflops":%s,"bandwidth_gbytes":%s}\n' \
        "$2" "$1" "${peak:-null}" "${gemm:-null}" "${memory:-null}" >>"$work/limits.json"
}

: >"$work/rows"
: >"$work/settings"
limits 1 ""
limits 2 ,
comma=
for threads in 1 2; do
    sed '/^#/d; /^ *$/d; s/ *| */|/g' bench/workloads.txt >"$work/workloads"
    while IFS='|' read -r name kind model input batch loss optim <&5; do measure; done 5<"$work/workloads"
done

cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1)
isa=$("$denpan" version 2>/dev/null | sed -n 's/.*\(portable\|avx2\|avx512\|neon\).*/\1/p' | head -n 1)
compiler=$("${CC:-cc}" --version | head -n 1)
{
    cat <<MD
# Benchmarks

Written by \`scripts/bench.sh\` from one run; do not edit. Times are microseconds a step, the median of
$pairs interleaved pairs; the ratio is PyTorch's time over Denpan's, pair by pair. Spread: half the
distance of the ratio's quartiles, over its median; above 10 % the row is inconclusive.

* machine: ${cpu:-unknown}; instruction set ${isa:-unknown}; $compiler
* Denpan $(sed -n 's/^#define DENPAN_VERSION "\(.*\)"/\1/p' include/denpan/base.h)
* PyTorch ${torch:-: missing on this machine}

| network | work | threads | Denpan µs | PyTorch µs | ratio | spread | Denpan is |
|---|---|---|---|---|---|---|---|
MD
    cat "$work/rows"
    cat <<'MD'

The machine's limits, measured in the same run:

| threads | FMA peak GFLOP/s | GEMM 1024³ GFLOP/s | bandwidth GB/s |
|---|---|---|---|
MD
    cat "$work/limits"
    if [ -s "$work/settings" ]; then
        printf '\nPyTorch ran with the best of its own settings:\n\n'
        cat "$work/settings"
    fi
} >"$out/benchmarks.md"
{
    printf '{"denpan":"%s","pytorch":"%s","cpu":"%s","isa":"%s","compiler":"%s","limits":[\n' \
        "$(sed -n 's/^#define DENPAN_VERSION "\(.*\)"/\1/p' include/denpan/base.h)" "${torch:-missing}" \
        "$cpu" "$isa" "$compiler"
    cat "$work/limits.json"
    printf '],"rows":[\n'
    cat "$work/json"
    printf ']}\n'
} >"$out/benchmarks.json"
echo "written: $out/benchmarks.md, $out/benchmarks.json"
