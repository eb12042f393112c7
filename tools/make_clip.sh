#!/bin/sh
# Regenerates assets/clips/pedestrians.mp4 from vtest.avi of Debian's opencv-doc (Apache-2.0 AND BSD-3-Clause).
#
#   sudo apt-get install -y ffmpeg opencv-doc && tools/make_clip.sh [OUTPUT]
set -eu
source=/usr/share/doc/opencv-doc/examples/data/vtest.avi
output=${1:-$(dirname "$0")/../assets/clips/pedestrians.mp4}
[ -f "$source" ] || { echo "make_clip: $source is missing; install the package opencv-doc" >&2; exit 1; }
ffmpeg -v error -y -i "$source" -an -vf scale=640:480:flags=area,format=yuv420p \
    -c:v libx264 -preset veryslow -crf 31 -g 100 -threads 1 -map_metadata -1 -fflags +bitexact -flags:v +bitexact \
    -movflags +faststart "$output"
echo "make_clip: wrote $output, $(wc -c < "$output") bytes" >&2
