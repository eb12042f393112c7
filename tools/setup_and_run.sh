#!/usr/bin/env bash
# From a fresh clone to captions and answers: installs packages, builds, and runs the main job on the bundled clip.
# Usage: tools/setup_and_run.sh          BUILD=folder (default: build)
set -eu
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build} bash tools/setup.sh
longview=${BUILD:-build}/app/longview
clip=$(ls assets/clips/*.mp4 | head -n 1)

run() {
    local word line='$'
    for word in "$@"; do
        [[ $word == *' '* ]] && word="\"$word\""
        line+=" $word"
    done
    printf '\n%s\n' "$line"
    "$@"
}
run "$longview" caption "$clip" --every 10s
run "$longview" ask "$clip" "How many people are there at 0:20?" "When does a person first appear?"
