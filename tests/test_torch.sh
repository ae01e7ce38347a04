#!/bin/sh
# test_torch.sh: files between Denpan and PyTorch, where there is a PyTorch.
set -u
[ -z "${DENPAN_TEST_SMALL-}" ] || { echo "python3 cannot open a sanitized library: skipped"; exit 77; }
command -v python3 >/dev/null 2>&1 || { echo "no python3: skipped"; exit 77; }
exec python3 "$DENPAN_SOURCE/tests/torch_interchange.py" "$DENPAN_COMMAND" "$DENPAN_SHARED"
