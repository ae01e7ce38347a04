#!/bin/sh
# test_memory.sh: memory of training, measured from outside by a counting allocator in front of the
# command (LD_PRELOAD): no request for memory after the second step, and a peak resident size of at
# most the predicted bytes, the data and 8 MiB. CMake passes the command in DENPAN_COMMAND.
set -u
d=${DENPAN_COMMAND:?}
case ${DENPAN_CHECK_FLAGS-} in *sanitize*) echo "a sanitizer has the allocator: skipped"; exit 77 ;; esac
work=$(mktemp -d "${TMPDIR:-/tmp}/denpan-memory-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
"${DENPAN_CC:-cc}" -O2 -fPIC -shared "$DENPAN_SOURCE/tests/memory/count.c" -o "$work/count.so" \
    2>"$work/why" || { echo "no counting allocator here: skipped"; head -n 3 "$work/why"; exit 77; }
bad=0

# counted ARGUMENTS... : run the command; its figures are in $requests and $peak_kib
counted() {
    rm -f "$work/figures"
    LD_PRELOAD=$work/count.so DENPAN_COUNT=$work/figures "$d" "$@" >"$work/out" 2>"$work/err" ||
        { echo "[  FAILED  ] $*"; cat "$work/err"; exit 1; }
    [ -s "$work/figures" ] || { echo "the allocator was not put in front: skipped"; exit 77; }
    requests=$(sed -n 's/^requests //p' "$work/figures")
    peak_kib=$(sed -n 's/^peak_kib //p' "$work/figures")
}

result() {   # result STATUS TEXT
    if [ "$1" -eq 0 ]; then echo "[       OK ] $2"; else echo "[  FAILED  ] $2"; bad=1; fi
}

# The same training with 2 and with 102 steps of one epoch asks for memory equally often.
no_requests() {   # no_requests THREADS NET OPTIM
    counted train "$2" "digits(n=8000)" --steps 2 --batch 64 --optim "$3" --threads "$1" --quiet
    few=$requests
    counted train "$2" "digits(n=8000)" --steps 102 --batch 64 --optim "$3" --threads "$1" --quiet
    test "$requests" -eq "$few"
    result $? "$1 threads, $3: $few requests with 2 steps, $requests with 102"
}
net="Linear(784,128) ReLU Linear(128,64) ReLU Linear(64,10)"
no_requests 1 "$net" "Adam(lr=1e-3)"
no_requests 2 "$net" "Adam(lr=1e-3)"
no_requests 1 "Linear(784,32) Tanh Dropout(0.3) Linear(32,10)" "SGD(lr=0.1, momentum=0.9, weight_decay=1e-4)"
no_requests 2 "Linear(784,30) Sigmoid Linear(30,10) Sigmoid" "AdamW(lr=1e-3)"

# What the command foresees, what its data take (a byte a pixel), and the batch in floats.
resident() {   # resident NET BATCH OPTIM
    "$d" summary "$1" --batch "$2" --optim "$3" --loss CrossEntropyLoss --json >"$work/summary" || exit 1
    bytes=0
    for name in parameter optimiser training; do
        bytes=$((bytes + $(sed "s/.*\"${name}_bytes\":\([0-9]*\).*/\1/" "$work/summary")))
    done
    counted train "$1" "digits(n=20000)" --steps 20 --batch "$2" --optim "$3" --threads 2 --quiet
    room=$(((bytes + data_bytes + $2 * (4 * 784 + 8)) / 1024 + 8 * 1024))
    test "$peak_kib" -le "$room"
    result $? "$1 at batch $2: $peak_kib KiB at most, $room KiB foreseen"
}
data_bytes=$((24000 * (784 + 1)))   # 20,000 images for training, 4,000 for the test, their labels
resident "$net" 64 "Adam(lr=1e-3)"
resident "$net" 1000 "SGD(lr=0.1)"
exit $bad
