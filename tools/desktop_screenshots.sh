#!/usr/bin/env bash
# Renews the pictures of the window in the README: the bundled clip, watched and asked, dark and light.
# Usage: tools/desktop_screenshots.sh [LONGVIEW] [FOLDER]    (default: build/app/longview, assets/pictures)
# Needs Xvfb, xdotool and ffmpeg.
set -eu
cd "$(dirname "$0")/.."
program=${1:-build/app/longview} folder=${2:-assets/pictures}
. tools/desktop_screen.sh
work=$(mktemp -d)
trap 'screen_end; rm -rf "$work"' EXIT

# take THEME QUESTION SEEK_X: the window after an answer, with the play head moved to a place of the timeline.
take() {
    screen_begin "$work/$1" 1280x800 "{\"scale\": 1, \"theme\": \"$1\"}"
    screen_run "$program" assets/clips/pedestrians.mp4
    sleep 15
    screen_type "$2"
    screen_key Return
    sleep 4
    screen_click "$3" 640
    sleep 2
    xdotool mousemove 1270 790
    sleep 1.5
    screen_picture window
    screen_end
    # 256 colours: a third of the bytes, and nobody sees it.
    ffmpeg -v error -y -i "$work/$1/window.png" -vf \
        "split[a][b];[a]palettegen=stats_mode=single[p];[b][p]paletteuse=dither=none" "$folder/desktop_$1.png"
    echo "$folder/desktop_$1.png: $(stat -c %s "$folder/desktop_$1.png") bytes"
}
take dark "When does a person first appear?" 380
take light "What is visible at 0:55?" 636
