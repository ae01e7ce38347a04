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
echo "building into $build/ ..."
denpan_build "$build" -DCMAKE_BUILD_TYPE=Release -DDENPAN_TESTS=OFF

model="Linear(784,128) ReLU Linear(128,64) ReLU Linear(64,10)"
set -x
"$build/denpan" train "$model" digits --epochs 5 --batch 64 --optim "Adam(lr=1e-3)" --seed 1 \
    --out "$build/digits.safetensors" --force
"$build/denpan" eval "$build/digits.safetensors" digits --confusion
