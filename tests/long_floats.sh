#!/bin/sh
# Every f32 function on all 2^32 floats (test_vmath takes a stride of them otherwise).
set -eu
DENPAN_LONG=1 exec "$(dirname "$DENPAN_COMMAND")/tests/test_vmath"
