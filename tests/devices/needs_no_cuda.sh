#!/usr/bin/env bash
# Says which of the programs need a library of CUDA's to start, and exits 1 if one does.
# Usage: tests/devices/needs_no_cuda.sh PROGRAM...
set -u
[ $# -gt 0 ] || { echo "usage: needs_no_cuda.sh PROGRAM..." >&2; exit 2; }
bad=0
for program in "$@"; do
    needed=$(readelf -d "$program" | grep -F '(NEEDED)') || { echo "$program: readelf found no libraries" >&2; exit 2; }
    if found=$(grep -oE 'lib(cuda|cublas|cudnn|cufft|curand|cusolver|cusparse|nv)[a-zA-Z_-]*\.so[.0-9]*' <<<"$needed"); then
        echo "$program needs" $found
        bad=1
    fi
done
exit $bad
