#!/usr/bin/env bash
# The device tests under compute-sanitizer, on a machine with a GPU: out-of-bounds, races in shared memory, unwritten
# memory that is read. Usage: tools/bench/sanitize.sh [BUILD]   (default: build)
set -eu
tests=${1:-build}/tests/devices/lv_tests_devices
command -v compute-sanitizer >/dev/null || { echo "compute-sanitizer is not on the PATH"; exit 2; }
# cuBLASLt's own kernels are left to its makers; the engine repeats what the kernels' tests cover.
kernels='--gtest_filter=*Rows*:*OnlyThere*:*Retentions*:*Attentions*:*PieceChoices*:*ConvNets*:*Pictures*-*/host'
for tool in memcheck racecheck initcheck; do
    echo "== $tool"
    timeout 180 compute-sanitizer --tool "$tool" --error-exitcode 1 "$tests" "$kernels" | tail -n 15
done
