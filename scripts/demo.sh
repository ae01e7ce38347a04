#!/bin/sh
# scripts/demo.sh: from a fresh clone to a trained network. Finds or installs what is needed, builds
# the release, trains a small network on handwriting-like digits that the program draws itself, and
# evaluates the saved file.
set -eu
denpan_source=$(cd "$(dirname "$0")/.." && pwd)
cd "$denpan_source"
. scripts/setup.sh
build=${DENPAN_BUILD:-build}

denpan_setup || exit 2
echo "building into $build/ (a minute or two; what the compiler says is in $build/build.log) ..."
denpan_build "$build" -DCMAKE_BUILD_TYPE=Release -DDENPAN_TESTS=OFF

show() {   # show COMMAND... : print it as one would type it, and run it
    line="\$"
    for word in "$@"; do
        case $word in *[!A-Za-z0-9_./,=:-]*) word="\"$word\"" ;; esac
        line="$line $word"
    done
    printf '\n%s\n\n' "$line"
    "$@"
}
show "$build/denpan" train "Linear(784,128) ReLU Linear(128,64) ReLU Linear(64,10)" digits \
    --epochs 5 --batch 64 --optim "Adam(lr=1e-3)" --seed 1 --out "$build/digits.safetensors" --force
show "$build/denpan" eval "$build/digits.safetensors" digits --confusion
