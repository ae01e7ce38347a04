#!/bin/sh
# test_cli.sh: the command as a user or a script meets it: exit codes, messages, files, JSON Lines.
# CMake passes the command in DENPAN_COMMAND.
set -u
d=${DENPAN_COMMAND:?}
work=$(mktemp -d "${TMPDIR:-/tmp}/denpan-cli-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
bad=0 good=0
net="Linear(784,8) ReLU Linear(8,10)"
data="digits(n=200)"

fail() { bad=$((bad + 1)); echo "FAILED: $*"; sed 's/^/    /' err out 2>/dev/null; }
ok() { good=$((good + 1)); }

# expect CODE TEXT ARGUMENTS... : exit status, and TEXT (fixed, may be empty) in stderr
expect() {
    code=$1 text=$2
    shift 2
    "$d" "$@" >out 2>err
    status=$?
    if [ $status -ne "$code" ]; then fail "$* : status $status, expected $code"; return; fi
    if [ -n "$text" ] && ! grep -qF -e "$text" err; then fail "$* : no \"$text\""; return; fi
    ok
}

# same FILE FILE ; differs in that it must hold
same() { if cmp -s "$1" "$2"; then ok; else fail "$1 and $2 differ"; fi; }
has() { if grep -qF -e "$2" "$1"; then ok; else fail "no \"$2\" in $1"; fi; }
hasnot() { if grep -qF -e "$2" "$1"; then fail "\"$2\" in $1"; else ok; fi; }

# ---- help and version ----
expect 0 "" help
has out "denpan train"
for c in train eval summary bench help version; do
    expect 0 "" $c --help
    awk 'length($0) > 80 { exit 1 }' out && ok || fail "$c --help: a line of more than 80 columns"
    cp out a
    expect 0 "" help $c
    same a out
done
expect 0 "" --version
expect 0 "" version --json
has out '"version":"'
expect 2 "" 
expect 2 "did you mean \`train\`?" trian
expect 2 "unknown command" x

# ---- C1: unknown options, missing and extra words ----
expect 2 "did you mean \`--epochs\`?" train "$net" "$data" --epoch 3 --out made.safetensors
expect 2 "did you mean \`--batch\`?" train "$net" "$data" --bacth=3
expect 2 "options have two dashes" train "$net" "$data" -e 3
expect 2 "usage: denpan train MODEL DATA" train "$net"
expect 2 "after the last argument" train "$net" "$data" more
expect 2 "unknown option" eval x.safetensors digits --epochs 3
[ -e made.safetensors ] && fail "a refused command made a file" || ok

# ---- C2, C3, C4: numbers ----
for v in nan inf 1e999 -1 0 0.1abc "" 0,1 0x1p-3 " 1" 1_000; do
    expect 2 "--lr: found \"$v\", allowed a number above 0" train "$net" "$data" --lr "$v"
done
for v in 0 -1 18446744073709551616 99999999999 1.5 "" 1e3 x; do
    expect 2 "--batch: found \"$v\", allowed a whole number from 1 to" train "$net" "$data" --batch "$v"
done
for v in 0 -1 100000 two; do
    expect 2 "--threads: found \"$v\", allowed a whole number from 1 to 1024" train "$net" "$data" --threads "$v"
done
expect 2 "--val: found \"1\", allowed a number from 0 and below 1" train "$net" "$data" --val 1
expect 2 "--epochs: found nothing" train "$net" "$data" --epochs
expect 2 "--quiet: found \"yes\", allowed no value" train "$net" "$data" --quiet=yes
expect 2 "--pixels: found \"1-2\", allowed 0-1 or 0-255" train "$net" "$data" --pixels 1-2

# ---- texts that do not fit ----
expect 2 "Linaer" train "Linaer(784,10)" "$data"
expect 2 "" train "Linear(784,8" "$data"
expect 2 "the network takes [100]" train "Linear(100,10)" "$data"
expect 2 "5 outputs, the data 10 classes" train "Linear(784,5)" "$data"
expect 2 "Adm" train "$net" "$data" --optim "Adm(lr=1)"
expect 2 "" train "$net" "$data" --loss "CrossEntropy"
expect 4 "" train nothing/here.txt "$data"
expect 4 "" train "$net" nothing/here
expect 2 "" train "$net" "digits(n=-1)"

# ---- training, C5, C7 ----
expect 0 "" train "$net" "$data" --epochs 2 --seed 1 --out a.safetensors
has out "accuracy"
expect 2 "--force replaces it" train "$net" "$data" --epochs 1 --out a.safetensors
cp a.safetensors kept
expect 0 "" train "$net" "$data" --epochs 2 --seed 1 --out a.safetensors --force --threads 1
same a.safetensors kept
expect 0 "" train "$net" "$data" --epochs 2 --seed 2 --out b.safetensors
cmp -s a.safetensors b.safetensors && fail "two seeds, one file" || ok
mkdir folder
expect 2 "does not end in .safetensors" train "$net" "$data" --out net.pt
expect 4 "No such file" train net.json "$data"
expect 2 "no file has this name" train mlp "$data"
expect 2 "is a folder" train "$net" "$data" --out folder
expect 2 "is also an input" train a.safetensors "$data" --out a.safetensors --force
expect 4 "" train "$net" "$data" --out missing/a.safetensors
if [ "$(id -u)" -ne 0 ]; then
    chmod a-w folder
    expect 4 "" train "$net" "$data" --out folder/a.safetensors
    chmod u+w folder
fi
expect 2 "not a regular file" train "$net" "$data" --out /dev/null --force
same a.safetensors kept
[ "$(ls -A folder)" = "" ] && ok || fail "something was left in the folder"
ls -A | grep -v -e '^a.safetensors$' -e '^b.safetensors$' -e '^kept$' -e '^a$' -e '^out$' -e '^err$' \
    -e '^folder$' && fail "files were left" || ok

# ---- a file holds the name of its data, not the folders above it ----
mkdir -p "up (1)/idx"
printf '\0\0\010\003\0\0\0\002\0\0\0\001\0\0\0\002abcd' >"up (1)/idx/train-images-idx3-ubyte"
printf '\0\0\010\001\0\0\0\002\0\001' >"up (1)/idx/train-labels-idx1-ubyte"
expect 0 "" train "Linear(2,10)" "$work/up (1)/idx/" --epochs 1 --out idx.safetensors
has idx.safetensors '"denpan.data":"idx"'
rm -r "up (1)"

# ---- eval repeats what train printed ----
expect 0 "" train "$net" "$data" --epochs 1 --seed 4 --json --out c.safetensors
grep -c '"event":"epoch"' out >n; [ "$(cat n)" = 1 ] && ok || fail "not one epoch event"
sed -n 's/.*"event":"done".*"test":{\("loss":[^}]*\)}.*/{\1}/p' out >told
expect 0 "" eval c.safetensors "$data" --json
same out told
expect 0 "" eval c.safetensors "$data" --json --threads 1 --quiet
same out told
[ -s err ] && fail "--quiet wrote on stderr" || ok
expect 0 "" eval c.safetensors "$data" --confusion
has out "confusion"
expect 0 "" eval c.safetensors "$data" --confusion --json
has out '"confusion":[['
expect 0 "" train "$net" "$data" --epochs 1 --val 0.2 --json --quiet
has out '"val":{"loss":'
expect 0 "" train c.safetensors "$data" --epochs 1 --quiet
expect 0 "" eval c.safetensors "$data" --model "$net"
expect 9 "differences from the network" eval c.safetensors "$data" --model "Linear(784,10)"
expect 2 "" eval "$net" "$data"
if command -v python3 >/dev/null 2>&1; then
    "$d" train "$net" "$data" --epochs 2 --val 0.1 --json >lines 2>/dev/null
    "$d" train "$net" "$data" --epochs 1 --confusion --json >>lines 2>/dev/null
    "$d" summary "$net" --json >>lines
    "$d" bench peak --seconds 0.01 --json >>lines
    "$d" bench train --model "$net" --seconds 0.01 --json >>lines
    python3 -c 'import json, sys
for line in sys.stdin: json.loads(line)' <lines && ok || fail "not JSON"
fi

# ---- bad files ----
head -c 100 a.safetensors >short.safetensors
expect 3 "short.safetensors: byte 0x0 (0): header_length: found" eval short.safetensors "$data"
: >empty.safetensors
expect 3 "found a file of 0 bytes, needs 8" eval empty.safetensors "$data"
expect 4 "" eval missing.safetensors "$data"
{ cat a.safetensors; echo more; } >long.safetensors
expect 3 "5 bytes after the data" eval long.safetensors "$data"
tr '\000' '\001' <a.safetensors >other.safetensors
expect 3 "" eval other.safetensors "$data"

# ---- errors as JSON, text that controls terminals (C9) ----
expect 2 '{"error":"' train "$net" "$data" --epochs 0 --errors=json
expect 2 '"exit":2}' train "$net" "$data" --epochs 0 --errors json
expect 2 "" train "$(printf 'Li\033[2Jnear(1,2)')" "$data"
hasnot err "$(printf '\033')"
expect 2 "" train "$net" "$data" "$(printf -- '--\033[2J')"
hasnot err "$(printf '\033')"
expect 2 "" "$(printf '\377\376')"
expect 2 "" train "$(head -c 100000 /dev/zero | tr '\000' 'x')" "$data"
[ "$(wc -c <err)" -lt 4000 ] && ok || fail "a long argument is repeated in full"

# ---- C8: closed and vanishing outputs ----
"$d" help | head -n 1 >/dev/null 2>err; ok
"$d" train "$net" "$data" --epochs 1 --out e.safetensors >&- 2>err && [ -s e.safetensors ] && ok || fail "stdout closed"
"$d" train "$net" "$data" --epochs 1 --out f.safetensors 0<&- >&- 2>&- && same e.safetensors f.safetensors
"$d" train "$net" "$data" --epochs 3 --json 2>err | head -n 1 >one
has one '"epoch":1'
hasnot err "rror"
if [ -w /dev/full ]; then
    "$d" help >/dev/full 2>err
    [ $? -eq 4 ] && ok || fail "a full disk on stdout"
    "$d" train "$net" "$data" --epochs 1 >/dev/full 2>err   # the write fails long before the end
    [ $? -eq 4 ] && ok || fail "a full disk on stdout, while training"
fi

# ---- signals: the step is finished, the file saved, 7 ----
"$d" train "$net" "$data" --epochs 1000000 --out g.safetensors >out 2>err &
pid=$!
sleep 1
kill -INT $pid
wait $pid
status=$?
if [ $status -eq 7 ] && [ -s g.safetensors ]; then ok; else fail "SIGTERM: status $status"; fi
expect 0 "" eval g.safetensors "$data"

# ---- summary ----
expect 0 "" summary "Linear(784,128) ReLU Linear(128,64) ReLU Linear(64,10)"
has out "(4): Linear(in_features=64, out_features=10, bias=True)"
has out "109,386"
head -n 7 out >printed
expect 0 "" train printed "$data" --epochs 1 --quiet
expect 0 "" summary a.safetensors
expect 2 "--input" summary "$net" --input 7x
expect 2 "bench: cannot measure" bench nothing
expect 2 "needs three sizes" bench gemm 10 10
expect 2 "needs --model" bench train
expect 0 "" bench gemm 32 32 32 --seconds 0.01 --json
has out '"gflops":'
expect 0 "" bench bandwidth --seconds 0.01 --json
has out '"gbytes":'
expect 0 "" bench infer --model "$net" --batch 2 --seconds 0.01

echo "$good passed, $bad failed"
[ $bad -eq 0 ]
