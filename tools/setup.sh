#!/usr/bin/env bash
# Installs what Longview is built from and builds it. Debian 12; as root or with sudo.
# Usage: tools/setup.sh [--tests]      BUILD=folder (default: build), JOBS=n (default: all cores)
set -eu
cd "$(dirname "$0")/.."
build=${BUILD:-build}
jobs=${JOBS:-$(nproc)}

packages=(g++ make cmake pkg-config ccache
    libavformat-dev libavcodec-dev libavdevice-dev libavutil-dev libswscale-dev
    libopencv-core-dev libopencv-imgproc-dev libdnnl-dev
    libsentencepiece-dev nlohmann-json3-dev libcli11-dev
    libimgui-dev libglfw3-dev libgl-dev libgl1-mesa-dri)
tests=OFF
if [ "${1:-}" = --tests ]; then
    tests=ON
    packages+=(libgtest-dev ffmpeg xvfb xdotool)
elif [ $# -gt 0 ]; then
    echo "usage: tools/setup.sh [--tests]" >&2
    exit 2
fi

missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
    as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || { echo "Not root and no sudo: install these first: ${missing[*]}" >&2; exit 1; }
        as_root=(sudo)
    fi
    echo "== Installing with apt: ${missing[*]}"
    log=$(mktemp)
    quietly() { "$@" >"$log" 2>&1 || { cat "$log" >&2; echo "This failed: $*" >&2; exit 1; }; }
    quietly "${as_root[@]}" apt-get -q update
    quietly "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "${missing[@]}"
    rm -f "$log"
fi

echo "== Building in $build with $jobs jobs"
cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DLV_TESTS=$tests >/dev/null
cmake --build "$build" -j "$jobs"
