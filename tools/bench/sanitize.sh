#!/usr/bin/env bash
# The device tests under compute-sanitizer, on a machine with a GPU: out-of-bounds, races in shared memory, unwritten
# memory that is read. What a tool finds is printed. Exit status: 0 nothing found, 1 something, 77 no compute-sanitizer.
# Usage: tools/bench/sanitize.sh [BUILD]   (default: build)
set -u
tests=${1:-build}/tests/devices/lv_tests_devices
command -v compute-sanitizer >/dev/null || { echo "compute-sanitizer is not on the PATH"; exit 77; }
# Products, of which cuBLASLt makes most by kernels of its own, are only looked at by the first tool. The engine repeats
# what the kernels' tests cover.
kernels='*Rows*:*OnlyThere*:*Retentions*:*Attentions*:*LengthScale*:*PieceChoices*:*ConvNets*:*Boxes*:*Planes*:*Pictures*:*Sampling*'
log=$(mktemp)
trap 'rm -f "$log"' EXIT
found=0
for tool in memcheck racecheck initcheck; do
    echo "== $tool"
    chosen=$kernels
    [ "$tool" != memcheck ] || chosen+=':*Linears*'
    timeout 120 compute-sanitizer --tool "$tool" --error-exitcode 1 "$tests" "--gtest_filter=$chosen-*/host" >"$log" 2>&1
    status=$?
    if [ "$status" -ne 0 ]; then
        found=1
        echo "exit status $status (124: not done after 120 s)"
        grep -E '^=====|Failure|FAILED' "$log" | head -n 100
    fi
    tail -n 4 "$log"
done
exit "$found"
