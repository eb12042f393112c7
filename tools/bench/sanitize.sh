#!/usr/bin/env bash
# The device tests under compute-sanitizer, on a machine with a GPU: out-of-bounds, races in shared memory, unwritten
# memory that is read. What a tool finds is printed. Exit status: 0 nothing found, 1 something, 2 no compute-sanitizer.
# Usage: tools/bench/sanitize.sh [BUILD]   (default: build)
set -u
tests=${1:-build}/tests/devices/lv_tests_devices
command -v compute-sanitizer >/dev/null || { echo "compute-sanitizer is not on the PATH"; exit 2; }
# cuBLASLt's own kernels are left to its makers; the engine repeats what the kernels' tests cover.
kernels='*Rows*:*OnlyThere*:*Retentions*:*Attentions*:*LengthScale*:*PieceChoices*:*ConvNets*:*Boxes*:*Planes*:*Pictures*'
log=$(mktemp)
trap 'rm -f "$log"' EXIT
found=0
for tool in memcheck racecheck initcheck; do
    echo "== $tool"
    timeout 180 compute-sanitizer --tool "$tool" --error-exitcode 1 "$tests" "--gtest_filter=$kernels-*/host" >"$log" 2>&1
    status=$?
    if [ "$status" -ne 0 ]; then
        found=1
        echo "exit status $status (124: not done after 180 s)"
        grep -E '^=====|Failure|FAILED' "$log" | head -n 100
    fi
    tail -n 4 "$log"
done
exit "$found"
