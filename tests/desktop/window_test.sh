#!/usr/bin/env bash
# The window as a person uses it, on a screen of its own: opens the bundled clip, asks by typed keys, waits for the
# answer, clicks the time in it and sees the play head move; pictures of each state stay in the folder.
# Usage: window_test.sh LONGVIEW SOURCE_FOLDER PICTURE_FOLDER       Exit status 77: skipped, with the reason.
set -u
program=$1 source=$2 pictures=$3
for tool in Xvfb xdotool ffmpeg awk od; do
    command -v "$tool" >/dev/null || { echo "skipped: $tool is not installed (apt-get install xvfb xdotool ffmpeg)"; exit 77; }
done
. "$source/tools/desktop_screen.sh"
trap screen_end EXIT
failed() {
    screen_picture failed
    echo "FAILED: $*; see $pictures/failed.png" >&2
    cat "$screen_folder/err.log" >&2
    exit 1
}

# 1280 x 800 at scale 1, dark: places and colours below are of that.
accent=6ea8fe text=e8eaee moment=cb9a3a chat="893 130 370 320"
rm -rf "$pictures"
screen_begin "$pictures" 1280x800 '{"scale": 1, "theme": "dark", "show_boxes": false, "left_share": 0.70, "player_share": 0.70, "chat_share": 0.64}' || exit 1
screen_run "$program" --timings --threads 2 "$source/assets/clips/pedestrians.mp4" || exit 1

# Watched: the blue bar reaches the end.
screen_until 240 screen_find $accent 840 612 20 10 >/dev/null || failed "the clip was not watched to its end"
screen_picture watched

# A question by keys; the answer has a time in it, and evidence on the timeline.
screen_type "When does a person first appear?"
screen_key Return
link=$(screen_until 60 screen_find $accent $chat) || failed "no answer with a time came"
screen_until 20 screen_find $moment 128 630 740 40 >/dev/null || failed "the timeline shows no evidence"
screen_picture answered

# The play head: its triangle stands under the ruler.
play_head() { screen_find $text 120 600 760 6; }
screen_click 600 640
screen_until 10 play_head >/dev/null || failed "there is no play head"
sleep 1
before=$(play_head)
[ "${before% *}" -gt 560 ] && [ "${before% *}" -lt 640 ] || failed "a click on the timeline at 600 led to ${before:-nowhere}"
link=$(screen_find $accent $chat)
screen_click $link
sleep 2
after=$(play_head)
[ "${after% *}" -lt 200 ] || failed "a click on the time at $link led from $before to ${after:-nowhere}"
screen_picture clicked

# Played by a key: Esc leaves the line, Space plays, the play head moves on.
screen_key Escape space
sleep 4
screen_key space
moved=$(play_head)
[ "${moved% *}" -gt $((${after% *} + 8)) ] || failed "playing led from $after to ${moved:-nowhere}"
screen_key t
sleep 1
screen_picture light
screen_key F1
sleep 1
screen_picture keys
screen_key Escape o
sleep 1
screen_picture open
screen_key Escape
kill -0 "$screen_program" || failed "the program ended by itself"
screen_key ctrl+q
for _ in $(seq 50); do kill -0 "$screen_program" 2>/dev/null || break; sleep 0.1; done
kill -0 "$screen_program" 2>/dev/null && failed "Ctrl+Q does not end it"
wait "$screen_program"
status=$?
[ "$status" -eq 0 ] || failed "it ended with $status"
grep -q '"theme": "light"' "$screen_folder/config/longview/desktop.json" || failed "the theme was not remembered"
grep -q '"threads": 0' "$screen_folder/config/longview/desktop.json" || failed "--threads was remembered"
cat "$screen_folder/err.log"
echo "the window works; pictures in $pictures"
