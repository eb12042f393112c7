#!/usr/bin/env bash
# Renews the pictures of the window: the bundled clip, watched and asked, dark (the README's) and light.
# Usage: tools/desktop_screenshots.sh [LONGVIEW] [FOLDER]    (default: build/app/longview, assets/pictures)
# Needs Xvfb, xdotool and ffmpeg.
set -eu
cd "$(dirname "$0")/.."
program=${1:-build/app/longview} folder=${2:-assets/pictures}
. tools/desktop_screen.sh
mkdir -p "$folder"
work=$(mktemp -d)
trap 'screen_end; rm -rf "$work"' EXIT

# take THEME ACCENT QUESTION SEEK_X: the window after an answer, with the play head moved to a place of the timeline.
# ACCENT: the theme's colour of the watched bar and of times in answers.
take() {
    screen_begin "$work/$1" 1280x800 "{\"scale\": 1, \"theme\": \"$1\"}"
    screen_run "$program" assets/clips/pedestrians.mp4
    screen_until 300 screen_find "$2" 840 612 20 10 >/dev/null || { echo "the clip was not watched" >&2; exit 1; }
    screen_type "$3"
    screen_key Return
    screen_until 60 screen_find "$2" 893 130 370 40 >/dev/null || true
    sleep 2
    screen_click "$4" 628
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
take dark 6ea8fe "When does a person first appear?" 470
take light 1f5fd6 "When does a person last appear?" 636
