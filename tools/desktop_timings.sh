#!/usr/bin/env bash
# What the window costs: the same 720p video, 30 pictures a second, watched by turns without a window (longview ask), in
# a window, and in a window that plays it meanwhile. Medians and ratios over the rounds, on two cores. Times are of the
# watching; the processor's seconds, of the whole run, hardly change with what else the machine does.
# Usage: tools/desktop_timings.sh [LONGVIEW] [ROUNDS] [CORES] [MINUTES OF VIDEO]    (default: build/app/longview, 5, 0,1, 6)
# Needs Xvfb, xdotool, ffmpeg with libx264 and jq. Draws by the processor (llvmpipe) unless the screen has a card.
set -eu
cd "$(dirname "$0")/.."
program=${1:-build/app/longview} rounds=${2:-5} cores=${3:-0,1} minutes=${4:-6}
. tools/desktop_screen.sh
work=$(mktemp -d)
trap 'screen_end; rm -rf "$work"' EXIT
video=$work/street.mp4
ffmpeg -v error -stream_loop -1 -i assets/clips/pedestrians.mp4 -vf scale=960:720,pad=1280:720:160:0,fps=30 \
    -t $((minutes * 60)) -c:v libx264 -preset veryfast -g 60 -an "$video"
screen_begin "$work/screen" 1280x800 '{"scale": 1}'
median() { sort -g | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int((NR + 2) / 2)]) / 2 }'; }

# on_cores NAME COMMAND...: what it says on stderr goes to $work/NAME, its processor seconds to $work/NAME.cpu.
on_cores() {
    local name=$1 TIMEFORMAT='%U %S'
    { time taskset -c "$cores" "${@:2}" 2>>"$work/$name"; } 2>"$work/time"
    awk '{ print $1 + $2 }' "$work/time" >>"$work/$name.cpu"
}
on_cores first "$program" --threads 2 --timings --measure "$video"  # its shaders are translated once and kept
for _ in $(seq "$rounds"); do
    on_cores asked "$program" ask --threads 2 --quiet --json "$video" "is there a person" | jq .timing.watch_s >>"$work/alone"
    on_cores shown "$program" --threads 2 --timings --measure "$video"
    on_cores played "$program" --threads 2 --timings --measure --play "$video"
done
seconds() { sed -n 's/^watched .* in \([0-9.]*\) s$/\1/p' "$work/$1" | median; }
alone=$(median <"$work/alone") shown=$(seconds shown) played=$(seconds played)
echo "watched alone: $alone s; in a window: $shown s; in a window that plays it: $played s (medians of $rounds)"
awk -v a="$alone" -v s="$shown" -v p="$played" \
    'BEGIN { printf "slowed by the window: %.1f %%; with playing: %.1f %%\n", (s / a - 1) * 100, (p / a - 1) * 100 }'
awk -v a="$(median <"$work/asked.cpu")" -v s="$(median <"$work/shown.cpu")" -v p="$(median <"$work/played.cpu")" \
    'BEGIN { printf "processor seconds: alone %.1f, in a window %.1f, with playing %.1f\n", a, s, p }'
echo "drawn while playing, a second: $(sed -n 's/.*while playing \([0-9.]*\) a second.*/\1/p' "$work/played" | median)"
sed -n 's/^drawn/playing: drawn/p' "$work/played" | tail -n 1
