#!/usr/bin/env bash
# From a fresh clone to a passed test suite: installs packages, builds with the tests, runs them all.
# Usage: tools/setup_and_test.sh         BUILD=folder (default: build), JOBS=n (default: all cores)
set -eu
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build} bash tools/setup.sh --tests
exec ctest --test-dir "${BUILD:-build}" --output-on-failure -j "${JOBS:-$(nproc)}"
