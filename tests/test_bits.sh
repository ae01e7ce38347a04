#!/bin/sh
# test_bits.sh: the same training gives the same bytes with any number of threads and any instruction
# set (scripts/bits.sh adds compilers, levels and real data). CMake passes the command in DENPAN_COMMAND.
set -u
d=${DENPAN_COMMAND:?}
work=$(mktemp -d "${TMPDIR:-/tmp}/denpan-bits-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
steps=20
[ -z "${DENPAN_TEST_SMALL-}" ] || steps=4
bad=0

# row ISA THREADS NET OPTIM : train, compare with the first row of this network
row() {
    title="${1:-best}, $2 threads: $3"
    if [ -n "$1" ] && ! DENPAN_ISA=$1 "$d" version 2>/dev/null | grep -q -w "$1"; then
        echo "[  SKIPPED ] $title: not on this machine"
        return
    fi
    if ! env ${1:+"DENPAN_ISA=$1"} "$d" train "$3" "digits(n=700, seed=3)" --steps $steps --batch 64 \
        --optim "$4" --seed 7 --threads "$2" --out "$work/new.safetensors" --force --quiet >"$work/log" 2>&1; then
        echo "[  FAILED  ] $title"
        cat "$work/log"
        bad=1
    elif [ ! -e "$work/first.safetensors" ]; then
        mv "$work/new.safetensors" "$work/first.safetensors"
        echo "[       OK ] $title: the reference"
    elif cmp "$work/first.safetensors" "$work/new.safetensors"; then
        echo "[       OK ] $title: the same"
    else
        echo "[  FAILED  ] $title: other bytes"
        bad=1
    fi
}

net() {   # net NET OPTIM : every axis alone, and a corner
    rm -f "$work/first.safetensors"
    row "" 1 "$@"
    for threads in 2 3 8; do row "" $threads "$@"; done
    for isa in portable avx2 avx512 neon; do row $isa 1 "$@"; done
    row portable 3 "$@"
}
net "Linear(784,64) ReLU Dropout(0.4) Linear(64,32) ReLU Linear(32,10)" "Adam(lr=1e-3)"
net "Linear(784,33) Tanh Linear(33,17) GELU Dropout(0.1) Linear(17,10)" "SGD(lr=0.1, momentum=0.9, weight_decay=1e-4)"
net "Linear(784,30) Sigmoid Linear(30,16) SiLU Linear(16,10) Softmax(dim=1)" "AdamW(lr=1e-2)"
exit $bad
