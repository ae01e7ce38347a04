#!/bin/sh
# scripts/bits.sh: the same training gives the same bytes, whatever compiled it and ran it.
#
# One axis at a time, then one corner: compiler and optimisation (gcc, clang; -O0, -O3), instruction
# set (DENPAN_ISA), threads (1, 2, 3, 8). Threads are compared over one epoch, the rest over 40
# steps; two networks, one of them with dropout. Trains on real data if there is any
# (DENPAN_TEST_DATA or ../shared/data), else on digits.
# Exit status 0 only if every file equals its reference.
set -eu
denpan_source=$(cd "$(dirname "$0")/.." && pwd)
cd "$denpan_source"
. scripts/setup.sh
denpan_setup
root=${DENPAN_BUILD:-build}/bits
mkdir -p "$root"
data=${DENPAN_TEST_DATA:-../shared/data}/mnist
[ -d "$data" ] || data=digits
bad=0

variant() {   # variant COMPILER LEVEL : build $root/COMPILER-LEVEL
    command -v "$1" >/dev/null 2>&1 || return 1
    denpan_build "$root/$1$2" "-DCMAKE_C_COMPILER=$1" -DCMAKE_BUILD_TYPE=Release \
        "-DCMAKE_C_FLAGS_RELEASE=$2" -DDENPAN_TESTS=OFF
}

# train NAME VARIANT ISA THREADS LENGTH : $root/NAME.safetensors
train() {
    # shellcheck disable=SC2086  # LENGTH is an option and its value
    env ${3:+"DENPAN_ISA=$3"} "$root/$2/denpan" train "$model" "$data" $5 --batch 64 \
        --optim "$optim" --seed 1 --threads "$4" --out "$root/$1.safetensors" --force --quiet \
        >"$root/$1.log" 2>&1
}

# row REFERENCE NAME VARIANT ISA THREADS LENGTH : train, compare, print a line of the table
row() {
    if ! [ -x "$root/$3/denpan" ]; then
        printf '| %-8s | %-8s | %7s | %-10s | not built here |\n' "$3" "${4:-best}" "$5" "$6"
        return
    fi
    rm -f "$root/$2.safetensors"
    if ! train "$2" "$3" "$4" "$5" "$6"; then
        result="FAILED (see $root/$2.log)" bad=1
    elif [ "$1" = "$2" ]; then
        result="reference ($(cksum <"$root/$1.safetensors" | cut -d' ' -f1))"
    elif cmp -s "$root/$1.safetensors" "$root/$2.safetensors"; then
        result="the same"
    else
        result="DIFFERENT" bad=1
    fi
    printf '| %-8s | %-8s | %7s | %-10s | %s |\n' "$3" "${4:-best}" "$5" "$6" "$result"
}

has_cpu() { grep -q -w "$1" /proc/cpuinfo 2>/dev/null; }

cc=gcc
command -v gcc >/dev/null 2>&1 || cc=clang
for compiler in gcc clang; do
    for level in -O3 -O0; do variant $compiler $level || echo "no $compiler $level build"; done
done
base=$cc-O3
steps="--steps 40" epoch="--epochs 1"

network() {   # network MODEL OPTIM : every axis alone, one corner
    model=$1 optim=$2
    printf '\n%s on %s, %s\n\n' "$model" "$(basename "$data")" "$optim"
    echo "| build    | ISA      | threads | length     | file |"
    echo "|---|---|---|---|---|"
    row steps steps $base "" 1 "$steps"
    row steps gcc-O0 gcc-O0 "" 1 "$steps"
    row steps clang-O3 clang-O3 "" 1 "$steps"
    row steps clang-O0 clang-O0 "" 1 "$steps"
    row steps portable $base portable 1 "$steps"
    if has_cpu avx2; then row steps avx2 $base avx2 1 "$steps"; fi
    if has_cpu avx512f; then row steps avx512 $base avx512 1 "$steps"; fi
    row steps corner clang-O0 portable 3 "$steps"
    row epoch epoch $base "" 1 "$epoch"
    for threads in 2 3 8; do row epoch "threads$threads" $base "" $threads "$epoch"; done
}

network "Linear(784,128) ReLU Linear(128,64) ReLU Linear(64,10)" "Adam(lr=1e-3)"
network "Linear(784,48) ReLU Dropout(0.3) Linear(48,32) Tanh Linear(32,10)" \
    "SGD(lr=0.05, momentum=0.9, weight_decay=1e-4)"
echo
if [ $bad -eq 0 ]; then echo "every file equals its reference"; else echo "there are DIFFERENCES"; fi
exit $bad
