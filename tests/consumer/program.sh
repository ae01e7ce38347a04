#!/bin/sh
# program.sh SOURCE: build a program against the installed library with pkg-config's flags, as a
# user would, and run it: exit status 0, and the output of SOURCE's .out file if there is one.
# CMake passes: PREFIX, LIBDIR, WORK, CC, CXX (may be empty), FLAGS (sanitizers).
set -eu
source=$1
name=$(basename "$source")
name=${name%.*}
mkdir -p "$WORK/$name"

case $source in
*.cpp)
    [ -n "${CXX-}" ] || { echo "no C++ compiler: skipped"; exit 77; }
    compile="$CXX -std=c++17" ;;
*) compile="$CC -std=c11" ;;
esac
PKG_CONFIG_PATH=$PREFIX/$LIBDIR/pkgconfig
export PKG_CONFIG_PATH
if command -v pkg-config >/dev/null 2>&1; then
    eval "set -- $(pkg-config --cflags --libs denpan)"
else
    echo "no pkg-config: flags by hand"
    set -- "-I$PREFIX/include" "-L$PREFIX/$LIBDIR" -ldenpan
fi
# shellcheck disable=SC2086  # lists of flags
$compile -O2 -Wall -Wextra $FLAGS "$source" -o "$WORK/$name/$name" "$@" -lm "-Wl,-rpath,$PREFIX/$LIBDIR"

cd "$WORK/$name"
"./$name" >output.txt || { echo "$name: exit status $?"; cat output.txt; exit 1; }
cat output.txt
expected=${source%.*}.out
[ ! -f "$expected" ] || diff "$expected" output.txt
